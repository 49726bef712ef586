/*
 * endpoints: the addresses behind clusters: an image of its own, since they come and
 * go more often than rules.
 */
#ifndef RULES_SNAPSHOT_ENDPOINTS_H
#define RULES_SNAPSHOT_ENDPOINTS_H

#include "wire/image.h"

enum endpoints_table {
    ENDPOINTS_CLUSTER,
    ENDPOINTS_ENDPOINT,
    ENDPOINTS_NAME,
    ENDPOINTS_HOST,
    ENDPOINTS_TABLE_COUNT
};

/* Sorted by id. */
struct endpoints_cluster {
    uint64_t id;
    struct image_rows endpoints;
    struct image_rows hosts; /* ENDPOINTS_HOST; none in what workers get */
};

enum endpoint_family { ENDPOINT_IP4, ENDPOINT_IP6, ENDPOINT_UNIX, ENDPOINT_FAMILY_COUNT };

struct endpoints_endpoint {
    unsigned char address[16]; /* IPv4 in the first four bytes */
    uint32_t family;
    uint32_t port;
    uint32_t weight;
    uint32_t mesh;           /* speaks mesh mTLS (label security.istio.io/tlsMode: istio) */
    struct image_text text;  /* for logs: 10.0.0.1:80, unix:///path */
    struct image_text path;  /* ENDPOINT_UNIX */
    struct image_rows names; /* ENDPOINTS_NAME: SPIFFE ids that may answer here; empty: unknown */
    struct image_text workload;
};

/* Endpoints given by a host's name: control puts the addresses that it has now among the cluster's own. */
struct endpoints_host {
    struct image_text name;
    uint32_t first_only; /* 1: DNS_ROUND_ROBIN: of the answer only the first address */
    uint32_t spare;
    struct endpoints_endpoint like; /* each of them, but for address, family and text */
};

extern const struct image_schema endpoints_schema;

#endif
