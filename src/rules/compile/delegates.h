/*
 * delegates: VirtualServices as they act: oldest first, without those that only
 * stand for others, and with the routes of these put where they are named.
 *
 * As Istio merges them: a route of the delegate keeps what it says and gets from
 * the one that names it what it leaves out. Its matches must lie within those of
 * the naming route; where one does not, the route is left out.
 */
#ifndef RULES_COMPILE_DELEGATES_H
#define RULES_COMPILE_DELEGATES_H

#include "rules/compile/work.h"
#include "rules/kind/virtual_service.h"

void virtual_services_read(struct work *work);
/* Each with hosts; its spec may be a copy. */
struct resource **virtual_services(const struct work *work, size_t *count);

#endif
