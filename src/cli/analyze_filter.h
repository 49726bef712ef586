/*
 * analyze_filter: which findings the caller of `selvage analyze` wants to see.
 */
#ifndef CLI_ANALYZE_FILTER_H
#define CLI_ANALYZE_FILTER_H

#include "cli/options.h"
#include "rules/resource.h"

/*
 * CODE=KIND NAME.NAMESPACE, as istioctl's --suppress takes it (NAMESPACE/NAME is understood too); * stands
 * for any text. False when it has another shape.
 */
bool suppression_check(const char *suppression, struct fail *why);
bool suppression_hits(const char *suppression, const struct finding *finding);

/* Takes out what is suppressed (by option, or by annotation unless the resource is refused for it) and what
 * is about other namespaces than `name_space` (NULL: none is); then worst first, as istioctl sorts. */
void analyze_filter(struct resource_set *set, const struct texts *suppressions, const char *name_space);

#endif
