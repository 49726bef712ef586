#include "base/test.h"

#include "wire/regex.h"
#include "wire/yaml.h"

static void scalars_have_kubectls_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_kind kind;
        int64_t number;
    } rows[] = {
        {"true", YAML_BOOL, 1},
        {"yes", YAML_BOOL, 1},
        {"Off", YAML_BOOL, 0},
        {"'yes'", YAML_TEXT, 0},
        {"tRue", YAML_TEXT, 0},
        {"12", YAML_INT, 12},
        {"-0x1F", YAML_INT, -31},
        {"0o17", YAML_INT, 15},
        {"017", YAML_INT, 15},
        {"1_000", YAML_INT, 1000},
        {"'12'", YAML_TEXT, 0},
        {"1.5", YAML_FLOAT, 0},
        {"1e3", YAML_FLOAT, 0},
        {".inf", YAML_FLOAT, 0},
        {"1.2.3", YAML_TEXT, 0},
        {"~", YAML_NULL, 0},
        {"null", YAML_NULL, 0},
        {"", YAML_NULL, 0},
        {"''", YAML_TEXT, 0},
        {"!!str 12", YAML_TEXT, 0},
        {"10:30", YAML_TEXT, 0},
        {"99999999999999999999", YAML_FLOAT, 0},
        {"y", YAML_BOOL, 1},
        {"N", YAML_BOOL, 0},
        {"ON", YAML_BOOL, 1},
        {"oN", YAML_TEXT, 0},
        {"+7", YAML_INT, 7},
        {"-_1", YAML_INT, -1},
        {"_1", YAML_TEXT, 0},
        {"0b101", YAML_INT, 5},
        {"0_17", YAML_INT, 15},
        {"08", YAML_FLOAT, 0},
        {"0x", YAML_TEXT, 0},
        {"1e400", YAML_TEXT, 0},
        {".5", YAML_FLOAT, 0},
        {".5_0", YAML_TEXT, 0},
        {"1_0.5", YAML_FLOAT, 0},
        {"2001-12-14", YAML_TEXT, 0},
        {"190:20:30", YAML_TEXT, 0},
        {"2026-11-21T09:08:07Z", YAML_TEXT, 0},
        {".nan", YAML_FLOAT, 0},
        {"NULL", YAML_NULL, 0},
        {"nULL", YAML_TEXT, 0},
        {"!!int '12'", YAML_INT, 12},
        {"!!float 1", YAML_FLOAT, 1},
        {"-9223372036854775808", YAML_INT, INT64_MIN},
        {"9223372036854775807", YAML_INT, INT64_MAX},
        {"9223372036854775808", YAML_FLOAT, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct yaml_stream stream;
        struct fail why;
        arena_init(&arena);
        struct bytes in = arena_format(&arena, "v: %s\n", rows[i].text);
        assert_true(yaml_read("f", in, &arena, &stream, &why));
        const struct yaml_node *v = yaml_get(stream.documents[0], "v");
        print_message("  %s\n", rows[i].text);
        assert_int_equal(v->kind, rows[i].kind);
        assert_int_equal(v->kind == YAML_BOOL ? v->truth : v->number, rows[i].number);
        arena_done(&arena);
    }
}

static void what_is_refused_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *says;
    } rows[] = {
        {"a: 1\na: 2\n", "f:2:1: the key 'a' stands here a second time"},
        {"a: *x\n", "f:1:4: the alias names no anchor that stands before it"},
        {"a: &x [*x]\n", "f:1:8: the alias names no anchor that stands before it"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n", "f:3:3: merge keys (<<) are not read; write the fields out"},
        {"a: !mine 1\n", "f:1:4: tags of one's own are not read"},
        {"? [a]\n: b\n", "f:1:3: a key must be plain text"},
        {"a: !!int b\n", "f:1:4: is not what its tag says"},
        {"a: !!bool '1'\n", "f:1:4: is not what its tag says"},
        {"~: 1\n", "f:1:1: a key cannot be null; write it in quotes"},
        {"1.10: 1\n", "f:1:1: a key cannot be a number with a fraction; write it in quotes"},
        {"yes: 1\n'true': 2\n", "f:2:1: the key 'true' stands here a second time"},
        {"a: [\n", "f:2:1: did not find expected node content"},
        {"a: \xff\n", "f: is not UTF-8"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct yaml_stream stream = {.count = 77};
        struct fail why;
        arena_init(&arena);
        assert_false(yaml_read("f", bytes_of(rows[i].in), &arena, &stream, &why));
        assert_string_equal(why.text, rows[i].says);
        assert_int_equal(stream.count, 77);
        arena_done(&arena);
    }
}

static void keys_become_text_as_in_json(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        const char *key;
    } rows[] = {
        {"on", "true"},     {"N", "false"},     {"'on'", "on"},     {"0x10", "16"},
        {"'0x10'", "0x10"}, {"a.b/c", "a.b/c"}, {"!!str on", "on"}, {"-1", "-1"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct yaml_stream stream;
        struct fail why;
        arena_init(&arena);
        assert_true(yaml_read("f", arena_format(&arena, "%s: v\n", rows[i].written), &arena, &stream, &why));
        print_message("  %s\n", rows[i].written);
        assert_non_null(yaml_get(stream.documents[0], rows[i].key));
        arena_done(&arena);
    }
}

static void bombs_and_depth_are_bounded(void **state)
{
    (void)state;
    struct arena arena;
    struct yaml_stream stream;
    struct fail why;
    struct text deep;
    arena_init(&arena);
    static const char bomb[] =
        "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    assert_false(yaml_read("f", bytes_of(bomb), &arena, &stream, &why));
    assert_string_equal(why.text, "f:5:26: more than 100000 values in one file");
    text_init_arena(&deep, &arena);
    for (int i = 0; i < 65; i++)
        text_add_c(&deep, '[');
    assert_false(yaml_read("f", text_bytes(&deep), &arena, &stream, &why));
    assert_string_equal(why.text, "f:1:65: nested too deeply");
    arena_done(&arena);
}

static void an_alias_is_a_copy_with_its_own_path(void **state)
{
    (void)state;
    struct arena arena;
    struct yaml_stream stream;
    struct fail why;
    char path[100];
    struct text text;
    arena_init(&arena);
    assert_true(
        yaml_read("f", BYTES("---\na: &x {k.l: [1, 2]}\nb: *x\n---\n---\nc: 1\n"), &arena, &stream, &why));
    assert_int_equal(stream.count, 2);
    const struct yaml_node *list = yaml_get(yaml_get(stream.documents[0], "b"), "k.l");
    text_init_fixed(&text, path, sizeof(path));
    yaml_path(yaml_item(list, 1), &text);
    assert_string_equal(path, "b[\"k.l\"][1]");
    assert_int_equal(yaml_get(stream.documents[1], "c")->line, 6);
    arena_done(&arena);
}

static void regexes_match_whole_texts(void **state)
{
    (void)state;
    struct fail why;
    struct regex *regex = regex_new(BYTES("a(b+)c"), &why);
    assert_non_null(regex);
    assert_int_equal(regex_groups(regex), 1);
    assert_true(regex_matches(regex, BYTES("abbc")));
    assert_false(regex_matches(regex, BYTES("xabbc")));
    assert_false(regex_matches(regex, (struct bytes){0}));
    regex_free(regex);
    regex_free(NULL);
    assert_null(regex_new(BYTES("a(?=b)"), &why));
    assert_string_equal(why.text, "invalid perl operator: (?=");
    assert_null(regex_new(BYTES("((a{100}){100}){100}"), &why));
    assert_string_equal(why.text, "invalid repetition size: {100}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_kubectls_types),
        cmocka_unit_test(what_is_refused_is_named_with_its_place),
        cmocka_unit_test(keys_become_text_as_in_json),
        cmocka_unit_test(bombs_and_depth_are_bounded),
        cmocka_unit_test(an_alias_is_a_copy_with_its_own_path),
        cmocka_unit_test(regexes_match_whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
