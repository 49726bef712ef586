/* Tests of key sets that survive a restart. */
#include "base/test.h"

#include <stdio.h>
#include <sys/stat.h>

#include "control/control_fixture.h"
#include "control/key_keep.h"
#include "control/state_file.h"

enum { NOW_S = 1800000000 };

static const struct provider_wanted wanted[] = {{.id = 7, .issuer = BYTES_INIT("https://a.example")},
                                                {.id = 8, .issuer = BYTES_INIT("https://b.example")}};

static void table_make(struct key_table *table)
{
    key_table_init(table);
    key_table_want(table, wanted, 2);
}

static void set_comes(struct key_table *table, uint64_t id, const char *text, int64_t fetched_s)
{
    const struct key_set_letter letter = {
        .id = id, .tried = true, .text = bytes_of(text), .fetched_s = fetched_s};
    assert_non_null(key_table_letter(table, &letter));
}

static void what_was_kept_is_known_again_and_is_not_taken_for_tried(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct key_table table;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture, "");
    assert_true(directory_make(control_path(&fixture, "state"), 0700, &why));
    table_make(&table);
    assert_true(
        key_keep_read(&fixture.settings, &table, NOW_S, &why)); /* the first start: nothing, no fault */
    set_comes(&table, 7, "{\"keys\":[\"\\u00e9\"]}", NOW_S);
    assert_true(key_keep_write(&fixture.settings, &table, &why));
    key_table_done(&table);

    static const struct {
        const char *name;
        int64_t now_s;
        bool taken;
    } rows[] = {{"at once", NOW_S, true},
                {"within a day", NOW_S + 86400, true},
                {"after more than a day", NOW_S + 86401, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        table_make(&table);
        assert_true(key_keep_read(&fixture.settings, &table, rows[i].now_s, &why));
        const struct key_entry *known = key_table_find(&table, 7);
        assert_int_equal(known->text.len > 0, rows[i].taken);
        assert_false(known->tried);
        assert_false(key_table_settled(&table)); /* 8 is neither known nor tried */
        assert_int_equal(key_table_find(&table, 8)->text.len, 0);
        set_comes(&table, 8, "{}", NOW_S);
        assert_int_equal(key_table_settled(&table), rows[i].taken);
        key_table_done(&table);
    }
    control_drop(&fixture);
}

static void what_came_since_is_not_replaced(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct key_table table;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture, "");
    assert_true(directory_make(control_path(&fixture, "state"), 0700, &why));
    table_make(&table);
    set_comes(&table, 7, "old", NOW_S);
    assert_true(key_keep_write(&fixture.settings, &table, &why));
    set_comes(&table, 7, "new", NOW_S);
    assert_true(key_keep_read(&fixture.settings, &table, NOW_S, &why));
    assert_true(bytes_equal(key_table_find(&table, 7)->text, BYTES("new")));
    key_table_done(&table);
    control_drop(&fixture);
}

static void a_file_that_somebody_wrote_is_refused(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct key_table table;
    struct fail why;
    control_make(&fixture);
    control_settings(&fixture, "");
    control_write(&fixture, "state/key-sets",
                  "[{\"id\":\"0000000000000007\",\"fetched\":1800000000,\"text\":\"{}\"}]");
    table_make(&table);
    assert_false(key_keep_read(&fixture.settings, &table, NOW_S, &why));
    assert_int_equal(key_table_find(&table, 7)->text.len, 0);
    key_table_done(&table);
    control_drop(&fixture);
}

static void neg_23_a_set_that_nobody_could_read_for_a_week_is_forgotten(void **state)
{
    (void)state;
    static const struct {
        int64_t after_s;
        bool kept;
    } rows[] = {{1, true}, {KEY_SET_LIFE_S, true}, {KEY_SET_LIFE_S + 1, false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct key_table table;
        const struct key_set_letter failure = {
            .id = 7, .tried = true, .problem = BYTES("no answer"), .fetched_s = NOW_S + rows[i].after_s};
        table_make(&table);
        set_comes(&table, 7, "{}", NOW_S);
        const struct key_entry *entry = key_table_letter(&table, &failure);
        assert_int_equal(entry->text.len > 0, rows[i].kept);
        assert_int_equal(entry->changed, !rows[i].kept);
        assert_string_equal(entry->problem, "no answer");
        set_comes(&table, 7, "{}", NOW_S);
        assert_int_equal(entry->text.len, 2);
        key_table_done(&table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_known_again_and_is_not_taken_for_tried),
        cmocka_unit_test(what_came_since_is_not_replaced),
        cmocka_unit_test(a_file_that_somebody_wrote_is_refused),
        cmocka_unit_test(neg_23_a_set_that_nobody_could_read_for_a_week_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
