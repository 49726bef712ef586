#include "rules/kind/authorization_policy.h"

const char *const policy_action_choices[] = {"ALLOW", "DENY", "AUDIT", "CUSTOM", NULL};

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
FIELD_TABLE(policy_source, struct policy_source);

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
FIELD_TABLE(policy_operation, struct policy_operation);

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
     .help = "what: one of these"},
    {"when", FIELD_GROUP, FIELD_LIST, offsetof(struct policy_rule, when), &policy_condition_table,
     .help = "under which conditions: all of these"},
};
static FIELD_TABLE(policy_rule, struct policy_rule);

static const struct field provider_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct policy_provider, name), .help = "its name"},
};
static FIELD_TABLE(provider, struct policy_provider);

static const struct field authorization_policy_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct authorization_policy, selector), &selector_table, .oneof = 1,
     .help = "the workloads meant; all of the namespace when absent"},
    {"targetRef", FIELD_GROUP, 0, offsetof(struct authorization_policy, target_ref), &target_ref_table,
     .oneof = 1, .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct authorization_policy, target_refs),
     &target_ref_table, .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"rules", FIELD_GROUP, FIELD_LIST, offsetof(struct authorization_policy, rules), &policy_rule_table,
     .count_max = 512, .help = "one of these must match; {} matches everything, none nothing"},
    {"action", FIELD_CHOICE, 0, offsetof(struct authorization_policy, action),
     .choices = policy_action_choices, .choices_not_yet = 1u << POLICY_CUSTOM,
     .help = "what happens when a rule matches"},
    {"provider", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct authorization_policy, provider), &provider_table,
     .help = "who decides, with action CUSTOM"},
};
static FIELD_TABLE(authorization_policy, struct authorization_policy);

const struct kind authorization_policy_kind = {
    .id = KIND_AUTHORIZATION_POLICY,
    .name = "AuthorizationPolicy",
    .group = "security.istio.io",
    .versions = "v1 v1beta1",
    .security = true,
    .table = &authorization_policy_table,
    .check = authorization_policy_check,
    .help = "Who may do what.",
};
