/* Unit tests of ended_sessions. */
#include "base/test.h"

#include "control/control_fixture.h"
#include "control/ended_sessions.h"

static bool has(const struct ended_sessions *ended, uint64_t mark)
{
    for (size_t i = 0; i < ended->count; i++)
        if (ended->at[i].mark == mark)
            return true;
    return false;
}

static void add(struct ended_sessions *ended, uint64_t mark, int64_t until_s)
{
    ended_sessions_add(ended, &(struct ended){mark, 1000, until_s}, 1000);
}

static void what_ended_stays_so_over_a_restart(void **state)
{
    (void)state;
    struct control_fixture fixture;
    struct ended_sessions before = {0}, after = {0};
    control_make(&fixture);
    control_settings(&fixture, "");
    ended_sessions_read(&before, &fixture.settings, 1000);
    add(&before, 1, 2000);
    add(&before, 2, 3000);
    add(&before, 2, 3500);
    add(&before, 3, 1000); /* over by itself */
    add(&before, 4, INT64_MAX);
    assert_int_equal(before.count, 2);
    ended_sessions_keep(&before, &fixture.settings);
    ended_sessions_read(&after, &fixture.settings, 2500);
    assert_int_equal(after.count, 1);
    assert_true(has(&after, 2) && after.at[0].until_s == 3500);
    ended_sessions_done(&before);
    ended_sessions_done(&after);
    control_drop(&fixture);
}

static void there_is_a_bound_and_the_shortest_give_way(void **state)
{
    (void)state;
    struct ended_sessions ended = {0};
    for (uint64_t i = 0; i < ENDED_SESSIONS_MAX; i++)
        add(&ended, i + 1, i == 7 ? 1500 : 2000);
    add(&ended, 1000000, 2000);
    assert_int_equal(ended.count, ENDED_SESSIONS_MAX);
    assert_true(has(&ended, 1000000));
    assert_false(has(&ended, 8));
    ended_sessions_done(&ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ended_stays_so_over_a_restart),
        cmocka_unit_test(there_is_a_bound_and_the_shortest_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
