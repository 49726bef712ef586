/* Records as they come out of a ring: what is decoded can be written, and encodes to the same again. */
#include "wire/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buffer[RECORD_BYTES_MAX];
    struct record record, again;
    struct arena arena;
    struct text text;
    struct fail why;
    if (!record_decode(bytes_make(data, size), &record, &why))
        return 0;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    record_json(&text, &record);
    text_init_fixed(&text, buffer, sizeof buffer);
    record_encode(&text, &record);
    if (text.cut || !record_decode(text_bytes(&text), &again, &why))
        __builtin_trap();
    arena_done(&arena);
    return 0;
}
