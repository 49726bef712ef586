/*
 * policy_view: AuthorizationPolicies as their analyzers look at them.
 */
#ifndef RULES_ANALYZE_POLICY_VIEW_H
#define RULES_ANALYZE_POLICY_VIEW_H

#include "rules/analyze/analysis.h"

/* A list and the list of its exceptions. */
struct policy_pair {
    const char *is;
    const char *is_not;
    bool http; /* of requests, not of connections */
};

extern const struct policy_pair policy_pairs[];
extern const size_t policy_pair_count;

/* Its action; none written is ALLOW. */
bool policy_is(const struct object *policy, const char *action);
/* Tried out only: its decisions are told and not acted on. */
bool policy_is_dry(const struct object *policy);
/* Does a key of `when` only exist in requests? */
bool policy_key_is_http(struct bytes key);

#endif
