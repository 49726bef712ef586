/*
 * traffic_policy: how to speak with a service, the larger half of a DestinationRule.
 */
#ifndef RULES_KIND_TRAFFIC_POLICY_H
#define RULES_KIND_TRAFFIC_POLICY_H

#include "rules/kind/load_balancer.h"

enum client_tls_mode { CLIENT_TLS_DISABLE, CLIENT_TLS_SIMPLE, CLIENT_TLS_MUTUAL, CLIENT_TLS_ISTIO_MUTUAL };

struct client_tls {
    struct group group;
    int mode; /* enum client_tls_mode */
    struct bytes credential_name;
    struct bytes certificate_file; /* paths; empty: none */
    struct bytes key_file;
    struct bytes ca_file;
    struct bytes crl_file; /* not acted on yet */
    struct text_list subject_alt_names;
    struct bytes sni;
    bool insecure_skip_verify;
};

struct proxy_protocol {
    struct group group;
    int version; /* 0: V1, 1: V2 */
};

struct tunnel {
    struct group group;
    struct bytes protocol;
    struct bytes host;
};

/* What a more special policy replaces as a whole; NULL: not written. */
struct traffic_blocks {
    struct load_balancer *load_balancer;
    struct connection_pool *connection_pool;
    struct outlier *outlier;
    struct client_tls *tls;
    struct proxy_protocol *proxy_protocol;
    struct retry_budget *retry_budget;
};

struct port_policy {
    struct group group;
    struct port_selector *port;
    struct traffic_blocks blocks;
};

struct traffic_policy {
    struct group group;
    struct traffic_blocks blocks;
    FIELD_LIST_OF(struct port_policy) port_level_settings;
    struct tunnel *tunnel; /* not acted on yet */
};

extern const struct field_table traffic_policy_table;

/* NULL is well. `namespace`: of the rule. */
void traffic_policy_check(const struct traffic_policy *policy, struct bytes namespace, struct report *report);

#endif
