/*
 * loop: one thread's events.
 *
 * A turn: wait, tell the watches, let due timers run, run what was posted to
 * `soon` until nothing is left, then what was posted to `late` (writes are
 * gathered there, one a connection), each with what it brings to `soon`; what that
 * brings to `late` again, a few times; the rest is the next turn's. Then bury what
 * died. So nobody is called from within his own call, and nothing is freed under
 * anybody's feet.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"
#include "loop/io.h"

struct loop;

/* Something that a descriptor wakes. Embedded in its owner. */
struct watch {
    void (*on_ready)(struct watch *watch, unsigned ready); /* enum io_ready */
};

#define TIMER_NEVER UINT64_MAX

/* Embedded; zeroed is a timer at rest. Pushing one later costs nothing: it wakes early and sleeps on. */
struct timer {
    void (*on_due)(struct timer *timer);
    uint64_t due_ms; /* when it should run */
    uint64_t key_ms; /* when the heap wakes it: not later than due */
    size_t place;    /* in the heap, from 1; 0: not there */
};

/* A piece of work, embedded; posting twice is once. */
struct task {
    struct link link;
    void (*run)(struct task *task);
    bool posted;
};

struct loop {
    struct io *io;
    uint64_t now_ms; /* of this turn */
    struct timer **heap;
    size_t heap_count;
    size_t heap_room;
    struct link soon;
    struct link late;
    struct link graves;
    bool stop;
};

void loop_init(struct loop *loop, struct io *io);
void loop_done(struct loop *loop);
/* Until loop->stop. */
void loop_run(struct loop *loop);
/* One turn, waiting at most max_ms. False when waiting failed. */
bool loop_turn(struct loop *loop, int max_ms);

int loop_watch(struct loop *loop, int fd, struct watch *watch); /* 0 or -errno */

void timer_set(struct loop *loop, struct timer *timer, uint64_t due_ms);
/* At rest, but perhaps still in the heap: its memory must stay a timer's. */
void timer_rest(struct timer *timer);
/* Out of the heap: before its memory goes. */
void timer_remove(struct loop *loop, struct timer *timer);

void loop_soon(struct loop *loop, struct task *task);
void loop_late(struct loop *loop, struct task *task);
/* `run` is called at the very end of the turn: where objects are freed. */
void loop_bury(struct loop *loop, struct task *task);
void task_cancel(struct task *task);

#endif
