/*
 * endpoints_join: an endpoints image that has the clusters of two.
 *
 * While workers change from one edition of the rules to the next, exchanges that
 * began under the old rules still ask for its clusters.
 */
#ifndef CONTROL_ENDPOINTS_JOIN_H
#define CONTROL_ENDPOINTS_JOIN_H

#include "base/fail.h"
#include "rules/snapshot.h"

/* Clusters of `after`, and those of `before` that it lacks. On the heap, hash filled in; NULL with *why. */
struct image_head *endpoints_join(const struct image_head *before, const struct image_head *after,
                                  uint64_t generation, size_t *size, struct fail *why);

#endif
