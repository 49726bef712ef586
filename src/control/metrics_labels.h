/*
 * metrics_labels: Istio's standard labels, from a record and what the node is.
 */
#ifndef CONTROL_METRICS_LABELS_H
#define CONTROL_METRICS_LABELS_H

#include "control/metrics.h"

/* reporter="source",source_workload=...: without braces. What is not known is `unknown`. */
void metrics_labels_write(struct text *out, const struct metrics_node *node, const struct record *record);
/* All that these labels depend on but the node, packed: records of equal facts have equal labels. */
void metrics_labels_facts(struct text *out, const struct record *record);

#endif
