/* Unit tests of json: our bounds around jansson, and sentences that quote nothing. */
#include "base/test.h"

#include "wire/json.h"
#include "wire/json_plain.h"

static void what_is_read_is_written_sorted_and_compact(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"{ \"b\" : [1, 2.5, -3], \"a\": null }", "{\"a\":null,\"b\":[1,2.5,-3]}"},
        {"\"\\u0061\"", "\"a\""},
        {" true\n", "true"},
        {"-0", "0"},
        {"9007199254740993", "9007199254740993"},
        {"\"\xf0\x9f\x98\x80 \\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\""},
        {"{\"a\":{\"a\":1}}", "{\"a\":{\"a\":1}}"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char buffer[200];
        struct text text;
        struct fail why;
        json_t *value = json_read(bytes_of(rows[i].in), 1000, &why);
        assert_non_null(value);
        text_init_fixed(&text, buffer, sizeof buffer);
        json_write(&text, value);
        assert_string_equal(buffer, rows[i].out);
        json_decref(value);
    }
}

static void refuse(struct bytes in, const char *sentence)
{
    struct fail why = {0};
    assert_null(json_read(in, 1000, &why));
    assert_string_equal(why.text, sentence);
}

static void neg_07_an_object_names_each_member_once(void **state)
{
    (void)state;
    refuse(BYTES("{\"alg\":1,\"alg\":2}"), "not JSON at line 1, column 14: an object names a member twice");
    refuse(BYTES("{\"alg\":1,\"\\u0061lg\":2}"),
           "not JSON at line 1, column 19: an object names a member twice");
    refuse(BYTES("{\"a\":{\"b\":1,\"b\":1}}"),
           "not JSON at line 1, column 15: an object names a member twice");
}

static void neg_08_strings_are_unicode_without_nul(void **state)
{
    (void)state;
    refuse(BYTES("{\"sub\":\"a\\u0000b\"}"), "not JSON at line 1, column 17: a string holds a NUL");
    refuse(BYTES("{\"a\\u0000b\":1}"), "not JSON at line 1, column 11: a string holds a NUL");
    refuse(BYTES("\"\\ud800\""), "not JSON at line 1, column 8: the syntax is wrong");
    refuse(BYTES("\"\xc3\x28\""), "not JSON at line 1, column 1: the text is not UTF-8");
    refuse(BYTES("\"\xed\xa0\x80\""), "not JSON at line 1, column 1: the text is not UTF-8");
    refuse(BYTES("\"a\0b\""), "not JSON at line 1, column 2: the syntax is wrong");
}

static void what_is_no_json_is_refused_without_quoting_it(void **state)
{
    (void)state;
    refuse(BYTES(""), "not JSON at line 1, column 0: the text ends too early");
    refuse(BYTES("{\"secret\":"), "not JSON at line 1, column 10: the text ends too early");
    refuse(BYTES("{} {}"), "not JSON at line 1, column 4: something follows the value");
    refuse(BYTES("1e999"), "not JSON at line 1, column 5: a number is too big");
    refuse(BYTES("9223372036854775808"), "not JSON at line 1, column 19: a number is too big");
    refuse(BYTES("{'a':1}"), "not JSON at line 1, column 2: the syntax is wrong");
    refuse(BYTES("[1,]"), "not JSON at line 1, column 4: the syntax is wrong");
    refuse(BYTES("<html>"), "not JSON at line 1, column 1: the syntax is wrong");
    refuse(BYTES("\xef\xbb\xbf{}"), "not JSON at line 1, column 1: the syntax is wrong");
}

static void neg_18_depth_and_length_are_bounded(void **state)
{
    (void)state;
    static char deep[200000];
    struct fail why;
    memset(deep, '[', sizeof deep / 2);
    memset(deep + sizeof deep / 2, ']', sizeof deep / 2);
    assert_null(json_read(bytes_make(deep, sizeof deep), sizeof deep, &why));
    assert_string_equal(why.text, "the JSON nests more than 64 deep");
    assert_null(json_read(bytes_make(deep + sizeof deep / 2 - 65, 130), 1000, &why));
    json_t *value = json_read(bytes_make(deep + sizeof deep / 2 - 64, 128), 1000, &why);
    assert_non_null(value);
    json_decref(value);
    value =
        json_read(BYTES("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\""),
                  1000, &why);
    assert_non_null(value);
    json_decref(value);
    assert_null(json_read(BYTES("  1"), 2, &why));
    assert_string_equal(why.text, "the JSON has 3 bytes; at most 2 are read");
    assert_int_equal(why.kind, FAIL_LIMIT);
}

static void plain_texts_read_as_jansson_reads_them(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        bool plain; /* false: left to jansson */
    } rows[] = {
        {BYTES_INIT("{}"), true},
        {BYTES_INIT(" [ ] "), true},
        {BYTES_INIT("{\"a\":[1,{\"b\":\"\xc3\xa9\"}],\"c\":true,\"\":null,\"d\":false}\n"), true},
        {BYTES_INIT("999999999999999999"), true},
        {BYTES_INIT("0"), true},
        {BYTES_INIT("1000000000000000000"), false},
        {BYTES_INIT("01"), false},
        {BYTES_INIT("-1"), false},
        {BYTES_INIT("1.5"), false},
        {BYTES_INIT("[1e3]"), false},
        {BYTES_INIT("\"\\n\""), false},
        {BYTES_INIT("{\"a\":1,\"a\":1}"), false},
        {BYTES_INIT("{\"a\":1,}"), false},
        {BYTES_INIT("[,]"), false},
        {BYTES_INIT("[1 2]"), false},
        {BYTES_INIT("{\"a\" 1}"), false},
        {BYTES_INIT("[1"), false},
        {BYTES_INIT("\"a"), false},
        {BYTES_INIT("tru"), false},
        {BYTES_INIT("truex"), false},
        {BYTES_INIT("{}\0"), false},
        {BYTES_INIT("{}x"), false},
        {BYTES_INIT("\"\xff\""), false},
        {BYTES_INIT("\"a\tb\""), false},
        {BYTES_INIT("[1}"), false},
        {BYTES_INIT(""), false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *plain = json_plain_read(rows[i].in);
        json_error_t error;
        assert_int_equal(plain != NULL, rows[i].plain);
        json_t *other =
            json_loadb(rows[i].in.at, rows[i].in.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
        assert_true(!plain || json_equal(plain, other));
        json_decref(plain);
        json_decref(other);
    }
}

static void texts_are_answered_only_for_strings(void **state)
{
    (void)state;
    struct fail why;
    struct bytes text = BYTES("old");
    json_t *value = json_read(BYTES("{\"a\":\"x\",\"b\":1,\"c\":\"\"}"), 100, &why);
    assert_true(json_member_text(value, "a", &text) && bytes_equal(text, BYTES("x")));
    assert_false(json_member_text(value, "b", &text));
    assert_int_equal(text.len, 0);
    assert_true(json_member_text(value, "c", &text) && text.len == 0);
    assert_false(json_member_text(value, "d", &text));
    assert_false(json_member_text(NULL, "d", &text));
    json_decref(value);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_sorted_and_compact),
        cmocka_unit_test(neg_07_an_object_names_each_member_once),
        cmocka_unit_test(neg_08_strings_are_unicode_without_nul),
        cmocka_unit_test(what_is_no_json_is_refused_without_quoting_it),
        cmocka_unit_test(neg_18_depth_and_length_are_bounded),
        cmocka_unit_test(plain_texts_read_as_jansson_reads_them),
        cmocka_unit_test(texts_are_answered_only_for_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
