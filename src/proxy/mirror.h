/*
 * mirror: copies of a request to other destinations, whose answers nobody reads.
 *
 * A copy is a child exchange: its own wait, its permit derived from the parent's,
 * its body a tee of the parent's. It never holds up its parent, and ends with it
 * when that fails.
 */
#ifndef PROXY_MIRROR_H
#define PROXY_MIRROR_H

#include "proxy/exchange.h"

/* Starts those that the route names; called before the parent's own request is sent. */
void mirror_start(struct exchange *x);
/* The parent leaves. */
void mirror_end(struct exchange *x);

#endif
