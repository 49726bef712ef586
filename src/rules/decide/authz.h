/*
 * authz: may this request, or this connection, pass? Istio's AuthorizationPolicy.
 *
 * Order: any DENY match denies; no ALLOW policy allows; any ALLOW match allows;
 * else deny. AUDIT never changes the answer. Facts may be unknown: then the
 * answer may be DECISION_UNKNOWN, and DENY or ALLOW only when every possible
 * value of the unknowns gives the same.
 */
#ifndef RULES_DECIDE_AUTHZ_H
#define RULES_DECIDE_AUTHZ_H

#include "rules/decide/facts.h"
#include "rules/snapshot.h"

enum verdict { DECISION_ALLOW, DECISION_DENY, DECISION_UNKNOWN, DECISION_ASK };

struct decision {
    enum verdict verdict;
    const struct rules_policy *policy; /* that decided; NULL: none matched (or there is none) */
    uint32_t rule;                     /* index as written */
    const struct rules_policy *audit;  /* first AUDIT policy that matched, or NULL */
    uint32_t audit_rule;
};

/* Policies are those of the listener the request came in by. */
struct decision authz_decide(const struct image *rules, const struct rules_listener *listener,
                             const struct facts *facts, struct arena *arena);
/* ns[NS]-policy[NAME]-rule[I], or "none". */
struct bytes authz_rule_name(const struct image *rules, const struct rules_policy *policy, uint32_t rule,
                             struct arena *arena);

#endif
