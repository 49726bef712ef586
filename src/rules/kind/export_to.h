/*
 * export_to: which namespaces see a resource, and names of gateways: lists that
 * several networking kinds have in common.
 */
#ifndef RULES_KIND_EXPORT_TO_H
#define RULES_KIND_EXPORT_TO_H

#include "rules/kind/common.h"

enum export_rule {
    EXPORT_PLAIN,
    EXPORT_SERVICE, /* ~ stands for nobody */
    EXPORT_CALLERS, /* a DestinationRule for some callers: their own namespace alone */
};

/* Of the field exportTo of `group`. */
void check_export_to(struct report *report, const struct group *group, const struct text_list *list,
                     struct bytes namespace, enum export_rule rule);
/* Of the field gateways of `group`: NAME or NAMESPACE/NAME. */
void check_gateways(struct report *report, const struct group *group, const struct text_list *list);

#endif
