/*
 * redirect: what the Location of a redirect is. A VirtualService's `redirect`, as
 * Istio has Envoy do it.
 */
#ifndef RULES_DECIDE_REDIRECT_H
#define RULES_DECIDE_REDIRECT_H

#include "rules/decide/route.h"

/* SCHEME://HOST[:PORT]PATH[?QUERY]; `path` is normalised with its query, `port` the one that the request came
 * to. The query stays, unless the new path has one of its own. */
struct bytes redirect_location(const struct image *rules, const struct rules_redirect *redirect,
                               const struct route_choice *choice, const struct http_request *request,
                               struct bytes path, uint32_t port, struct arena *arena);

#endif
