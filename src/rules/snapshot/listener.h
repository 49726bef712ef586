/*
 * listener: where connections come in: addresses, TLS by SNI, virtual hosts.
 */
#ifndef RULES_SNAPSHOT_LISTENER_H
#define RULES_SNAPSHOT_LISTENER_H

#include "rules/snapshot/plain.h"

enum rules_direction { DIRECTION_GATEWAY, DIRECTION_INBOUND, DIRECTION_OUTBOUND, DIRECTION_COUNT };
enum rules_protocol { SPEAKS_HTTP, SPEAKS_TCP, SPEAKS_COUNT };
enum rules_listener_tls {
    LISTENER_PLAIN,
    LISTENER_TLS,         /* by servers: SIMPLE, MUTUAL, ISTIO_MUTUAL */
    LISTENER_STRICT,      /* mesh mTLS only */
    LISTENER_PERMISSIVE,  /* mesh mTLS or plain text, told apart by the first byte */
    LISTENER_PASSTHROUGH, /* TLS that stays encrypted: `tcp` by SNI; SPEAKS_TCP */
    LISTENER_TLS_COUNT,
};

struct rules_listener {
    uint64_t id;               /* hash of "ADDRESS:PORT" */
    struct image_text name;    /* ADDRESS:PORT */
    struct image_text address; /* an IP */
    uint32_t port;
    uint32_t direction;
    uint32_t protocol;
    uint32_t tls;
    struct image_rows servers; /* RULES_SERVER */
    struct image_rows vhosts;  /* RULES_VHOST; empty: 404 */
    struct image_rows authn;   /* RULES_AUTHN, all that apply here */
    struct image_rows deny;    /* RULES_POLICY by action */
    struct image_rows allow;
    struct image_rows audit;
    struct image_rows deny_index; /* RULES_INDEX of each of these: none, for a short list, or one */
    struct image_rows allow_index;
    struct image_rows audit_index;
    struct image_rows tcp; /* RULES_TCP_ROUTE for SPEAKS_TCP */
    /* RULES_LISTENER: none or one, for LISTENER_TLS: the LISTENER_PASSTHROUGH by whose rules connections go
     * on that are not for `servers` (route_tls decides). Nobody binds it: it is this port seen otherwise. */
    struct image_rows passthrough;
    uint32_t policed;        /* 0: outbound: no authn, no authz */
    uint32_t redirect_https; /* Gateway tls.httpsRedirect */
    uint32_t publishes_keys; /* serves the assertion's key set at its well-known path */
    uint32_t workload_port;  /* what policies call the destination port */
    uint32_t proxy_protocol; /* 1: connections from the node's protocol_networks begin with a PROXY header */
    uint32_t spare;
};

enum rules_server_tls { SERVER_SIMPLE, SERVER_MUTUAL, SERVER_MESH, SERVER_TLS_COUNT };

struct rules_server {
    struct image_rows hosts;      /* RULES_NAME: SNI: exact, "*.x" or "*" */
    uint64_t credential;          /* KEYS_CERTIFICATE id; 0: the node's own identity */
    struct image_rows peer_names; /* RULES_NAME: subjectAltNames; empty: any */
    uint32_t tls;
    uint32_t min_version; /* 12, 13 */
    struct image_text credential_name;
};

enum rules_host_match { HOST_EXACT, HOST_SUFFIX /* "*.x": text is ".x" */, HOST_ANY, HOST_MATCH_COUNT };

struct rules_vhost {
    struct image_text host; /* lower case, without the "*" */
    uint32_t match; /* vhosts of a listener are sorted: exact by host, then longer suffixes first, then any */
    uint32_t port;  /* 0 or the only port that may follow the host */
    struct image_rows routes;
    struct image_text name; /* of the VirtualService, or the service host */
};

#endif
