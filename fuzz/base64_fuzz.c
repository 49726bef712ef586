/* Whatever decodes encodes to the same text again: no two texts for the same bytes. */
#include <assert.h>

#include "wire/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bytes in = bytes_make(data, size), out;
    arena_init(&arena);
    if (base64url_decode(in, &arena, &out))
        assert(bytes_equal(base64url_encode(out, &arena), in));
    if (base64_decode(in, false, &arena, &out))
        assert(bytes_equal(base64_encode(out, &arena), in));
    if (base64url_decode_padded(in, &arena, &out))
        assert(out.len <= size);
    base64_decode(in, true, &arena, &out);
    arena_done(&arena);
    return 0;
}
