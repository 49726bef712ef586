/*
 * tcp_route: where does this connection go? By the name in its TLS hello, which
 * stays encrypted, and by the addresses at both ends.
 */
#ifndef RULES_DECIDE_TCP_ROUTE_H
#define RULES_DECIDE_TCP_ROUTE_H

#include "rules/snapshot.h"

/* How well the best of `hosts` (RULES_NAME: exact, "*.x", "*") fits: 0 not at all, more for what is more
 * exact. */
size_t hosts_fit(const struct image *rules, struct image_rows hosts, struct bytes host);

/*
 * By whose rules a TLS connection to this listener goes on: its own (it ends the
 * TLS, if any server has that name), or those of its `passthrough` row, when a
 * route there fits the SNI better than any server. No SNI: empty.
 */
const struct rules_listener *route_tls(const struct image *rules, const struct rules_listener *listener,
                                       struct bytes sni);

/* A connection as its routes see it; addresses with IPv4 as ::ffff:a.b.c.d. */
struct tcp_ends {
    struct bytes sni; /* empty: none, or no TLS */
    const unsigned char *ours;
    const unsigned char *theirs;
};

/* NULL: no route, which closes the connection. */
const struct rules_tcp_route *route_tcp(const struct image *rules, const struct rules_listener *listener,
                                        const struct tcp_ends *ends);
/* Picks by weight; `draw` is a random number. NULL when there is none. */
const struct rules_destination *route_tcp_destination(const struct image *rules,
                                                      const struct rules_tcp_route *route, uint64_t draw);

#endif
