/*
 * connection_pool: limits of a DestinationRule: connections, requests, retries,
 * and when an endpoint is left out.
 */
#ifndef RULES_KIND_CONNECTION_POOL_H
#define RULES_KIND_CONNECTION_POOL_H

#include "rules/kind/common.h"

/* In all of these 0 means that nothing was written, unless said otherwise; times are in milliseconds. */

struct tcp_keepalive {
    struct group group;
    int64_t probes;
    int64_t time_ms;
    int64_t interval_ms;
};

struct pool_tcp {
    struct group group;
    int64_t max_connections;
    int64_t connect_timeout_ms;
    struct tcp_keepalive *keepalive;
    int64_t max_connection_ms;
    int64_t idle_timeout_ms; /* 0 counts when written: none */
};

struct http2_keepalive {
    struct group group;
    int64_t interval_ms;
    int64_t timeout_ms;
};

enum pool_upgrade { POOL_UPGRADE_DEFAULT, POOL_UPGRADE_NEVER, POOL_UPGRADE_ALWAYS };

struct pool_http {
    struct group group;
    int64_t max_pending;
    int64_t max_requests;
    int64_t max_requests_per_connection;
    int64_t max_retries;
    int64_t idle_timeout_ms;
    int upgrade; /* enum pool_upgrade */
    bool client_protocol;
    int64_t max_streams;
    struct http2_keepalive *keepalive;
};

struct connection_pool {
    struct group group;
    struct pool_tcp *tcp;
    struct pool_http *http;
};

struct outlier {
    struct group group;
    bool split_local;
    int64_t consecutive_local;   /* 5 when not written */
    int64_t consecutive_gateway; /* 0: off */
    int64_t consecutive_5xx;     /* 5 when not written; 0: off */
    FIELD_LIST_OF(int64_t) statuses;
    int64_t interval_ms;
    int64_t base_ejection_ms;
    int64_t max_ejection_percent;
    int64_t min_health_percent;
};

struct retry_budget {
    struct group group;
    double percent; /* counts only when written */
    int64_t min_concurrency;
};

extern const struct field_table connection_pool_table;
extern const struct field_table outlier_table;
extern const struct field_table retry_budget_table;

void connection_pool_check(const struct connection_pool *pool, struct report *report);
void outlier_check(const struct outlier *outlier, struct report *report);

#endif
