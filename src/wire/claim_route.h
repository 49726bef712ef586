/*
 * claim_route: a VirtualService's header name that means a claim:
 * @request.auth.claims.a.b or @request.auth.claims[a][b].
 */
#ifndef WIRE_CLAIM_ROUTE_H
#define WIRE_CLAIM_ROUTE_H

#include "base/bytes.h"

enum { CLAIM_ROUTE_DEPTH_MAX = 16 };

struct claim_route {
    struct bytes steps[CLAIM_ROUTE_DEPTH_MAX]; /* point into the name */
    size_t count;
};

/* Does a header of that name ask for a claim, in whatever form? The prefix in any letter case. */
bool claim_route_is(struct bytes name);
/* False: it has neither form, or more steps than fit. */
bool claim_route_read(struct bytes name, struct claim_route *out);

#endif
