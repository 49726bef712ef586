/*
 * metrics: counters and histograms of what passed, under Istio's names and
 * labels, written in Prometheus' text format.
 *
 * The set of label values is bounded: what would be one series too many is only
 * counted. Shared by the telemetry thread, which counts, and whoever answers a
 * scrape; a lock inside.
 */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "base/text.h"
#include "wire/commons.h"
#include "wire/record.h"

#define METRICS_SERIES_MAX 10000

/* What the node is, for its own side of the labels. Borrowed for the life of the metrics. */
struct metrics_node {
    struct bytes workload;
    struct bytes name_space;
    struct bytes app;
    struct bytes version;
    struct bytes principal; /* spiffe://... */
    struct bytes cluster;
};

struct metrics;
struct metrics *metrics_new(const struct metrics_node *node);
void metrics_free(struct metrics *metrics);

/* At the beginning: where workers note what they leave out; kept. */
void metrics_share(struct metrics *metrics, const struct commons *commons);

void metrics_count(struct metrics *metrics, const struct record *record);
/* Records lost, records not understood, lines of the access log lost. */
enum metrics_loss { LOSS_RING, LOSS_RECORD, LOSS_LINE, LOSS_COUNT };
void metrics_lost(struct metrics *metrics, enum metrics_loss what, uint64_t count);
/* A worker's word; what is no limit is passed over. */
void metrics_limit(struct metrics *metrics, uint64_t limit, uint64_t count);
/* istio_*, envoy_cluster_*, limits and the losses; series sorted by their labels. */
void metrics_write(struct metrics *metrics, struct text *out);

/* For others who write metrics: HELP and TYPE lines. */
void metrics_head(struct text *out, const char *name, const char *type, const char *help);
/* A label's value with its quotes, escaped as the text format wants it. */
void metrics_label_value(struct text *out, struct bytes value);

#endif
