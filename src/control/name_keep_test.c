/* Tests of addresses that survive a restart. */
#include "base/test.h"

#include "base/clock.h"
#include "control/control_fixture.h"
#include "control/name_keep.h"

static struct control_fixture fixture;

static void table_make(struct name_table *table)
{
    name_table_init(table);
    name_table_want(table, BYTES("a.example"));
    name_table_want(table, BYTES("b.example"));
}

static struct address address(const char *text)
{
    struct address out;
    assert_true(address_parse(bytes_of(text), &out));
    return out;
}

static int begin(void **state)
{
    (void)state;
    struct name_table table;
    struct fail why;
    struct address at[] = {address("10.0.0.2"), address("10.0.0.1"), address("2001:db8::1")};
    struct name_letter letter = {.name = BYTES("a.example"), .at = at, .count = 3, .ended = true};
    control_make(&fixture);
    control_settings(&fixture, "");
    table_make(&table);
    assert_true(name_keep_read(&fixture.settings, &table, clock_wall_s(), &why)); /* the first start */
    assert_true(name_table_letter(&table, &letter));
    assert_true(name_keep_write(&fixture.settings, &table, &why));
    name_table_done(&table);
    return 0;
}

static int end(void **state)
{
    (void)state;
    control_drop(&fixture);
    return 0;
}

static void what_was_kept_stands_until_something_is_answered(void **state)
{
    (void)state;
    struct name_table table;
    struct fail why;
    struct address other = address("10.0.0.9");
    table_make(&table);
    assert_true(name_keep_read(&fixture.settings, &table, clock_wall_s(), &why));
    const struct name_entry *entry = name_table_find(&table, BYTES("a.example"));
    assert_int_equal(entry->count, 3);
    assert_true(address_equal(&entry->first, &(struct address){ADDRESS_V4, {10, 0, 0, 2}}));
    assert_true(address_equal(&entry->at[0], &(struct address){ADDRESS_V4, {10, 0, 0, 1}}));
    assert_false(entry->tried);
    assert_int_equal(name_table_find(&table, BYTES("b.example"))->count, 0);

    struct name_letter failed = {.name = BYTES("a.example"), .at = &other, .ended = true, .failed = true};
    assert_false(name_table_letter(&table, &failed));
    assert_int_equal(entry->count, 3);
    struct name_letter none = {.name = BYTES("a.example"), .at = &other, .ended = true};
    assert_true(name_table_letter(&table, &none));
    assert_int_equal(entry->count, 0);
    assert_true(name_keep_read(&fixture.settings, &table, clock_wall_s(), &why));
    assert_int_equal(entry->count, 0); /* it was answered for since */
    name_table_done(&table);
}

static void what_is_older_than_a_day_is_not_taken(void **state)
{
    (void)state;
    struct name_table table;
    struct fail why;
    table_make(&table);
    assert_true(name_keep_read(&fixture.settings, &table, clock_wall_s() + 2 * 86400, &why));
    assert_int_equal(name_table_find(&table, BYTES("a.example"))->count, 0);
    name_table_done(&table);
}

static void a_file_that_somebody_wrote_is_refused(void **state)
{
    (void)state;
    struct name_table table;
    struct fail why;
    control_write(&fixture, "state/names",
                  "[{\"name\":\"a.example\",\"answered\":1900000000,\"addresses\":[\"10.6.6.6\"]}]");
    table_make(&table);
    assert_false(name_keep_read(&fixture.settings, &table, clock_wall_s(), &why));
    assert_int_equal(name_table_find(&table, BYTES("a.example"))->count, 0);
    name_table_done(&table);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_kept_stands_until_something_is_answered),
        CASE(what_is_older_than_a_day_is_not_taken),
        CASE(a_file_that_somebody_wrote_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
