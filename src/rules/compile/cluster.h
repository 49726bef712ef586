/*
 * cluster: what a route points at: a service's port and subset, how to speak
 * with it (DestinationRule), and where it runs (the endpoints image).
 */
#ifndef RULES_COMPILE_CLUSTER_H
#define RULES_COMPILE_CLUSTER_H

#include "rules/compile/service.h"
#include "rules/kind/connection_pool.h"

/* outbound|PORT|SUBSET|HOST; made when first asked for. `asks` is warned about what is missing. */
uint32_t cluster_outbound(struct work *work, struct bytes host, int64_t port, struct bytes subset,
                          const struct resource *asks, const struct yaml_node *node);
/* inbound|PORT||: the workload itself, at `endpoint` as a Sidecar writes it, or 127.0.0.1:PORT; `pool` may be
 * NULL. */
uint32_t cluster_inbound(struct work *work, const struct port *from, struct bytes endpoint,
                         struct connection_pool *pool);
/* Sorts and writes both tables of clusters. */
void clusters_put(struct work *work);

#endif
