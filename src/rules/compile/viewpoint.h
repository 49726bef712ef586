/*
 * viewpoint: from where a VirtualService is looked at: by which gateway and port
 * requests and connections come, and where its destinations are from there.
 */
#ifndef RULES_COMPILE_VIEWPOINT_H
#define RULES_COMPILE_VIEWPOINT_H

#include "rules/compile/cluster.h"
#include "rules/kind/virtual_service.h"

struct viewpoint {
    int64_t port;         /* of the gateway's server, or of the service */
    struct bytes gateway; /* NAMESPACE/NAME, or "mesh" */
};

/* Is the VirtualService bound to that gateway? */
bool virtual_service_bound(struct work *work, const struct resource *resource, struct bytes gateway);
/* Is one of `gateways`, as a resource of namespace `own` writes them, that gateway? */
bool gateways_hold(struct work *work, const struct text_list *gateways, struct bytes own,
                   struct bytes gateway);
/* sourceLabels and sourceNamespace: is it this node that calls? */
bool viewpoint_is_selected(const struct work *work, const struct text_map *labels, struct bytes name_space);

/* The cluster that a destination means. */
uint32_t destination_cluster(struct work *work, const struct destination *destination,
                             const struct resource *resource, const struct viewpoint *from);
/* RULES_DESTINATION: this one cluster. */
struct image_rows destination_one(struct work *work, uint32_t cluster);

#endif
