/*
 * breaker: what a cluster's connectionPool allows at once, over all workers of the
 * node. Only what has a limit is counted. Each answers false when there is enough;
 * what was counted is given back by breaker_leave.
 */
#ifndef PROXY_BREAKER_H
#define PROXY_BREAKER_H

#include "proxy/worker.h"

/* `needed`: allowed whatever the limit says, since else nothing would ever move. */
bool breaker_connection(struct worker *worker, const struct rules_cluster *cluster, bool needed,
                        struct counts_place *place);
/* A request that waits for a connection. */
bool breaker_pending(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place);
bool breaker_request(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place);
/* A retry: from the decision to its outcome. By the retry budget where there is one, else by maxRetries. */
bool breaker_retry(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place);
void breaker_leave(struct worker *worker, struct counts_place *place);

#endif
