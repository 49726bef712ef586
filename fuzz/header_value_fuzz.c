#include "rules/kind/header_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct header_part parts[HEADER_PARTS_MAX];
    struct arena arena;
    struct fail why;
    size_t count = 0;
    arena_init(&arena);
    for (int on_response = 0; on_response < 2; on_response++)
        if (header_value_read(bytes_make(at, len), on_response, &arena, parts, &count, &why) &&
            count > HEADER_PARTS_MAX)
            __builtin_trap();
    arena_done(&arena);
    return 0;
}
