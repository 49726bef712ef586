/* A ring whose memory the other side has filled as it liked: neither reading nor writing leaves it. */
#include <stdlib.h>
#include <string.h>

#include "wire/ring.h"

#define DATA ((size_t)32768)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *memory = aligned_alloc(64, DATA + RING_HEAD);
    struct arena arena;
    struct ring ring;
    struct bytes record;
    memset(memory, 0, DATA + RING_HEAD);
    memcpy(memory, data, size < DATA + RING_HEAD ? size : DATA + RING_HEAD);
    arena_init(&arena);
    ring_open(&ring, memory, DATA + RING_HEAD);
    for (int i = 0; i < 64 && ring_read(&ring, &arena, &record); i++)
        ring_write(&ring, record);
    ring_write(&ring, bytes_make(data, size));
    while (ring_read(&ring, &arena, &record))
        arena_reset(&arena);
    arena_done(&arena);
    free(memory);
    return 0;
}
