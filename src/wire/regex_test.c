#include "base/test.h"

#include "wire/regex.h"

static struct regex *made(const char *pattern)
{
    struct fail why;
    struct regex *regex = regex_new(bytes_of(pattern), &why);
    assert_non_null(regex);
    return regex;
}

static void every_match_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        const char *rewrite;
        const char *out;
    } rows[] = {
        {"^/a/(.*)$", "/a/b/c", "/\\1/x", "/b/c/x"},
        {"a", "/aba", "-", "/-b-"},
        {"/v([0-9]+)/([a-z]+)", "/v1/x/v22/y", "/\\2/\\1", "/x/1/y/22"},
        {"none", "/a", "/b", "/a"},
        {"a+", "/aab", "[\\0]", "/[aa]b"},
        {"x*", "ab", "-", "-a-b-"},
        {"a", "a", "\\\\", "\\"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct regex *regex = made(rows[i].pattern);
        char out[100];
        size_t len;
        assert_true(
            regex_replace(regex, bytes_of(rows[i].text), bytes_of(rows[i].rewrite), out, sizeof out, &len));
        out[len] = '\0';
        assert_string_equal(out, rows[i].out);
        regex_free(regex);
    }
}

static void what_has_no_room_is_refused(void **state)
{
    (void)state;
    struct regex *regex = made("a");
    char out[4] = "xyz";
    size_t len = 7;
    assert_false(regex_replace(regex, BYTES("aaa"), BYTES("bb"), out, sizeof out, &len));
    assert_string_equal(out, "xyz");
    assert_int_equal(len, 7);
    assert_true(regex_replace(regex, BYTES("aa"), BYTES("bb"), out, sizeof out, &len));
    assert_int_equal(len, 4);
    regex_free(regex);
}

static void rewrites_name_groups_that_there_are(void **state)
{
    (void)state;
    struct fail why;
    char rewrite[REGEX_REWRITE_MAX + 1];
    struct regex *regex = made("(a)");
    assert_true(regex_rewrite_check(regex, BYTES("\\0\\1"), &why));
    assert_false(regex_rewrite_check(regex, BYTES("\\2"), &why));
    assert_string_equal(why.text, "names group 2 of an expression that has 1");
    assert_false(regex_rewrite_check(regex, BYTES("\\x"), &why));
    assert_string_equal(why.text, "behind a \\ belongs the number of a group or another \\");
    memset(rewrite, 'a', sizeof rewrite);
    assert_true(regex_rewrite_check(regex, bytes_make(rewrite, REGEX_REWRITE_MAX), &why));
    assert_false(regex_rewrite_check(regex, bytes_make(rewrite, sizeof rewrite), &why));
    assert_string_equal(why.text, "a rewrite has at most 256 bytes");
    regex_free(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_match_is_replaced),
        cmocka_unit_test(what_has_no_room_is_refused),
        cmocka_unit_test(rewrites_name_groups_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
