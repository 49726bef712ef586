/* Unit tests of packed: what was written comes back, what is not whole is told. */
#include "base/test.h"

#include "wire/packed.h"

static void what_was_written_comes_back(void **state)
{
    (void)state;
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    packed_u64(&text, UINT64_MAX);
    packed_text(&text, BYTES("a\0b"));
    packed_text(&text, (struct bytes){0});
    packed_u64(&text, 258);
    assert_int_equal(text.len, 8 + 4 + 3 + 4 + 8);
    assert_memory_equal(text.at + 19, "\x02\x01\0\0\0\0\0\0", 8);
    struct unpack from = {.rest = text_bytes(&text)};
    assert_true(unpack_u64(&from) == UINT64_MAX);
    assert_true(bytes_equal(unpack_text(&from), BYTES("a\0b")));
    assert_int_equal(unpack_text(&from).len, 0);
    assert_false(unpack_end(&from));
    assert_int_equal(unpack_u64(&from), 258);
    assert_true(unpack_end(&from));
    arena_done(&arena);
}

static void what_is_not_whole_is_empty_and_told(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes in;
    } rows[] = {
        {"nothing", BYTES_INIT("")},
        {"half a number", BYTES_INIT("\1\0\0")},
        {"no text", BYTES_INIT("\1\0\0\0\0\0\0\0")},
        {"half a length", BYTES_INIT("\1\0\0\0\0\0\0\0\1\0")},
        {"a text longer than all", BYTES_INIT("\1\0\0\0\0\0\0\0\2\0\0\0a")},
        {"the longest", BYTES_INIT("\1\0\0\0\0\0\0\0\xff\xff\xff\xffxyz")},
        {"more behind", BYTES_INIT("\1\0\0\0\0\0\0\0\1\0\0\0ab")},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct unpack from = {.rest = rows[i].in};
        unpack_u64(&from);
        struct bytes text = unpack_text(&from);
        assert_true(text.len <= 1);
        assert_false(unpack_end(&from));
        if (from.bad)
            assert_int_equal(unpack_u64(&from), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(what_is_not_whole_is_empty_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
