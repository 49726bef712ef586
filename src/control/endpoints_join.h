/*
 * endpoints_join: the endpoints image that workers get, from those that compile made.
 *
 * While workers change from one edition of the rules to the next, exchanges that
 * began under the old rules still ask for its clusters: it has those of both.
 * Hosts given by name become the addresses that they have now.
 */
#ifndef CONTROL_ENDPOINTS_JOIN_H
#define CONTROL_ENDPOINTS_JOIN_H

#include "base/fail.h"
#include "control/name_table.h"
#include "rules/snapshot.h"

/* Clusters of `after`, and those of `before` (NULL: none) that it lacks. On the heap, hash filled in; NULL
 * with *why. */
struct image_head *endpoints_join(const struct image_head *before, const struct image_head *after,
                                  const struct name_table *names, uint64_t generation, size_t *size,
                                  struct fail *why);

#endif
