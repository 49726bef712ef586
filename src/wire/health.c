#include "wire/health.h"

#include <stddef.h>

#include "wire/slots.h"

enum {
    EJECTION_MAX_MS = 300 * 1000, /* Envoy's max_ejection_time */
    IDLE_MS = 600 * 1000,         /* what was not heard of for so long may be forgotten */
    EJECTIONS_MAX = 1000,
};

struct view {
    const struct health_memory *health;
    uint64_t now_ms;
};

static bool row_idle(const void *owner, uint32_t slot)
{
    const struct view *view = owner;
    const struct health_row *row = &view->health->rows[slot];
    return !health_is_ejected(row, view->now_ms) && atomic_load(&row->touched_ms) + IDLE_MS < view->now_ms;
}

struct health_row *health_find(struct health_memory *health, uint64_t endpoint)
{
    uint32_t slot = slots_find(health->keys, HEALTH_SLOTS, endpoint);
    return slot == SLOTS_NONE ? NULL : &health->rows[slot];
}

/* What another endpoint left behind is not this one's. */
static void row_clear(struct health_row *row)
{
    for (int i = 0; i < HEALTH_STREAKS; i++)
        atomic_store(&row->streak[i], 0);
    atomic_store(&row->ejections, 0);
    atomic_store(&row->until_ms, 0);
}

struct health_row *health_take(struct health_memory *health, uint64_t endpoint, uint64_t now_ms)
{
    const struct view view = {health, now_ms};
    struct health_row *row = health_find(health, endpoint);
    if (!row) {
        uint32_t slot = slots_take(health->keys, HEALTH_SLOTS, endpoint, row_idle, &view);
        if (slot == SLOTS_NONE)
            return NULL;
        row = &health->rows[slot];
        row_clear(row);
    }
    if (atomic_load_explicit(&row->touched_ms, memory_order_relaxed) != now_ms)
        atomic_store_explicit(&row->touched_ms, now_ms, memory_order_relaxed);
    return row;
}

uint32_t health_bad(struct health_row *row, enum health_streak streak)
{
    return atomic_fetch_add(&row->streak[streak], 1) + 1;
}

void health_good(struct health_row *row, enum health_streak streak)
{
    if (atomic_load_explicit(&row->streak[streak], memory_order_relaxed)) /* else no line is written to */
        atomic_store_explicit(&row->streak[streak], 0, memory_order_relaxed);
}

bool health_any_ejected(const struct health_memory *health, uint64_t now_ms)
{
    return atomic_load_explicit(&health->last_until_ms, memory_order_relaxed) > now_ms;
}

bool health_is_ejected(const struct health_row *row, uint64_t now_ms)
{
    return atomic_load_explicit(&row->until_ms, memory_order_relaxed) > now_ms;
}

static uint32_t ejections_left(const struct health_row *row, uint64_t now_ms, uint64_t interval_ms)
{
    uint32_t ejections = atomic_load(&row->ejections);
    uint64_t until_ms = atomic_load(&row->until_ms);
    uint64_t forgiven = now_ms > until_ms && interval_ms ? (now_ms - until_ms) / interval_ms : 0;
    ejections = ejections < EJECTIONS_MAX ? ejections : EJECTIONS_MAX;
    return forgiven < ejections ? ejections - (uint32_t)forgiven : 0;
}

uint64_t health_eject(struct health_memory *health, struct health_row *row, uint64_t now_ms, uint64_t base_ms,
                      uint64_t interval_ms)
{
    uint32_t ejections = ejections_left(row, now_ms, interval_ms) + 1;
    uint64_t most_ms = base_ms > EJECTION_MAX_MS ? base_ms : EJECTION_MAX_MS;
    uint64_t for_ms = base_ms * ejections < most_ms ? base_ms * ejections : most_ms;
    for (int i = 0; i < HEALTH_STREAKS; i++)
        atomic_store(&row->streak[i], 0);
    atomic_store(&row->ejections, ejections);
    atomic_store(&row->until_ms, now_ms + for_ms);
    uint64_t last_ms = atomic_load(&health->last_until_ms);
    while (last_ms < now_ms + for_ms &&
           !atomic_compare_exchange_weak(&health->last_until_ms, &last_ms, now_ms + for_ms))
        continue;
    return for_ms;
}

uint32_t health_ejected(const struct health_memory *health, uint64_t now_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HEALTH_SLOTS && health_any_ejected(health, now_ms); i++)
        count += health_is_ejected(&health->rows[i], now_ms);
    return count;
}
