/*
 * authorization_policy: security.istio.io AuthorizationPolicy, who may do what.
 *
 * Lists keep what was written; how values are compared is the compiler's affair.
 */
#ifndef RULES_KIND_AUTHORIZATION_POLICY_H
#define RULES_KIND_AUTHORIZATION_POLICY_H

#include "rules/kind/target_ref.h"

enum policy_action { POLICY_ALLOW, POLICY_DENY, POLICY_AUDIT, POLICY_CUSTOM /* not acted on yet */ };

struct policy_source {
    struct group group;
    struct text_list principals;
    struct text_list not_principals;
    struct text_list request_principals;
    struct text_list not_request_principals;
    struct text_list namespaces;
    struct text_list not_namespaces;
    struct text_list service_accounts;
    struct text_list not_service_accounts;
    struct text_list trust_domains;
    struct text_list not_trust_domains;
    struct text_list ip_blocks;
    struct text_list not_ip_blocks;
    struct text_list remote_ip_blocks;
    struct text_list not_remote_ip_blocks;
};

struct policy_operation {
    struct group group;
    struct text_list hosts;
    struct text_list not_hosts;
    struct text_list ports;
    struct text_list not_ports;
    struct text_list methods;
    struct text_list not_methods;
    struct text_list paths;
    struct text_list not_paths;
};

struct policy_from {
    struct group group;
    struct policy_source *source;
};

struct policy_to {
    struct group group;
    struct policy_operation *operation;
};

struct policy_condition {
    struct group group;
    struct bytes key;
    struct text_list values;
    struct text_list not_values;
};

struct policy_rule {
    struct group group;
    FIELD_LIST_OF(struct policy_from) from;
    FIELD_LIST_OF(struct policy_to) to;
    FIELD_LIST_OF(struct policy_condition) when;
};

struct policy_provider {
    struct group group;
    struct bytes name;
};

struct authorization_policy {
    struct group group;
    struct selector *selector;
    struct target_ref *target_ref;
    struct target_ref_list target_refs;
    int action;                              /* enum policy_action */
    FIELD_LIST_OF(struct policy_rule) rules; /* none: ALLOW allows nothing */
    struct policy_provider *provider;        /* not acted on yet */
};

extern const struct field_table policy_source_table; /* all of them lists of text */
extern const struct field_table policy_operation_table;
extern const char *const policy_action_choices[];
void authorization_policy_check(struct resource *resource, struct report *report);

extern const struct kind authorization_policy_kind;

#endif
