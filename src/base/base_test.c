/* Unit tests of base/: rows with names. */
#include "base/test.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/text.h"

static void numbers_are_digits_only_and_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        uint64_t max;
        bool ok;
        uint64_t out;
    } rows[] = {
        {"0", 10, true, 0},
        {"10", 10, true, 10},
        {"11", 10, false, 0},
        {"", 10, false, 0},
        {"-1", 10, false, 0},
        {"+1", 10, false, 0},
        {" 1", 10, false, 0},
        {"1x", 10, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"5", 3, false, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t out = 77;
        assert_int_equal(bytes_to_u64(bytes_of(rows[i].in), rows[i].max, &out), rows[i].ok);
        assert_int_equal(out, rows[i].ok ? rows[i].out : 77);
    }
}

static void cut_finds_the_mark_and_says_when_there_is_none(void **state)
{
    (void)state;
    struct bytes rest = BYTES("a/b"), head;
    assert_true(bytes_cut(&rest, '/', &head));
    assert_true(bytes_equal(head, BYTES("a")));
    assert_true(bytes_equal(rest, BYTES("b")));
    assert_false(bytes_cut(&rest, '/', &head));
    assert_true(bytes_equal(head, BYTES("b")));
    assert_int_equal(rest.len, 0);
}

static void utf8_is_judged_by_the_unicode_table(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        bool ok;
    } rows[] = {
        {BYTES_INIT("plain"), true},
        {BYTES_INIT("\xC3\xA9"), true},
        {BYTES_INIT("\xF0\x9F\x98\x80"), true},
        {BYTES_INIT("\xC0\x80"), false},
        {BYTES_INIT("\xED\xA0\x80"), false},
        {BYTES_INIT("\xF4\x90\x80\x80"), false},
        {BYTES_INIT("\xE2\x82"), false},
        {BYTES_INIT("\x80"), false},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(bytes_is_utf8(rows[i].in), rows[i].ok);
}

static void arena_aligns_and_zeroes_what_was_used_before(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        memset(arena_raw(&arena, 4001), 0xFF, 4001);
        for (int i = 0; i < 100; i++) {
            uint64_t *number = arena_new(&arena, uint64_t);
            assert_int_equal((uintptr_t)number % 16, 0);
            assert_int_equal(*number, 0);
            *number = ~0ULL;
            arena_raw(&arena, 3);
        }
        char *large = arena_alloc(&arena, 100000);
        assert_int_equal(large[99999], 0);
        arena_reset(&arena);
    }
    arena_done(&arena);
    arena_stock_drop();
}

static void text_in_a_fixed_buffer_is_cut_not_overrun(void **state)
{
    (void)state;
    char buffer[8];
    struct text text;
    text_init_fixed(&text, buffer, sizeof buffer);
    text_add_s(&text, "12345");
    assert_false(text.cut);
    text_format(&text, "%d", 6789);
    assert_true(text.cut);
    assert_string_equal(buffer, "1234567");
    text_add_u64(&text, 1);
    assert_string_equal(buffer, "1234567");
}

static void json_text_is_escaped_and_always_utf8(void **state)
{
    (void)state;
    char buffer[100];
    struct text text;
    text_init_fixed(&text, buffer, sizeof buffer);
    text_add_json(&text, BYTES("a\"\\\n\x01\x7F\xC3\xA9\xFF"));
    assert_string_equal(buffer, "\"a\\\"\\\\\\n\\u0001\\u007f\xC3\xA9\xEF\xBF\xBD\"");
}

static void shown_text_cannot_forge_a_line(void **state)
{
    (void)state;
    char buffer[100];
    struct text text;
    text_init_fixed(&text, buffer, sizeof buffer);
    text_add_shown(&text, BYTES("a\nb\xFF"), 50);
    assert_string_equal(buffer, "a\\x0ab\\xff");
    text_init_fixed(&text, buffer, sizeof buffer);
    text_add_shown(&text, BYTES("abcdef"), 3);
    assert_string_equal(buffer, "abc...");
}

static void map_keeps_takes_and_walks(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    static char names[1000][8];
    for (int i = 0; i < 1000; i++) {
        names[i][0] = (char)('a' + i % 26);
        names[i][1] = (char)('a' + i / 26 % 26);
        names[i][2] = (char)('a' + i / 676);
        assert_null(map_put(&map, bytes_of(names[i]), names[i]));
    }
    assert_int_equal(map.count, 1000);
    for (int i = 0; i < 1000; i += 2)
        assert_ptr_equal(map_take(&map, bytes_of(names[i])), names[i]);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(map_get(&map, bytes_of(names[i])), i % 2 ? names[i] : NULL);
    assert_ptr_equal(map_put(&map, bytes_of(names[1]), names[3]), names[1]);
    size_t at = 0, seen = 0;
    struct bytes key;
    void *value;
    while (map_next(&map, &at, &key, &value))
        seen++;
    assert_int_equal(seen, 500);
    map_done(&map);
}

static void failing_says_where_then_why(void **state)
{
    (void)state;
    struct fail why;
    assert_false(fail(&why, FAIL_INPUT, "'%s' is no number", "x"));
    assert_false(fail_in(&why, "selvage.yaml:%d", 3));
    assert_string_equal(why.text, "selvage.yaml:3: 'x' is no number");
    assert_int_equal(why.kind, FAIL_INPUT);
}

static void wall_time_is_written_as_rfc_3339(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    clock_text(1795251247123456, out);
    assert_string_equal(out, "2026-11-21T08:54:07.123Z");
}

static void stable_hashes_never_change(void **state)
{
    (void)state;
    assert_true(hash_stable(BYTES("outbound|80||a")) == hash_stable(BYTES("outbound|80||a")));
    assert_true(hash_stable(BYTES("a")) != hash_stable(BYTES("b")));
    assert_true(hash_keyed(BYTES("12345678x")) != hash_keyed(BYTES("12345678y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_only_and_bounded),
        cmocka_unit_test(cut_finds_the_mark_and_says_when_there_is_none),
        cmocka_unit_test(utf8_is_judged_by_the_unicode_table),
        cmocka_unit_test(arena_aligns_and_zeroes_what_was_used_before),
        cmocka_unit_test(text_in_a_fixed_buffer_is_cut_not_overrun),
        cmocka_unit_test(json_text_is_escaped_and_always_utf8),
        cmocka_unit_test(shown_text_cannot_forge_a_line),
        cmocka_unit_test(map_keeps_takes_and_walks),
        cmocka_unit_test(failing_says_where_then_why),
        cmocka_unit_test(wall_time_is_written_as_rfc_3339),
        cmocka_unit_test(stable_hashes_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
