/*
 * Rules of AuthorizationPolicies that do nothing: no request can match them, or
 * another rule has decided before.
 */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/policy_view.h"

/* ---- never ------------------------------------------------------------ */

/* What is asked for is also what must not be. */
static const struct yaml_node *contradicted(const struct yaml_node *group, const char *is, const char *is_not)
{
    const struct yaml_node *values = tree_at(group, is), *others = tree_at(group, is_not);
    if (!tree_first(values) || !tree_first(others))
        return NULL;
    TREE_EACH(value, values)
        if (!list_holds(others, value->text) && !list_holds(others, BYTES("*")))
            return NULL;
    return values;
}

static void contradictions_check(struct analysis *analysis, const struct object *policy,
                                 const struct yaml_node *group)
{
    for (size_t i = 0; i < policy_pair_count; i++) {
        const struct yaml_node *values = contradicted(group, policy_pairs[i].is, policy_pairs[i].is_not);
        if (values)
            say(analysis, policy, values, "SEL0101", "never holds: %s excludes all of it",
                policy_pairs[i].is_not);
    }
}

static void principal_check(struct analysis *analysis, const struct object *policy,
                            const struct yaml_node *value)
{
    if (bytes_starts(value->text, BYTES("spiffe://")))
        say(analysis, policy, value, "SEL0101", "never holds: write it without spiffe://, as %.*s",
            BYTES_FMT(bytes_part(value->text, 9, value->text.len)));
}

static void request_principal_check(struct analysis *analysis, const struct object *policy,
                                    const struct yaml_node *value)
{
    if (value->text.len && bytes_find(value->text, '/') == value->text.len &&
        bytes_find(value->text, '*') == value->text.len)
        say(analysis, policy, value, "SEL0101",
            "never holds: it is compared with ISSUER/SUBJECT, and this has no /");
}

static void method_check(struct analysis *analysis, const struct object *policy,
                         const struct yaml_node *value)
{
    for (size_t i = 0; i < value->text.len; i++)
        if (value->text.at[i] >= 'a' && value->text.at[i] <= 'z') {
            say(analysis, policy, value, "SEL0101",
                "never holds: methods are compared by the letter, and are in capitals");
            return;
        }
}

/* What normalization takes out of every path, or what is no part of one. */
static void path_check(struct analysis *analysis, const struct object *policy, const struct yaml_node *value)
{
    static const char *const parts[] = {"?", "#", "/./", "/../", "\\"};
    struct bytes path = value->text;
    if (path.len && path.at[0] != '/' && path.at[0] != '*' && path.at[0] != '{')
        say(analysis, policy, value, "SEL0108", "never holds: paths begin with /");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (bytes_find_text(path, bytes_of(parts[i])) < path.len) {
            say(analysis, policy, value, "SEL0108",
                "never holds: %s does not stand in a path as policies see it", parts[i]);
            return;
        }
}

struct value_check {
    const char *list;
    void (*check)(struct analysis *analysis, const struct object *policy, const struct yaml_node *value);
};

static const struct value_check checks[] = {
    {"principals", principal_check},
    {"notPrincipals", principal_check},
    {"requestPrincipals", request_principal_check},
    {"methods", method_check},
    {"notMethods", method_check},
    {"paths", path_check},
    {"notPaths", path_check},
};

static void group_check(struct analysis *analysis, const struct object *policy, const struct yaml_node *group)
{
    contradictions_check(analysis, policy, group);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        TREE_EACH(value, tree_at(group, checks[i].list))
            checks[i].check(analysis, policy, value);
}

void analyze_policy_values(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY)
        TREE_EACH(rule, tree_at(policy->spec, "rules")) {
            TREE_EACH(from, tree_at(rule, "from"))
                group_check(analysis, policy, tree_at(from, "source"));
            TREE_EACH(to, tree_at(rule, "to"))
                group_check(analysis, policy, tree_at(to, "operation"));
            TREE_EACH(when, tree_at(rule, "when"))
                contradictions_check(analysis, policy, when);
        }
}

/* ---- decided already -------------------------------------------------- */

static bool takes_all(const struct yaml_node *rule)
{
    return !tree_first(tree_at(rule, "from")) && !tree_first(tree_at(rule, "to")) &&
           !tree_first(tree_at(rule, "when"));
}

static const struct yaml_node *rule_for_all(const struct object *policy)
{
    TREE_EACH(rule, tree_at(policy->spec, "rules"))
        if (takes_all(rule))
            return rule;
    return NULL;
}

static void rules_check(struct analysis *analysis, const struct object *policy)
{
    const struct yaml_node *all = rule_for_all(policy);
    TREE_EACH(rule, tree_at(policy->spec, "rules")) {
        if (all && rule != all)
            say(analysis, policy, rule, "SEL0102",
                "adds nothing: rule %zu of this policy holds for every request", all->index);
        for (const struct yaml_node *first = rule->parent->first; !all && first != rule; first = first->next)
            if (tree_same(first, rule, NULL)) {
                say(analysis, policy, rule, "SEL0102", "adds nothing: rule %zu of this policy is the same",
                    first->index);
                break;
            }
    }
}

/* For the whole namespace, and not only tried out. */
static bool is_wide(const struct object *policy)
{
    return !tree_has(policy->spec, "selector") && !tree_has(policy->spec, "targetRefs") &&
           !tree_has(policy->spec, "targetRef") && !policy_is_dry(policy);
}

/* A policy for the whole namespace whose every request is decided: denied by one, or allowed anyway. */
static void wide_check(struct analysis *analysis, const struct object *policy)
{
    size_t count;
    const struct object *at =
        objects_within(&analysis->objects, OBJECT_AUTHORIZATION_POLICY, policy->namespace, &count);
    for (size_t i = 0; i < count; i++) {
        if (&at[i] == policy || !is_wide(&at[i]) || !rule_for_all(&at[i]))
            continue;
        bool denies = policy_is(&at[i], "DENY");
        bool twins = policy_is(&at[i], "ALLOW") && is_wide(policy) && rule_for_all(policy);
        if (denies || (policy_is(&at[i], "ALLOW") && !twins))
            say(analysis, policy, NULL, "SEL0102", "adds nothing: the policy %.*s %s every request here",
                BYTES_FMT(at[i].name), denies ? "denies" : "allows");
    }
}

void analyze_policy_shadows(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY) {
        rules_check(analysis, policy);
        if (policy_is(policy, "ALLOW") && tree_first(tree_at(policy->spec, "rules")) &&
            !policy_is_dry(policy))
            wide_check(analysis, policy);
    }
}
