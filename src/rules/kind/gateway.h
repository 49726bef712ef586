/*
 * gateway: networking.istio.io Gateway, where traffic enters.
 */
#ifndef RULES_KIND_GATEWAY_H
#define RULES_KIND_GATEWAY_H

#include "rules/kind/common.h"

/* Istio's numbers. */
enum server_tls_mode {
    SERVER_TLS_PASSTHROUGH, /* what holds when no mode is written */
    SERVER_TLS_SIMPLE,
    SERVER_TLS_MUTUAL,
    SERVER_TLS_AUTO_PASSTHROUGH,
    SERVER_TLS_ISTIO_MUTUAL,
    SERVER_TLS_OPTIONAL_MUTUAL,
};

enum tls_version { TLS_VERSION_AUTO, TLS_VERSION_1_0, TLS_VERSION_1_1, TLS_VERSION_1_2, TLS_VERSION_1_3 };

struct server_tls {
    struct group group;
    bool https_redirect;
    int mode; /* enum server_tls_mode */
    struct bytes credential_name;
    struct text_list subject_alt_names;
    int min_version; /* enum tls_version */
    int max_version;
};

struct server {
    struct group group;
    struct port *port;
    struct bytes bind;
    struct text_list hosts; /* "ns/host", "./host" or "host" */
    struct server_tls *tls; /* NULL: none */
    struct bytes name;
};

struct gateway {
    struct group group;
    struct text_map selector;
    FIELD_LIST_OF(struct server) servers;
};

extern const struct field_table server_tls_table; /* also a Sidecar's ingress has one */
extern const struct kind gateway_kind;

#endif
