#include "rules/kind/traffic_policy.h"

/* The tables of a DestinationRule's trafficPolicy; limits are in connection_pool.c, the choice of an endpoint
 * in load_balancer.c. */

static const char *const client_tls_choices[] = {"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
static const char *const proxy_choices[] = {"V1", "V2", NULL};

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
    {"caCrl", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, offsetof(struct client_tls, crl_file),
     .help = "a file with certificates revoked"},
};
static FIELD_TABLE(client_tls, struct client_tls);

static const struct field tunnel_fields[] = {
    {"protocol", FIELD_TEXT, 0, offsetof(struct tunnel, protocol), .help = "CONNECT or POST"},
    {"targetHost", FIELD_TEXT, FIELD_REQUIRED, offsetof(struct tunnel, host), .help = "where to"},
    {"targetPort", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = 65535, .help = "which port"},
};
static FIELD_TABLE(tunnel, struct tunnel);

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
    {"tunnel", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct traffic_policy, tunnel), &tunnel_table,
     .help = "through a proxy"},
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
    if (!path.len)
        return;
    if (!bytes_starts(path, BYTES("/")) || bytes_find(path, '\0') < path.len)
        report_own_rule(report, node, "is no absolute path");
    if (!tls->credential_name.len)
        return;
    if (tls->mode == CLIENT_TLS_SIMPLE || tls->mode == CLIENT_TLS_MUTUAL)
        report_error(report, node, "%s and credentialName exclude each other", name);
    else
        report_own_rule(report, node, "%s and credentialName exclude each other", name);
}

static void check_files(const struct client_tls *tls, struct report *report)
{
    check_file(tls, "clientCertificate", tls->certificate_file, report);
    check_file(tls, "privateKey", tls->key_file, report);
    check_file(tls, "caCertificates", tls->ca_file, report);
    check_file(tls, "caCrl", tls->crl_file, report);
    if (!tls->certificate_file.len == !tls->key_file.len)
        return;
    if (tls->mode == CLIENT_TLS_MUTUAL && !tls->credential_name.len)
        report_error(report, tls->group.node, "clientCertificate and privateKey belong together");
    else
        report_own_rule(report, tls->group.node, "clientCertificate and privateKey belong together");
}

/* configmap://NAMESPACE/NAME names what is not secret; another namespace's could be anybody's. */
static void check_credential(const struct client_tls *tls, struct bytes namespace, struct report *report)
{
    struct bytes prefix = BYTES("configmap://"), head;
    struct bytes rest = bytes_part(tls->credential_name, prefix.len, tls->credential_name.len);
    if (!bytes_starts(tls->credential_name, prefix))
        return;
    if (!bytes_cut(&rest, '/', &head) || !rest.len || rest.at[0] == '/' || !bytes_equal(head, namespace))
        report_error(report, group_node(&tls->group, "credentialName"),
                     "'%.*s' is not of the form configmap://%.*s/NAME", BYTES_FMT(tls->credential_name),
                     BYTES_FMT(namespace));
}

/* Whoever verifies nothing needs nothing to verify with. */
static void check_skip(const struct client_tls *tls, struct report *report)
{
    bool names = group_has(&tls->group, "subjectAltNames");
    bool authority = tls->credential_name.len > 0 || tls->ca_file.len > 0;
    const struct yaml_node *skip = group_node(&tls->group, "insecureSkipVerify");
    if (!tls->insecure_skip_verify)
        return;
    if ((tls->mode == CLIENT_TLS_SIMPLE && authority) || (tls->mode == CLIENT_TLS_MUTUAL && tls->ca_file.len))
        report_error(report, skip, "contradicts the authorities that are named");
    if (tls->mode == CLIENT_TLS_ISTIO_MUTUAL && tls->subject_alt_names.count > 0)
        report_own_rule(report, skip, "contradicts subjectAltNames");
    if (names && (tls->mode == CLIENT_TLS_SIMPLE || tls->mode == CLIENT_TLS_MUTUAL))
        report_error(report, skip, "contradicts subjectAltNames");
}

static void check_tls(const struct client_tls *tls, struct bytes namespace, struct report *report)
{
    check_credential(tls, namespace, report);
    check_files(tls, report);
    if (tls->mode == CLIENT_TLS_MUTUAL && !tls->certificate_file.len && !tls->key_file.len &&
        tls->credential_name.len == 0)
        report_error(report, tls->group.node,
                     "mode MUTUAL needs a credentialName, or clientCertificate and privateKey");
    if (tls->mode == CLIENT_TLS_ISTIO_MUTUAL &&
        (tls->credential_name.len > 0 || (tls->certificate_file.len && tls->key_file.len)))
        report_own_rule(report, tls->group.node,
                        "mode ISTIO_MUTUAL uses the node's own certificate; none can be named");
    check_skip(tls, report);
}

static void check_tunnel(const struct tunnel *tunnel, struct report *report)
{
    if (tunnel->protocol.len && !bytes_equal(tunnel->protocol, BYTES("CONNECT")) &&
        !bytes_equal(tunnel->protocol, BYTES("POST")))
        report_error(report, group_node(&tunnel->group, "protocol"), "'%.*s' is neither CONNECT nor POST",
                     BYTES_FMT(tunnel->protocol));
    if (!host_is_fqdn(tunnel->host) && !address_is_ip(tunnel->host))
        report_error(report, group_node(&tunnel->group, "targetHost"),
                     "'%.*s' is neither a host nor an address", BYTES_FMT(tunnel->host));
}

static void check_blocks(const struct traffic_blocks *blocks, struct bytes namespace, struct report *report)
{
    if (blocks->tls)
        check_tls(blocks->tls, namespace, report);
    if (blocks->load_balancer)
        load_balancer_check(blocks->load_balancer, blocks->outlier != NULL, report);
    if (blocks->connection_pool)
        connection_pool_check(blocks->connection_pool, report);
    if (blocks->outlier)
        outlier_check(blocks->outlier, report);
}

static void check_port_policy(const struct port_policy *policy, struct bytes namespace, struct report *report)
{
    const struct traffic_blocks *blocks = &policy->blocks;
    if (!policy->port)
        report_error(report, policy->group.node, "port is missing");
    else if (policy->port->number < 1 || policy->port->number > 65535)
        report_own_rule(report, group_node(&policy->port->group, "number"),
                        "%lld is no port; one is between 1 and 65535", (long long)policy->port->number);
    if (!blocks->load_balancer && !blocks->connection_pool && !blocks->outlier && !blocks->tls)
        report_error(report, policy->group.node,
                     "says nothing: loadBalancer, connectionPool, outlierDetection or tls belongs here");
    check_blocks(blocks, namespace, report);
}

void traffic_policy_check(const struct traffic_policy *policy, struct bytes namespace, struct report *report)
{
    if (!policy)
        return;
    const struct traffic_blocks *blocks = &policy->blocks;
    if (policy->port_level_settings.count == 0 && !policy->tunnel && !blocks->load_balancer &&
        !blocks->connection_pool && !blocks->outlier && !blocks->tls && !blocks->proxy_protocol &&
        !blocks->retry_budget)
        report_error(report, policy->group.node, "says nothing; leave it out");
    if (policy->tunnel && blocks->proxy_protocol)
        report_error(report, policy->tunnel->group.node, "tunnel and proxyProtocol exclude each other");
    if (policy->tunnel)
        check_tunnel(policy->tunnel, report);
    check_blocks(blocks, namespace, report);
    for (size_t i = 0; i < policy->port_level_settings.count; i++)
        check_port_policy(&policy->port_level_settings.at[i], namespace, report);
}
