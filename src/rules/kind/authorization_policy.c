#include "rules/kind/authorization_policy.h"

static const char *const action_choices[] = {"ALLOW", "DENY", "AUDIT", "CUSTOM", NULL};

#define LIST(field, type, member, text)                                                                      \
    {                                                                                                        \
        field, FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct type, member), .help = text            \
    }

static const struct field policy_source_fields[] = {
    LIST("principals", policy_source, principals,
         "identities of the peer's certificate: TRUSTDOMAIN/ns/NS/sa/SA"),
    LIST("notPrincipals", policy_source, not_principals, "none of these"),
    LIST("requestPrincipals", policy_source, request_principals, "identities of the token: ISSUER/SUBJECT"),
    LIST("notRequestPrincipals", policy_source, not_request_principals, "none of these"),
    LIST("namespaces", policy_source, namespaces, "namespaces of the peer"),
    LIST("notNamespaces", policy_source, not_namespaces, "none of these"),
    {"serviceAccounts", FIELD_TEXT, FIELD_LIST | FIELD_FILLED,
     offsetof(struct policy_source, service_accounts), .max = 320, .count_max = 16,
     .help = "service accounts of the peer: NAME or NAMESPACE/NAME"},
    {"notServiceAccounts", FIELD_TEXT, FIELD_LIST | FIELD_FILLED,
     offsetof(struct policy_source, not_service_accounts), .max = 320, .count_max = 16,
     .help = "none of these"},
    LIST("trustDomains", policy_source, trust_domains, "trust domains of the peer"),
    LIST("notTrustDomains", policy_source, not_trust_domains, "none of these"),
    LIST("ipBlocks", policy_source, ip_blocks, "address of the peer"),
    LIST("notIpBlocks", policy_source, not_ip_blocks, "none of these"),
    LIST("remoteIpBlocks", policy_source, remote_ip_blocks,
         "address of the client, as trusted proxies tell it"),
    LIST("notRemoteIpBlocks", policy_source, not_remote_ip_blocks, "none of these"),
};
static FIELD_TABLE(policy_source, struct policy_source);

static const struct field policy_operation_fields[] = {
    LIST("hosts", policy_operation, hosts, "the host asked for, with its port if there is one"),
    LIST("notHosts", policy_operation, not_hosts, "none of these"),
    LIST("ports", policy_operation, ports, "the workload's port"),
    LIST("notPorts", policy_operation, not_ports, "none of these"),
    LIST("methods", policy_operation, methods, "the method"),
    LIST("notMethods", policy_operation, not_methods, "none of these"),
    LIST("paths", policy_operation, paths, "the path: exact, /a/*, */b, or a template with {*} and {**}"),
    LIST("notPaths", policy_operation, not_paths, "none of these"),
};
static FIELD_TABLE(policy_operation, struct policy_operation);

static const struct field policy_from_fields[] = {
    {"source", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct policy_from, source), &policy_source_table,
     .help = "all of these must hold"},
};
static FIELD_TABLE(policy_from, struct policy_from);

static const struct field policy_to_fields[] = {
    {"operation", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct policy_to, operation), &policy_operation_table,
     .help = "all of these must hold"},
};
static FIELD_TABLE(policy_to, struct policy_to);

static const struct field policy_condition_fields[] = {
    {"key", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct policy_condition, key), .max = 1024,
     .help = "the attribute, such as request.auth.claims[groups]"},
    LIST("values", policy_condition, values, "one of these"),
    LIST("notValues", policy_condition, not_values, "none of these"),
};
static FIELD_TABLE(policy_condition, struct policy_condition);

static const struct field policy_rule_fields[] = {
    {"from", FIELD_GROUP, FIELD_LIST | FIELD_FILLED, offsetof(struct policy_rule, from), &policy_from_table,
     .count_max = 512, .help = "who: one of these"},
    {"to", FIELD_GROUP, FIELD_LIST | FIELD_FILLED, offsetof(struct policy_rule, to), &policy_to_table,
     .count_max = 512, .help = "what: one of these"},
    {"when", FIELD_GROUP, FIELD_LIST, offsetof(struct policy_rule, when), &policy_condition_table,
     .count_max = 512, .help = "under which conditions: all of these"},
};
static FIELD_TABLE(policy_rule, struct policy_rule);

static const struct field provider_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
};
static FIELD_TABLE(provider, struct group);

static const struct field authorization_policy_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct authorization_policy, selector), &selector_table, .oneof = 1,
     .help = "the workloads meant; all of the namespace when absent"},
    {"targetRef", FIELD_GROUP, FIELD_NOT_YET, .group = &target_ref_table, .oneof = 1,
     .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST | FIELD_NOT_YET, .group = &target_ref_table, .count_max = 16,
     .oneof = 1, .help = "gateways meant"},
    {"rules", FIELD_GROUP, FIELD_LIST, offsetof(struct authorization_policy, rules), &policy_rule_table,
     .count_max = 512, .help = "one of these must match; {} matches everything, none nothing"},
    {"action", FIELD_CHOICE, 0, offsetof(struct authorization_policy, action), .choices = action_choices,
     .choices_not_yet = 1u << POLICY_CUSTOM, .help = "what happens when a rule matches"},
    {"provider", FIELD_GROUP, FIELD_NOT_YET, .group = &provider_table,
     .help = "who decides, with action CUSTOM"},
};
static FIELD_TABLE(authorization_policy, struct authorization_policy);

/* `good` must hold for each value of a list; `what` says what belongs there. */
static void check_list(const struct group *group, const char *name, const struct text_list *list,
                       bool (*good)(struct bytes), enum finding_level level, const char *what,
                       struct report *report)
{
    const struct yaml_node *node = yaml_get(group->node, name);
    for (size_t i = 0; i < list->count; i++) {
        if (!good(list->at[i]))
            report_add(report, level, FINDING_INVALID, yaml_item(node, i), "'%.*s' is no %s",
                       BYTES_FMT(list->at[i]), what);
    }
}

static bool is_port(struct bytes text)
{
    uint64_t port;
    return bytes_to_u64(text, 65535, &port) && port > 0;
}

static bool is_service_account(struct bytes text)
{
    struct bytes rest = text;
    struct bytes head = {0};
    if (bytes_cut(&rest, '/', &head))
        return host_is_plain(head) && bytes_find(head, '.') == head.len && host_is_plain(rest);
    return host_is_plain(head);
}

/* {*} and {**} are whole segments, {**} is the last of them, and no other * stands beside them. */
static bool is_path(struct bytes path)
{
    bool is_template =
        bytes_find_text(path, BYTES("{*}")) < path.len || bytes_find_text(path, BYTES("{**}")) < path.len;
    bool any = false;
    struct bytes segment = {0};
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
        if (is_template && bytes_find(segment, '*') < segment.len)
            return false;
    }
    return true;
}

static void check_source(const struct policy_source *source, struct report *report)
{
    const struct group *group = &source->group;
    bool accounts = source->service_accounts.count > 0 || source->not_service_accounts.count > 0;
    if (group->set == 0)
        report_error(report, group->node, "is empty; leave from out to mean everybody");
    if (accounts && (source->principals.count > 0 || source->not_principals.count > 0 ||
                     source->namespaces.count > 0 || source->not_namespaces.count > 0))
        report_error(report, group->node, "serviceAccounts exclude principals and namespaces");
    check_list(group, "ipBlocks", &source->ip_blocks, address_is_cidr, FINDING_ERROR, "address or range",
               report);
    check_list(group, "notIpBlocks", &source->not_ip_blocks, address_is_cidr, FINDING_ERROR,
               "address or range", report);
    check_list(group, "remoteIpBlocks", &source->remote_ip_blocks, address_is_cidr, FINDING_ERROR,
               "address or range", report);
    check_list(group, "notRemoteIpBlocks", &source->not_remote_ip_blocks, address_is_cidr, FINDING_ERROR,
               "address or range", report);
    check_list(group, "serviceAccounts", &source->service_accounts, is_service_account, FINDING_ERROR,
               "service account: NAME or NAMESPACE/NAME", report);
    check_list(group, "notServiceAccounts", &source->not_service_accounts, is_service_account, FINDING_ERROR,
               "service account: NAME or NAMESPACE/NAME", report);
}

static void check_operation(const struct policy_operation *operation, struct report *report)
{
    const struct group *group = &operation->group;
    if (group->set == 0)
        report_error(report, group->node, "is empty; leave to out to mean everything");
    /* Istio takes these and lets an ALLOW rule match nothing, a DENY rule match more. */
    check_list(group, "ports", &operation->ports, is_port, FINDING_WARNING, "port", report);
    check_list(group, "notPorts", &operation->not_ports, is_port, FINDING_WARNING, "port", report);
    check_list(group, "paths", &operation->paths, is_path, FINDING_ERROR,
               "path: {*} and {**} are whole segments, "
               "{**} the last, without other wildcards",
               report);
    check_list(group, "notPaths", &operation->not_paths, is_path, FINDING_ERROR,
               "path: {*} and {**} are whole "
               "segments, {**} the last, without other wildcards",
               report);
}

static const struct {
    struct bytes key; /* ends with [ when a name in brackets follows */
    bool (*good)(struct bytes);
    const char *what;
} condition_keys[] = {
    {BYTES_INIT("request.headers["), NULL, NULL},
    {BYTES_INIT("source.ip"), address_is_cidr, "address or range"},
    {BYTES_INIT("remote.ip"), address_is_cidr, "address or range"},
    {BYTES_INIT("source.namespace"), NULL, NULL},
    {BYTES_INIT("source.serviceAccount"), is_service_account, "service account: NAME or NAMESPACE/NAME"},
    {BYTES_INIT("source.principal"), NULL, NULL},
    {BYTES_INIT("source.trustDomain"), NULL, NULL},
    {BYTES_INIT("request.auth.principal"), NULL, NULL},
    {BYTES_INIT("request.auth.audiences"), NULL, NULL},
    {BYTES_INIT("request.auth.presenter"), NULL, NULL},
    {BYTES_INIT("request.auth.claims["), NULL, NULL},
    {BYTES_INIT("destination.ip"), address_is_cidr, "address or range"},
    {BYTES_INIT("destination.port"), is_port, "port"},
    {BYTES_INIT("connection.sni"), NULL, NULL},
    {BYTES_INIT("experimental.envoy.filters."), NULL, NULL},
};

static bool key_fits(struct bytes known, struct bytes key)
{
    char last = known.at[known.len - 1];
    if (last == '[')
        return bytes_starts(key, known) && key.len > known.len + 1 && key.at[key.len - 1] == ']';
    if (last == '.')
        return bytes_starts(key, known) && key.len > known.len;
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
    if (!condition_keys[i].good)
        return;
    check_list(group, "values", &condition->values, condition_keys[i].good, FINDING_ERROR,
               condition_keys[i].what, report);
    check_list(group, "notValues", &condition->not_values, condition_keys[i].good, FINDING_ERROR,
               condition_keys[i].what, report);
}

static void check_rule(const struct policy_rule *rule, enum policy_action action, struct report *report)
{
    for (size_t i = 0; i < rule->from.count; i++)
        check_source(rule->from.at[i].source, report);
    for (size_t i = 0; i < rule->to.count; i++)
        check_operation(rule->to.at[i].operation, report);
    for (size_t i = 0; i < rule->when.count; i++)
        check_condition(&rule->when.at[i], action, report);
}

static void check_dry_run(const struct resource *resource, struct report *report)
{
    struct bytes value;
    if (!text_map_get(&resource->annotations, "istio.io/dry-run", &value) ||
        bytes_equal(value, BYTES("false")))
        return;
    const struct yaml_node *map = yaml_get(yaml_get(resource->node, "metadata"), "annotations");
    report_not_yet(report, yaml_get(map, "istio.io/dry-run"), "a dry run");
}

static void check(struct resource *resource, struct report *report)
{
    const struct authorization_policy *policy = resource->spec;
    enum policy_action action = (enum policy_action)policy->action;
    check_selector(report, policy->selector);
    check_dry_run(resource, report);
    if (action != POLICY_ALLOW && policy->rules.count == 0)
        report_error(report, policy->group.node ? policy->group.node : resource->node,
                     "action %s without rules would match nothing", action_choices[action]);
    for (size_t i = 0; i < policy->rules.count; i++)
        check_rule(&policy->rules.at[i], action, report);
}

const struct kind authorization_policy_kind = {
    .id = KIND_AUTHORIZATION_POLICY,
    .name = "AuthorizationPolicy",
    .group = "security.istio.io",
    .versions = "v1 v1beta1",
    .security = true,
    .table = &authorization_policy_table,
    .check = check,
    .help = "Who may do what.",
};
