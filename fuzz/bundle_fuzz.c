#include "crypt/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bundle bundle;
    struct fail why;
    arena_init(&arena);
    bundle_read(bytes_make(data, size), &arena, &bundle, &why);
    arena_done(&arena);
    return 0;
}
