/*
 * cluster_service: Kubernetes' Services as services of the mesh.
 *
 * A Service is what a ServiceEntry of its host NAME.NAMESPACE.svc.DOMAIN would
 * be; its endpoints are those of its EndpointSlices that are ready, and the
 * WorkloadEntries that its selector chooses. A ServiceEntry of the same host
 * stands instead of it.
 */
#ifndef RULES_COMPILE_CLUSTER_SERVICE_H
#define RULES_COMPILE_CLUSTER_SERVICE_H

#include "rules/compile/work.h"
#include "rules/kind/service_entry.h"

/* EndpointSlices by the Service that they name. */
struct slices;

struct slices *slices_read(struct work *work);
void slices_done(struct slices *slices); /* what is not the arena's */
/* In the arena. */
struct service_entry *cluster_service_entry(struct work *work, const struct slices *slices,
                                            const struct resource *service);

#endif
