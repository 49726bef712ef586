#include "control/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "control/metrics_cluster.h"
#include "control/metrics_labels.h"
#include "wire/limit.h"

enum { BUCKETS = 20, IS_TCP = 1, LABELS_MAX = 8192, KEY_MAX = 8192 };

/* Istio's (Envoy's) buckets, in thousandths. */
static const uint64_t bounds[BUCKETS] = {
    500,     1000,    5000,     10000,    25000,    50000,     100000,    250000,     500000,     1000000,
    2500000, 5000000, 10000000, 30000000, 60000000, 300000000, 600000000, 1800000000, 3600000000, UINT64_MAX,
};

struct histogram {
    uint64_t buckets[BUCKETS]; /* each its own count; summed up when written */
    uint64_t sum;              /* in thousandths */
    uint64_t count;
};

enum { HISTOGRAM_DURATION, HISTOGRAM_REQUEST, HISTOGRAM_RESPONSE, HISTOGRAM_COUNT };

struct series {
    char *labels;
    bool tcp;
    uint64_t count;
    uint64_t received; /* TCP */
    uint64_t sent;
    struct histogram *histograms; /* HISTOGRAM_COUNT of them, HTTP only */
};

/* From what labels are made of to the series of those labels, so that they need not be written each time. */
struct shortcut {
    struct series *series;
    char key[];
};

struct metrics {
    pthread_mutex_t lock;
    const struct metrics_node node;
    struct map map;       /* labels -> struct series */
    struct map shortcuts; /* facts (metrics_labels_facts) -> struct shortcut */
    struct metrics_clusters clusters;
    const struct commons *commons; /* NULL: none */
    uint64_t overflow;
    uint64_t lost[LOSS_COUNT];
    uint64_t limits[LIMIT_COUNT];
};

struct metrics *metrics_new(const struct metrics_node *node)
{
    struct metrics *metrics = heap_new(struct metrics);
    memcpy((char *)metrics + offsetof(struct metrics, node), node, sizeof *node);
    pthread_mutex_init(&metrics->lock, NULL);
    map_init(&metrics->map);
    metrics_clusters_init(&metrics->clusters);
    map_init(&metrics->shortcuts);
    return metrics;
}

static void series_free(struct series *series)
{
    free(series->labels);
    free(series->histograms);
    free(series);
}

void metrics_free(struct metrics *metrics)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    if (!metrics)
        return;
    while (map_next(&metrics->map, &at, &key, &value))
        series_free(value);
    map_done(&metrics->map);
    metrics_clusters_done(&metrics->clusters);
    at = 0;
    while (map_next(&metrics->shortcuts, &at, &key, &value))
        free(value);
    map_done(&metrics->shortcuts);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static struct series *series_make(struct metrics *metrics, const struct record *record)
{
    char room[LABELS_MAX];
    struct text labels;
    text_init_fixed(&labels, room, sizeof room);
    metrics_labels_write(&labels, &metrics->node, record);
    struct series *series = map_get(&metrics->map, text_bytes(&labels));
    if (series)
        return series;
    if (metrics->map.count >= METRICS_SERIES_MAX || labels.cut)
        return NULL;
    series = heap_new(struct series);
    series->labels = heap_text(text_bytes(&labels));
    series->tcp = record->protocol == IS_TCP;
    if (!series->tcp)
        series->histograms = heap_alloc_array(HISTOGRAM_COUNT, sizeof *series->histograms);
    map_put(&metrics->map, bytes_make(series->labels, labels.len), series);
    return series;
}

static void shortcut_keep(struct metrics *metrics, struct bytes facts, struct series *series)
{
    if (metrics->shortcuts.count >= METRICS_SERIES_MAX)
        return;
    struct shortcut *shortcut = heap_alloc(sizeof *shortcut + facts.len);
    shortcut->series = series;
    memcpy(shortcut->key, facts.at, facts.len);
    map_put(&metrics->shortcuts, bytes_make(shortcut->key, facts.len), shortcut);
}

static struct series *series_of(struct metrics *metrics, const struct record *record)
{
    char room[KEY_MAX];
    struct text facts;
    text_init_fixed(&facts, room, sizeof room);
    metrics_labels_facts(&facts, record);
    const struct shortcut *shortcut = map_get(&metrics->shortcuts, text_bytes(&facts));
    if (shortcut)
        return shortcut->series;
    struct series *series = series_make(metrics, record);
    if (series && !facts.cut)
        shortcut_keep(metrics, text_bytes(&facts), series);
    return series;
}

static void observe(struct histogram *histogram, uint64_t thousandths)
{
    size_t i = 0;
    while (thousandths > bounds[i])
        i++;
    histogram->buckets[i]++;
    histogram->sum += thousandths;
    histogram->count++;
}

static uint64_t thousands(uint64_t number)
{
    return number > UINT64_MAX / 1000 / 1000 ? UINT64_MAX / 1000 : number * 1000;
}

void metrics_count(struct metrics *metrics, const struct record *record)
{
    pthread_mutex_lock(&metrics->lock);
    metrics_clusters_count(&metrics->clusters, record);
    struct series *series = series_of(metrics, record);
    if (!series) {
        metrics->overflow++;
    } else {
        series->count++;
        series->received += record->bytes_received;
        series->sent += record->bytes_sent;
    }
    if (series && !series->tcp) {
        observe(&series->histograms[HISTOGRAM_DURATION], record->duration_us);
        observe(&series->histograms[HISTOGRAM_REQUEST], thousands(record->bytes_received));
        observe(&series->histograms[HISTOGRAM_RESPONSE], thousands(record->bytes_sent));
    }
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_lost(struct metrics *metrics, enum metrics_loss what, uint64_t count)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->lost[what] += count;
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_limit(struct metrics *metrics, uint64_t limit, uint64_t count)
{
    if (limit == LIMIT_NONE || limit >= LIMIT_COUNT)
        return;
    pthread_mutex_lock(&metrics->lock);
    metrics->limits[limit] += count;
    pthread_mutex_unlock(&metrics->lock);
}

/* ---- writing ---- */

void metrics_head(struct text *out, const char *name, const char *type, const char *help)
{
    text_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_label_value(struct text *out, struct bytes value)
{
    text_add_c(out, '"');
    if (!bytes_is_utf8(value))
        value = BYTES("invalid");
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c == '\n')
            text_add_s(out, "\\n");
        else if (c == '"' || c == '\\')
            text_format(out, "\\%c", c);
        else
            text_add_c(out, c);
    }
    text_add_c(out, '"');
}

static void thousandths_write(struct text *out, uint64_t number)
{
    text_add_u64(out, number / 1000);
    if (number % 1000)
        text_format(out, ".%03llu", (unsigned long long)(number % 1000));
}

static void bound_write(struct text *out, size_t i)
{
    if (i == BUCKETS - 1)
        text_add_s(out, "+Inf");
    else if (bounds[i] == 500)
        text_add_s(out, "0.5");
    else
        text_add_u64(out, bounds[i] / 1000);
}

static void histogram_write(struct text *out, const char *name, const char *labels,
                            const struct histogram *histogram)
{
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += histogram->buckets[i];
        text_format(out, "%s_bucket{", name);
        text_add_s(out, labels);
        text_add_s(out, ",le=\"");
        bound_write(out, i);
        text_format(out, "\"} %llu\n", (unsigned long long)below);
    }
    text_format(out, "%s_sum{%s} ", name, labels);
    thousandths_write(out, histogram->sum);
    text_format(out, "\n%s_count{%s} %llu\n", name, labels, (unsigned long long)histogram->count);
}

static int by_labels(const void *a, const void *b)
{
    return strcmp((*(struct series *const *)a)->labels, (*(struct series *const *)b)->labels);
}

struct sorted {
    struct series **at;
    size_t count;
};

static void counters_write(struct text *out, const struct sorted *all, bool tcp, const char *name,
                           const char *help, size_t offset)
{
    metrics_head(out, name, "counter", help);
    for (size_t i = 0; i < all->count; i++) {
        uint64_t number;
        if (all->at[i]->tcp != tcp)
            continue;
        memcpy(&number, (const char *)all->at[i] + offset, sizeof number);
        text_format(out, "%s{", name);
        text_add_s(out, all->at[i]->labels);
        text_format(out, "} %llu\n", (unsigned long long)number);
    }
}

static void histograms_write(struct text *out, const struct sorted *all, const char *name, const char *help,
                             int which)
{
    metrics_head(out, name, "histogram", help);
    for (size_t i = 0; i < all->count; i++)
        if (!all->at[i]->tcp)
            histogram_write(out, name, all->at[i]->labels, &all->at[i]->histograms[which]);
}

static void series_write(struct text *out, const struct sorted *all)
{
    counters_write(out, all, false, "istio_requests_total", "Requests.", offsetof(struct series, count));
    histograms_write(out, all, "istio_request_duration_milliseconds", "Duration of requests.",
                     HISTOGRAM_DURATION);
    histograms_write(out, all, "istio_request_bytes", "Bytes of request bodies.", HISTOGRAM_REQUEST);
    histograms_write(out, all, "istio_response_bytes", "Bytes of response bodies.", HISTOGRAM_RESPONSE);
    counters_write(out, all, true, "istio_tcp_connections_opened_total", "Connections opened.",
                   offsetof(struct series, count));
    counters_write(out, all, true, "istio_tcp_connections_closed_total", "Connections closed.",
                   offsetof(struct series, count));
    counters_write(out, all, true, "istio_tcp_received_bytes_total", "Bytes received from clients.",
                   offsetof(struct series, received));
    counters_write(out, all, true, "istio_tcp_sent_bytes_total", "Bytes sent to clients.",
                   offsetof(struct series, sent));
}

/* All of them, also what has not bitten yet: so a rate can be taken from the first time on. */
static void limits_write(struct text *out, const struct metrics *metrics)
{
    metrics_head(out, "selvage_limit_hits_total", "counter", "How often a limit has bitten.");
    for (uint32_t i = LIMIT_NONE + 1; i < LIMIT_COUNT; i++)
        text_format(out, "selvage_limit_hits_total{limit=\"%s\"} %llu\n", limit_name((enum limit)i),
                    (unsigned long long)metrics->limits[i]);
}

static void losses_write(struct text *out, const struct metrics *metrics)
{
    static const struct {
        const char *name;
        const char *help;
    } losses[LOSS_COUNT] = {
        {"selvage_records_dropped_total", "Records that found a ring full."},
        {"selvage_records_malformed_total", "Records that could not be read."},
        {"selvage_access_log_lines_lost_total", "Access lines that could not be written."},
    };
    for (int i = 0; i < LOSS_COUNT; i++) {
        metrics_head(out, losses[i].name, "counter", losses[i].help);
        text_format(out, "%s %llu\n", losses[i].name, (unsigned long long)metrics->lost[i]);
    }
    metrics_head(out, "selvage_metrics_overflow_total", "counter", "Records that no series was left for.");
    text_format(out, "selvage_metrics_overflow_total %llu\n", (unsigned long long)metrics->overflow);
}

/* The workers' own notes: an ejection ends without a record. */
static void ejected_write(struct text *out, const struct metrics *metrics)
{
    uint32_t ejected = metrics->commons ? health_ejected(&metrics->commons->health, clock_ms()) : 0;
    metrics_head(out, "selvage_endpoints_ejected", "gauge", "Endpoints that are left out just now.");
    text_format(out, "selvage_endpoints_ejected %u\n", (unsigned)ejected);
}

void metrics_share(struct metrics *metrics, const struct commons *commons)
{
    metrics->commons = commons;
}

void metrics_write(struct metrics *metrics, struct text *out)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    pthread_mutex_lock(&metrics->lock);
    struct sorted all = {heap_alloc_array(metrics->map.count + 1, sizeof(struct series *)), 0};
    while (map_next(&metrics->map, &at, &key, &value))
        all.at[all.count++] = value;
    qsort(all.at, all.count, sizeof *all.at, by_labels);
    series_write(out, &all);
    metrics_clusters_write(&metrics->clusters, out);
    ejected_write(out, metrics);
    limits_write(out, metrics);
    losses_write(out, metrics);
    pthread_mutex_unlock(&metrics->lock);
    free(all.at);
}
