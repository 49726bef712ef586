/*
 * load_balancer: how a DestinationRule chooses among endpoints. Only `simple` is
 * acted on; the rest is kept for its checks.
 */
#ifndef RULES_KIND_LOAD_BALANCER_H
#define RULES_KIND_LOAD_BALANCER_H

#include "rules/kind/connection_pool.h"

/* Istio's numbers. */
enum balance {
    BALANCE_DEFAULT, /* least request */
    BALANCE_LEAST_CONN,
    BALANCE_RANDOM,
    BALANCE_PASSTHROUGH, /* not acted on yet */
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_REQUEST,
};

struct cookie_attribute {
    struct group group;
    struct bytes name;
};

struct hash_cookie {
    struct group group;
    struct bytes name;
    FIELD_LIST_OF(struct cookie_attribute) attributes;
};

struct hash_table {
    struct group group;
    int64_t size;
};

struct consistent_hash {
    struct group group;
    struct bytes header;
    struct hash_cookie *cookie;
    bool source_ip;
    struct bytes query_parameter;
    struct hash_table *ring;
    struct hash_table *maglev;
    int64_t minimum_ring_size;
};

struct locality_share {
    struct group group;
    struct bytes from;
    FIELD_MAP_OF(int64_t) to; /* locality -> percent */
};

struct locality_failover {
    struct group group;
    struct bytes from;
    struct bytes to;
};

/* localityLbSetting, and zoneAwareLbSetting, which has no shares. */
struct locality_balance {
    struct group group;
    FIELD_LIST_OF(struct locality_share) distribute;
    FIELD_LIST_OF(struct locality_failover) failover;
    struct text_list priority; /* labels */
};

struct warmup {
    struct group group;
    double aggression;
};

struct load_balancer {
    struct group group;
    int simple; /* enum balance */
    struct consistent_hash *hash;
    struct locality_balance *locality;
    struct locality_balance *zone;
    struct warmup *warmup;
};

extern const struct field_table load_balancer_table;

/* `ejects`: outlierDetection stands beside it. */
void load_balancer_check(const struct load_balancer *balancer, bool ejects, struct report *report);

#endif
