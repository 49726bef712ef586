/*
 * endpoint: where a service runs, from ServiceEntry.endpoints and WorkloadEntries.
 */
#ifndef RULES_COMPILE_ENDPOINT_H
#define RULES_COMPILE_ENDPOINT_H

#include "rules/compile/service.h"

/* The rows of the service's port; `subset` labels choose among them, NULL: all. */
struct image_rows endpoints_of(struct work *work, const struct service *service, const struct port *port,
                               const struct text_map *subset);
/* One endpoint at an IP address or unix path. */
struct image_rows endpoint_at(struct work *work, struct bytes address, int64_t port);

#endif
