/*
 * server_tls: how TLS is ended at a Gateway's server or a Sidecar's ingress.
 */
#ifndef RULES_KIND_SERVER_TLS_H
#define RULES_KIND_SERVER_TLS_H

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

struct server_certificate {
    struct group group;
    struct bytes certificate; /* files */
    struct bytes key;
};

struct server_tls {
    struct group group;
    bool https_redirect;
    int mode; /* enum server_tls_mode */
    struct bytes credential_name;
    struct text_list subject_alt_names;
    int min_version; /* enum tls_version */
    int max_version;
    /* Not acted on yet. */
    struct text_list credential_names;
    FIELD_LIST_OF(struct server_certificate) certificates;
    struct bytes server_certificate; /* files */
    struct bytes private_key;
    struct bytes ca_certificates;
    struct bytes ca_crl;
    struct text_list ciphers;
};

extern const struct field_table server_tls_table;

/* Do mode and certificates go together? */
void server_tls_check(const struct server_tls *tls, struct report *report);

#endif
