#include "rules/kind/connection_pool.h"

#define AT_LEAST_1MS .min = 1

static const char *const upgrade_choices[] = {"DEFAULT", "DO_NOT_UPGRADE", "UPGRADE", NULL};

static const struct field tcp_keepalive_fields[] = {
    {"probes", FIELD_INT, 0, offsetof(struct tcp_keepalive, probes), .max = UINT32_MAX,
     .help = "probes before the connection counts as dead"},
    {"time", FIELD_DURATION, 0, offsetof(struct tcp_keepalive, time_ms), AT_LEAST_1MS,
     .help = "idle time before the first probe"},
    {"interval", FIELD_DURATION, 0, offsetof(struct tcp_keepalive, interval_ms), AT_LEAST_1MS,
     .help = "time between probes"},
};
static FIELD_TABLE(tcp_keepalive, struct tcp_keepalive);

static const struct field pool_tcp_fields[] = {
    {"maxConnections", FIELD_INT, 0, offsetof(struct pool_tcp, max_connections), .max = INT32_MAX,
     .help = "most connections to a host"},
    {"connectTimeout", FIELD_DURATION, 0, offsetof(struct pool_tcp, connect_timeout_ms), AT_LEAST_1MS,
     .preset = "10s", .help = "longest time to connect"},
    {"tcpKeepalive", FIELD_GROUP, 0, offsetof(struct pool_tcp, keepalive), &tcp_keepalive_table,
     .help = "TCP's keep-alive"},
    {"maxConnectionDuration", FIELD_DURATION, 0, offsetof(struct pool_tcp, max_connection_ms), AT_LEAST_1MS,
     .help = "longest life of a connection"},
    {"idleTimeout", FIELD_DURATION, 0, offsetof(struct pool_tcp, idle_timeout_ms), .preset = "1h",
     .help = "longest idle time of a TCP connection; 0s: no limit"},
};
static FIELD_TABLE(pool_tcp, struct pool_tcp);

static const struct field http2_keepalive_fields[] = {
    {"interval", FIELD_DURATION, 0, offsetof(struct http2_keepalive, interval_ms), AT_LEAST_1MS,
     .help = "time between pings"},
    {"timeout", FIELD_DURATION, 0, offsetof(struct http2_keepalive, timeout_ms), AT_LEAST_1MS,
     .help = "longest time to the answer"},
};
static FIELD_TABLE(http2_keepalive, struct http2_keepalive);

static const struct field pool_http_fields[] = {
    {"http1MaxPendingRequests", FIELD_INT, 0, offsetof(struct pool_http, max_pending), .max = INT32_MAX,
     .help = "most requests that wait for a connection"},
    {"http2MaxRequests", FIELD_INT, 0, offsetof(struct pool_http, max_requests), .max = INT32_MAX,
     .help = "most requests at once"},
    {"maxRequestsPerConnection", FIELD_INT, 0, offsetof(struct pool_http, max_requests_per_connection),
     .max = INT32_MAX, .help = "most requests of a connection"},
    {"maxRetries", FIELD_INT, 0, offsetof(struct pool_http, max_retries), .max = INT32_MAX,
     .help = "most retries at once"},
    {"idleTimeout", FIELD_DURATION, 0, offsetof(struct pool_http, idle_timeout_ms), AT_LEAST_1MS,
     .preset = "1h", .help = "longest idle time of a pooled connection"},
    {"h2UpgradePolicy", FIELD_CHOICE, 0, offsetof(struct pool_http, upgrade), .choices = upgrade_choices,
     .help = "whether to speak HTTP/2 on a port of protocol HTTP"},
    {"useClientProtocol", FIELD_BOOL, 0, offsetof(struct pool_http, client_protocol),
     .help = "speak what the client speaks"},
    {"maxConcurrentStreams", FIELD_INT, 0, offsetof(struct pool_http, max_streams), .max = INT32_MAX,
     .help = "most streams of a connection"},
    {"http2KeepAlive", FIELD_GROUP, 0, offsetof(struct pool_http, keepalive), &http2_keepalive_table,
     .help = "pings"},
};
static FIELD_TABLE(pool_http, struct pool_http);

static const struct field connection_pool_fields[] = {
    {"tcp", FIELD_GROUP, 0, offsetof(struct connection_pool, tcp), &pool_tcp_table,
     .help = "limits of connections"},
    {"http", FIELD_GROUP, 0, offsetof(struct connection_pool, http), &pool_http_table,
     .help = "limits of requests"},
};
FIELD_TABLE(connection_pool, struct connection_pool);

static const struct field outlier_fields[] = {
    {"consecutiveErrors", FIELD_INT, FIELD_DEPRECATED | FIELD_NOT_YET, .min = INT32_MIN, .max = INT32_MAX,
     .help = "use consecutive5xxErrors"},
    {"splitExternalLocalOriginErrors", FIELD_BOOL, 0, offsetof(struct outlier, split_local),
     .help = "count failures to connect apart"},
    {"consecutiveLocalOriginFailures", FIELD_INT, 0, offsetof(struct outlier, consecutive_local),
     .max = UINT32_MAX, .preset = "5", .help = "failures to connect in a row"},
    {"consecutiveGatewayErrors", FIELD_INT, 0, offsetof(struct outlier, consecutive_gateway),
     .max = UINT32_MAX, .help = "502, 503, 504 in a row; 0: off"},
    {"consecutive5xxErrors", FIELD_INT, 0, offsetof(struct outlier, consecutive_5xx), .max = UINT32_MAX,
     .preset = "5", .help = "5xx in a row; 0: off"},
    {"outlierDetectionHttpErrorCodes", FIELD_INT, FIELD_LIST, offsetof(struct outlier, statuses), .min = 100,
     .max = 599, .count_max = 500, .help = "what counts instead of 5xx"},
    {"interval", FIELD_DURATION, 0, offsetof(struct outlier, interval_ms), AT_LEAST_1MS, .preset = "10s",
     .help = "time between looks"},
    {"baseEjectionTime", FIELD_DURATION, 0, offsetof(struct outlier, base_ejection_ms), AT_LEAST_1MS,
     .preset = "30s", .help = "time away, times the number of ejections"},
    {"maxEjectionPercent", FIELD_INT, 0, offsetof(struct outlier, max_ejection_percent), .max = 100,
     .preset = "10", .help = "most endpoints away"},
    {"minHealthPercent", FIELD_INT, 0, offsetof(struct outlier, min_health_percent), .max = 100,
     .help = "below it nobody is ejected"},
};
FIELD_TABLE(outlier, struct outlier);

static const struct field retry_budget_fields[] = {
    {"percent", FIELD_NUMBER, 0, offsetof(struct retry_budget, percent), .max = 100,
     .help = "share of requests that may be retries; 20 when absent"},
    {"minRetryConcurrency", FIELD_INT, 0, offsetof(struct retry_budget, min_concurrency), .max = UINT32_MAX,
     .preset = "3", .help = "retries always allowed"},
    {"budgetInterval", FIELD_DURATION, FIELD_NOT_YET, .help = "span that is counted"},
};
FIELD_TABLE(retry_budget, struct retry_budget);

void connection_pool_check(const struct connection_pool *pool, struct report *report)
{
    if (!pool->tcp && !pool->http)
        report_error(report, pool->group.node, "says nothing: tcp or http belongs here");
    if (!pool->http)
        return;
    const struct http2_keepalive *keepalive = pool->http->keepalive;
    if (pool->http->upgrade == POOL_UPGRADE_ALWAYS && pool->http->client_protocol)
        report_error(report, group_node(&pool->http->group, "useClientProtocol"),
                     "h2UpgradePolicy UPGRADE and useClientProtocol exclude each other");
    if (keepalive && (!keepalive->interval_ms || !keepalive->timeout_ms))
        report_error(report, keepalive->group.node, "interval and timeout belong together");
}

void outlier_check(const struct outlier *outlier, struct report *report)
{
    /* 5 when nothing was written, which is harmless. */
    if (group_has(&outlier->group, "consecutiveLocalOriginFailures") && outlier->consecutive_local > 0 &&
        !outlier->split_local)
        report_error(report, group_node(&outlier->group, "consecutiveLocalOriginFailures"),
                     "counts only with splitExternalLocalOriginErrors");
}
