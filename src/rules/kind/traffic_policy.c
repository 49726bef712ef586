#include "rules/kind/traffic_policy.h"

/* The tables of a DestinationRule's trafficPolicy; limits are in connection_pool.c. */

#define AT_LEAST_1MS .min = 1

static const char *const balance_choices[] = {"UNSPECIFIED", "LEAST_CONN",    "RANDOM", "PASSTHROUGH",
                                              "ROUND_ROBIN", "LEAST_REQUEST", NULL};
static const char *const client_tls_choices[] = {"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
static const char *const proxy_choices[] = {"V1", "V2", NULL};

static const struct field cookie_attribute_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED, .help = "name of the attribute"},
    {"value", FIELD_TEXT, 0, .help = "its value"},
};
static FIELD_TABLE(cookie_attribute, struct group);

static const struct field http_cookie_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED, .help = "name of the cookie"},
    {"path", FIELD_TEXT, 0, .help = "its path"},
    {"ttl", FIELD_DURATION, 0, .help = "its life"},
    {"attributes", FIELD_GROUP, FIELD_LIST, .group = &cookie_attribute_table, .help = "more attributes"},
};
static FIELD_TABLE(http_cookie, struct group);

static const struct field ring_hash_fields[] = {
    {"minimumRingSize", FIELD_INT, 0, .max = INT64_MAX, .help = "least points on the ring"},
};
static FIELD_TABLE(ring_hash, struct group);

static const struct field maglev_fields[] = {
    {"tableSize", FIELD_INT, 0, .max = INT64_MAX, .help = "size of the table, a prime"},
};
static FIELD_TABLE(maglev, struct group);

static const struct field consistent_hash_fields[] = {
    {"httpHeaderName", FIELD_TEXT, 0, .oneof = 1, .help = "hash this header"},
    {"httpCookie", FIELD_GROUP, 0, .group = &http_cookie_table, .oneof = 1, .help = "hash this cookie"},
    {"useSourceIp", FIELD_BOOL, 0, .oneof = 1, .help = "hash the client's address"},
    {"httpQueryParameterName", FIELD_TEXT, 0, .oneof = 1, .help = "hash this query parameter"},
    {"ringHash", FIELD_GROUP, 0, .group = &ring_hash_table, .oneof = 2, .help = "Ketama's ring"},
    {"maglev", FIELD_GROUP, 0, .group = &maglev_table, .oneof = 2, .help = "Maglev's table"},
    {"minimumRingSize", FIELD_INT, FIELD_DEPRECATED, .max = INT64_MAX, .help = "use ringHash"},
};
static FIELD_TABLE(consistent_hash, struct group);

static const struct field distribute_fields[] = {
    {"from", FIELD_TEXT, 0, .help = "locality of the caller"},
    {"to", FIELD_INT, FIELD_MAP, .max = 100, .help = "localities and their share in percent"},
};
static FIELD_TABLE(distribute, struct group);

static const struct field failover_fields[] = {
    {"from", FIELD_TEXT, 0, .help = "region"},
    {"to", FIELD_TEXT, 0, .help = "region to go to"},
};
static FIELD_TABLE(failover, struct group);

static const struct field locality_fields[] = {
    {"distribute", FIELD_GROUP, FIELD_LIST, .group = &distribute_table, .oneof = 1, .help = "shares"},
    {"failover", FIELD_GROUP, FIELD_LIST, .group = &failover_table, .oneof = 1, .help = "where to go"},
    {"failoverPriority", FIELD_TEXT, FIELD_LIST, .help = "labels in order of nearness"},
    {"enabled", FIELD_BOOL, 0, .help = "whether locality counts"},
};
static FIELD_TABLE(locality, struct group);

static const struct field zone_fields[] = {
    {"enabled", FIELD_BOOL, 0, .help = "whether zones count"},
    {"failover", FIELD_GROUP, FIELD_LIST, .group = &failover_table, .help = "where to go"},
    {"failoverPriority", FIELD_TEXT, FIELD_LIST, .help = "labels in order of nearness"},
    {"minClusterSize", FIELD_INT, 0, .min = 1, .max = UINT32_MAX, .help = "least number of hosts"},
};
static FIELD_TABLE(zone, struct group);

static const struct field warmup_fields[] = {
    {"duration", FIELD_DURATION, FIELD_REQUIRED, AT_LEAST_1MS, .help = "how long"},
    {"minimumPercent", FIELD_NUMBER, 0, .max = 100, .help = "share at the beginning"},
    {"aggression", FIELD_NUMBER, 0, .max = INT32_MAX, .help = "how fast it grows"},
};
static FIELD_TABLE(warmup, struct group);

static const struct field backend_fields[] = {
    {"errorUtilizationPenaltyPercent", FIELD_INT, 0, .max = UINT32_MAX, .help = "what errors cost"},
    {"metricNamesForComputingUtilization", FIELD_TEXT, FIELD_LIST, .help = "metrics"},
    {"weightExpirationPeriod", FIELD_DURATION, 0, .help = "when a weight is forgotten"},
    {"weightStabilizationPeriod", FIELD_DURATION, 0, .help = "when a weight begins to count"},
    {"weightUpdatePeriod", FIELD_DURATION, 0, .help = "how often weights change"},
};
static FIELD_TABLE(backend, struct group);

static const struct field load_balancer_fields[] = {
    {"simple", FIELD_CHOICE, 0, offsetof(struct load_balancer, simple), .choices = balance_choices,
     .choices_not_yet = 1u << BALANCE_PASSTHROUGH, .oneof = 1, .help = "how an endpoint is chosen"},
    {"consistentHash", FIELD_GROUP, FIELD_NOT_YET, .group = &consistent_hash_table, .oneof = 1,
     .help = "the same endpoint for the same caller"},
    {"backendUtilization", FIELD_GROUP, FIELD_NOT_YET, .group = &backend_table, .oneof = 1,
     .help = "by reported load"},
    {"localityLbSetting", FIELD_GROUP, FIELD_NOT_YET, .group = &locality_table,
     .help = "near endpoints first"},
    {"zoneAwareLbSetting", FIELD_GROUP, FIELD_NOT_YET, .group = &zone_table, .help = "near zones first"},
    {"warmupDurationSecs", FIELD_DURATION, FIELD_NOT_YET | FIELD_DEPRECATED, AT_LEAST_1MS,
     .help = "use warmup"},
    {"warmup", FIELD_GROUP, FIELD_NOT_YET, .group = &warmup_table, .help = "slow start of new endpoints"},
};
static FIELD_TABLE(load_balancer, struct load_balancer);

static const struct field client_tls_fields[] = {
    {"mode", FIELD_CHOICE, 0, offsetof(struct client_tls, mode), .choices = client_tls_choices,
     .help = "plain, TLS, mutual TLS with a Secret, or with the node's own certificate"},
    {"clientCertificate", FIELD_TEXT, 0, offsetof(struct client_tls, certificate_file), .max = 4096,
     .help = "a file with the client's certificate"},
    {"privateKey", FIELD_TEXT, 0, offsetof(struct client_tls, key_file), .max = 4096,
     .help = "a file with the client's key"},
    {"caCertificates", FIELD_TEXT, 0, offsetof(struct client_tls, ca_file), .max = 4096,
     .help = "a file with authorities to trust; the system's when absent"},
    {"credentialName", FIELD_TEXT, 0, offsetof(struct client_tls, credential_name),
     .help = "the Secret with certificate, key and authorities"},
    {"subjectAltNames", FIELD_TEXT, FIELD_LIST, offsetof(struct client_tls, subject_alt_names),
     .help = "names of which the server's certificate must carry one"},
    {"sni", FIELD_TEXT, 0, offsetof(struct client_tls, sni), .help = "the name asked for"},
    {"insecureSkipVerify", FIELD_BOOL, 0, offsetof(struct client_tls, insecure_skip_verify),
     .help = "not verifying the server's certificate"},
    {"caCrl", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, .help = "a file with certificates revoked"},
};
static FIELD_TABLE(client_tls, struct client_tls);

static const struct field tunnel_fields[] = {
    {"protocol", FIELD_TEXT, 0, .help = "CONNECT or POST"},
    {"targetHost", FIELD_TEXT, FIELD_REQUIRED, .help = "where to"},
    {"targetPort", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = 65535, .help = "which port"},
};
static FIELD_TABLE(tunnel, struct group);

static const struct field proxy_protocol_fields[] = {
    {"version", FIELD_CHOICE, 0, offsetof(struct proxy_protocol, version), .choices = proxy_choices,
     .help = "V1 or V2"},
};
static FIELD_TABLE(proxy_protocol, struct proxy_protocol);

static const struct field port_policy_fields[] = {
    {"port", FIELD_GROUP, 0, offsetof(struct port_policy, port), &port_selector_table, .help = "which port"},
    {"loadBalancer", FIELD_GROUP, 0, offsetof(struct port_policy, blocks.load_balancer), &load_balancer_table,
     .help = "how an endpoint is chosen"},
    {"connectionPool", FIELD_GROUP, 0, offsetof(struct port_policy, blocks.connection_pool),
     &connection_pool_table, .help = "limits"},
    {"outlierDetection", FIELD_GROUP, 0, offsetof(struct port_policy, blocks.outlier), &outlier_table,
     .help = "ejecting endpoints"},
    {"tls", FIELD_GROUP, 0, offsetof(struct port_policy, blocks.tls), &client_tls_table,
     .help = "TLS to the service"},
};
static FIELD_TABLE(port_policy, struct port_policy);

static const struct field traffic_policy_fields[] = {
    {"loadBalancer", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.load_balancer),
     &load_balancer_table, .help = "how an endpoint is chosen"},
    {"connectionPool", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.connection_pool),
     &connection_pool_table, .help = "limits"},
    {"outlierDetection", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.outlier), &outlier_table,
     .help = "ejecting endpoints"},
    {"tls", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.tls), &client_tls_table,
     .help = "TLS to the service"},
    {"portLevelSettings", FIELD_GROUP, FIELD_LIST, offsetof(struct traffic_policy, port_level_settings),
     &port_policy_table, .count_max = 4096, .help = "what holds for single ports instead"},
    {"tunnel", FIELD_GROUP, FIELD_NOT_YET, .group = &tunnel_table, .help = "through a proxy"},
    {"proxyProtocol", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.proxy_protocol),
     &proxy_protocol_table, .help = "PROXY protocol"},
    {"retryBudget", FIELD_GROUP, 0, offsetof(struct traffic_policy, blocks.retry_budget), &retry_budget_table,
     .help = "most retries"},
};
FIELD_TABLE(traffic_policy, struct traffic_policy);

static void check_file(const struct client_tls *tls, const char *name, struct bytes path,
                       struct report *report)
{
    const struct yaml_node *node = group_node(&tls->group, name);
    if (!path.at)
        return;
    if (!bytes_starts(path, BYTES("/")) || bytes_find(path, '\0') < path.len)
        report_error(report, node, "is no absolute path");
    if (tls->credential_name.len > 0)
        report_error(report, node, "%s and credentialName exclude each other", name);
}

static void check_files(const struct client_tls *tls, struct report *report)
{
    check_file(tls, "clientCertificate", tls->certificate_file, report);
    check_file(tls, "privateKey", tls->key_file, report);
    check_file(tls, "caCertificates", tls->ca_file, report);
    if (!tls->certificate_file.len != !tls->key_file.len)
        report_error(report, tls->group.node, "clientCertificate and privateKey belong together");
}

static void check_tls(const struct client_tls *tls, struct report *report)
{
    bool files = tls->certificate_file.len && tls->key_file.len;
    bool authority = tls->credential_name.len > 0 || tls->ca_file.len;
    const struct yaml_node *skip = group_node(&tls->group, "insecureSkipVerify");
    check_files(tls, report);
    if (tls->mode == CLIENT_TLS_MUTUAL && !files && tls->credential_name.len == 0)
        report_error(report, tls->group.node,
                     "mode MUTUAL needs a credentialName, or clientCertificate and privateKey");
    if (tls->mode == CLIENT_TLS_ISTIO_MUTUAL && (tls->credential_name.len > 0 || files))
        report_error(report, tls->group.node,
                     "mode ISTIO_MUTUAL uses the node's own certificate; none can be named");
    if (!tls->insecure_skip_verify)
        return;
    if (tls->mode == CLIENT_TLS_SIMPLE && authority)
        report_error(report, skip, "contradicts the authorities that are named");
    if (tls->mode != CLIENT_TLS_DISABLE && tls->subject_alt_names.count > 0)
        report_error(report, skip, "contradicts subjectAltNames");
}

static void check_hash(const struct load_balancer *balancer, struct report *report)
{
    const struct yaml_node *hash = yaml_get(balancer->group.node, "consistentHash");
    if (hash && hash->kind == YAML_MAP && !yaml_get(hash, "httpHeaderName") &&
        !yaml_get(hash, "httpCookie") && !yaml_get(hash, "useSourceIp") &&
        !yaml_get(hash, "httpQueryParameterName"))
        report_error(report, hash,
                     "says nothing to hash: httpHeaderName, httpCookie, useSourceIp or "
                     "httpQueryParameterName belongs here");
}

static void check_blocks(const struct traffic_blocks *blocks, struct report *report)
{
    if (blocks->tls)
        check_tls(blocks->tls, report);
    if (blocks->load_balancer)
        check_hash(blocks->load_balancer, report);
}

void traffic_policy_check(const struct traffic_policy *policy, struct report *report)
{
    if (!policy)
        return;
    check_blocks(&policy->blocks, report);
    for (size_t i = 0; i < policy->port_level_settings.count; i++) {
        const struct port_policy *port = &policy->port_level_settings.at[i];
        if (port->port)
            check_port(report, group_node(&port->port->group, "number"), port->port->number);
        else
            report_error(report, port->group.node, "port is missing");
        check_blocks(&port->blocks, report);
    }
}
