#include "rules/kind/virtual_service_parts.h"

/* Routes of connections: tcp[] by addresses and ports, tls[] by the name in the TLS hello too. */

static const struct field tcp_match_fields[] = {
    {"port", FIELD_INT, 0, offsetof(struct tcp_match, from.port), .max = 65535, .help = "the port"},
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
    {"port", FIELD_INT, 0, offsetof(struct tcp_match, from.port), .max = 65535, .help = "the port"},
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

static void check_sni(const struct virtual_service *service, const struct tcp_match *match,
                      struct report *report)
{
    const struct yaml_node *list = yaml_get(match->group.node, "sniHosts");
    for (size_t i = 0; i < match->sni_hosts.count; i++) {
        struct bytes sni = match->sni_hosts.at[i];
        bool covered = false;
        if (address_is_ip(sni)) {
            report_warning(report, yaml_item(list, i), "clients ask for names, hardly one for an address");
            continue;
        }
        if (!(virtual_service_at_gateways(service) && host_is_outbound(sni)) &&
            !check_host_name(report, yaml_item(list, i), sni))
            continue;
        for (size_t j = 0; j < service->hosts.count && !covered; j++)
            covered = host_covers(service->hosts.at[j], sni);
        if (!covered)
            report_error(report, yaml_item(list, i), "'%.*s' is none of the VirtualService's hosts",
                         BYTES_FMT(sni));
    }
}

static void check_tcp_match(const struct virtual_service *service, const struct tcp_match *match,
                            struct report *report)
{
    const struct yaml_node *list = yaml_get(match->group.node, "destinationSubnets");
    for (size_t i = 0; i < match->destination_subnets.count; i++)
        check_cidr(report, yaml_item(list, i), match->destination_subnets.at[i]);
    if (match->source_subnet.at && !address_is_cidr(match->source_subnet))
        report_own_rule(report, group_node(&match->group, "sourceSubnet"),
                        "'%.*s' is no address or range such as 10.0.0.0/8", BYTES_FMT(match->source_subnet));
    check_match_from(&match->group, &match->from, report);
    check_sni(service, match, report);
}

void check_tcp_route(const struct virtual_service *service, const struct tcp_route *route,
                     struct report *report)
{
    int64_t total = 0;
    for (size_t i = 0; i < route->match.count; i++)
        check_tcp_match(service, &route->match.at[i], report);
    for (size_t i = 0; i < route->route.count; i++) {
        check_destination(report, route->route.at[i].destination);
        total += route->route.at[i].weight;
    }
    check_weights(&route->group, route->route.count, total, report);
}
