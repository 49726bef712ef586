/* Unit tests of cookie: what browsers send is found, whatever stands beside it. */
#include "base/test.h"

#include "base/text.h"
#include "wire/cookie.h"

static struct arena arena;

static void fields_of(struct http_fields *fields, const char *const *values, size_t count)
{
    http_fields_init(fields, &arena);
    http_fields_add_known(fields, HTTP_HOST, BYTES("a=b"));
    for (size_t i = 0; i < count; i++)
        http_fields_add_known(fields, HTTP_COOKIE, bytes_of(values[i]));
}

static struct bytes all_of(const struct http_fields *fields)
{
    struct cookie_walk walk = {0};
    struct cookie cookie;
    struct text text;
    text_init_arena(&text, &arena);
    while (cookie_next(fields, &walk, &cookie))
        text_format(&text, "[%.*s|%.*s]", BYTES_FMT(cookie.name), BYTES_FMT(cookie.value));
    return text_bytes(&text);
}

static void every_pair_of_every_field_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *name, *values[2], *found;
    } rows[] = {
        {"none", {NULL, NULL}, ""},
        {"one", {"a=1", NULL}, "[a|1]"},
        {"two", {"a=1; b=2", NULL}, "[a|1][b|2]"},
        {"of one name", {"a=1; a=2", "a=3"}, "[a|1][a|2][a|3]"},
        {"two fields", {"a=1", "b=2; c=3"}, "[a|1][b|2][c|3]"},
        {"without a space", {"a=1;b=2", NULL}, "[a|1][b|2]"},
        {"without =", {"a; b=2;", NULL}, "[b|2]"},
        {"= in the value", {"a=b=c==", NULL}, "[a|b=c==]"},
        {"empty", {"", ";;;"}, ""},
        {"no name", {"=x", NULL}, "[|x]"},
        {"quotes are part of it", {"a=\"x\"", NULL}, "[a|\"x\"]"},
        {"letter case counts", {"__host-a=1; __Host-a=2", NULL}, "[__host-a|1][__Host-a|2]"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_fields fields;
        fields_of(&fields, rows[i].values, rows[i].values[0] ? rows[i].values[1] ? 2 : 1 : 0);
        assert_string_equal(arena_text(&arena, all_of(&fields)), rows[i].found);
    }
}

static void ours_are_taken_out_and_nothing_else(void **state)
{
    (void)state;
    static const struct bytes ours[] = {BYTES_INIT("__Host-s"), BYTES_INIT("__Host-t.")};
    static const struct {
        const char *name, *values[2], *left;
    } rows[] = {
        {"only ours", {"__Host-s=1; __Host-t.x=2", NULL}, ""},
        {"between others", {"a=1; __Host-s=1; b=2", NULL}, "[a|1][b|2]"},
        {"pieces", {"__Host-s.1=1; __Host-s=2", "c=3"}, "[c|3]"},
        {"nothing of ours", {"a=1;b=2", "__Host-x=1"}, "[a|1][b|2][__Host-x|1]"},
        {"without a value", {"__Host-s; a=1", NULL}, "[a|1]"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_fields fields;
        fields_of(&fields, rows[i].values, rows[i].values[1] ? 2 : 1);
        cookies_strip(&fields, ours, 2, &arena);
        assert_string_equal(arena_text(&arena, all_of(&fields)), rows[i].left);
        assert_non_null(http_fields_find(&fields, HTTP_HOST));
    }
}

static void a_field_without_ours_stays_as_it_came(void **state)
{
    (void)state;
    static const struct bytes ours = BYTES_INIT("__Host-s");
    static const char *const values[] = {"a=1;b ;  c"};
    struct http_fields fields;
    fields_of(&fields, values, 1);
    cookies_strip(&fields, &ours, 1, &arena);
    assert_true(bytes_equal(fields.at[1].value, BYTES("a=1;b ;  c")));
}

static void a_cookie_of_ours_is_for_this_host_alone(void **state)
{
    (void)state;
    assert_string_equal(cookie_write(BYTES("__Host-s"), BYTES("v"), 60, &arena).at,
                        "__Host-s=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
    assert_string_equal(cookie_write(BYTES("__Host-s"), BYTES(""), 0, &arena).at,
                        "__Host-s=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_string_equal(cookie_write(BYTES("__Host-s"), BYTES("v"), -1, &arena).at,
                        "__Host-s=v; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_true(cookie_is_name(BYTES("staff-session_1.x")));
    assert_false(cookie_is_name(BYTES("")));
    assert_false(cookie_is_name(BYTES("a b")));
    assert_false(cookie_is_name(BYTES("a;b")));
    assert_false(cookie_is_name(BYTES("a=b")));
}

static int up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_every_field_is_found),
        cmocka_unit_test(ours_are_taken_out_and_nothing_else),
        cmocka_unit_test(a_field_without_ours_stays_as_it_came),
        cmocka_unit_test(a_cookie_of_ours_is_for_this_host_alone),
    };
    return cmocka_run_group_tests(tests, up, down);
}
