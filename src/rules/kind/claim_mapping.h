/*
 * claim_mapping: selvage.dev ClaimMapping, from what a token claims to groups.
 *
 * Rules are tried in order; all that match add their groups. Exactly one of
 * exact, prefix, suffix, in and passThrough is written in a rule.
 */
#ifndef RULES_KIND_CLAIM_MAPPING_H
#define RULES_KIND_CLAIM_MAPPING_H

#include "rules/kind/common.h"

struct claim_pass {
    struct group group;
    struct bytes prefix;    /* what is put in front of a value */
    struct text_list allow; /* the values let through */
};

struct claim_rule {
    struct group group;
    struct bytes name;
    struct bytes issuer; /* empty: tokens of any issuer */
    struct bytes claim;  /* as written; claim_path_read takes it apart */
    struct bytes exact;  /* .at == NULL when not written, so for the next two */
    struct bytes prefix;
    struct bytes suffix;
    struct text_list in;
    struct claim_pass *pass_through;
    struct text_list groups;
};

struct claim_mapping {
    struct group group;
    struct selector *selector;
    struct bytes claim; /* the claim that the groups become */
    FIELD_LIST_OF(struct claim_rule) rules;
};

extern const struct kind claim_mapping_kind;

/* realm_access.roles, [https://example.com/roles], a[b.c]: the names one below the other. */
bool claim_path_read(struct bytes path, struct arena *arena, struct text_list *out, struct fail *why);

#endif
