/*
 * traffic_policy: how to speak with a service, the larger half of a DestinationRule.
 */
#ifndef RULES_KIND_TRAFFIC_POLICY_H
#define RULES_KIND_TRAFFIC_POLICY_H

#include "rules/kind/common.h"

/* Istio's numbers. */
enum balance {
    BALANCE_DEFAULT, /* least request */
    BALANCE_LEAST_CONN,
    BALANCE_RANDOM,
    BALANCE_PASSTHROUGH, /* not acted on yet */
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_REQUEST,
};

enum client_tls_mode { CLIENT_TLS_DISABLE, CLIENT_TLS_SIMPLE, CLIENT_TLS_MUTUAL, CLIENT_TLS_ISTIO_MUTUAL };

struct load_balancer {
    struct group group;
    int simple; /* enum balance */
};

struct client_tls {
    struct group group;
    int mode; /* enum client_tls_mode */
    struct bytes credential_name;
    struct text_list subject_alt_names;
    struct bytes sni;
    bool insecure_skip_verify;
};

struct port_policy {
    struct group group;
    struct port_selector *port;
    struct load_balancer *load_balancer;
    struct client_tls *tls;
};

struct traffic_policy {
    struct group group;
    struct load_balancer *load_balancer;
    struct client_tls *tls;
    FIELD_LIST_OF(struct port_policy) port_level_settings;
};

extern const struct field_table traffic_policy_table;
extern const struct field_table connection_pool_table; /* checked, not acted on */

/* NULL is well. */
void traffic_policy_check(const struct traffic_policy *policy, struct report *report);

#endif
