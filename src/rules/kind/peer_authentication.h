/*
 * peer_authentication: security.istio.io PeerAuthentication, whether mutual TLS is asked for.
 */
#ifndef RULES_KIND_PEER_AUTHENTICATION_H
#define RULES_KIND_PEER_AUTHENTICATION_H

#include "rules/kind/common.h"

enum mtls_mode { MTLS_UNSET, MTLS_DISABLE, MTLS_PERMISSIVE, MTLS_STRICT };

struct mutual_tls {
    struct group group;
    int mode; /* enum mtls_mode */
};

struct peer_authentication {
    struct group group;
    struct selector *selector;
    struct mutual_tls *mtls;                         /* NULL: inherited */
    FIELD_MAP_OF(struct mutual_tls) port_level_mtls; /* keys: the workload's ports in decimal */
};

extern const struct kind peer_authentication_kind;

#endif
