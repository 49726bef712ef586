/* Every pair that is found is among what came; after stripping none of ours is. */
#include <stdlib.h>

#include "wire/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bytes ours = BYTES_INIT("__Host-a");
    struct bytes in = bytes_make(data, size), half = bytes_part(in, 0, size / 2);
    struct http_fields fields;
    struct cookie_walk walk = {0};
    struct cookie cookie;
    struct arena arena;
    arena_init(&arena);
    http_fields_init(&fields, &arena);
    http_fields_add_known(&fields, HTTP_COOKIE, half);
    http_fields_add_known(&fields, HTTP_COOKIE, bytes_part(in, size / 2, size));
    while (cookie_next(&fields, &walk, &cookie))
        if (cookie.value.len > size || bytes_find(cookie.value, ';') < cookie.value.len)
            abort();
    cookies_strip(&fields, &ours, 1, &arena);
    walk = (struct cookie_walk){0};
    while (cookie_next(&fields, &walk, &cookie))
        if (bytes_starts(cookie.name, ours))
            abort();
    arena_done(&arena);
    return 0;
}
