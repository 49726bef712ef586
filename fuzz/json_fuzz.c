/* What is read is what jansson reads, whoever of the two read it;
 * what is read and written again reads the same, and its canonical form is its own canonical form. */
#include <assert.h>

#include "wire/json.h"

static void compare(struct bytes in, const json_t *value, const struct fail *why)
{
    json_error_t error;
    json_t *other = json_loadb(in.len ? in.at : "", in.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    assert(value ? json_equal(value, other) : !other || why->kind == FAIL_LIMIT);
    json_decref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fail why = {0};
    struct text once, twice;
    json_t *value = json_read(bytes_make(data, size), 64 * 1024, &why);
    compare(bytes_make(data, size), value, &why);
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
