/*
 * merged_rule: what DestinationRules say about a host, for this node.
 *
 * As Istio has it: those of one namespace and host are one, the oldest first: of
 * a subset the first definition stands, and the first trafficPolicy. Looked for in
 * the caller's namespace, the service's, the root's; there the host itself, then
 * the longest *.name around it. One whose workloadSelector chooses the node goes
 * before one without; it holds in its own namespace alone.
 */
#ifndef RULES_COMPILE_MERGED_RULE_H
#define RULES_COMPILE_MERGED_RULE_H

#include "rules/compile/service.h"
#include "rules/kind/destination_rule.h"

struct merged_rule {
    const struct resource *rule; /* who brought the policy, or the oldest */
    const struct traffic_policy *policy;
    struct rows subsets; /* const struct subset * */
};

void merged_rules_read(struct work *work);
/* NULL: none; `service` may be NULL. */
const struct merged_rule *merged_rule_find(struct work *work, const struct service *service,
                                           struct bytes host);
const struct subset *merged_rule_subset(const struct merged_rule *rule, struct bytes name);

#endif
