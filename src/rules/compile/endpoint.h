/*
 * endpoint: where a service runs, from ServiceEntry.endpoints, WorkloadEntries, and
 * names that control resolves. Answers clusters without their id.
 */
#ifndef RULES_COMPILE_ENDPOINT_H
#define RULES_COMPILE_ENDPOINT_H

#include "rules/compile/service.h"

/* The rows of the service's port; `subset` labels choose among them, NULL: all. */
struct endpoints_cluster endpoints_of(struct work *work, const struct service *service,
                                      const struct port *port, const struct text_map *subset);
/* One endpoint at an IP address or unix path. */
struct endpoints_cluster endpoint_at(struct work *work, struct bytes address, int64_t port);

#endif
