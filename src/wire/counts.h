/*
 * counts: what is under way at this moment, summed over all workers of a node:
 * requests of a cluster, connections of a client ...
 *
 * A key has a slot, and each worker a number of its own in it, which nobody else
 * writes: no lock, and a worker that dies takes nothing with it (counts_forget).
 * A slot whose numbers are all zero may become another key's.
 *
 * When no slot is left, and where there is no shared memory, a worker counts in
 * memory of its own: the limit is then each worker's. What cannot be counted at
 * all is not held up.
 *
 * The memory is not believed: the other writers may have been taken over. They can
 * make us refuse, or not; they cannot make us read or write elsewhere.
 */
#ifndef WIRE_COUNTS_H
#define WIRE_COUNTS_H

#include <stdatomic.h>

#include "wire/frame.h"

/* A power of two: at once, not in a life. */
#define COUNTS_SLOTS 8192u

/* Zeroed memory is one without counts. */
struct counts_memory {
    _Atomic uint64_t keys[COUNTS_SLOTS];
    _Atomic uint32_t own[FRAME_WORKERS_MAX][COUNTS_SLOTS]; /* each worker's lie together */
};

struct counts {
    struct counts_memory *shared; /* NULL: none */
    struct counts_memory *own;    /* made when it is needed */
    uint32_t worker;
    uint32_t workers; /* how many there are */
    uint64_t apart;   /* counted in `own` although there is shared memory */
    uint64_t lost;    /* not counted at all */
};

enum counts_what {
    COUNTS_CONNECTIONS,
    COUNTS_PENDING,
    COUNTS_REQUESTS,
    COUNTS_RETRIES,
    COUNTS_LISTENER_CLIENTS, /* connections of a listener */
    COUNTS_ADDRESS_CLIENTS,  /* connections of a client's address */
};

/* Where something was counted, to take it back; zeroed: nowhere. */
struct counts_place {
    uint32_t slot; /* one more than its number */
    bool own;
};

/* `shared` may be NULL. */
void counts_init(struct counts *counts, struct counts_memory *shared, uint32_t worker, uint32_t workers);
void counts_done(struct counts *counts);

uint64_t counts_key(enum counts_what what, uint64_t id);
/* One more, unless there are `max` already: then false, and *place is nowhere. */
bool counts_enter(struct counts *counts, uint64_t key, uint64_t max, struct counts_place *place);
/* Nowhere is fine; *place is nowhere afterwards. */
void counts_leave(struct counts *counts, struct counts_place *place);
uint64_t counts_sum(const struct counts *counts, uint64_t key);

/* For whoever saw the worker die, before its successor starts. */
void counts_forget(struct counts_memory *shared, uint32_t worker);

#endif
