/* What is read and written again reads the same, and its canonical form is its own canonical form. */
#include <assert.h>

#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fail why = {0};
    struct text once, twice;
    json_t *value = json_read(bytes_make(data, size), 64 * 1024, &why);
    if (!value) {
        assert(why.kind != FAIL_NONE && why.text[0]);
        return 0;
    }
    arena_init(&arena);
    text_init_arena(&once, &arena);
    text_init_arena(&twice, &arena);
    json_write(&once, value);
    json_t *again = json_read(text_bytes(&once), SIZE_MAX, &why);
    assert(again);
    json_write(&twice, again);
    assert(bytes_equal(text_bytes(&once), text_bytes(&twice)));
    json_decref(again);
    json_decref(value);
    arena_done(&arena);
    return 0;
}
