#include "rules/decide/authz.h"

#include "rules/decide/condition.h"

/*
 * A policy is any of its rules, a rule is any of `from`, any of `to` and all of
 * `when`. Groups are judged in the order in which the compiler put them: what is
 * cheap and seldom true comes first.
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

static struct search policies_search(const struct image *rules, struct image_rows policies,
                                     const struct facts *facts, struct arena *arena)
{
    struct search search = {NO, NULL, 0};
    IMAGE_FOR(rules, RULES_POLICY, struct rules_policy, policy, policies)
    {
        IMAGE_FOR(rules, RULES_POLICY_RULE, struct rules_policy_rule, rule, policy->rules)
        {
            enum truth one = rule_matches(rules, rule, facts, arena);
            if (one == YES)
                return (struct search){YES, policy, rule->index};
            if (one == MAYBE && search.found == NO)
                search = (struct search){MAYBE, policy, rule->index};
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
    struct search audit = policies_search(rules, listener->audit, facts, arena);
    if (audit.found == YES) {
        decision.audit = audit.policy;
        decision.audit_rule = audit.rule;
    }
    struct search deny = policies_search(rules, listener->deny, facts, arena);
    if (deny.found == YES) {
        verdict_set(&decision, DECISION_DENY, deny);
        return decision;
    }
    struct search allow = {YES, NULL, 0};
    if (listener->allow.count)
        allow = policies_search(rules, listener->allow, facts, arena);
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
