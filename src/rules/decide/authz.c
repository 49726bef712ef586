#include "rules/decide/authz.h"

#include "rules/decide/candidates.h"
#include "rules/decide/condition.h"

/*
 * A policy is any of its rules, a rule is any of `from`, any of `to` and all of
 * `when`. Groups are judged in the order in which the compiler put them: what is
 * cheap and seldom true comes first. Of long lists only the rules are judged that can
 * match at all (candidates.h).
 */

/* What was found among the policies of one action. */
struct search {
    enum truth found; /* YES, or MAYBE when some policy may match */
    const struct rules_policy *policy;
    uint32_t rule;
};

static enum truth all_hold(const struct image *rules, struct image_rows conditions, const struct facts *facts,
                           struct arena *arena)
{
    enum truth all = YES;
    IMAGE_FOR(rules, RULES_CONDITION, struct rules_condition, condition, conditions)
    {
        enum truth one = condition_holds(rules, condition, facts, arena);
        if (one == NO)
            return NO;
        all = one < all ? one : all;
    }
    return all;
}

static enum truth any_group(const struct image *rules, struct image_rows groups, const struct facts *facts,
                            struct arena *arena)
{
    enum truth any = groups.count ? NO : YES;
    IMAGE_FOR(rules, RULES_CONDITIONS, struct rules_conditions, group, groups)
    {
        enum truth one = all_hold(rules, group->all, facts, arena);
        if (one == YES)
            return YES;
        any = one > any ? one : any;
    }
    return any;
}

static enum truth rule_matches(const struct image *rules, const struct rules_policy_rule *rule,
                               const struct facts *facts, struct arena *arena)
{
    enum truth to = any_group(rules, rule->to, facts, arena);
    if (to == NO)
        return NO;
    enum truth from = any_group(rules, rule->from, facts, arena);
    if (from == NO)
        return NO;
    enum truth when = all_hold(rules, rule->when, facts, arena);
    enum truth least = to < from ? to : from;
    return when < least ? when : least;
}

/* False: nothing behind this rule counts any more. */
static bool rule_judge(const struct image *rules, const struct rules_policy *policy,
                       const struct rules_policy_rule *rule, const struct facts *facts, struct arena *arena,
                       struct search *search)
{
    enum truth one = rule_matches(rules, rule, facts, arena);
    if (one > search->found)
        *search = (struct search){one, policy, rule->index};
    return one != YES;
}

static struct search candidates_search(struct candidates *candidates, const struct facts *facts,
                                       struct arena *arena)
{
    const struct image *rules = candidates->rules;
    const struct image_rows policies = image_all(rules, RULES_POLICY),
                            all = image_all(rules, RULES_POLICY_RULE);
    const struct rules_candidate *next;
    struct search search = {NO, NULL, 0};
    while ((next = candidates_next(candidates)) &&
           rule_judge(rules, image_row(rules, RULES_POLICY, policies, next->policy),
                      image_row(rules, RULES_POLICY_RULE, all, next->rule), facts, arena, &search))
        ;
    return search;
}

static struct search policies_search(const struct image *rules, struct image_rows policies,
                                     struct image_rows index, const struct facts *facts, struct arena *arena)
{
    struct search search = {NO, NULL, 0};
    struct candidates candidates;
    if (index.count &&
        candidates_find(rules, image_row(rules, RULES_INDEX, index, 0), facts, arena, &candidates))
        return candidates_search(&candidates, facts, arena);
    IMAGE_FOR(rules, RULES_POLICY, struct rules_policy, policy, policies)
    {
        IMAGE_FOR(rules, RULES_POLICY_RULE, struct rules_policy_rule, rule, policy->rules)
        {
            if (!rule_judge(rules, policy, rule, facts, arena, &search))
                return search;
        }
    }
    return search;
}

static void verdict_set(struct decision *decision, enum verdict verdict, struct search by)
{
    decision->verdict = verdict;
    decision->policy = by.policy;
    decision->rule = by.rule;
}

struct decision authz_decide(const struct image *rules, const struct rules_listener *listener,
                             const struct facts *facts, struct arena *arena)
{
    static const struct search nothing = {NO, NULL, 0};
    struct decision decision = {.verdict = DECISION_DENY};
    struct search audit = policies_search(rules, listener->audit, listener->audit_index, facts, arena);
    if (audit.found == YES) {
        decision.audit = audit.policy;
        decision.audit_rule = audit.rule;
    }
    struct search deny = policies_search(rules, listener->deny, listener->deny_index, facts, arena);
    if (deny.found == YES) {
        verdict_set(&decision, DECISION_DENY, deny);
        return decision;
    }
    struct search allow = {YES, NULL, 0};
    if (listener->allow.count)
        allow = policies_search(rules, listener->allow, listener->allow_index, facts, arena);
    if (allow.found == NO)
        verdict_set(&decision, DECISION_DENY, nothing);
    else if (deny.found == MAYBE)
        verdict_set(&decision, DECISION_UNKNOWN, deny);
    else if (allow.found == MAYBE)
        verdict_set(&decision, DECISION_UNKNOWN, allow);
    else
        verdict_set(&decision, DECISION_ALLOW, allow);
    return decision;
}

struct bytes authz_rule_name(const struct image *rules, const struct rules_policy *policy, uint32_t rule,
                             struct arena *arena)
{
    if (!policy)
        return BYTES("none");
    struct bytes name_space = image_text(rules, policy->name_space), name = image_text(rules, policy->name);
    char digits[24];
    struct text number;
    text_init_fixed(&number, digits, sizeof digits);
    text_add_u64(&number, rule);
    const struct bytes parts[] = {BYTES("ns["),     name_space,          BYTES("]-policy["), name,
                                  BYTES("]-rule["), text_bytes(&number), BYTES("]")};
    return arena_join(arena, parts, sizeof parts / sizeof parts[0]);
}
