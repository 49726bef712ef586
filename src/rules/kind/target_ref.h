/*
 * target_ref: what a policy is attached to by name.
 */
#ifndef RULES_KIND_TARGET_REF_H
#define RULES_KIND_TARGET_REF_H

#include "rules/kind/common.h"

struct target_ref {
    struct group group;
    struct bytes api_group;
    struct bytes kind;
    struct bytes name;
    struct bytes namespace;
};

struct target_ref_list {
    struct target_ref *at;
    size_t count;
};

extern const struct field_table target_ref_table;

/* By a selector or by names; `selector` and `ref` may be NULL. */
void check_attachment(struct report *report, const struct selector *selector, const struct target_ref *ref,
                      const struct target_ref_list *refs);

/* Only gateways can be meant so far; says so of what else is. */
void check_only_gateways(struct report *report, const struct target_ref *ref,
                         const struct target_ref_list *refs);
bool target_ref_is_gateway(const struct target_ref *ref);

#endif
