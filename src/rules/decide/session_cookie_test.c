/* Unit tests of session_cookie: pieces that belong together, and those that do not. */
#include "base/test.h"

#include "base/text.h"
#include "rules/decide/session_cookie.h"

#define NAME BYTES("__Host-s")
#define A "AAAAAAAA"
#define B "BBBBBBBB"

static struct arena arena;

static void request_of(struct http_fields *fields, const char *cookies)
{
    http_fields_init(fields, &arena);
    if (cookies)
        http_fields_add_known(fields, HTTP_COOKIE, bytes_of(cookies));
}

static struct bytes found_in(const struct http_fields *fields)
{
    struct bytes found[SESSION_COOKIE_FOUND_MAX];
    struct text text;
    size_t count = session_cookie_find(fields, NAME, &arena, found);
    text_init_arena(&text, &arena);
    for (size_t i = 0; i < count; i++)
        text_format(&text, "[%.*s]", BYTES_FMT(found[i]));
    return text_bytes(&text);
}

static void neg_37_only_what_is_whole_counts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *cookies, *found;
    } rows[] = {
        {"none", NULL, ""},
        {"one piece", "__Host-s=1." A ".xyz", "[xyz]"},
        {"three", "__Host-s.2=" A ".3; __Host-s=3." A ".1; __Host-s.1=" A ".2", "[123]"},
        {"count 0", "__Host-s=0." A ".x", ""},
        {"count negative", "__Host-s=-1." A ".x", ""},
        {"count 99999999", "__Host-s=99999999." A ".x", ""},
        {"count 6", "__Host-s=6." A ".x", ""},
        {"count empty", "__Host-s=." A ".x", ""},
        {"no mark", "__Host-s=1.x", ""},
        {"another mark's length", "__Host-s=1.AAA.x", ""},
        {"a piece is missing", "__Host-s=3." A ".1; __Host-s.1=" A ".2", ""},
        {"pieces of two users", "__Host-s=2." A ".1; __Host-s.1=" B ".2", ""},
        {"a piece twice", "__Host-s=2." A ".1; __Host-s.1=" A ".2; __Host-s.1=" A ".3", ""},
        {"neg_36 a planted piece", "__Host-s=2." A ".1; __Host-s.1=" B ".x; __Host-s.1=" A ".2", "[12]"},
        {"neg_36 a planted beginning", "__Host-s=junk; __Host-s=2." A ".1; __Host-s.1=" A ".2", "[12]"},
        {"neg_36 two whole ones", "__Host-s=1." A ".1; __Host-s=1." B ".2", "[1][2]"},
        {"more than are looked at", "__Host-s=a; __Host-s=b; __Host-s=c; __Host-s=d; __Host-s=1." A ".late",
         ""},
        {"without the prefix", "s=1." A ".x; __host-s=1." A ".y; __Secure-s=1." A ".z", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_fields fields;
        request_of(&fields, rows[i].cookies);
        struct bytes found = found_in(&fields);
        if (!bytes_equal(found, bytes_of(rows[i].found)))
            print_error("%s: %.*s\n", rows[i].name, BYTES_FMT(found));
        assert_true(bytes_equal(found, bytes_of(rows[i].found)));
    }
}

/* What the browser sends next time. */
static void answer_keep(const struct http_fields *response, struct http_fields *request)
{
    struct text text;
    text_init_arena(&text, &arena);
    for (uint32_t i = 0; i < response->count; i++) {
        struct bytes rest = response->at[i].value, pair;
        bytes_cut(&rest, ';', &pair);
        text_format(&text, "%s%.*s", text.len ? "; " : "", BYTES_FMT(pair));
    }
    request_of(request, text.at);
}

static void any_length_comes_back(void **state)
{
    (void)state;
    static char text[SESSION_COOKIE_PIECE * SESSION_COOKIE_PIECES_MAX + 1];
    static const size_t lengths[] = {1, SESSION_COOKIE_PIECE, SESSION_COOKIE_PIECE + 1, sizeof text - 1};
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct http_fields request, response;
        struct bytes in = bytes_make(text, lengths[i]), found[SESSION_COOKIE_FOUND_MAX];
        request_of(&request, NULL);
        http_fields_init(&response, &arena);
        assert_true(session_cookie_set(&response, &request, NAME, in, BYTES(A), 60, &arena));
        for (uint32_t k = 0; k < response.count; k++)
            assert_true(response.at[k].value.len < 4096);
        answer_keep(&response, &request);
        assert_int_equal(session_cookie_find(&request, NAME, &arena, found), 1);
        assert_true(bytes_equal(found[0], in));
    }
    struct http_fields none, response;
    request_of(&none, NULL);
    http_fields_init(&response, &arena);
    assert_false(
        session_cookie_set(&response, &none, NAME, bytes_make(text, sizeof text), BYTES(A), 60, &arena));
    assert_int_equal(response.count, 0);
}

static void pieces_that_are_not_needed_any_more_end(void **state)
{
    (void)state;
    struct http_fields request, response;
    request_of(&request, "__Host-s=3." A ".1; __Host-s.1=" A ".2; __Host-s.2=" A ".3; other=1");
    http_fields_init(&response, &arena);
    assert_true(session_cookie_set(&response, &request, NAME, BYTES("x"), BYTES(B), 60, &arena));
    assert_int_equal(response.count, 3);
    assert_true(bytes_starts(response.at[1].value, BYTES("__Host-s.1=; ")));
    assert_true(bytes_ends(response.at[2].value, BYTES("; Max-Age=0")));
    http_fields_init(&response, &arena);
    assert_true(session_cookie_set(&response, &request, NAME, BYTES(""), BYTES(B), 0, &arena));
    assert_int_equal(response.count, 3);
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
        cmocka_unit_test(neg_37_only_what_is_whole_counts),
        cmocka_unit_test(any_length_comes_back),
        cmocka_unit_test(pieces_that_are_not_needed_any_more_end),
    };
    return cmocka_run_group_tests(tests, up, down);
}
