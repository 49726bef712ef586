/* Unit tests of loop/: timers, tasks, their order. */
#include "base/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

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
    timer_set(&loop, &a, loop.now_ms + 200); /* far enough for a machine that does other things */
    timer_rest(&off);
    uint64_t end = loop.now_ms + 220;
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

static unsigned rounds;

static void run_endless(struct task *task)
{
    rounds++;
    loop_late(&loop, task);
}

static void run_cancels(struct task *task)
{
    (void)task;
    note("c");
    task_cancel(&late_task);
}

/* Work that brings itself again and again does not keep the turn; the next one goes on with it. */
static void a_turn_ends_whatever_is_late(void **state)
{
    struct task endless = {.run = run_endless};
    (void)state;
    rounds = 0;
    loop_late(&loop, &endless);
    loop_turn(&loop, -1);
    unsigned once = rounds;
    assert_true(once > 0 && once < 100);
    loop_turn(&loop, -1); /* it does not wait while there is work */
    assert_true(rounds == 2 * once);
    task_cancel(&endless);
    loop_turn(&loop, 0);
    assert_true(rounds == 2 * once);
}

static void late_work_may_be_cancelled_by_other(void **state)
{
    struct task cancels = {.run = run_cancels};
    (void)state;
    late_task = (struct task){.run = run_late};
    loop_late(&loop, &cancels);
    loop_late(&loop, &late_task);
    loop_turn(&loop, 0);
    assert_string_equal(trail, "c");
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

static unsigned option(int fd, int level, int name)
{
    unsigned value = 0;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* How it ends is the kernel's matter; that both ends are asked about is ours. */
static void silent_peers_are_asked_on_both_sides(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage peer;
    socklen_t len = sizeof at;
    struct io *io = loop.io;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    io_real_ask_silent(listener, 120);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    int ours = io->connect(io, (struct sockaddr *)&at, len), theirs = io->accept(io, listener, &peer);
    assert_true(ours >= 0 && theirs >= 0);
    io->patience(io, ours, 30000);
    assert_int_equal(option(ours, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(ours, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    assert_int_equal(option(ours, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    assert_int_equal(option(theirs, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(theirs, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(theirs, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    io->close(io, ours);
    io->close(io, theirs);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_run_in_order_and_pushing_one_later_keeps_it, start, stop),
        cmocka_unit_test_setup_teardown(many_timers_can_be_removed_from_anywhere, start, stop),
        cmocka_unit_test_setup_teardown(soon_comes_before_late_and_graves_are_last, start, stop),
        cmocka_unit_test_setup_teardown(a_turn_ends_whatever_is_late, start, stop),
        cmocka_unit_test_setup_teardown(late_work_may_be_cancelled_by_other, start, stop),
        cmocka_unit_test_setup_teardown(cancelled_work_is_not_done, start, stop),
        cmocka_unit_test_setup_teardown(silent_peers_are_asked_on_both_sides, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
