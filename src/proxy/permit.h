/*
 * permit: proof that policy has let this very request pass.
 *
 * Only policy.c makes one; upstream.c asks for it before the first byte. It binds
 * the revision of the rules, the destination it was judged for (the listener that
 * stands before the workload or is the gateway), method, path, host and who asked,
 * so that whatever changes one of these later has to be judged again.
 */
#ifndef PROXY_PERMIT_H
#define PROXY_PERMIT_H

#include <stdbool.h>

struct exchange;
struct permit;

/* Whether x->permit is for what x is about to send. */
bool permit_holds(const struct exchange *x);
/* A child exchange inherits its parent's, as long as it asks for the same thing. NULL otherwise. */
const struct permit *permit_for_child(const struct exchange *parent, const struct exchange *child);

#endif
