#include "rules/duration.h"
#include "rules/kind/gateway_api.h"
#include "rules/kind/gateway_api_kinds.h"

/* Policies about upstreams: how they are spoken to. */

static const char *const name_types[] = {"Hostname", "URI", NULL};

static void check_name(const struct group *group, struct report *report)
{
    static const struct {
        const char *type;
        const char *member;
    } rows[] = {{"Hostname", "hostname"}, {"URI", "uri"}};
    for (size_t i = 0; i < 2; i++) {
        const struct yaml_node *own = member(group->node, rows[i].member);
        bool named = member_is(group->node, "type", "", rows[i].type);
        if (own && !named)
            report_error(report, own, "goes with type %s only", rows[i].type);
        if (!own && named)
            report_error(report, group->node, "%s is missing, which type %s needs", rows[i].member,
                         rows[i].type);
    }
}

static const struct field alt_name_fields[] = {
    {"type", FIELD_TEXT, FIELD_REQUIRED, .choices = name_types, .help = "what kind of name"},
    {"hostname", FIELD_TEXT, FIELD_FILLED, .form = &form_host, .max = NAME_MAX_BYTES,
     .help = "of type Hostname: the host"},
    {"uri", FIELD_TEXT, FIELD_FILLED, .form = &form_uri, .max = NAME_MAX_BYTES,
     .help = "of type URI: the URI"},
};
static FIELD_TABLE_CHECKED(alt_name, struct group, check_name);

static void check_roots(const struct group *group, struct report *report)
{
    bool refs = member_count(group->node, "caCertificateRefs") > 0;
    const struct yaml_node *known = member(group->node, "wellKnownCACertificates");
    if (refs && known)
        report_error(report, known, "caCertificateRefs and wellKnownCACertificates exclude each other");
    if (!refs && !known)
        report_error(report, group->node, "caCertificateRefs or wellKnownCACertificates is missing");
}

static const struct field gateway_peer_validation_fields[] = {
    {"hostname", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "the name that is asked for (SNI), and that the certificate has to carry"},
    {"caCertificateRefs", FIELD_GROUP, FIELD_LIST, 0, &gateway_object_ref_table, .count_max = 8,
     .help = "the authorities that its certificate comes from"},
    {"wellKnownCACertificates", FIELD_TEXT, FIELD_FILLED, .form = &form_known_roots, .max = NAME_MAX_BYTES,
     .help = "or: a set of them by name"},
    {"subjectAltNames", FIELD_GROUP, FIELD_LIST, 0, &alt_name_table, .count_max = 5,
     .help = "names of which the certificate has to carry one instead"},
};
FIELD_TABLE_CHECKED(gateway_peer_validation, struct group, check_roots);

static const struct field section_ref_fields[] = {
    {"group", FIELD_TEXT, FIELD_REQUIRED, .form = &form_group, .max = NAME_MAX_BYTES,
     .help = "the API group, '' for the core"},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES,
     .help = "the kind"},
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the name"},
    {"sectionName", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "the one port, by name"},
};
static FIELD_TABLE(section_ref, struct group);

static void check_targets(const struct group *group, struct report *report)
{
    static const char *const same[] = {"group", "kind", "name", NULL};
    static const char *const tells[] = {"sectionName", NULL};
    check_references(member(group->node, "targetRefs"), same, tells, report);
}

static const struct field backend_tls_policy_fields[] = {
    {"targetRefs", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &section_ref_table,
     .count_max = 16, .help = "the Services, or ports of them, that it is about"},
    {"validation", FIELD_GROUP, FIELD_REQUIRED, 0, &gateway_peer_validation_table,
     .help = "what the upstream has to show"},
    {"options", FIELD_TEXT, FIELD_MAP, .max = 4096, .count_max = 16, .help = "of implementations' own"},
};
static FIELD_TABLE_CHECKED(backend_tls_policy, struct group, check_targets);

const struct kind backend_tls_policy_kind = {
    .id = KIND_BACKEND_TLS_POLICY,
    .name = "BackendTLSPolicy",
    .group = GATEWAY_API,
    .versions = "v1 v1alpha3",
    .plain = true,
    .not_yet = true,
    .table = &backend_tls_policy_table,
    .help = "That a Service is spoken to over TLS, and what it has to show.",
};

/* XBackendTrafficPolicy */

static void check_interval(const struct yaml_node *node, int64_t least_ms, const char *least,
                           struct report *report)
{
    int64_t ms = 0;
    if (node && duration_read(node->text, &ms) && (ms < least_ms || ms > 3600000))
        report_error(report, node, "'%.*s' is not between %s and 1h", BYTES_FMT(node->text), least);
}

static void check_budget(const struct group *group, struct report *report)
{
    check_interval(member(group->node, "interval"), 1000, "1s", report);
}

static void check_rate(const struct group *group, struct report *report)
{
    check_interval(member(group->node, "interval"), 1, "1ms", report);
}

static const struct field budget_fields[] = {
    {"percent", FIELD_INT, 0, .max = 100, .preset = "20", .help = "so many of a hundred requests"},
    {"interval", FIELD_DURATION, 0, .form = &form_short_duration, .preset = "10s",
     .help = "of this last time"},
};
static FIELD_TABLE_CHECKED(budget, struct group, check_budget);

static const struct field rate_fields[] = {
    {"count", FIELD_INT, 0, .min = 1, .max = 1000000, .help = "so many tries"},
    {"interval", FIELD_DURATION, 0, .form = &form_short_duration, .help = "in this time"},
};
static FIELD_TABLE_CHECKED(rate, struct group, check_rate);

static const struct field retry_constraint_fields[] = {
    {"budget", FIELD_GROUP, 0, 0, &budget_table, .help = "what share of requests may be tried again"},
    {"minRetryRate", FIELD_GROUP, 0, 0, &rate_table, .help = "what is tried again however small the share"},
};
static FIELD_TABLE(retry_constraint, struct group);

static const struct field x_backend_traffic_policy_fields[] = {
    {"targetRefs", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &gateway_object_ref_table,
     .count_max = 16, .unique = "group kind name", .help = "the Services that it is about"},
    {"retryConstraint", FIELD_GROUP, 0, 0, &retry_constraint_table, .help = "how much is tried again"},
    {"sessionPersistence", FIELD_GROUP, 0, 0, &gateway_persistence_table,
     .help = "how a client stays with one endpoint"},
};
static FIELD_TABLE(x_backend_traffic_policy, struct group);

const struct kind x_backend_traffic_policy_kind = {
    .id = KIND_X_BACKEND_TRAFFIC_POLICY,
    .name = "XBackendTrafficPolicy",
    .group = GATEWAY_API_EXPERIMENTAL,
    .versions = "v1alpha1",
    .plain = true,
    .not_yet = true,
    .table = &x_backend_traffic_policy_table,
    .help = "How much is tried again at a Service, and who stays with one endpoint.",
};

/* XBackend */

static const char *const backend_types[] = {"ExternalHostname", NULL};
static const char *const backend_protocols[] = {"TCP", "HTTP", "HTTP2", "HTTP11", "H2C", "MCP", NULL};
static const char *const backend_tls_modes[] = {"None", "ServerOnly", "ClientAndServer", NULL};

static void check_hostname(const struct group *group, struct report *report)
{
    const struct yaml_node *node = member(group->node, "hostname");
    if (node && (bytes_ends(node->text, BYTES(".cluster.local")) || address_is_ip(node->text)))
        report_error(report, node, "'%.*s' is no host outside the cluster", BYTES_FMT(node->text));
}

static const struct field external_hostname_fields[] = {
    {"hostname", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "the host"},
};
static FIELD_TABLE_CHECKED(external_hostname, struct group, check_hostname);

static void check_port_name(const struct group *group, struct report *report)
{
    const struct yaml_node *name = member(group->node, "name");
    if (name && name->text.len > 0 && !form_fits(&form_dns_label, name->text))
        report_error(report, name, "is not %s", form_dns_label.article);
}

static const struct field backend_port_fields[] = {
    {"name", FIELD_TEXT, 0, .max = LABEL_MAX_BYTES, .help = "its name"},
    {"port", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = PORT_MAX, .help = "the port"},
};
static FIELD_TABLE_CHECKED(backend_port, struct group, check_port_name);

static void check_client_certificate(const struct group *group, struct report *report)
{
    const struct yaml_node *ref = member(group->node, "clientCertificateRef");
    bool both = member_is(group->node, "mode", "", "ClientAndServer");
    if (ref && !both)
        report_error(report, ref, "goes with mode ClientAndServer only");
    if (!ref && both)
        report_error(report, group->node,
                     "clientCertificateRef is missing, which mode ClientAndServer needs");
}

static const struct field backend_tls_fields[] = {
    {"mode", FIELD_TEXT, FIELD_REQUIRED, .choices = backend_tls_modes, .help = "who shows a certificate"},
    {"validation", FIELD_GROUP, 0, 0, &gateway_peer_validation_table,
     .help = "what the upstream has to show"},
    {"clientCertificateRef", FIELD_GROUP, 0, 0, &gateway_secret_ref_table, .help = "what it is shown"},
};
static FIELD_TABLE_CHECKED(backend_tls, struct group, check_client_certificate);

static void check_backend(const struct group *group, struct report *report)
{
    if (!member(group->node, "externalHostname"))
        report_error(report, group->node, "externalHostname is missing, which type ExternalHostname needs");
}

static const struct field x_backend_fields[] = {
    {"type", FIELD_TEXT, FIELD_REQUIRED, .choices = backend_types, .help = "what it is"},
    {"externalHostname", FIELD_GROUP, 0, 0, &external_hostname_table, .help = "the host"},
    {"port", FIELD_GROUP, FIELD_REQUIRED, 0, &backend_port_table, .help = "its port"},
    {"protocol", FIELD_TEXT, 0, .choices = backend_protocols, .help = "what is spoken there"},
    {"tls", FIELD_GROUP, 0, 0, &backend_tls_table, .help = "how it is spoken to over TLS"},
};
static FIELD_TABLE_CHECKED(x_backend, struct group, check_backend);

const struct kind x_backend_kind = {
    .id = KIND_X_BACKEND,
    .name = "XBackend",
    .group = GATEWAY_API_EXPERIMENTAL,
    .versions = "v1alpha1",
    .plain = true,
    .not_yet = true,
    .table = &x_backend_table,
    .help = "A host outside the cluster that routes may name.",
};
