#include "rules/decide/tcp_route.h"

#include "rules/decide/condition.h"

static size_t host_fits(struct bytes want, struct bytes host)
{
    if (bytes_equal(want, BYTES("*")))
        return 1;
    if (bytes_starts(want, BYTES("*."))) {
        struct bytes tail = bytes_part(want, 1, want.len);
        return host.len > tail.len && bytes_ends_nocase(host, tail) ? 1 + want.len : 0;
    }
    return bytes_equal_nocase(want, host) ? SIZE_MAX : 0;
}

size_t hosts_fit(const struct image *rules, struct image_rows hosts, struct bytes host)
{
    size_t best = 0;
    IMAGE_FOR(rules, RULES_NAME, struct rules_name, name, hosts)
    {
        size_t fit = host_fits(image_text(rules, name->text), host);
        best = fit > best ? fit : best;
    }
    return best;
}

static bool networks_fit(const struct image *rules, struct image_rows networks, const unsigned char *address)
{
    return !networks.count || (address && networks_hold(rules, networks, address));
}

/* 0: not at all. Without hosts any connection fits, the least. */
static size_t route_fits(const struct image *rules, const struct rules_tcp_route *route, struct bytes sni)
{
    return route->hosts.count ? hosts_fit(rules, route->hosts, sni) : 1;
}

const struct rules_listener *route_tls(const struct image *rules, const struct rules_listener *listener,
                                       struct bytes sni)
{
    size_t ended = 0;
    IMAGE_FOR(rules, RULES_SERVER, struct rules_server, server, listener->servers)
    {
        size_t fit = hosts_fit(rules, server->hosts, sni);
        ended = fit > ended ? fit : ended;
    }
    IMAGE_FOR(rules, RULES_LISTENER, struct rules_listener, other, listener->passthrough)
    {
        IMAGE_FOR(rules, RULES_TCP_ROUTE, struct rules_tcp_route, route, other->tcp)
        if (route_fits(rules, route, sni) > ended)
            return other;
    }
    return listener;
}

const struct rules_tcp_route *route_tcp(const struct image *rules, const struct rules_listener *listener,
                                        const struct tcp_ends *ends)
{
    const struct rules_tcp_route *best = NULL;
    size_t best_fit = 0;
    IMAGE_FOR(rules, RULES_TCP_ROUTE, struct rules_tcp_route, route, listener->tcp)
    {
        size_t fit = route_fits(rules, route, ends->sni);
        if (fit <= best_fit || !networks_fit(rules, route->to_networks, ends->ours) ||
            !networks_fit(rules, route->of_networks, ends->theirs))
            continue;
        best = route;
        best_fit = fit;
    }
    return best;
}

const struct rules_destination *route_tcp_destination(const struct image *rules,
                                                      const struct rules_tcp_route *route, uint64_t draw)
{
    uint64_t sum = 0;
    IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, each, route->destinations)
    sum += each->weight;
    uint64_t left = sum ? draw % sum : 0;
    IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, destination, route->destinations)
    {
        if (left < destination->weight)
            return destination;
        left -= destination->weight;
    }
    return NULL;
}
