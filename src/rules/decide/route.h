/*
 * route: where does this request go? Istio's VirtualService.
 */
#ifndef RULES_DECIDE_ROUTE_H
#define RULES_DECIDE_ROUTE_H

#include "base/arena.h"
#include "rules/decide/facts.h"
#include "rules/snapshot.h"
#include "wire/http.h"
#include "wire/regex.h"

/* Regexes of an image, compiled at load: by row of the text they stand in. NULL entries never match. */
struct route_regexes; /* see route_regexes_new */
struct route_regexes *route_regexes_new(const struct image *rules, struct fail *why);
void route_regexes_free(struct route_regexes *regexes);

struct route_choice {
    const struct rules_vhost *vhost;
    const struct rules_route *route;
    const struct rules_match *match; /* that held, or NULL when the route has none */
};

/* False: no virtual host or no route (404, NR). `path` is normalised with its query. */
bool route_choose(const struct image *rules, const struct route_regexes *regexes,
                  const struct rules_listener *listener, const struct http_request *request,
                  struct bytes path, struct arena *arena, struct route_choice *out);
/* The same, with what is known of the request's token, for routes that ask for claims. */
bool route_choose_known(const struct image *rules, const struct route_regexes *regexes,
                        const struct rules_listener *listener, const struct http_request *request,
                        struct bytes path, const struct facts *facts, struct arena *arena,
                        struct route_choice *out);
/*
 * The server whose hosts name this host best, or NULL: by SNI when TLS begins, and again by each request's
 * authority. Where the two differ the request is misdirected (421): it would reach a host past that host's
 * own demand for client certificates.
 */
const struct rules_server *route_server(const struct image *rules, const struct rules_listener *listener,
                                        struct bytes authority);
/* Picks by weight; `draw` is a random number. NULL when the route has no destination. */
const struct rules_destination *route_destination(const struct image *rules, const struct rules_route *route,
                                                  uint64_t draw);
/*
 * The path to send: the rewrite applied (prefix swap under a prefix match, else the
 * whole path, or what a regular expression makes of it; the query kept). False: what
 * the expression made is no path, or too long.
 */
bool route_rewrite(const struct image *rules, const struct route_regexes *regexes,
                   const struct route_choice *choice, struct bytes path, struct arena *arena,
                   struct bytes *out);
/* The prefix that matched, else the whole path, becomes `with`; the query stays. */
struct bytes route_prefix_swap(const struct route_choice *choice, struct bytes with, struct bytes path,
                               struct arena *arena);
bool route_text_holds(const struct image *rules, const struct route_regexes *regexes,
                      const struct rules_text *want, struct bytes text);

#endif
