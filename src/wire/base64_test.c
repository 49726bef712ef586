/* Unit tests of base64: what is refused matters more than what is read. */
#include "base/test.h"

#include "wire/base64.h"

static void vectors_of_the_rfc_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *classic, *url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes plain = bytes_of(rows[i].plain), out;
        assert_true(bytes_equal(base64_encode(plain, &arena), bytes_of(rows[i].classic)));
        assert_true(bytes_equal(base64url_encode(plain, &arena), bytes_of(rows[i].url)));
        assert_true(base64_decode(bytes_of(rows[i].classic), false, &arena, &out));
        assert_true(bytes_equal(out, plain));
        assert_true(base64url_decode(bytes_of(rows[i].url), &arena, &out));
        assert_true(bytes_equal(out, plain));
    }
    arena_done(&arena);
}

static void neg_09_two_spellings_of_the_same_bytes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"padding", "Zg=="},
        {"padding inside", "Zg==Zg"},
        {"lone padding", "="},
        {"white space", "Zm 9v"},
        {"newline at the end", "Zm9v\n"},
        {"the other alphabet +", "+//+"},
        {"the other alphabet /", "/w"},
        {"stray bits, two", "Zh"},
        {"stray bits, three", "Zm9"},
        {"length 1 mod 4", "Zm9vY"},
        {"one character", "A"},
        {"a dot", "Zm.v"},
        {"not ASCII", "Zm\xc3\xa9"},
        {"question mark", "Zm9v?"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes out = BYTES("untouched");
        assert_false(base64url_decode(bytes_of(rows[i].text), &arena, &out));
        assert_true(bytes_equal(out, BYTES("untouched")));
    }
    assert_false(base64url_decode(bytes_make("Zm\0v", 4), &arena, &(struct bytes){0}));
    arena_done(&arena);
}

static void padding_is_read_only_when_it_is_the_right_amount(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {{"Zg==", true},   {"Zm8=", true},   {"Zm9v", true},  {"Zg", true},    {"Zg=", false},
                {"Zg===", false}, {"Zm9v=", false}, {"====", false}, {"Zh==", false}, {"A===", false}};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes out;
        assert_int_equal(base64url_decode_padded(bytes_of(rows[i].text), &arena, &out), rows[i].ok);
    }
    arena_done(&arena);
}

static void classic_wants_its_padding_and_skips_space_only_when_loose(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool strict, loose;
    } rows[] = {
        {"Zm9vYg==", true, true}, {"Zm9v\nYg==\n", false, true}, {" Z m 8 =\r\n", false, true},
        {"Zm9vYg", false, false}, {"Zm9vYg=", false, false},     {"Zm9v====", false, false},
        {"-__-", false, false},   {"Zm9vYh==", false, false},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes out;
        assert_int_equal(base64_decode(bytes_of(rows[i].text), false, &arena, &out), rows[i].strict);
        assert_int_equal(base64_decode(bytes_of(rows[i].text), true, &arena, &out), rows[i].loose);
    }
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc_go_both_ways),
        cmocka_unit_test(neg_09_two_spellings_of_the_same_bytes_are_refused),
        cmocka_unit_test(padding_is_read_only_when_it_is_the_right_amount),
        cmocka_unit_test(classic_wants_its_padding_and_skips_space_only_when_loose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
