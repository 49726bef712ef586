/* Unit tests of path.c and path_template.c. */
#include "base/test.h"

#include "wire/path.h"
#include "wire/path_template.h"

static void neg_31_paths_become_normal(void **state)
{
    (void)state;
    static const struct {
        enum path_level level;
        const char *in, *out;
    } rows[] = {
        {PATH_NONE, "/a/../%zz#x", "/a/../%zz"},
        {PATH_NONE, "/?q#f", "/?q"},
        {PATH_BASE, "/a/./b/../c?x=/../%zz", "/a/c?x=/../%zz"},
        {PATH_BASE, "/a/..", "/"},
        {PATH_BASE, "/a/.", "/a/"},
        {PATH_BASE, "/..", "/"},
        {PATH_BASE, "/.../a..b/..c", "/.../a..b/..c"},
        {PATH_BASE, "/%2e%2E/a", "/a"},
        {PATH_BASE, "/%7e%5F%2d%41%2f%25%3f", "/~_-A%2f%25%3f"},
        {PATH_BASE, "/%252e%252e/a", "/%252e%252e/a"},
        {PATH_BASE, "//a//..//b", "//a//b"},
        {PATH_BASE, "/a\\..\\b", "/b"},
        {PATH_BASE, "/a/%5c../b", "/a/%5c../b"},
        {PATH_MERGE_SLASHES, "//a///b//?//", "/a/b/?//"},
        {PATH_MERGE_SLASHES, "/a//../b", "/a/b"},
        {PATH_DECODE_AND_MERGE_SLASHES, "/a%2F%5c..%2fb?%2f", "/a/b?%2f"},
        {PATH_DECODE_AND_MERGE_SLASHES, "/%2e%2e%2fa", "/a"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct bytes out, again;
        struct fail why;
        arena_init(&arena);
        assert_true(path_normalize(bytes_of(rows[i].in), rows[i].level, &arena, &out, &why));
        if (!bytes_equal(out, bytes_of(rows[i].out)))
            print_message("%s became %.*s\n", rows[i].in, BYTES_FMT(out));
        assert_true(bytes_equal(out, bytes_of(rows[i].out)));
        assert_true(path_normalize(out, rows[i].level, &arena, &again, &why));
        assert_true(bytes_equal(out, again));
        arena_done(&arena);
    }
}

static void clean_paths_are_not_copied(void **state)
{
    (void)state;
    struct arena arena;
    struct bytes in = BYTES("/a/b?c=%2e#d"), out;
    struct fail why;
    arena_init(&arena);
    assert_true(path_normalize(in, PATH_DECODE_AND_MERGE_SLASHES, &arena, &out, &why));
    assert_ptr_equal(in.at, out.at);
    assert_int_equal(arena.used, 0);
    assert_true(bytes_equal(path_only(in), BYTES("/a/b")));
    arena_done(&arena);
}

static void parameters_are_taken_out_of_segments(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"/a;b=c;d/e;f", "/a/e"},
        {"/a/;x/..;/b", "/a//../b"},
        {"/a%3Bb/c", "/a%3Bb/c"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char at[40];
        size_t len = strlen(rows[i].in);
        memcpy(at, rows[i].in, len);
        len = path_remove_parameters(at, len);
        assert_true(bytes_equal(bytes_make(at, len), bytes_of(rows[i].out)));
    }
}

static void neg_31_bad_paths_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum path_level level;
        const char *in, *sentence;
    } rows[] = {
        {PATH_NONE, "", "the path does not begin with /"},
        {PATH_NONE, "?a", "the path does not begin with /"},
        {PATH_NONE, "\\a", "the path does not begin with /"},
        {PATH_NONE, "/a b", "the path holds a control character or a space"},
        {PATH_NONE, "/a?\x7f", "the path holds a control character or a space"},
        {PATH_NONE, "/%00", "the path holds %00"},
        {PATH_BASE, "/%", "the path holds a percent sign without two hexadecimal digits"},
        {PATH_BASE, "/%2?34", "the path holds a percent sign without two hexadecimal digits"},
        {PATH_BASE, "/%g1", "the path holds a percent sign without two hexadecimal digits"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct bytes out = BYTES("untouched");
        struct fail why;
        arena_init(&arena);
        assert_false(path_normalize(bytes_of(rows[i].in), rows[i].level, &arena, &out, &why));
        assert_string_equal(why.text, rows[i].sentence);
        assert_true(bytes_equal(out, BYTES("untouched")));
        arena_done(&arena);
    }
}

static void levels_have_istios_names(void **state)
{
    (void)state;
    enum path_level level = PATH_NONE;
    assert_true(path_level_parse(BYTES("DEFAULT"), &level));
    assert_int_equal(level, PATH_BASE);
    assert_true(path_level_parse(BYTES("DECODE_AND_MERGE_SLASHES"), &level));
    assert_int_equal(level, PATH_DECODE_AND_MERGE_SLASHES);
    assert_false(path_level_parse(BYTES("base"), &level));
}

static void templates_match_whole_segments(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
        bool match;
    } rows[] = {
        {"/a/{*}", "/a/b", true},
        {"/a/{*}", "/a/", false},
        {"/a/{*}", "/a/b/c", false},
        {"/a/{*}/c", "/a/b/c", true},
        {"/a/{*}/c", "/a/b/", false},
        {"/{*}/{*}", "/a/b", true},
        {"/{**}", "/", true},
        {"/a/{**}", "/a/b/c", true},
        {"/a/{**}", "/a", false},
        {"/a/{**}/z", "/a/z", false},
        {"/a/{**}/z", "/a//z", true},
        {"/a/{**}/z", "/a/b/z/z", true},
        {"/a/{*}/{**}/z.txt", "/a/b/c/z.txt", true},
        {"/a/{*}", "/a/%41;b=c@d", true},
        {"/a/{*}", "/a/b\"c", false},
        {"/a/{**}", "/a/b\\c", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why;
        assert_true(path_template_is(bytes_of(rows[i].text)));
        assert_true(path_template_check(bytes_of(rows[i].text), &why));
        assert_int_equal(path_template_match(bytes_of(rows[i].text), bytes_of(rows[i].path)), rows[i].match);
    }
}

static void bad_templates_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"a/{*}", "'a/{*}' does not begin with /"},
        {"/{**}/{*}", "'/{**}/{*}': {**} must be the last operator"},
        {"/{**}/{**}", "'/{**}/{**}': {**} must be the last operator"},
        {"/a{*}", "'/a{*}': *, { and } may only stand as {*} or {**} between slashes"},
        {"/{*}/*", "'/{*}/*': *, { and } may only stand as {*} or {**} between slashes"},
        {"/{a}", "'/{a}': *, { and } may only stand as {*} or {**} between slashes"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why;
        assert_false(path_template_check(bytes_of(rows[i].text), &why));
        assert_string_equal(why.text, rows[i].sentence);
    }
    assert_false(path_template_is(BYTES("/a/*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_31_paths_become_normal),
        cmocka_unit_test(clean_paths_are_not_copied),
        cmocka_unit_test(parameters_are_taken_out_of_segments),
        cmocka_unit_test(neg_31_bad_paths_are_refused),
        cmocka_unit_test(levels_have_istios_names),
        cmocka_unit_test(templates_match_whole_segments),
        cmocka_unit_test(bad_templates_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
