/* Unit tests of http.c: fields and the small questions about them. */
#include "base/test.h"

#include "wire/http.h"
#include "wire/http_char.h"

static void every_known_name_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (int i = HTTP_OTHER + 1; i < HTTP_KNOWN_COUNT; i++)
        assert_int_equal(http_known_find(http_known_names[i]), i);
    static const char *const others[] = {"", "x", "host2", "hosu", "Host", "content-lengtH", "x-request-ie"};
    for (size_t i = 0; i < ROWS(others); i++)
        assert_int_equal(http_known_find(bytes_of(others[i])), HTTP_OTHER);
}

static void fields_keep_their_order_through_growing_and_removing(void **state)
{
    (void)state;
    struct arena arena;
    struct http_fields fields;
    struct bytes joined;
    arena_init(&arena);
    http_fields_init(&fields, &arena);
    for (int i = 0; i < 60; i++)
        http_fields_add(&fields, i % 2 ? BYTES("x-odd") : BYTES("cookie"), arena_format(&arena, "%d", i));
    assert_int_equal(fields.count, 60);
    assert_int_equal(http_fields_remove(&fields, HTTP_COOKIE), 30);
    assert_int_equal(fields.count, 30);
    assert_true(bytes_equal(fields.at[29].value, BYTES("59")));
    assert_null(http_fields_find(&fields, HTTP_COOKIE));
    http_fields_set(&fields, BYTES("x-odd"), BYTES("one"));
    assert_int_equal(fields.count, 1);
    assert_true(http_fields_join(&fields, BYTES("x-odd"), &arena, &joined));
    assert_ptr_equal(joined.at, fields.at[0].value.at);
    assert_int_equal(http_fields_remove(&fields, HTTP_OTHER), 0);
    assert_int_equal(http_fields_remove_name(&fields, BYTES("x-odd")), 1);
    assert_false(http_fields_join(&fields, BYTES("x-odd"), &arena, &joined));
    arena_done(&arena);
}

static void joining_keeps_empty_values(void **state)
{
    (void)state;
    struct arena arena;
    struct http_fields fields;
    struct bytes joined;
    arena_init(&arena);
    http_fields_init(&fields, &arena);
    http_fields_add(&fields, BYTES("a"), BYTES(""));
    http_fields_add(&fields, BYTES("host"), BYTES("no"));
    http_fields_add(&fields, BYTES("a"), BYTES("x"));
    http_fields_add(&fields, BYTES("a"), BYTES(""));
    assert_true(http_fields_join(&fields, BYTES("a"), &arena, &joined));
    assert_true(bytes_equal(joined, BYTES(",x,")));
    arena_done(&arena);
}

static void values_hold_no_controls_wherever_they_stand(void **state)
{
    (void)state;
    char value[40];
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < sizeof value; at++) {
            memset(value, 'a', sizeof value);
            value[at] = (char)c;
            bool ok = c == '\t' || (c >= ' ' && c != 0x7F);
            assert_int_equal(http_is_value(bytes_make(value, sizeof value)), ok);
        }
    assert_true(http_is_value(BYTES("")));
}

static void tokens_are_not_empty_and_hold_no_separators(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {{"x-a_b", true}, {"!#$%&'*+-.^`|~9Z", true}, {"", false},    {"a b", false}, {"a:", false},
                {"(a)", false},  {"\xC3\xA9", false},        {"a\r", false}, {"a/b", false}};
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(http_is_token(bytes_of(rows[i].text)), rows[i].ok);
}

static void lists_are_searched_by_element(void **state)
{
    (void)state;
    assert_true(http_list_has(BYTES("a, Close ,b"), BYTES("close")));
    assert_true(http_list_has(BYTES("close"), BYTES("close")));
    assert_false(http_list_has(BYTES("closed, x-close"), BYTES("close")));
    assert_false(http_list_has(BYTES(""), BYTES("close")));
}

static void reasons_are_found(void **state)
{
    (void)state;
    assert_string_equal(http_reason(100), "Continue");
    assert_string_equal(http_reason(511), "Network Authentication Required");
    assert_string_equal(http_reason(418), "Unknown");
    assert_string_equal(http_reason(0), "Unknown");
}

static void dates_are_written_as_the_rfc_shows(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_s;
        const char *text;
    } rows[] = {{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
                {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
                {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
                {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"}};
    char text[HTTP_DATE_SIZE];
    for (size_t i = 0; i < ROWS(rows); i++) {
        http_date(rows[i].wall_s, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_name_is_found_and_nothing_else),
        cmocka_unit_test(fields_keep_their_order_through_growing_and_removing),
        cmocka_unit_test(joining_keeps_empty_values),
        cmocka_unit_test(values_hold_no_controls_wherever_they_stand),
        cmocka_unit_test(tokens_are_not_empty_and_hold_no_separators),
        cmocka_unit_test(lists_are_searched_by_element),
        cmocka_unit_test(reasons_are_found),
        cmocka_unit_test(dates_are_written_as_the_rfc_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
