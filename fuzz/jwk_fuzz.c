/* Any text as a key set, and every key that is read made a verifier and written again. */
#include <assert.h>

#include "crypt/key_set.h"

static void write_and_read(const struct jwk *key, struct arena *arena)
{
    struct text text;
    struct fail why;
    struct jwk_set again;
    text_init_arena(&text, arena);
    text_add_s(&text, "{\"keys\":[");
    jwk_write(&text, key);
    text_add_s(&text, "]}");
    assert(jwk_set_read(text_bytes(&text), arena, &again, &why));
    assert(again.count <= 1 && (!again.count || bytes_equal(again.keys[0].a, key->a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct jwk_set set;
    struct fail why = {0};
    arena_init(&arena);
    if (jwk_set_read(bytes_make(data, size), &arena, &set, &why)) {
        assert(set.count <= JWK_SET_KEYS_MAX);
        key_set_free(key_set_new(&set));
        for (uint32_t i = 0; i < set.count; i++)
            write_and_read(&set.keys[i], &arena);
    } else {
        assert(why.kind != FAIL_NONE);
    }
    arena_done(&arena);
    return 0;
}
