#include "rules/kind/authorization_policy.h"

/* What the texts of a list must be. */
struct list_rule {
    bool (*good)(struct bytes);  /* for Istio; NULL: anything */
    bool (*sound)(struct bytes); /* for us, where that is more: what is not could never match; or NULL */
    const char *what;
};

static void check_list(const struct group *group, const char *name, const struct text_list *list,
                       const struct list_rule *rule, struct report *report)
{
    const struct yaml_node *node = yaml_get(group->node, name);
    for (size_t i = 0; i < list->count; i++) {
        struct bytes text = list->at[i];
        if (rule->good && !rule->good(text))
            report_error(report, yaml_item(node, i), "'%.*s' is no %s", BYTES_FMT(text), rule->what);
        else if (rule->sound && !rule->sound(text))
            report_own_rule(report, yaml_item(node, i), "'%.*s' is no %s", BYTES_FMT(text), rule->what);
    }
}

/* ---- texts ---- */

static bool is_number(struct bytes text)
{
    uint64_t port;
    return bytes_to_u64(text, 65535, &port);
}

static bool is_port(struct bytes text)
{
    uint64_t port;
    return bytes_to_u64(text, 65535, &port) && port > 0;
}

static bool is_account(struct bytes text)
{
    struct bytes rest = text, head;
    bool two = bytes_cut(&rest, '/', &head);
    return bytes_find(text, '*') == text.len && bytes_find(rest, '/') == rest.len && head.len > 0 &&
           (!two || rest.len > 0) && text.len <= 320;
}

static bool is_sound_account(struct bytes text)
{
    struct bytes rest = text, head;
    return bytes_cut(&rest, '/', &head) ? host_is_label(head) && host_is_plain(rest) : host_is_plain(head);
}

/* At most one *, at an end. */
static bool is_wildcard(struct bytes text)
{
    size_t at = bytes_find(text, '*');
    return at == text.len || (bytes_find_last(text, '*') == at && (at == 0 || at + 1 == text.len));
}

static bool is_trust_domain(struct bytes text)
{
    return is_wildcard(text) && bytes_find(text, '/') == text.len;
}

/* RFC 3986's pchar, without *, which would be a wildcard inside a template. */
static bool is_literal(struct bytes segment)
{
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.at[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && (c == '\0' || !strchr("-._~%!$&'()+,;:@=", c)))
            return false;
    }
    return segment.len > 0;
}

static struct bytes trim_slashes(struct bytes path)
{
    while (path.len > 0 && path.at[0] == '/')
        path = bytes_part(path, 1, path.len);
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

/* {*} and {**} are whole segments, {**} is the last of them, and no other * stands beside them. */
static bool is_path(struct bytes path)
{
    bool is_template =
        bytes_find_text(path, BYTES("{*}")) < path.len || bytes_find_text(path, BYTES("{**}")) < path.len;
    bool any = false;
    struct bytes segment = {0};
    path = trim_slashes(path);
    for (bool more = true; more;) {
        more = bytes_cut(&path, '/', &segment);
        bool one = bytes_equal(segment, BYTES("{*}"));
        bool all = bytes_equal(segment, BYTES("{**}"));
        if ((one || all) && any)
            return false;
        any = any || all;
        if (one || all)
            continue;
        if (bytes_find(segment, '{') < segment.len || bytes_find(segment, '}') < segment.len)
            return false;
        if (is_template && !is_literal(segment))
            return false;
    }
    return true;
}

static const struct list_rule addresses = {address_is_cidr, NULL, "address or range"};
static const struct list_rule accounts = {is_account, is_sound_account,
                                          "service account: NAME or NAMESPACE/NAME"};
static const struct list_rule trust_domains = {is_trust_domain, NULL,
                                               "trust domain: a * stands at an end only, and no /"};
static const struct list_rule ports = {is_number, NULL, "port"};
static const struct list_rule paths = {
    is_path, NULL, "path: {*} and {**} are whole segments, {**} the last, without other wildcards"};

/* ---- from and to ---- */

static size_t count_of(const struct field_table *table, const struct group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        count +=
            ((const struct text_list *)(const void *)((const char *)group + table->fields[i].offset))->count;
    return count;
}

static void check_source(const struct policy_source *source, struct report *report)
{
    const struct group *group = &source->group;
    bool by_account = source->service_accounts.count > 0 || source->not_service_accounts.count > 0;
    if (count_of(&policy_source_table, group) == 0)
        report_error(report, group->node, "is empty; leave from out to mean everybody");
    if (by_account && (source->principals.count > 0 || source->not_principals.count > 0 ||
                       source->namespaces.count > 0 || source->not_namespaces.count > 0))
        report_error(report, group->node, "serviceAccounts exclude principals and namespaces");
    check_list(group, "ipBlocks", &source->ip_blocks, &addresses, report);
    check_list(group, "notIpBlocks", &source->not_ip_blocks, &addresses, report);
    check_list(group, "remoteIpBlocks", &source->remote_ip_blocks, &addresses, report);
    check_list(group, "notRemoteIpBlocks", &source->not_remote_ip_blocks, &addresses, report);
    check_list(group, "serviceAccounts", &source->service_accounts, &accounts, report);
    check_list(group, "notServiceAccounts", &source->not_service_accounts, &accounts, report);
    check_list(group, "trustDomains", &source->trust_domains, &trust_domains, report);
    check_list(group, "notTrustDomains", &source->not_trust_domains, &trust_domains, report);
}

static void warn_of_port_0(const struct group *group, const char *name, const struct text_list *list,
                           struct report *report)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_number(list->at[i]) && !is_port(list->at[i]))
            report_warning(report, yaml_item(yaml_get(group->node, name), i), "nothing listens at port 0");
}

static void check_operation(const struct policy_operation *operation, struct report *report)
{
    const struct group *group = &operation->group;
    if (count_of(&policy_operation_table, group) == 0)
        report_error(report, group->node, "is empty; leave to out to mean everything");
    check_list(group, "ports", &operation->ports, &ports, report);
    check_list(group, "notPorts", &operation->not_ports, &ports, report);
    warn_of_port_0(group, "ports", &operation->ports, report);
    warn_of_port_0(group, "notPorts", &operation->not_ports, report);
    check_list(group, "paths", &operation->paths, &paths, report);
    check_list(group, "notPaths", &operation->not_paths, &paths, report);
}

/* ---- when ---- */

static const struct list_rule anything;
static const struct list_rule condition_wildcard = {is_wildcard, NULL,
                                                    "trust domain: a * stands at an end only"};

static const struct {
    struct bytes key; /* ends with [ when a name in brackets follows */
    const struct list_rule *rule;
} condition_keys[] = {
    {BYTES_INIT("request.headers["), &anything},
    {BYTES_INIT("source.ip"), &addresses},
    {BYTES_INIT("remote.ip"), &addresses},
    {BYTES_INIT("source.namespace"), &anything},
    {BYTES_INIT("source.serviceAccount"), &accounts},
    {BYTES_INIT("source.principal"), &anything},
    {BYTES_INIT("source.trustDomain"), &condition_wildcard},
    {BYTES_INIT("request.auth.principal"), &anything},
    {BYTES_INIT("request.auth.audiences"), &anything},
    {BYTES_INIT("request.auth.presenter"), &anything},
    {BYTES_INIT("request.auth.claims["), &anything},
    {BYTES_INIT("destination.ip"), &addresses},
    {BYTES_INIT("destination.port"), &ports},
    {BYTES_INIT("connection.sni"), &anything},
    {BYTES_INIT("experimental.envoy.filters."), &anything},
};

/* a[b], with something in the brackets. */
static bool has_brackets(struct bytes key)
{
    size_t open = bytes_find(key, '[');
    return open > 0 && open + 2 < key.len && key.at[key.len - 1] == ']';
}

static bool key_fits(struct bytes known, struct bytes key)
{
    char last = known.at[known.len - 1];
    if (last == '[' || last == '.')
        return bytes_starts(key, known) && has_brackets(key);
    return bytes_equal(known, key);
}

static void check_condition(const struct policy_condition *condition, enum policy_action action,
                            struct report *report)
{
    const struct group *group = &condition->group;
    const size_t keys = sizeof(condition_keys) / sizeof(condition_keys[0]);
    size_t i = 0;
    if (condition->values.count == 0 && condition->not_values.count == 0)
        report_error(report, group->node, "values or notValues belongs here");
    while (i < keys && !key_fits(condition_keys[i].key, condition->key))
        i++;
    if (i == keys) {
        report_error(report, group_node(group, "key"), "'%.*s' is no attribute", BYTES_FMT(condition->key));
        return;
    }
    /* Envoy's metadata does not exist here, so it is always absent: harmless where rules allow. */
    if (bytes_starts(condition->key, BYTES("experimental.")))
        report_add(report, action == POLICY_ALLOW ? FINDING_WARNING : FINDING_ERROR, FINDING_NOT_YET,
                   group_node(group, "key"), "Envoy's metadata is never there");
    check_list(group, "values", &condition->values, condition_keys[i].rule, report);
    check_list(group, "notValues", &condition->not_values, condition_keys[i].rule, report);
}

/* ---- the whole ---- */

static void check_rule(const struct policy_rule *rule, enum policy_action action, struct report *report)
{
    for (size_t i = 0; i < rule->from.count; i++)
        check_source(rule->from.at[i].source, report);
    for (size_t i = 0; i < rule->to.count; i++)
        check_operation(rule->to.at[i].operation, report);
    for (size_t i = 0; i < rule->when.count; i++)
        check_condition(&rule->when.at[i], action, report);
}

/* Whoever is asked is asked before it is known who calls. */
static void check_custom_rule(const struct policy_rule *rule, struct report *report)
{
    static const char *const keys[] = {"source.namespace", "source.serviceAccount", "source.trustDomain",
                                       "source.principal"};
    for (size_t i = 0; i < rule->from.count; i++) {
        const struct policy_source *source = rule->from.at[i].source;
        size_t known = source->ip_blocks.count + source->not_ip_blocks.count +
                       source->remote_ip_blocks.count + source->not_remote_ip_blocks.count;
        if (count_of(&policy_source_table, &source->group) > known)
            report_error(report, source->group.node, "with action CUSTOM only addresses belong here");
    }
    for (size_t i = 0; i < rule->when.count; i++) {
        struct bytes key = rule->when.at[i].key;
        bool known = !bytes_starts(key, BYTES("request.auth."));
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            known = known && !bytes_equal(key, bytes_of(keys[k]));
        if (!known)
            report_error(report, group_node(&rule->when.at[i].group, "key"),
                         "'%.*s' does not go with action CUSTOM", BYTES_FMT(key));
    }
}

static void check_action(const struct resource *resource, struct report *report)
{
    const struct authorization_policy *policy = resource->spec;
    const struct yaml_node *node = policy->group.node ? policy->group.node : resource->node;
    const char *action = policy_action_choices[policy->action];
    if (policy->rules.count == 0 && (policy->action == POLICY_DENY || policy->action == POLICY_CUSTOM))
        report_error(report, node, "action %s without rules would match nothing", action);
    if (policy->rules.count == 0 && policy->action == POLICY_AUDIT)
        report_own_rule(report, node, "action %s without rules would match nothing", action);
    if (policy->provider && policy->action != POLICY_CUSTOM)
        report_error(report, policy->provider->group.node, "goes with action CUSTOM only");
    if (policy->action != POLICY_CUSTOM)
        return;
    if (policy->rules.count > 0 && (!policy->provider || policy->provider->name.len == 0))
        report_error(report, node, "action CUSTOM needs provider.name");
    for (size_t i = 0; i < policy->rules.count; i++)
        check_custom_rule(&policy->rules.at[i], report);
}

/* As Go reads truths. */
static bool truth_read(struct bytes text, bool *out)
{
    static const char *const truths[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const lies[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        *out = bytes_equal(text, bytes_of(truths[i]));
        if (*out || bytes_equal(text, bytes_of(lies[i])))
            return true;
    }
    return false;
}

static void check_dry_run(const struct resource *resource, enum policy_action action, struct report *report)
{
    struct bytes value;
    bool dry;
    if (!text_map_get(&resource->annotations, "istio.io/dry-run", &value))
        return;
    const struct yaml_node *map = yaml_get(yaml_get(resource->node, "metadata"), "annotations");
    const struct yaml_node *node = yaml_get(map, "istio.io/dry-run");
    if (action != POLICY_ALLOW && action != POLICY_DENY)
        report_error(report, node, "a dry run goes with the actions ALLOW and DENY only");
    else if (!truth_read(value, &dry))
        report_error(report, node, "'%.*s' is neither true nor false", BYTES_FMT(value));
    else if (dry)
        report_not_yet(report, node, "a dry run");
}

void authorization_policy_check(struct resource *resource, struct report *report)
{
    const struct authorization_policy *policy = resource->spec;
    enum policy_action action = (enum policy_action)policy->action;
    check_attachment(report, policy->selector, policy->target_ref, &policy->target_refs);
    check_only_gateways(report, policy->target_ref, &policy->target_refs);
    check_dry_run(resource, action, report);
    check_action(resource, report);
    for (size_t i = 0; i < policy->rules.count; i++)
        check_rule(&policy->rules.at[i], action, report);
}
