/*
 * destination_rule: networking.istio.io DestinationRule, how to speak with a host.
 */
#ifndef RULES_KIND_DESTINATION_RULE_H
#define RULES_KIND_DESTINATION_RULE_H

#include "rules/kind/traffic_policy.h"

struct subset {
    struct group group;
    struct bytes name;
    struct text_map labels;
    struct traffic_policy *traffic_policy;
};

struct destination_rule {
    struct group group;
    struct bytes host;
    struct traffic_policy *traffic_policy;
    FIELD_LIST_OF(struct subset) subsets;
    struct text_list export_to;
    struct selector *workload_selector; /* NULL: every caller */
};

extern const struct kind destination_rule_kind;

#endif
