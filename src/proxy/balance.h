/*
 * balance: which endpoint of a cluster.
 */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include "proxy/exchange.h"

/* Sets x->endpoint and *id, by which its connections are pooled; false when the cluster has none. */
bool balance_pick(struct exchange *x, uint64_t *id);
/* One more, one less request under way there. */
void balance_enter(struct worker *worker, uint64_t id);
void balance_leave(struct worker *worker, uint64_t id);
/* The worker has other endpoints than before: what is known of those that are gone goes, their connections
 * too, but for what is under way. */
void balance_review(struct worker *worker);

#endif
