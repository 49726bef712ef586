#include "control/metrics_cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "control/metrics.h"

static uint64_t retries(const struct record *r)
{
    return r->attempts > 1 ? r->attempts - 1 : 0;
}

static uint64_t retries_used_up(const struct record *r)
{
    return r->retry_end == RECORD_RETRY_LIMIT;
}

static uint64_t retries_excessive(const struct record *r)
{
    return r->retry_end == RECORD_RETRY_OVERFLOW;
}

static uint64_t retries_too_long(const struct record *r)
{
    return r->retry_end == RECORD_RETRY_BODY;
}

/* A retry too many leaves the same flag. */
static uint64_t excessive(const struct record *r)
{
    return (r->flags & RECORD_UO) && r->retry_end != RECORD_RETRY_OVERFLOW;
}

static uint64_t late(const struct record *r)
{
    return (r->flags & RECORD_UT) != 0;
}

static uint64_t ejections(const struct record *r)
{
    return r->ejected;
}

static const struct counter {
    const char *name;
    const char *help;
    uint64_t (*of)(const struct record *record);
} counters[] = {
    {"envoy_cluster_upstream_rq_retry", "Requests sent once more.", retries},
    {"envoy_cluster_upstream_rq_retry_limit_exceeded",
     "Requests tried as often as their route allows, in vain.", retries_used_up},
    {"envoy_cluster_upstream_rq_retry_overflow",
     "Retries not made because of maxRetries or the retry budget.", retries_excessive},
    {"envoy_cluster_retry_or_shadow_abandoned",
     "Retries not made because the body is longer than what is kept.", retries_too_long},
    {"envoy_cluster_upstream_rq_pending_overflow",
     "Requests and connections that connectionPool had no place for.", excessive},
    {"envoy_cluster_upstream_rq_timeout", "Requests whose time ran out.", late},
    {"envoy_cluster_outlier_detection_ejections_enforced_total", "Endpoints left out for a time.", ejections},
};
enum { COUNTERS = sizeof counters / sizeof counters[0] };

struct cluster {
    char *name;
    uint64_t counts[COUNTERS];
};

void metrics_clusters_init(struct metrics_clusters *clusters)
{
    map_init(&clusters->map);
}

void metrics_clusters_done(struct metrics_clusters *clusters)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&clusters->map, &at, &key, &value)) {
        free(((struct cluster *)value)->name);
        free(value);
    }
    map_done(&clusters->map);
}

static struct cluster *cluster_of(struct metrics_clusters *clusters, struct bytes name)
{
    struct cluster *cluster = map_get(&clusters->map, name);
    if (cluster || clusters->map.count >= METRICS_CLUSTERS_MAX)
        return cluster;
    cluster = heap_new(struct cluster);
    cluster->name = heap_text(name);
    map_put(&clusters->map, bytes_make(cluster->name, name.len), cluster);
    return cluster;
}

void metrics_clusters_count(struct metrics_clusters *clusters, const struct record *record)
{
    uint64_t counts[COUNTERS], any = 0;
    if (!record->upstream_cluster.len)
        return;
    for (int i = 0; i < COUNTERS; i++)
        any |= counts[i] = counters[i].of(record);
    struct cluster *cluster = any ? cluster_of(clusters, record->upstream_cluster) : NULL;
    for (int i = 0; cluster && i < COUNTERS; i++)
        cluster->counts[i] += counts[i];
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct cluster *const *)a)->name, (*(const struct cluster *const *)b)->name);
}

static void counter_write(struct text *out, int which, struct cluster *const *all, size_t count)
{
    metrics_head(out, counters[which].name, "counter", counters[which].help);
    for (size_t i = 0; i < count; i++) {
        text_format(out, "%s{cluster_name=", counters[which].name);
        metrics_label_value(out, bytes_of(all[i]->name));
        text_format(out, "} %llu\n", (unsigned long long)all[i]->counts[which]);
    }
}

void metrics_clusters_write(const struct metrics_clusters *clusters, struct text *out)
{
    struct cluster **all = heap_alloc_array(clusters->map.count + 1, sizeof(struct cluster *));
    size_t at = 0, count = 0;
    struct bytes key;
    void *value;
    while (map_next(&clusters->map, &at, &key, &value))
        all[count++] = value;
    qsort(all, count, sizeof *all, by_name);
    for (int i = 0; i < COUNTERS; i++)
        counter_write(out, i, all, count);
    free(all);
}
