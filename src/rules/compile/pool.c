#include "rules/compile/pool.h"

enum {
    HOUR_MS = 3600 * 1000,
    IDLE_MS = 30 * 1000, /* below what most servers wait: Istio's hour loses races against them */
    CONNECT_MS = 10 * 1000,
    KEEPALIVE_S = 2 * 3600, /* Linux's own */
    BUDGET_PERCENT = 20,
    PARTS = 10000, /* of a million, one percent */
};

static uint32_t number(int64_t value)
{
    return value < 0 ? 0 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* 0 means that nobody wrote it. */
static uint32_t number_or(int64_t value, uint32_t otherwise)
{
    return value > 0 ? number(value) : otherwise;
}

/* TCP counts in seconds, and takes none for "as it was". */
static uint32_t seconds(int64_t ms)
{
    return ms > 0 && ms < 1000 ? 1 : number(ms / 1000);
}

/* Istio's, which lifts Envoy's limits of 1024 and of 3 retries. */
static void preset(struct rules_cluster *cluster)
{
    cluster->connect_timeout_ms = CONNECT_MS;
    cluster->idle_timeout_ms = IDLE_MS;
    cluster->tcp_idle_timeout_ms = HOUR_MS;
    cluster->max_connections = cluster->max_pending = RULES_UNLIMITED;
    cluster->max_requests = cluster->max_retries = RULES_UNLIMITED;
    cluster->max_streams = INT32_MAX;
}

static void keepalive_set(struct rules_cluster *cluster, const struct tcp_keepalive *keepalive)
{
    cluster->keepalive_time_s = seconds(keepalive->time_ms);
    cluster->keepalive_interval_s = seconds(keepalive->interval_ms);
    cluster->keepalive_probes = number(keepalive->probes);
    if (!cluster->keepalive_time_s && !cluster->keepalive_interval_s && !cluster->keepalive_probes)
        cluster->keepalive_time_s = KEEPALIVE_S;
}

static void tcp_set(struct rules_cluster *cluster, const struct pool_tcp *tcp)
{
    cluster->max_connections = number_or(tcp->max_connections, RULES_UNLIMITED);
    cluster->connect_timeout_ms = number(tcp->connect_timeout_ms);
    cluster->max_connection_ms = number(tcp->max_connection_ms);
    cluster->tcp_idle_timeout_ms = number(tcp->idle_timeout_ms);
    if (tcp->keepalive)
        keepalive_set(cluster, tcp->keepalive);
}

static void http_set(struct rules_cluster *cluster, const struct pool_http *http)
{
    cluster->max_pending = number_or(http->max_pending, RULES_UNLIMITED);
    cluster->max_requests = number_or(http->max_requests, RULES_UNLIMITED);
    cluster->max_retries = number_or(http->max_retries, RULES_UNLIMITED);
    cluster->max_requests_per_connection = number(http->max_requests_per_connection);
    cluster->max_streams = number_or(http->max_streams, INT32_MAX);
    if (group_has(&http->group, "idleTimeout"))
        cluster->idle_timeout_ms = number(http->idle_timeout_ms);
    if (http->keepalive) {
        cluster->ping_interval_ms = number(http->keepalive->interval_ms);
        cluster->ping_timeout_ms = number(http->keepalive->timeout_ms);
    }
}

/*
 * A port of HTTP/2 speaks it whatever the policy of upgrading; one that says nothing
 * about its protocol is never upgraded, since the workload may know HTTP/1.1 only.
 */
static enum rules_cluster_speaks speaks(const struct pool_http *http, const struct port *port)
{
    enum protocol protocol = port ? port_protocol(port) : PROTOCOL_NONE;
    if (http && http->client_protocol)
        return CLUSTER_AS_CLIENT;
    if (protocol_is_http2(protocol))
        return CLUSTER_HTTP2;
    bool upgrade = http && http->upgrade == POOL_UPGRADE_ALWAYS;
    return upgrade && protocol_is_http(protocol) ? CLUSTER_HTTP2 : CLUSTER_HTTP1;
}

static struct image_rows statuses_of(struct work *work, const struct outlier *outlier)
{
    struct rows rows = rows_of(sizeof(struct rules_number));
    for (size_t i = 0; i < outlier->statuses.count; i++)
        rows_add(work, &rows, &(struct rules_number){(uint64_t)outlier->statuses.at[i]});
    return rows_put(work, RULES_NUMBER, &rows);
}

static struct image_rows outlier_of(struct work *work, const struct outlier *outlier)
{
    struct rules_outlier row = {
        .consecutive_5xx = number(outlier->consecutive_5xx),
        .consecutive_gateway = number(outlier->consecutive_gateway),
        .split_local = outlier->split_local,
        .consecutive_local = number(outlier->consecutive_local),
        .interval_ms = number(outlier->interval_ms),
        .base_ejection_ms = number(outlier->base_ejection_ms),
        .max_ejection_percent = number(outlier->max_ejection_percent),
        .min_health_percent = number(outlier->min_health_percent),
        .statuses = statuses_of(work, outlier),
    };
    return image_build_rows(&work->rules, RULES_OUTLIER, &row, 1);
}

static void budget_set(struct rules_cluster *cluster, const struct retry_budget *budget)
{
    double percent = group_has(&budget->group, "percent") ? budget->percent : BUDGET_PERCENT;
    cluster->has_retry_budget = 1;
    cluster->retry_budget_parts = (uint32_t)(percent * PARTS);
    cluster->retry_budget_min = number(budget->min_concurrency);
}

void pool_set(struct work *work, struct rules_cluster *cluster, const struct traffic_blocks *blocks,
              const struct port *port)
{
    const struct connection_pool *pool = blocks->connection_pool;
    preset(cluster);
    cluster->speaks = speaks(pool ? pool->http : NULL, port);
    if (pool && pool->tcp)
        tcp_set(cluster, pool->tcp);
    if (pool && pool->http)
        http_set(cluster, pool->http);
    if (blocks->outlier)
        cluster->outlier = outlier_of(work, blocks->outlier);
    if (blocks->proxy_protocol)
        cluster->proxy_protocol = blocks->proxy_protocol->version ? 2 : 1;
    if (blocks->retry_budget)
        budget_set(cluster, blocks->retry_budget);
}
