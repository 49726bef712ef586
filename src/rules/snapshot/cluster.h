/*
 * cluster: whom a destination means, and how to speak to them.
 */
#ifndef RULES_SNAPSHOT_CLUSTER_H
#define RULES_SNAPSHOT_CLUSTER_H

#include "rules/snapshot/plain.h"

enum rules_balance { PICK_LEAST_REQUEST, PICK_ROUND_ROBIN, PICK_RANDOM, PICK_COUNT };
enum rules_cluster_tls {
    CLUSTER_AUTO, /* mesh mTLS to endpoints that speak it, else plain text (auto mTLS) */
    CLUSTER_PLAIN,
    CLUSTER_TLS,    /* DestinationRule SIMPLE */
    CLUSTER_MUTUAL, /* MUTUAL: with `credential` */
    CLUSTER_MESH,   /* ISTIO_MUTUAL */
    CLUSTER_TLS_COUNT,
};

enum rules_cluster_speaks {
    CLUSTER_HTTP1,
    CLUSTER_HTTP2,
    CLUSTER_AS_CLIENT, /* useClientProtocol */
    CLUSTER_SPEAKS_COUNT,
};

#define RULES_UNLIMITED UINT32_MAX

struct rules_cluster {
    uint64_t id;            /* hash of name; ENDPOINTS_CLUSTER id */
    struct image_text name; /* outbound|PORT|SUBSET|HOST or inbound|PORT|| */
    struct image_text host;
    struct image_text service_name;
    struct image_text service_namespace;
    struct image_text subset;
    struct image_text rule; /* NAME.NAMESPACE of its DestinationRule, or empty */
    uint32_t port;
    uint32_t balance;
    uint32_t tls;
    uint32_t skip_verify;
    uint64_t credential; /* KEYS_CERTIFICATE id for CLUSTER_MUTUAL (and trust for CLUSTER_TLS), 0: none */
    struct image_text sni;
    struct image_rows peer_names; /* RULES_NAME: who may answer; empty: the endpoints' own accounts */
    uint64_t settings;            /* hash of all TLS settings above: a part of the pool's key */
    uint32_t inside;              /* the mesh's own service (MESH_INTERNAL) */
    uint32_t speaks;              /* enum rules_cluster_speaks, for HTTP */
    /* connectionPool; limits are of the whole node, RULES_UNLIMITED when none is written */
    uint32_t connect_timeout_ms;
    uint32_t idle_timeout_ms;     /* of a pooled HTTP connection */
    uint32_t tcp_idle_timeout_ms; /* of a TCP connection; 0: none */
    uint32_t max_connection_ms;   /* 0: none */
    uint32_t max_connections;
    uint32_t max_pending;
    uint32_t max_requests;
    uint32_t max_retries;                 /* at once; not counted when there is a retry budget */
    uint32_t max_requests_per_connection; /* 0: any number */
    uint32_t max_streams;                 /* of one HTTP/2 connection */
    uint32_t ping_interval_ms;            /* http2KeepAlive; 0: none */
    uint32_t ping_timeout_ms;
    uint32_t keepalive_time_s; /* TCP's keep-alive; all three 0: off; one 0: as the system has it */
    uint32_t keepalive_interval_s;
    uint32_t keepalive_probes;
    uint32_t proxy_protocol; /* 0: none, 1, 2 */
    uint32_t has_retry_budget;
    uint32_t retry_budget_parts; /* of a million of the requests at once */
    uint32_t retry_budget_min;   /* retries at once that are always allowed */
    struct image_rows outlier;   /* RULES_OUTLIER: none or one */
};

/* Ejecting endpoints: Envoy's outlier detection. */
struct rules_outlier {
    uint32_t consecutive_5xx;     /* 0: off */
    uint32_t consecutive_gateway; /* 0: off; 502, 503, 504 */
    uint32_t split_local;         /* 1: failures to connect count apart, by consecutive_local */
    uint32_t consecutive_local;   /* 0: off */
    uint32_t interval_ms;
    uint32_t base_ejection_ms; /* times the number of ejections */
    uint32_t max_ejection_percent;
    uint32_t min_health_percent; /* below it nobody is ejected; 0: no such limit */
    struct image_rows statuses;  /* RULES_NUMBER: what counts instead of 5xx; empty: 5xx */
};

#endif
