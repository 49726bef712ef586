/* Nothing that was not sealed opens; what was sealed opens as it was. */
#include <stdlib.h>

#include "crypt/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct seal_key key = {{1, 2, 3}};
    struct bytes in = bytes_make(data, size);
    struct seal_key read;
    struct bytes sealed;
    struct bytes out;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    seal_key_read(in, &read, &why);
    if (seal_open(&key, BYTES("a"), in, &arena, &out, &why))
        abort();
    if (!seal_close(&key, in, in, &arena, &sealed, &why) ||
        !seal_open(&key, in, sealed, &arena, &out, &why) || !bytes_equal(in, out))
        abort();
    arena_done(&arena);
    return 0;
}
