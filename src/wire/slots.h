/*
 * slots: which slot of a table in shared memory is a key's: open addressing without
 * a lock. A key is looked for in a short run of slots from its hash on; a slot that
 * was taken once is never empty again, but an idle one may become another key's.
 */
#ifndef WIRE_SLOTS_H
#define WIRE_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SLOTS_RUN 16u
#define SLOTS_NONE UINT32_MAX

/* Whether what the slot holds is nothing. */
typedef bool slots_idle(const void *owner, uint32_t slot);

/* `room` is a power of two; `key` is never 0. SLOTS_NONE: it is not there. */
uint32_t slots_find(const _Atomic uint64_t *keys, uint32_t room, uint64_t key);
/* Makes it one if need be: SLOTS_NONE when the run is full of keys that are in use. */
uint32_t slots_take(_Atomic uint64_t *keys, uint32_t room, uint64_t key, slots_idle *idle, const void *owner);

#endif
