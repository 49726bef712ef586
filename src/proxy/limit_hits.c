#include "proxy/limit_hits.h"

enum { TELL_MS = 1000 };

static void on_due(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, limit_timer);
    bool left = false;
    for (uint32_t i = LIMIT_NONE + 1; i < LIMIT_COUNT; i++) {
        if (worker->limit_hits[i] && worker->ops->limit_hits(worker, (enum limit)i, worker->limit_hits[i]))
            worker->limit_hits[i] = 0;
        left |= worker->limit_hits[i] > 0;
    }
    if (left) /* control is away: later then */
        timer_set(&worker->loop, timer, worker->loop.now_ms + TELL_MS);
}

void limit_hits_init(struct worker *worker)
{
    worker->limit_timer.on_due = on_due;
}

void limit_hits_done(struct worker *worker)
{
    timer_remove(&worker->loop, &worker->limit_timer);
}

void limit_hit(struct worker *worker, enum limit limit)
{
    if (limit == LIMIT_NONE)
        return;
    worker->limit_hits[limit]++;
    if (!worker->limit_timer.place || worker->limit_timer.due_ms == TIMER_NEVER)
        timer_set(&worker->loop, &worker->limit_timer, worker->loop.now_ms + TELL_MS);
}
