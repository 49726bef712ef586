/*
 * vhost: virtual hosts and their routes, from VirtualServices and services.
 */
#ifndef RULES_COMPILE_VHOST_H
#define RULES_COMPILE_VHOST_H

#include "rules/compile/viewpoint.h"

/* Routes of several VirtualServices for one host, the catch-alls last. */
struct routes;
struct routes *routes_new(struct work *work);
void routes_add(struct work *work, struct routes *routes, const struct resource *resource,
                const struct viewpoint *from);
void routes_add_cluster(struct work *work, struct routes *routes, uint32_t cluster, struct bytes name,
                        enum rules_direction direction);
/* Writes them. */
struct image_rows routes_put(struct work *work, const struct routes *routes);

/* One vhost of host "x", "*.x" or "*"; `port` as in the snapshot. */
void vhost_add(struct work *work, struct rows *vhosts, struct bytes host, uint32_t port,
               struct image_rows routes, struct bytes name);
/* Sorts them (exact, longer suffixes, any) and writes them. */
struct image_rows vhosts_put(struct work *work, struct rows *vhosts);

#endif
