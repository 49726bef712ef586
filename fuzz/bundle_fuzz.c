#include "crypt/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bundle bundle;
    struct bytes roots;
    struct fail why;
    arena_init(&arena);
    bundle_read(bytes_make(data, size), &arena, &bundle, &why);
    bundle_roots(bytes_make(data, size), &arena, &roots, &why);
    arena_done(&arena);
    return 0;
}
