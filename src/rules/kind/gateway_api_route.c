#include "rules/kind/gateway_api.h"
#include "rules/kind/gateway_api_kinds.h"

/* Routes of connections: by SNI, or by port alone. */

static const struct field rule_fields[] = {
    {"name", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "a name for the rule"},
    {"backendRefs", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &gateway_weighted_ref_table,
     .count_max = 16, .help = "where connections go"},
};
static FIELD_TABLE(rule, struct group);

#define RULES                                                                                                \
    {                                                                                                        \
        "rules", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &rule_table,                    \
            .count_max = 16, .help = "where connections go"                                                  \
    }

static void check_route(const struct group *group, struct report *report)
{
    check_parents(group, report);
    check_rule_names(group, report);
}

static const struct field connection_route_fields[] = {GATEWAY_PARENTS, RULES};
static FIELD_TABLE_CHECKED(connection_route, struct group, check_route);

static const struct field tls_route_fields[] = {
    GATEWAY_PARENTS,
    {"hostnames", FIELD_TEXT, FIELD_LIST, .form = &form_host, .max = NAME_MAX_BYTES, .count_max = 1024,
     .help = "the names that clients ask for (SNI)"},
    RULES,
};
static FIELD_TABLE_CHECKED(tls_route, struct group, check_route);

/* The old versions allowed several rules, though they could not be told apart. */
static void check_one_rule(struct resource *resource, struct report *report)
{
    const struct group *spec = resource->spec;
    const struct yaml_node *rules = member(spec->node, "rules");
    if (!bytes_equal(resource->version, BYTES("v1alpha2")) && rules && rules->count > 1)
        report_error(report, rules, "has %zu elements, more than 1", rules->count);
}

static void check_tls(struct resource *resource, struct report *report)
{
    const struct group *spec = resource->spec;
    const struct yaml_node *hosts = member(spec->node, "hostnames");
    check_one_rule(resource, report);
    if (bytes_equal(resource->version, BYTES("v1alpha2")))
        return;
    if (!hosts || hosts->count == 0)
        report_error(report, hosts ? hosts : spec->node, "%s",
                     hosts ? "must not be empty" : "hostnames is missing");
    for (const struct yaml_node *n = hosts ? hosts->first : NULL; n; n = n->next)
        if (address_is_ip(n->text))
            report_error(report, n, "'%.*s' is an address, which SNI cannot say", BYTES_FMT(n->text));
}

const struct kind tls_route_kind = {
    .id = KIND_TLS_ROUTE,
    .name = "TLSRoute",
    .group = GATEWAY_API,
    .versions = "v1 v1alpha3 v1alpha2",
    .plain = true,
    .not_yet = true,
    .table = &tls_route_table,
    .check = check_tls,
    .help = "Which TLS connections of a Gateway go where, by the name that the client asks for.",
};

const struct kind tcp_route_kind = {
    .id = KIND_TCP_ROUTE,
    .name = "TCPRoute",
    .group = GATEWAY_API,
    .versions = "v1 v1alpha2",
    .plain = true,
    .not_yet = true,
    .table = &connection_route_table,
    .check = check_one_rule,
    .help = "Where the TCP connections of a listener go.",
};

const struct kind udp_route_kind = {
    .id = KIND_UDP_ROUTE,
    .name = "UDPRoute",
    .group = GATEWAY_API,
    .versions = "v1 v1alpha2",
    .plain = true,
    .not_yet = true,
    .table = &connection_route_table,
    .check = check_one_rule,
    .help = "Where the UDP packets of a listener go.",
};

/* ReferenceGrant */

static const struct field grant_from_fields[] = {
    {"group", FIELD_TEXT, FIELD_REQUIRED, .form = &form_group, .max = NAME_MAX_BYTES,
     .help = "the API group of who refers"},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES,
     .help = "the kind of who refers"},
    {"namespace", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_dns_label, .max = LABEL_MAX_BYTES,
     .help = "the namespace of who refers"},
};
static FIELD_TABLE(grant_from, struct group);

static const struct field grant_to_fields[] = {
    {"group", FIELD_TEXT, FIELD_REQUIRED, .form = &form_group, .max = NAME_MAX_BYTES,
     .help = "the API group of what is referred to"},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES,
     .help = "the kind of what is referred to"},
    {"name", FIELD_TEXT, FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the one of that name; none: all"},
};
static FIELD_TABLE(grant_to, struct group);

static const struct field reference_grant_fields[] = {
    {"from", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &grant_from_table, .count_max = 16,
     .help = "who may refer"},
    {"to", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &grant_to_table, .count_max = 16,
     .help = "to what, in the grant's own namespace"},
};
static FIELD_TABLE(reference_grant, struct group);

const struct kind reference_grant_kind = {
    .id = KIND_REFERENCE_GRANT,
    .name = "ReferenceGrant",
    .group = GATEWAY_API,
    .versions = "v1 v1beta1",
    .plain = true,
    .not_yet = true,
    .table = &reference_grant_table,
    .help = "Who of other namespaces may refer to what lies in this one.",
};
