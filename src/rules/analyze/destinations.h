/*
 * destinations: every place that a VirtualService sends traffic to.
 */
#ifndef RULES_ANALYZE_DESTINATIONS_H
#define RULES_ANALYZE_DESTINATIONS_H

#include "rules/analyze/analysis.h"

/* `route` holds the destination, or should; of a mirror it is the rule. `what` is "mirror " or empty. */
typedef void destination_see(struct analysis *analysis, const struct object *service,
                             const struct yaml_node *route, const char *what, void *with);

void destinations_each(struct analysis *analysis, const struct object *service, destination_see *see,
                       void *with);

#endif
