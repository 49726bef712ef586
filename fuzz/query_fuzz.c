/* A parameter that was taken out is not found any more, and nothing is longer than it came. */
#include <assert.h>

#include "wire/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bytes path = bytes_make(data, size), name = BYTES("token"), value;
    arena_init(&arena);
    bool found = query_value(path, name, &arena, &value);
    struct bytes without = query_without(path, name, &arena);
    assert(!found || value.len <= path.len);
    assert(without.len <= path.len && !query_value(without, name, &arena, &value));
    arena_done(&arena);
    return 0;
}
