#include "rules/kind/virtual_service_parts.h"

/* Routes of connections: tcp[] by addresses and ports, tls[] by the name in the TLS hello too. */

static const struct field tcp_match_fields[] = {
    {"port", FIELD_INT, 0, offsetof(struct tcp_match, from.port), .min = 1, .max = 65535, .help = "the port"},
    {"gateways", FIELD_TEXT, FIELD_LIST, offsetof(struct tcp_match, from.gateways),
     .help = "through which gateway"},
    {"destinationSubnets", FIELD_TEXT, FIELD_LIST, offsetof(struct tcp_match, destination_subnets),
     .help = "addresses, with or without /BITS: the one that the client connected to"},
    {"sourceSubnet", FIELD_TEXT, 0, offsetof(struct tcp_match, source_subnet),
     .help = "addresses of the caller, with or without /BITS"},
    {"sourceLabels", FIELD_TEXT, FIELD_MAP, offsetof(struct tcp_match, from.labels),
     .help = "labels of the node that calls"},
    {"sourceNamespace", FIELD_TEXT, 0, offsetof(struct tcp_match, from.name_space),
     .help = "namespace of the node that calls"},
};
static FIELD_TABLE(tcp_match, struct tcp_match);

static const struct field tcp_route_destination_fields[] = {
    {"destination", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct tcp_route_destination, destination),
     &destination_table, .help = "where to"},
    {"weight", FIELD_INT, 0, offsetof(struct tcp_route_destination, weight), .max = INT32_MAX,
     .help = "its share among the destinations"},
};
static FIELD_TABLE(tcp_route_destination, struct tcp_route_destination);

static const struct field tcp_route_fields[] = {
    {"match", FIELD_GROUP, FIELD_LIST, offsetof(struct tcp_route, match), &tcp_match_table,
     .help = "any of these must match"},
    {"route", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct tcp_route, route),
     &tcp_route_destination_table, .help = "destinations by weight"},
};
FIELD_TABLE(tcp_route, struct tcp_route);

static const struct field tls_match_fields[] = {
    {"sniHosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED,
     offsetof(struct tcp_match, sni_hosts), .help = "names asked for; each is one of hosts"},
    {"destinationSubnets", FIELD_TEXT, FIELD_LIST, offsetof(struct tcp_match, destination_subnets),
     .help = "addresses, with or without /BITS: the one that the client connected to"},
    {"port", FIELD_INT, 0, offsetof(struct tcp_match, from.port), .min = 1, .max = 65535, .help = "the port"},
    {"sourceLabels", FIELD_TEXT, FIELD_MAP, offsetof(struct tcp_match, from.labels),
     .help = "labels of the node that calls"},
    {"gateways", FIELD_TEXT, FIELD_LIST, offsetof(struct tcp_match, from.gateways),
     .help = "through which gateway"},
    {"sourceNamespace", FIELD_TEXT, 0, offsetof(struct tcp_match, from.name_space),
     .help = "namespace of the node that calls"},
};
static FIELD_TABLE(tls_match, struct tcp_match);

static const struct field tls_route_fields[] = {
    {"match", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct tcp_route, match),
     &tls_match_table, .help = "any of these must match"},
    {"route", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct tcp_route, route),
     &tcp_route_destination_table, .help = "destinations by weight"},
};
FIELD_TABLE(tls_route, struct tcp_route);

static bool host_covers(struct bytes wide, struct bytes host)
{
    if (bytes_equal(wide, BYTES("*")))
        return true;
    if (!bytes_starts(wide, BYTES("*")))
        return bytes_equal_nocase(wide, host);
    return host.len >= wide.len && bytes_ends_nocase(host, bytes_part(wide, 1, wide.len));
}

static void check_sni(const struct virtual_service *service, const struct tcp_match *match,
                      struct report *report)
{
    const struct yaml_node *list = yaml_get(match->group.node, "sniHosts");
    for (size_t i = 0; i < match->sni_hosts.count; i++) {
        struct bytes sni = match->sni_hosts.at[i];
        bool covered = false;
        if (!check_host(report, yaml_item(list, i), sni))
            continue;
        for (size_t j = 0; j < service->hosts.count && !covered; j++)
            covered = host_covers(service->hosts.at[j], sni);
        if (!covered)
            report_error(report, yaml_item(list, i), "'%.*s' is none of the VirtualService's hosts",
                         BYTES_FMT(sni));
    }
}

void check_tcp_route(const struct virtual_service *service, const struct tcp_route *route,
                     struct report *report)
{
    int64_t total = 0;
    for (size_t i = 0; i < route->match.count; i++) {
        const struct tcp_match *match = &route->match.at[i];
        const struct yaml_node *list = yaml_get(match->group.node, "destinationSubnets");
        for (size_t j = 0; j < match->destination_subnets.count; j++)
            check_cidr(report, yaml_item(list, j), match->destination_subnets.at[j]);
        if (match->source_subnet.at)
            check_cidr(report, group_node(&match->group, "sourceSubnet"), match->source_subnet);
        check_sni(service, match, report);
    }
    for (size_t i = 0; i < route->route.count; i++) {
        check_destination(report, route->route.at[i].destination);
        total += route->route.at[i].weight;
    }
    if (route->route.count > 1 && total == 0)
        report_error(report, group_node(&route->group, "route"), "several destinations need weights");
    if (total > UINT32_MAX)
        report_error(report, group_node(&route->group, "route"), "the weights add up to more than %u",
                     UINT32_MAX);
}
