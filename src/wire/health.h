/*
 * health: what all workers of a node have found out about endpoints: how many
 * answers in a row were bad, and whether one is ejected, that is left out until
 * some time. Envoy's outlier detection, as far as it is about one endpoint.
 *
 * The same memory and the same mistrust as in counts.h. When no slot is left an
 * endpoint is simply not watched.
 */
#ifndef WIRE_HEALTH_H
#define WIRE_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HEALTH_SLOTS 4096u /* a power of two */

enum health_streak { HEALTH_ERRORS, HEALTH_GATEWAY, HEALTH_LOCAL, HEALTH_STREAKS };

struct health_row {
    _Atomic uint32_t streak[HEALTH_STREAKS];
    _Atomic uint32_t ejections;  /* in a row: the next is that much longer */
    _Atomic uint64_t until_ms;   /* ejected until then, or was */
    _Atomic uint64_t touched_ms; /* when it was last heard of */
};

/* Zeroed memory: all are well. */
struct health_memory {
    _Atomic uint64_t last_until_ms; /* nobody is ejected for longer */
    _Atomic uint64_t keys[HEALTH_SLOTS];
    struct health_row rows[HEALTH_SLOTS];
};

/* Times are of one clock for all workers. NULL: not watched. */
struct health_row *health_find(struct health_memory *health, uint64_t endpoint);
struct health_row *health_take(struct health_memory *health, uint64_t endpoint, uint64_t now_ms);
/* A bad one more; the streak's length. A good one ends it. */
uint32_t health_bad(struct health_row *row, enum health_streak streak);
void health_good(struct health_row *row, enum health_streak streak);

bool health_any_ejected(const struct health_memory *health, uint64_t now_ms);
bool health_is_ejected(const struct health_row *row, uint64_t now_ms);
/*
 * Leaves it out for base_ms times the number of ejections so far, one of which is
 * forgiven for each interval since the last; at most five minutes, or base_ms when
 * that is more. Answers for how long.
 */
uint64_t health_eject(struct health_memory *health, struct health_row *row, uint64_t now_ms, uint64_t base_ms,
                      uint64_t interval_ms);
/* How many are ejected. */
uint32_t health_ejected(const struct health_memory *health, uint64_t now_ms);

#endif
