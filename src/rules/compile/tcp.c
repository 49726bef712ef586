#include "rules/compile/tcp.h"

#include "rules/compile/service.h"
#include "rules/compile/value.h"

static bool match_visible(struct work *work, const struct tcp_match *match, const struct resource *resource,
                          const struct viewpoint *from)
{
    const struct match_from *at = &match->from;
    return (!at->port || at->port == from->port) &&
           (!at->gateways.count || gateways_hold(work, &at->gateways, resource->namespace, from->gateway)) &&
           viewpoint_is_selected(work, &at->labels, at->name_space);
}

static struct image_rows networks_of(struct work *work, const struct bytes *texts, size_t count)
{
    struct rows rows = rows_of(sizeof(struct rules_network));
    struct rules_network network;
    for (size_t i = 0; i < count; i++)
        if (network_read(texts[i], &network))
            rows_add(work, &rows, &network);
    return rows_put(work, RULES_NETWORK, &rows);
}

static struct image_rows destinations_of(struct work *work, const struct tcp_route *route,
                                         const struct resource *resource, const struct viewpoint *from)
{
    struct rows rows = rows_of(sizeof(struct rules_destination));
    for (size_t i = 0; i < route->route.count; i++) {
        const struct tcp_route_destination *to = &route->route.at[i];
        int64_t weight = route->route.count == 1 ? 1 : to->weight;
        if (weight > 0 && weight <= UINT32_MAX && to->destination)
            rows_add(work, &rows,
                     &(struct rules_destination){destination_cluster(work, to->destination, resource, from),
                                                 (uint32_t)weight,
                                                 {0, 0}});
    }
    return rows_put(work, RULES_DESTINATION, &rows);
}

static void route_add(struct work *work, struct rows *routes, const struct rules_tcp_route *route,
                      const struct tcp_match *match)
{
    struct rules_tcp_route row = *route;
    row.to_networks = networks_of(work, match->destination_subnets.at, match->destination_subnets.count);
    row.of_networks = networks_of(work, &match->source_subnet, match->source_subnet.len > 0);
    rows_add(work, routes, &row);
}

void tcp_routes_add(struct work *work, struct rows *routes, const struct resource *resource,
                    const struct viewpoint *from, struct image_rows hosts)
{
    const struct virtual_service *service = resource->spec;
    for (size_t i = 0; i < service->tcp.count; i++) {
        const struct tcp_route *route = &service->tcp.at[i];
        struct rules_tcp_route row = {.name = work_text(work, resource->name), .hosts = hosts};
        if (!route->match.count) {
            row.destinations = destinations_of(work, route, resource, from);
            rows_add(work, routes, &row);
            return; /* nothing behind it is ever reached */
        }
        for (size_t j = 0; j < route->match.count; j++) {
            if (!match_visible(work, &route->match.at[j], resource, from))
                continue;
            if (!row.destinations.count)
                row.destinations = destinations_of(work, route, resource, from);
            route_add(work, routes, &row, &route->match.at[j]);
        }
    }
}

/* The names of a match that lie within those served. */
static struct image_rows names_within(struct work *work, const struct text_list *names,
                                      const struct text_list *within)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < names->count; i++) {
        struct bytes name = lower(work, names->at[i]);
        for (size_t j = 0; j < within->count; j++) {
            struct bytes host = host_common(within->at[j], name);
            if (host.len)
                rows_add(work, &rows, &(struct rules_name){work_text(work, host)});
        }
        if (!within->count)
            rows_add(work, &rows, &(struct rules_name){work_text(work, name)});
    }
    return rows_put(work, RULES_NAME, &rows);
}

void tls_routes_add(struct work *work, struct rows *routes, const struct resource *resource,
                    const struct viewpoint *from, const struct text_list *within)
{
    const struct virtual_service *service = resource->spec;
    for (size_t i = 0; i < service->tls.count; i++) {
        const struct tcp_route *route = &service->tls.at[i];
        struct rules_tcp_route row = {.name = work_text(work, resource->name)};
        for (size_t j = 0; j < route->match.count; j++) {
            const struct tcp_match *match = &route->match.at[j];
            if (!match_visible(work, match, resource, from))
                continue;
            row.hosts = names_within(work, &match->sni_hosts, within);
            if (!row.hosts.count)
                continue;
            if (!row.destinations.count)
                row.destinations = destinations_of(work, route, resource, from);
            route_add(work, routes, &row, match);
        }
    }
}

void tcp_routes_add_cluster(struct work *work, struct rows *routes, uint32_t cluster, struct bytes name,
                            struct image_rows hosts)
{
    struct rules_tcp_route row = {
        .name = work_text(work, name), .hosts = hosts, .destinations = destination_one(work, cluster)};
    rows_add(work, routes, &row);
}
