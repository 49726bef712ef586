#include "base/test.h"

#include "cli/rows.h"

static const struct rows_column columns[] = {
    {"NAME", "name", NULL}, {"PORT", "port", NULL}, {"SUBSET", "subset", "-"}, {"WELL", "well", NULL}};

#define COUNT (sizeof columns / sizeof columns[0])

static struct arena arena;

static const char *shown(const char *json, enum rows_form form)
{
    struct fail why;
    struct text out;
    json_t *rows = json_read(bytes_of(json), 10000, &why);
    assert_non_null(rows);
    text_init_arena(&out, &arena);
    rows_write(rows, columns, COUNT, form, &out);
    json_decref(rows);
    return out.at;
}

static void columns_are_as_wide_as_what_stands_in_them(void **state)
{
    (void)state;
    assert_string_equal(shown("[{\"name\": \"a\", \"port\": 80, \"subset\": \"v1\", \"well\": true},"
                              " {\"name\": \"longer\", \"port\": 15021, \"subset\": \"\"}]",
                              ROWS_SHORT),
                        "NAME       PORT      SUBSET     WELL\n"
                        "a          80        v1         true\n"
                        "longer     15021     -          \n");
}

static void without_rows_there_are_the_titles(void **state)
{
    (void)state;
    assert_string_equal(shown("[]", ROWS_SHORT), "NAME     PORT     SUBSET     WELL\n");
    assert_string_equal(shown("[]", ROWS_YAML), "[]\n");
    assert_string_equal(shown("[]", ROWS_JSON), "[]\n");
}

/* A terminal must not be told what to do by a name. */
static void control_characters_are_shown(void **state)
{
    (void)state;
    assert_string_equal(shown("[{\"name\": \"a\\u001b[2J\"}]", ROWS_SHORT),
                        "NAME         PORT     SUBSET     WELL\n"
                        "a\\x1b[2J              -          \n");
}

static void yaml_has_every_key_and_lists_below(void **state)
{
    (void)state;
    assert_string_equal(
        shown("[{\"name\": \"a: b\", \"more\": [\"x\", 1], \"none\": []}, {\"port\": 80}]", ROWS_YAML),
        "- name: \"a: b\"\n  more:\n  - \"x\"\n  - 1\n  none: []\n- port: 80\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_what_stands_in_them),
        cmocka_unit_test(without_rows_there_are_the_titles),
        cmocka_unit_test(control_characters_are_shown),
        cmocka_unit_test(yaml_has_every_key_and_lists_below),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
