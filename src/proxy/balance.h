/*
 * balance: which endpoint of a cluster.
 */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include "proxy/exchange.h"

enum { BALANCE_TRIED_MAX = 8 };

/* Endpoints that were tried before: others come first. */
struct balance_tried {
    uint64_t ids[BALANCE_TRIED_MAX];
    uint32_t count;
};

/* Sets x->endpoint and *id, by which its connections are pooled and its health is known; false when the
 * cluster has none, or all are ejected. `tried` may be NULL. */
bool balance_pick(struct exchange *x, const struct balance_tried *tried, uint64_t *id);
/* How many of the cluster's endpoints are ejected, and how many there are. */
uint32_t balance_ejected(struct exchange *x, uint32_t *all);
/* One more, one less request under way there. */
void balance_enter(struct worker *worker, uint64_t id);
void balance_leave(struct worker *worker, uint64_t id);
/* The worker has other endpoints than before: what is known of those that are gone goes, their connections
 * too, but for what is under way. */
void balance_review(struct worker *worker);

#endif
