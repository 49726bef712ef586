#include "loop/loop.h"

#include <stdlib.h>

#include "base/heap.h"

enum {
    EVENTS_MAX = 64,
    ROUNDS = 4, /* then the next turn: bodies without end must not keep new events waiting */
};

void loop_init(struct loop *loop, struct io *io)
{
    *loop = (struct loop){.io = io, .now_ms = io->now_ms(io)};
    list_init(&loop->soon);
    list_init(&loop->late);
    list_init(&loop->graves);
}

void loop_done(struct loop *loop)
{
    free(loop->heap);
}

/* ---- timers: a binary heap on key_ms ---------------------------------- */

static void heap_set(struct loop *loop, size_t place, struct timer *timer)
{
    loop->heap[place - 1] = timer;
    timer->place = place;
}

static void heap_up(struct loop *loop, size_t place)
{
    struct timer *timer = loop->heap[place - 1];
    while (place > 1 && loop->heap[place / 2 - 1]->key_ms > timer->key_ms) {
        heap_set(loop, place, loop->heap[place / 2 - 1]);
        place /= 2;
    }
    heap_set(loop, place, timer);
}

static void heap_down(struct loop *loop, size_t place)
{
    struct timer *timer = loop->heap[place - 1];
    for (;;) {
        size_t child = place * 2;
        if (child > loop->heap_count)
            break;
        if (child < loop->heap_count && loop->heap[child]->key_ms < loop->heap[child - 1]->key_ms)
            child++;
        if (loop->heap[child - 1]->key_ms >= timer->key_ms)
            break;
        heap_set(loop, place, loop->heap[child - 1]);
        place = child;
    }
    heap_set(loop, place, timer);
}

static void heap_add(struct loop *loop, struct timer *timer)
{
    if (loop->heap_count == loop->heap_room) {
        loop->heap_room = loop->heap_room ? loop->heap_room * 2 : 64;
        loop->heap = heap_grow(loop->heap, loop->heap_room, sizeof *loop->heap);
    }
    loop->heap_count++;
    heap_set(loop, loop->heap_count, timer);
    heap_up(loop, loop->heap_count);
}

void timer_remove(struct loop *loop, struct timer *timer)
{
    size_t place = timer->place;
    timer->due_ms = TIMER_NEVER;
    if (!place)
        return;
    timer->place = 0;
    struct timer *last = loop->heap[--loop->heap_count];
    if (last == timer)
        return;
    heap_set(loop, place, last);
    heap_up(loop, place);
    heap_down(loop, last->place);
}

void timer_set(struct loop *loop, struct timer *timer, uint64_t due_ms)
{
    timer->due_ms = due_ms;
    if (timer->place && timer->key_ms <= due_ms)
        return;
    if (timer->place)
        timer_remove(loop, timer);
    timer->due_ms = due_ms;
    timer->key_ms = due_ms;
    heap_add(loop, timer);
}

void timer_rest(struct timer *timer)
{
    timer->due_ms = TIMER_NEVER;
}

static void timers_run(struct loop *loop)
{
    while (loop->heap_count && loop->heap[0]->key_ms <= loop->now_ms) {
        struct timer *timer = loop->heap[0];
        uint64_t due_ms = timer->due_ms;
        timer_remove(loop, timer);
        if (due_ms <= loop->now_ms)
            timer->on_due(timer);
        else if (due_ms != TIMER_NEVER)
            timer_set(loop, timer, due_ms);
    }
}

/* ---- tasks ------------------------------------------------------------- */

static void task_post(struct link *list, struct task *task)
{
    if (task->posted)
        return;
    task->posted = true;
    list_push_back(list, &task->link);
}

void task_cancel(struct task *task)
{
    if (task->posted)
        list_remove(&task->link);
    task->posted = false;
}

void loop_soon(struct loop *loop, struct task *task)
{
    task_post(&loop->soon, task);
}

void loop_late(struct loop *loop, struct task *task)
{
    task_post(&loop->late, task);
}

void loop_bury(struct loop *loop, struct task *task)
{
    task_post(&loop->graves, task);
}

static bool task_run_first(struct link *list)
{
    if (list_empty(list))
        return false;
    struct task *task = container_of(list->next, struct task, link);
    task_cancel(task);
    task->run(task);
    return true;
}

static void soon_run(struct loop *loop)
{
    while (task_run_first(&loop->soon)) {
    }
}

/* Those that are there by now. */
static void late_run(struct loop *loop)
{
    struct link last;
    list_push_back(&loop->late, &last);
    while (loop->late.next != &last) {
        task_run_first(&loop->late);
        soon_run(loop);
    }
    list_remove(&last);
}

static void tasks_run(struct loop *loop)
{
    soon_run(loop);
    for (int i = 0; i < ROUNDS && !list_empty(&loop->late); i++)
        late_run(loop);
    while (task_run_first(&loop->graves)) {
    }
}

/* ---- turns ------------------------------------------------------------- */

static int wait_ms(const struct loop *loop, int max_ms)
{
    if (!list_empty(&loop->soon) || !list_empty(&loop->late))
        return 0;
    if (!loop->heap_count)
        return max_ms;
    uint64_t key_ms = loop->heap[0]->key_ms;
    uint64_t left = key_ms > loop->now_ms ? key_ms - loop->now_ms : 0;
    return max_ms < 0 || left < (uint64_t)max_ms ? (int)(left > 60000 ? 60000 : left) : max_ms;
}

bool loop_turn(struct loop *loop, int max_ms)
{
    struct io_event events[EVENTS_MAX];
    loop->now_ms = loop->io->now_ms(loop->io);
    int count = loop->io->wait(loop->io, events, EVENTS_MAX, wait_ms(loop, max_ms));
    if (count < 0)
        return false;
    loop->now_ms = loop->io->now_ms(loop->io);
    for (int i = 0; i < count; i++) {
        struct watch *watch = events[i].tag;
        watch->on_ready(watch, events[i].ready);
    }
    timers_run(loop);
    tasks_run(loop);
    return true;
}

void loop_run(struct loop *loop)
{
    while (!loop->stop && loop_turn(loop, -1)) {
    }
}

int loop_watch(struct loop *loop, int fd, struct watch *watch)
{
    return loop->io->add(loop->io, fd, watch);
}
