/* Unit tests of loop/: timers, tasks, their order. */
#include "base/test.h"

#include "loop/loop.h"

static char trail[256];
static struct loop loop;

static void note(const char *what)
{
    strncat(trail, what, sizeof trail - strlen(trail) - 1);
}

static int start(void **state)
{
    (void)state;
    trail[0] = '\0';
    loop_init(&loop, io_real_new());
    return 0;
}

static int stop(void **state)
{
    (void)state;
    loop.io->free(loop.io);
    loop_done(&loop);
    return 0;
}

static void due_a(struct timer *timer)
{
    (void)timer;
    note("a");
}

static void due_b(struct timer *timer)
{
    (void)timer;
    note("b");
}

static void timers_run_in_order_and_pushing_one_later_keeps_it(void **state)
{
    (void)state;
    struct timer a = {.on_due = due_a}, b = {.on_due = due_b}, off = {.on_due = due_a};
    timer_set(&loop, &a, loop.now_ms + 1);
    timer_set(&loop, &b, loop.now_ms + 5);
    timer_set(&loop, &off, loop.now_ms + 2);
    timer_set(&loop, &a, loop.now_ms + 20);
    timer_rest(&off);
    uint64_t end = loop.now_ms + 40;
    while (loop.now_ms < end)
        loop_turn(&loop, 5);
    assert_string_equal(trail, "ba");
    assert_int_equal(loop.heap_count, 0);
}

static void many_timers_can_be_removed_from_anywhere(void **state)
{
    (void)state;
    static struct timer timers[500];
    memset(timers, 0, sizeof timers);
    for (size_t i = 0; i < ROWS(timers); i++) {
        timers[i].on_due = due_a;
        timer_set(&loop, &timers[i], loop.now_ms + 1000000 + i * 7919 % 1000);
    }
    for (size_t i = 0; i < ROWS(timers); i++) {
        size_t k = i * 197 % ROWS(timers);
        timer_remove(&loop, &timers[k]);
        for (size_t place = 2; place <= loop.heap_count; place++)
            assert_true(loop.heap[place / 2 - 1]->key_ms <= loop.heap[place - 1]->key_ms);
    }
    assert_int_equal(loop.heap_count, 0);
}

static struct task soon_task, late_task, grave_task;

static void run_soon(struct task *task)
{
    (void)task;
    note("s");
}

static void run_late(struct task *task)
{
    (void)task;
    note("l");
    if (strlen(trail) < 4)
        loop_soon(&loop, &soon_task);
}

static void run_grave(struct task *task)
{
    (void)task;
    note("g");
}

static void soon_comes_before_late_and_graves_are_last(void **state)
{
    (void)state;
    soon_task = (struct task){.run = run_soon};
    late_task = (struct task){.run = run_late};
    grave_task = (struct task){.run = run_grave};
    loop_bury(&loop, &grave_task);
    loop_late(&loop, &late_task);
    loop_soon(&loop, &soon_task);
    loop_soon(&loop, &soon_task);
    loop_turn(&loop, 0);
    assert_string_equal(trail, "slsg");
}

static void cancelled_work_is_not_done(void **state)
{
    (void)state;
    soon_task = (struct task){.run = run_soon};
    loop_soon(&loop, &soon_task);
    task_cancel(&soon_task);
    loop_turn(&loop, 0);
    assert_string_equal(trail, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_run_in_order_and_pushing_one_later_keeps_it, start, stop),
        cmocka_unit_test_setup_teardown(many_timers_can_be_removed_from_anywhere, start, stop),
        cmocka_unit_test_setup_teardown(soon_comes_before_late_and_graves_are_last, start, stop),
        cmocka_unit_test_setup_teardown(cancelled_work_is_not_done, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
