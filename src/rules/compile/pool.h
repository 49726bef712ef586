/*
 * pool: limits of a cluster, from a DestinationRule or by default.
 */
#ifndef RULES_COMPILE_POOL_H
#define RULES_COMPILE_POOL_H

#include "rules/compile/work.h"
#include "rules/kind/traffic_policy.h"

/* connectionPool, outlierDetection, proxyProtocol and retryBudget into the row; `port` (NULL: unknown) is
 * the service's, whose protocol is the first to say what is spoken. */
void pool_set(struct work *work, struct rules_cluster *cluster, const struct traffic_blocks *blocks,
              const struct port *port);

#endif
