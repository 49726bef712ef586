/*
 * metrics_cluster: how often requests to a cluster were tried again, held up by its
 * limits, or made an endpoint be left out: counters under Envoy's names, from records.
 *
 * Clusters where nothing of that happened do not appear. The lock is its owner's.
 */
#ifndef CONTROL_METRICS_CLUSTER_H
#define CONTROL_METRICS_CLUSTER_H

#include "base/map.h"
#include "base/text.h"
#include "wire/record.h"

#define METRICS_CLUSTERS_MAX 1000 /* the rest are not counted */

struct metrics_clusters {
    struct map map; /* name -> struct cluster */
};

void metrics_clusters_init(struct metrics_clusters *clusters);
void metrics_clusters_done(struct metrics_clusters *clusters);
void metrics_clusters_count(struct metrics_clusters *clusters, const struct record *record);
void metrics_clusters_write(const struct metrics_clusters *clusters, struct text *out);

#endif
