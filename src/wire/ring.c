#include "wire/ring.h"

#include <stdatomic.h>
#include <string.h>

/* Writer's and reader's words lie on cache lines of their own. Positions count bytes for ever. */
struct ring_shared {
    _Alignas(64) _Atomic uint64_t head; /* written up to here */
    _Atomic uint64_t dropped;
    _Alignas(64) _Atomic uint64_t tail; /* read up to here */
    _Alignas(64) char data[];
};

_Static_assert(sizeof(struct ring_shared) == RING_HEAD, "the head's size is a part of the layout");

void ring_open(struct ring *ring, void *memory, size_t size)
{
    *ring = (struct ring){memory, size - RING_HEAD};
}

static uint64_t padded(uint64_t len)
{
    return (len + 4 + 7) & ~(uint64_t)7;
}

static void ring_put(const struct ring *ring, uint64_t at, const void *from, size_t len)
{
    uint64_t place = at & (ring->size - 1);
    size_t first = len < ring->size - place ? len : (size_t)(ring->size - place);
    memcpy(ring->shared->data + place, from, first);
    memcpy(ring->shared->data, (const char *)from + first, len - first);
}

static void ring_get(const struct ring *ring, uint64_t at, void *to, size_t len)
{
    uint64_t place = at & (ring->size - 1);
    size_t first = len < ring->size - place ? len : (size_t)(ring->size - place);
    memcpy(to, ring->shared->data + place, first);
    memcpy((char *)to + first, ring->shared->data, len - first);
}

bool ring_write(const struct ring *ring, struct bytes record)
{
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->shared->tail, memory_order_acquire);
    uint32_t len = (uint32_t)record.len;
    /* The reader's position is not believed: only a true one leaves `used` within the ring. */
    uint64_t used = head - tail;
    if (record.len > RING_RECORD_MAX || used > ring->size || padded(len) > ring->size - used) {
        atomic_fetch_add_explicit(&ring->shared->dropped, 1, memory_order_relaxed);
        return false;
    }
    ring_put(ring, head, &len, sizeof len);
    ring_put(ring, head + sizeof len, record.at, record.len);
    atomic_store_explicit(&ring->shared->head, head + padded(len), memory_order_release);
    return true;
}

bool ring_read(const struct ring *ring, struct arena *arena, struct bytes *record)
{
    uint64_t tail = atomic_load_explicit(&ring->shared->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);
    uint32_t len;
    if (head == tail)
        return false;
    if (head - tail > ring->size || head - tail < 8) { /* nonsense: start afresh */
        atomic_store_explicit(&ring->shared->tail, head, memory_order_release);
        return false;
    }
    ring_get(ring, tail, &len, sizeof len);
    if (len > RING_RECORD_MAX || padded(len) > head - tail) {
        atomic_store_explicit(&ring->shared->tail, head, memory_order_release);
        return false;
    }
    char *copy = arena_raw(arena, len);
    ring_get(ring, tail + sizeof len, copy, len);
    atomic_store_explicit(&ring->shared->tail, tail + padded(len), memory_order_release);
    *record = bytes_make(copy, len);
    return true;
}

uint64_t ring_dropped(const struct ring *ring)
{
    return atomic_load_explicit(&ring->shared->dropped, memory_order_relaxed);
}
