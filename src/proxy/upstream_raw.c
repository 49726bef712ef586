/* Bytes as they come: TCP. One call, for good. */
#include "proxy/upstream.h"

enum { LEAVING_MS = 10 * 1000 }; /* for the last bytes to get away */

static void on_outlet_end(struct outlet *outlet, enum pump_reason reason)
{
    struct upstream *u = outlet->owner;
    (void)reason;
    connection_end_write(&u->connection);
}

static void raw_begin(struct upstream *u)
{
    u->outlet.on_end = on_outlet_end;
    u->outlet.owner = u;
}

static struct call *call_of(const struct upstream *u)
{
    return list_empty(&u->calls) ? NULL : container_of(u->calls.next, struct call, link);
}

/* There is no head: the tunnel stands. */
static void raw_send(struct call *call, const struct http_request *request, const struct http1_write *how)
{
    struct upstream *u = call->upstream;
    (void)request;
    (void)how;
    call->x->response_seen = true;
    call->source = &u->inlet.source;
    call->sink = &u->outlet.sink;
    outlet_begin(&u->outlet, HTTP1_BODY_NONE, true, &call->x->arena);
    inlet_begin_raw(&u->inlet);
    connection_wake(&u->connection);
}

static void raw_pull(struct call *call)
{
    outlet_pull(&call->upstream->outlet);
}

static void raw_release(struct call *call)
{
    struct upstream *u = call->upstream;
    struct connection *connection = &u->connection;
    stage_unlink(&u->inlet.source);
    stage_unlink(&u->outlet.sink);
    if (!u->outlet.done || !connection->out.bytes || connection->broken || connection->gone) {
        upstream_close(u);
        return;
    }
    u->state = UPSTREAM_LEAVING;
    timer_set(&u->worker->loop, &u->timer, u->worker->loop.now_ms + LEAVING_MS);
}

static void raw_broken(struct upstream *u)
{
    struct call *call = call_of(u);
    if (!call) {
        upstream_close(u);
        return;
    }
    bool ended = u->inlet.told;
    u->inlet.done = true;
    call->why = u->why;
    call_fall(call, ended);
}

static void raw_readable(struct upstream *u)
{
    struct call *call;
    while ((call = call_of(u)) && call->sent && !call->fallen && !u->connection.broken) {
        bool was_done = u->inlet.done;
        enum inlet_turn turn = inlet_step(&u->inlet);
        if (turn == INLET_WAIT)
            return;
        if (turn == INLET_END && was_done) {
            inlet_probe(&u->inlet);
            return;
        }
    }
}

static void raw_written(struct upstream *u)
{
    if (call_of(u))
        outlet_pull(&u->outlet);
}

static void raw_drain(struct upstream *u)
{
    (void)u; /* a tunnel ends when its ends do */
}

static void raw_free(struct upstream *u)
{
    (void)u;
}

const struct upstream_speaker upstream_raw = {
    .begin = raw_begin,
    .send = raw_send,
    .pull = raw_pull,
    .release = raw_release,
    .readable = raw_readable,
    .written = raw_written,
    .broken = raw_broken,
    .drain = raw_drain,
    .free = raw_free,
};
