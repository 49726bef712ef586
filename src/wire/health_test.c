/* Endpoints that are left out for a time. */
#include "base/test.h"

#include <stdlib.h>

#include "base/heap.h"
#include "wire/health.h"

static struct health_memory *memory;

static int begin(void **state)
{
    (void)state;
    memory = heap_new(struct health_memory);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void a_streak_grows_until_something_good(void **state)
{
    (void)state;
    struct health_row *row = health_take(memory, 5, 100);
    assert_ptr_equal(row, health_take(memory, 5, 200));
    assert_ptr_equal(row, health_find(memory, 5));
    assert_null(health_find(memory, 6));
    assert_int_equal(health_bad(row, HEALTH_ERRORS), 1);
    assert_int_equal(health_bad(row, HEALTH_ERRORS), 2);
    assert_int_equal(health_bad(row, HEALTH_GATEWAY), 1);
    health_good(row, HEALTH_ERRORS);
    assert_int_equal(health_bad(row, HEALTH_ERRORS), 1);
    assert_int_equal(health_bad(row, HEALTH_GATEWAY), 2);
}

static void an_ejection_ends_by_itself_and_the_next_is_longer(void **state)
{
    (void)state;
    struct health_row *row = health_take(memory, 5, 1000);
    health_bad(row, HEALTH_ERRORS);
    assert_int_equal(health_eject(memory, row, 1000, 30000, 10000), 30000);
    assert_int_equal(health_bad(row, HEALTH_ERRORS), 1); /* it begins anew */
    assert_true(health_is_ejected(row, 30999) && health_any_ejected(memory, 30999));
    assert_int_equal(health_ejected(memory, 30999), 1);
    assert_false(health_is_ejected(row, 31000) || health_any_ejected(memory, 31000));
    assert_int_equal(health_ejected(memory, 31000), 0);
    assert_int_equal(health_eject(memory, row, 32000, 30000, 10000), 60000);
    /* Two intervals went well: one longer less one, less one. */
    assert_int_equal(health_eject(memory, row, 32000 + 60000 + 20001, 30000, 10000), 30000);
}

static void an_ejection_is_no_longer_than_five_minutes(void **state)
{
    (void)state;
    struct health_row *row = health_take(memory, 5, 0);
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(health_eject(memory, row, 0, 30000, 10000), i < 10 ? i * 30000 : 300000);
    row = health_take(memory, 6, 0); /* but as long as was asked for */
    assert_int_equal(health_eject(memory, row, 0, 400000, 10000), 400000);
    assert_int_equal(health_eject(memory, row, 0, 400000, 10000), 400000);
}

static void an_endpoint_that_is_gone_for_long_makes_room(void **state)
{
    (void)state;
    for (uint64_t key = 1; key < 3 * HEALTH_SLOTS; key++) {
        struct health_row *row = health_take(memory, key << 32 | key, 1000);
        if (row)
            health_bad(row, HEALTH_LOCAL);
    }
    assert_null(health_take(memory, 9ull << 61, 2000));
    struct health_row *row = health_take(memory, 9ull << 61, 1000000);
    assert_non_null(row);
    assert_int_equal(health_bad(row, HEALTH_LOCAL), 1); /* not what was another's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_streak_grows_until_something_good, begin, end),
        cmocka_unit_test_setup_teardown(an_ejection_ends_by_itself_and_the_next_is_longer, begin, end),
        cmocka_unit_test_setup_teardown(an_ejection_is_no_longer_than_five_minutes, begin, end),
        cmocka_unit_test_setup_teardown(an_endpoint_that_is_gone_for_long_makes_room, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
