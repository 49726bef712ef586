#include "proxy/body_read.h"

#include "proxy/worker.h"

static void sink_give(struct stage *stage, const struct part *part)
{
    struct body_read *read = container_of(stage, struct body_read, sink);
    switch (part->kind) {
    case PART_DATA:
        if (read->text.len + part->data.len > read->max) {
            exchange_resume(read->x, WAIT_FAILED);
            return;
        }
        text_add(&read->text, part->data);
        stage_want(stage, part->data.len);
        return;
    case PART_TRAILERS:
        return;
    case PART_END:
        exchange_resume(read->x, WAIT_CAME);
        return;
    case PART_ABORT:
        exchange_resume(read->x, WAIT_FAILED);
        return;
    }
}

static const struct stage_ops sink_ops = {"body read", sink_give, stage_pass_want, stage_pass_stop};

static void on_cancel(struct exchange *x)
{
    (void)x; /* the sink goes with the filter */
}

void body_read_start(struct body_read *read, struct exchange *x, size_t max, uint64_t late_ms)
{
    read->x = x;
    read->max = max;
    read->sink.ops = &sink_ops;
    text_init_arena(&read->text, &x->arena);
    x->wait = (struct wait){
        .what = "the request's body", .until_ms = x->worker->loop.now_ms + late_ms, .cancel = on_cancel};
    if (!x->request_has_body) {
        exchange_resume(x, WAIT_CAME);
        return;
    }
    stage_link(stage_last(x->from_client), &read->sink);
    read->linked = true;
    stage_want(&read->sink, PUMP_CREDIT);
}

void body_read_done(struct body_read *read)
{
    if (read->linked)
        stage_unlink(&read->sink);
    read->linked = false;
}
