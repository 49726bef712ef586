/*
 * ring: records from one writer to one reader through shared memory, without a
 * lock or a system call.
 *
 * The memory outlives both (the supervisor keeps it), so neither a worker's nor
 * control's death loses what was written. When the ring is full a record is
 * dropped and counted. The reader trusts nothing: the writer may have been taken
 * over, so lengths are checked and records copied out before use.
 */
#ifndef WIRE_RING_H
#define WIRE_RING_H

#include "base/arena.h"

#define RING_RECORD_MAX (16 * 1024)

#define RING_HEAD 128

struct ring_shared;

struct ring {
    struct ring_shared *shared;
    uint64_t size; /* of the data; each side keeps its own, the memory is not believed */
};

/* `size` of the whole memory: a power of two plus RING_HEAD. Zeroed memory is an empty ring. */
void ring_open(struct ring *ring, void *memory, size_t size);

/* Writer: false when there is no room (counted) or the record is too long. */
bool ring_write(const struct ring *ring, struct bytes record);

/* Reader: the next record copied into the arena, or false when there is none. */
bool ring_read(const struct ring *ring, struct arena *arena, struct bytes *record);
/* Records dropped so far. */
uint64_t ring_dropped(const struct ring *ring);

#endif
