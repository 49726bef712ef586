#include "wire/counts.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/heap.h"
#include "wire/slots.h"

void counts_init(struct counts *counts, struct counts_memory *shared, uint32_t worker, uint32_t workers)
{
    *counts = (struct counts){.shared = shared, .worker = worker % FRAME_WORKERS_MAX};
    counts->workers = workers > FRAME_WORKERS_MAX ? FRAME_WORKERS_MAX : workers;
    if (counts->workers <= counts->worker)
        counts->workers = counts->worker + 1;
}

void counts_done(struct counts *counts)
{
    free(counts->own);
    counts->own = NULL;
}

uint64_t counts_key(enum counts_what what, uint64_t id)
{
    uint64_t parts[2] = {(uint64_t)what, id};
    uint64_t key = hash_stable(bytes_make(parts, sizeof parts));
    return key ? key : 1;
}

/* ---- one table ----------------------------------------------------------------- */

struct table {
    struct counts_memory *memory;
    uint32_t workers;
};

static uint64_t slot_sum(const struct table *table, uint32_t slot)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < table->workers; i++)
        sum += atomic_load_explicit(&table->memory->own[i][slot], memory_order_relaxed);
    return sum;
}

static bool slot_idle(const void *owner, uint32_t slot)
{
    return slot_sum(owner, slot) == 0;
}

enum entering { ENTERED, ENOUGH, FULL };

/* Counted first and summed up then, so that of two who come at once not both find room. */
static enum entering table_enter(const struct table *table, uint32_t worker, uint64_t key, uint64_t max,
                                 uint32_t *slot)
{
    _Atomic uint64_t *keys = table->memory->keys;
    for (uint32_t tries = 0; tries < SLOTS_RUN; tries++) {
        *slot = slots_take(keys, COUNTS_SLOTS, key, slot_idle, table);
        if (*slot == SLOTS_NONE)
            return FULL;
        atomic_fetch_add(&table->memory->own[worker][*slot], 1);
        bool mine = atomic_load(&keys[*slot]) == key; /* it was idle, and may have become another's */
        if (mine && slot_sum(table, *slot) <= max)
            return ENTERED;
        atomic_fetch_sub(&table->memory->own[worker][*slot], 1);
        if (mine)
            return ENOUGH;
    }
    return FULL;
}

static struct table shared_table(const struct counts *counts)
{
    return (struct table){counts->shared, counts->workers};
}

static struct table own_table(const struct counts *counts)
{
    return (struct table){counts->own, 1};
}

/* ---- both ------------------------------------------------------------------------ */

bool counts_enter(struct counts *counts, uint64_t key, uint64_t max, struct counts_place *place)
{
    uint32_t slot;
    struct table table = shared_table(counts);
    enum entering entering = table.memory ? table_enter(&table, counts->worker, key, max, &slot) : FULL;
    *place = (struct counts_place){0};
    if (entering == FULL) {
        if (!counts->own)
            counts->own = heap_new(struct counts_memory);
        table = own_table(counts);
        entering = table_enter(&table, 0, key, max, &slot);
        place->own = true;
        counts->apart += counts->shared != NULL;
    }
    if (entering == FULL)
        counts->lost++;
    else if (entering == ENTERED)
        place->slot = slot + 1;
    return entering != ENOUGH;
}

void counts_leave(struct counts *counts, struct counts_place *place)
{
    if (place->slot && place->own)
        atomic_fetch_sub(&counts->own->own[0][place->slot - 1], 1);
    else if (place->slot)
        atomic_fetch_sub(&counts->shared->own[counts->worker][place->slot - 1], 1);
    *place = (struct counts_place){0};
}

static uint64_t table_sum(const struct table *table, uint64_t key)
{
    uint32_t slot = table->memory ? slots_find(table->memory->keys, COUNTS_SLOTS, key) : SLOTS_NONE;
    return slot == SLOTS_NONE ? 0 : slot_sum(table, slot);
}

uint64_t counts_sum(const struct counts *counts, uint64_t key)
{
    struct table shared = shared_table(counts), own = own_table(counts);
    return table_sum(&shared, key) + table_sum(&own, key);
}

void counts_forget(struct counts_memory *shared, uint32_t worker)
{
    for (uint32_t slot = 0; slot < COUNTS_SLOTS; slot++)
        atomic_store_explicit(&shared->own[worker % FRAME_WORKERS_MAX][slot], 0, memory_order_relaxed);
}
