#include "rules/compile/policy.h"

#include <stddef.h>
#include <stdlib.h>

#include "rules/compile/policy_index.h"
#include "rules/compile/value.h"
#include "rules/kind/authorization_policy.h"

/* One policy being compiled for one kind of listener. */
struct draft {
    struct work *work;
    const struct resource *resource;
    bool allow; /* an unusable value drops the rule, else only itself */
    bool tcp;
};

/* What each attribute costs to look at: what is cheap stands first in a group. */
static const unsigned char costs[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_DESTINATION_PORT] = 0,
    [ATTRIBUTE_METHOD] = 1,
    [ATTRIBUTE_PATH] = 2,
    [ATTRIBUTE_HOST] = 3,
    [ATTRIBUTE_SNI] = 3,
    [ATTRIBUTE_PEER_IP] = 4,
    [ATTRIBUTE_REMOTE_IP] = 4,
    [ATTRIBUTE_DESTINATION_IP] = 4,
    [ATTRIBUTE_PRINCIPAL] = 5,
    [ATTRIBUTE_TRUST_DOMAIN] = 5,
    [ATTRIBUTE_NAMESPACE] = 6,
    [ATTRIBUTE_ACCOUNT] = 7,
    [ATTRIBUTE_PRESENTER] = 8,
    [ATTRIBUTE_AUDIENCE] = 8,
    [ATTRIBUTE_REQUEST_PRINCIPAL] = 9,
    [ATTRIBUTE_CLAIM] = 10,
    [ATTRIBUTE_FIELD] = 11,
    [ATTRIBUTE_NEVER] = 12,
};

static bool is_http_only(enum rules_attribute attribute)
{
    switch (attribute) {
    case ATTRIBUTE_HOST:
    case ATTRIBUTE_METHOD:
    case ATTRIBUTE_PATH:
    case ATTRIBUTE_FIELD:
    case ATTRIBUTE_CLAIM:
    case ATTRIBUTE_AUDIENCE:
    case ATTRIBUTE_PRESENTER:
    case ATTRIBUTE_REQUEST_PRINCIPAL:
        return true;
    default:
        return false;
    }
}

/* False: the rule is to be dropped. *out gets what can be used of the list. */
static bool values_compile(struct draft *draft, enum rules_attribute attribute, const struct text_list *list,
                           struct image_rows *out)
{
    struct rows rows = rows_of(sizeof(struct rules_value));
    for (size_t i = 0; i < list->count; i++) {
        bool usable = !(draft->tcp && is_http_only(attribute)) &&
                      value_add(draft->work, &rows, attribute, list->at[i], draft->resource->namespace);
        if (!usable && draft->allow)
            return false;
    }
    *out = rows_put(draft->work, RULES_VALUE, &rows);
    return true;
}

static bool condition_add(struct draft *draft, struct rows *rows, struct rules_condition condition,
                          const struct text_list *values, const struct text_list *not_values)
{
    enum rules_attribute attribute = condition.attribute;
    condition.http = is_http_only(attribute);
    if (!values_compile(draft, attribute, values, &condition.values) ||
        !values_compile(draft, attribute, not_values, &condition.not_values))
        return false;
    if (condition.values.count || condition.not_values.count)
        rows_add(draft->work, rows, &condition);
    return true;
}

static int cost_compare(const void *a, const void *b)
{
    const struct rules_condition *x = a, *y = b;
    if (costs[x->attribute] != costs[y->attribute])
        return costs[x->attribute] < costs[y->attribute] ? -1 : 1;
    return (x->values.at > y->values.at) - (x->values.at < y->values.at);
}

static struct image_rows conditions_put(struct draft *draft, struct rows *rows)
{
    if (rows->count)
        qsort(rows->at, rows->count, rows->size, cost_compare);
    return rows_put(draft->work, RULES_CONDITION, rows);
}

/* ---- from and to ------------------------------------------------------ */

/* A field and its notField. */
struct pair {
    enum rules_attribute attribute;
    size_t is;
    size_t is_not;
};

#define SOURCE(field) offsetof(struct policy_source, field), offsetof(struct policy_source, not_##field)
#define OPERATION(field)                                                                                     \
    offsetof(struct policy_operation, field), offsetof(struct policy_operation, not_##field)

static const struct pair source_pairs[] = {
    {ATTRIBUTE_PRINCIPAL, SOURCE(principals)},
    {ATTRIBUTE_REQUEST_PRINCIPAL, SOURCE(request_principals)},
    {ATTRIBUTE_NAMESPACE, SOURCE(namespaces)},
    {ATTRIBUTE_ACCOUNT, SOURCE(service_accounts)},
    {ATTRIBUTE_TRUST_DOMAIN, SOURCE(trust_domains)},
    {ATTRIBUTE_PEER_IP, SOURCE(ip_blocks)},
    {ATTRIBUTE_REMOTE_IP, SOURCE(remote_ip_blocks)},
};

static const struct pair operation_pairs[] = {
    {ATTRIBUTE_DESTINATION_PORT, OPERATION(ports)},
    {ATTRIBUTE_METHOD, OPERATION(methods)},
    {ATTRIBUTE_PATH, OPERATION(paths)},
    {ATTRIBUTE_HOST, OPERATION(hosts)},
};

static const struct text_list *list_at(const void *object, size_t offset)
{
    return (const struct text_list *)(const void *)((const char *)object + offset);
}

/* `object` is a source or an operation; NULL has no condition. */
static bool group_add(struct draft *draft, struct rows *groups, const void *object, const struct pair *pairs,
                      size_t count)
{
    struct rows conditions = rows_of(sizeof(struct rules_condition));
    for (size_t i = 0; object && i < count; i++)
        if (!condition_add(draft, &conditions, (struct rules_condition){.attribute = pairs[i].attribute},
                           list_at(object, pairs[i].is), list_at(object, pairs[i].is_not)))
            return false;
    rows_add(draft->work, groups, &(struct rules_conditions){conditions_put(draft, &conditions)});
    return true;
}

static bool from_compile(struct draft *draft, const struct policy_rule *rule, struct image_rows *out)
{
    struct rows groups = rows_of(sizeof(struct rules_conditions));
    for (size_t i = 0; i < rule->from.count; i++)
        if (!group_add(draft, &groups, rule->from.at[i].source, source_pairs,
                       sizeof source_pairs / sizeof source_pairs[0]))
            return false;
    *out = rows_put(draft->work, RULES_CONDITIONS, &groups);
    return true;
}

static bool to_compile(struct draft *draft, const struct policy_rule *rule, struct image_rows *out)
{
    struct rows groups = rows_of(sizeof(struct rules_conditions));
    for (size_t i = 0; i < rule->to.count; i++)
        if (!group_add(draft, &groups, rule->to.at[i].operation, operation_pairs,
                       sizeof operation_pairs / sizeof operation_pairs[0]))
            return false;
    *out = rows_put(draft->work, RULES_CONDITIONS, &groups);
    return true;
}

/* ---- when ------------------------------------------------------------- */

static const struct {
    struct bytes key;
    enum rules_attribute attribute;
} keys[] = {
    {BYTES_INIT("source.ip"), ATTRIBUTE_PEER_IP},
    {BYTES_INIT("remote.ip"), ATTRIBUTE_REMOTE_IP},
    {BYTES_INIT("source.namespace"), ATTRIBUTE_NAMESPACE},
    {BYTES_INIT("source.serviceAccount"), ATTRIBUTE_ACCOUNT},
    {BYTES_INIT("source.principal"), ATTRIBUTE_PRINCIPAL},
    {BYTES_INIT("source.trustDomain"), ATTRIBUTE_TRUST_DOMAIN},
    {BYTES_INIT("request.auth.principal"), ATTRIBUTE_REQUEST_PRINCIPAL},
    {BYTES_INIT("request.auth.audiences"), ATTRIBUTE_AUDIENCE},
    {BYTES_INIT("request.auth.presenter"), ATTRIBUTE_PRESENTER},
    {BYTES_INIT("destination.ip"), ATTRIBUTE_DESTINATION_IP},
    {BYTES_INIT("destination.port"), ATTRIBUTE_DESTINATION_PORT},
    {BYTES_INIT("connection.sni"), ATTRIBUTE_SNI},
};

/* [a][b]: the names between brackets. False: they are not well formed. */
static bool brackets_read(struct bytes text, struct bytes *names, size_t *count, size_t max)
{
    *count = 0;
    while (text.len) {
        size_t end = bytes_find(text, ']');
        if (text.at[0] != '[' || end == text.len || end == 1 || *count == max)
            return false;
        names[(*count)++] = bytes_part(text, 1, end);
        text = bytes_part(text, end + 1, text.len);
    }
    return *count > 0;
}

#define KEY_FIELD BYTES("request.headers")
#define KEY_CLAIM BYTES("request.auth.claims")
#define KEY_FILTER BYTES("experimental.envoy.filters.")

/* False: there is no such key. */
static bool key_read(struct draft *draft, struct bytes key, struct rules_condition *out)
{
    struct bytes names[16];
    size_t count;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (bytes_equal(key, keys[i].key)) {
            out->attribute = keys[i].attribute;
            return true;
        }
    }
    if (bytes_starts(key, KEY_FILTER)) {
        out->attribute = ATTRIBUTE_NEVER;
        return true;
    }
    if (bytes_starts(key, KEY_CLAIM) &&
        brackets_read(bytes_part(key, KEY_CLAIM.len, key.len), names, &count, 16)) {
        out->attribute = ATTRIBUTE_CLAIM;
        out->claim = work_names(draft->work, names, count);
        return true;
    }
    if (bytes_starts(key, KEY_FIELD) &&
        brackets_read(bytes_part(key, KEY_FIELD.len, key.len), names, &count, 1)) {
        out->attribute = ATTRIBUTE_FIELD;
        out->key = work_text(draft->work, lower(draft->work, names[0]));
        return true;
    }
    return false;
}

enum outcome { RULE_KEPT, RULE_DROPPED, RULE_WRONG };

static enum outcome when_compile(struct draft *draft, const struct policy_rule *rule, struct image_rows *out)
{
    struct rows conditions = rows_of(sizeof(struct rules_condition));
    for (size_t i = 0; i < rule->when.count; i++) {
        const struct policy_condition *when = &rule->when.at[i];
        struct rules_condition row = {0};
        if (!key_read(draft, when->key, &row)) {
            fail(draft->work->why, FAIL_INPUT,
                 "AuthorizationPolicy %.*s/%.*s: '%.*s' is no key of a condition",
                 BYTES_FMT(draft->resource->namespace), BYTES_FMT(draft->resource->name),
                 BYTES_FMT(bytes_part(when->key, 0, 100)));
            return RULE_WRONG;
        }
        if (!condition_add(draft, &conditions, row, &when->values, &when->not_values))
            return RULE_DROPPED;
    }
    *out = conditions_put(draft, &conditions);
    return RULE_KEPT;
}

static enum outcome rule_compile(struct draft *draft, const struct policy_rule *rule, struct rows *rows,
                                 size_t index)
{
    struct rules_policy_rule row = {.index = (uint32_t)index};
    enum outcome outcome = when_compile(draft, rule, &row.when);
    if (outcome != RULE_KEPT)
        return outcome;
    if (!from_compile(draft, rule, &row.from) || !to_compile(draft, rule, &row.to))
        return RULE_DROPPED;
    rows_add(draft->work, rows, &row);
    return RULE_KEPT;
}

/* ---- policies --------------------------------------------------------- */

static bool policy_compile(struct draft *draft, const struct authorization_policy *policy,
                           struct rules_policy *out)
{
    struct work *work = draft->work;
    struct rows rows = rows_of(sizeof(struct rules_policy_rule));
    for (size_t i = 0; i < policy->rules.count; i++)
        if (rule_compile(draft, &policy->rules.at[i], &rows, i) == RULE_WRONG)
            return false;
    *out = (struct rules_policy){work_text(work, draft->resource->namespace),
                                 work_text(work, draft->resource->name),
                                 rows_put(work, RULES_POLICY_RULE, &rows)};
    return true;
}

static bool is_dry_run(struct work *work, const struct resource *resource)
{
    struct bytes value;
    if (!text_map_get(&resource->annotations, "istio.io/dry-run", &value) ||
        !bytes_equal(value, BYTES("true")))
        return false;
    work_warn(work, resource, NULL, FINDING_NOT_YET,
              "a dry-run policy has no effect, and is not evaluated yet");
    return true;
}

static bool applies(struct work *work, const struct resource *resource)
{
    const struct authorization_policy *policy = resource->spec;
    return node_targeted(work, resource, policy->selector, policy->target_ref, &policy->target_refs) &&
           !is_dry_run(work, resource);
}

static bool policies_compile(struct work *work, bool tcp, struct policies *out)
{
    struct rows by_action[POLICY_CUSTOM];
    size_t count;
    struct resource **all = work_kind(work, KIND_AUTHORIZATION_POLICY, &count);
    for (size_t i = 0; i < POLICY_CUSTOM; i++)
        by_action[i] = rows_of(sizeof(struct rules_policy));
    for (size_t i = 0; i < count; i++) {
        const struct authorization_policy *policy = all[i]->spec;
        struct draft draft = {work, all[i], policy->action == POLICY_ALLOW, tcp};
        struct rules_policy row;
        if (!applies(work, all[i]))
            continue;
        if (policy->action < 0 || policy->action >= POLICY_CUSTOM)
            return fail(work->why, FAIL_INPUT,
                        "AuthorizationPolicy %.*s/%.*s: action CUSTOM is not acted on yet",
                        BYTES_FMT(all[i]->namespace), BYTES_FMT(all[i]->name));
        if (!policy_compile(&draft, policy, &row))
            return false;
        rows_add(work, &by_action[policy->action], &row);
    }
    out->allow = rows_put(work, RULES_POLICY, &by_action[POLICY_ALLOW]);
    out->deny = rows_put(work, RULES_POLICY, &by_action[POLICY_DENY]);
    out->audit = rows_put(work, RULES_POLICY, &by_action[POLICY_AUDIT]);
    out->deny_index = policy_index_put(work, out->deny);
    out->allow_index = policy_index_put(work, out->allow);
    out->audit_index = policy_index_put(work, out->audit);
    out->made = true;
    return true;
}

bool policies_attach(struct work *work, struct rules_listener *listener)
{
    struct policies *made = &work->policies[listener->protocol];
    if (!made->made && !policies_compile(work, listener->protocol == SPEAKS_TCP, made))
        return false;
    listener->policed = 1;
    listener->deny = made->deny;
    listener->allow = made->allow;
    listener->audit = made->audit;
    listener->deny_index = made->deny_index;
    listener->allow_index = made->allow_index;
    listener->audit_index = made->audit_index;
    return true;
}
