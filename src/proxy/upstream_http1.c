/* HTTP/1.1 towards upstreams: one call at a time, resting in the pool between two. */
#include "proxy/upstream.h"

enum { LEAVING_MS = 10 * 1000 }; /* for a tunnel's last bytes to get away */

static struct call *call_of(const struct upstream *u)
{
    return list_empty(&u->calls) ? NULL : container_of(u->calls.next, struct call, link);
}

static void http1_broken(struct upstream *u)
{
    struct call *call = call_of(u);
    if (!call) {
        upstream_close(u);
        return;
    }
    bool ended = call->x->response_seen && u->inlet.told;
    u->reusable = false;
    u->inlet.done = u->inlet.done || call->x->response_seen;
    call->why = u->why;
    call_fall(call, ended);
}

/* ---- the request --------------------------------------------------------------------- */

static void on_outlet_end(struct outlet *outlet, enum pump_reason reason)
{
    struct upstream *u = outlet->owner;
    if (reason != PUMP_FINE) {
        u->reusable = false;
        connection_end_write(&u->connection); /* the upstream must not take it for complete */
    } else if (outlet->raw) {
        connection_end_write(&u->connection);
    }
}

static void on_trailers(struct inlet *inlet, struct http_fields *trailers)
{
    const struct call *call = call_of(inlet->owner);
    if (call)
        trace_trailers(call->x, trailers);
}

static void http1_begin(struct upstream *u)
{
    u->inlet.on_trailers = on_trailers;
    u->inlet.owner = u;
    u->outlet.on_end = on_outlet_end;
    u->outlet.owner = u;
    u->connection.answers = true;
    u->call_max = 1;
    if (u->speech == CALL_EITHER)
        pool_leave(u); /* nobody can share it */
}

static void http1_send(struct call *call, const struct http_request *request, const struct http1_write *how)
{
    struct upstream *u = call->upstream;
    struct exchange *x = call->x;
    struct text head;
    u->reusable = true;
    u->inlet.seen = 0;
    u->inlet.discard = false;
    u->inlet.credit = 0;
    call->sink = &u->outlet.sink;
    if (u->connection.readable || u->connection.ended) /* it spoke before it was asked: nothing tells again */
        connection_wake(&u->connection);
    text_init_arena(&head, &x->arena);
    http1_write_request(&head, request, how);
    connection_put(&u->connection, text_bytes(&head));
    outlet_begin(&u->outlet, how->body, false, &x->arena);
    u->outlet.done = !x->request_has_body;
}

static void http1_pull(struct call *call)
{
    outlet_pull(&call->upstream->outlet);
}

/* ---- the end of a call ------------------------------------------------------------------ */

static bool may_rest(struct upstream *u)
{
    const struct connection *connection = &u->connection;
    return !upstream_worn(u) && u->reusable && u->inlet.done && u->outlet.done && u->framing.keep_alive &&
           !connection->ended && !connection->broken && !inlet_buffered(&u->inlet).len &&
           !u->worker->draining;
}

/* Opened or taken for a call that did not need it after all. */
static bool untouched(const struct upstream *u)
{
    const struct connection *connection = &u->connection;
    return u->state == UPSTREAM_BUSY && !connection->ended && !connection->broken && !u->worker->draining &&
           !inlet_buffered(&u->inlet).len;
}

/*
 * An upstream that says for how long it keeps a connection is believed, and not to
 * the last moment: a request that crosses its end may be one that cannot be sent again.
 */
static void rest(struct upstream *u)
{
    uint64_t said_ms = (uint64_t)u->framing.rest_s * 1000 * 3 / 4;
    if (said_ms && said_ms < u->limits.idle_ms)
        u->limits.idle_ms = (uint32_t)said_ms;
    u->state = UPSTREAM_IDLE;
    upstream_rest(u);
    pool_enter(u);
}

static void http1_release(struct call *call)
{
    struct upstream *u = call->upstream;
    struct connection *connection = &u->connection;
    bool tunnel = call->sent && u->outlet.raw;
    if (call->again) /* another one's by now */
        return;
    stage_unlink(&u->inlet.source);
    stage_unlink(&u->outlet.sink);
    block_unref(u->head);
    u->head = NULL;
    if (u->state == UPSTREAM_CLOSED)
        return;
    if (tunnel && u->outlet.done && connection->out.bytes && !connection->broken && !connection->gone) {
        u->state = UPSTREAM_LEAVING;
        timer_set(&u->worker->loop, &u->timer, u->worker->loop.now_ms + LEAVING_MS);
    } else if (call->fallen ||
               (call->sent ? tunnel || !call->x->response_seen || !may_rest(u) : !untouched(u))) {
        upstream_close(u);
    } else {
        rest(u);
    }
}

/* ---- the response ------------------------------------------------------------------------ */

static bool http1_bad(struct call *call, const char *sentence)
{
    fail(&call->why, FAIL_INPUT, "%s", sentence);
    call->upstream->reusable = false;
    call_fall(call, call->x->response_seen && call->upstream->inlet.told);
    return false;
}

static bool http1_gone(struct call *call, const char *sentence)
{
    fail(&call->why, FAIL_PEER, "%s", sentence);
    call->upstream->reusable = false;
    call_fall(call, call->x->response_seen && call->upstream->inlet.told);
    return false;
}

/* 1xx, or the head proper. */
static void head_complete(struct call *call)
{
    struct upstream *u = call->upstream;
    struct exchange *x = call->x;
    if (!call_head(call, u->framing.upgrade)) {
        u->inlet.seen = 0;
        return;
    }
    if (x->response_tunnel) {
        u->reusable = u->connection.answers = false;
        u->worker->loop.io->patience(u->worker->loop.io, u->connection.fd, 0);
        inlet_begin_raw(&u->inlet);
        outlet_begin(&u->outlet, HTTP1_BODY_NONE, true, &x->arena);
    } else {
        inlet_begin(&u->inlet, &u->framing, &x->arena);
    }
    x->response_sized = u->framing.body == HTTP1_BODY_LENGTH;
    x->response_length = u->framing.length;
    x->response_bare = x->response_sized && !x->response_length;
    x->response_seen = true;
    call->source = &u->inlet.source;
    call->events->head(x);
}

static enum http1_turn head_read(struct upstream *u, struct exchange *x, struct bytes have, size_t *used,
                                 struct http1_error *error)
{
    struct bytes head = inlet_head(&u->inlet, &x->arena), method = x->request.method;
    size_t seen = 0;
    enum http1_turn turn = HTTP1_MORE;
    if (head.len)
        turn = http1_read_response((char *)(uintptr_t)head.at, head.len, &seen, &http1_limits_default, method,
                                   &x->arena, &x->response, &u->framing, used, error);
    if (turn != HTTP1_MORE)
        return turn;
    turn =
        http1_read_response(u->inlet.in->data + u->inlet.at, have.len, &u->inlet.seen, &http1_limits_default,
                            method, &x->arena, &x->response, &u->framing, used, error);
    if (turn == HTTP1_DONE) {
        block_unref(u->head);
        u->head = block_ref(u->inlet.in);
    }
    return turn;
}

/* False: nothing more can be done now. */
static bool head_step(struct call *call)
{
    struct upstream *u = call->upstream;
    struct exchange *x = call->x;
    struct http1_error error;
    size_t used = 0;
    struct bytes have = inlet_buffered(&u->inlet);
    enum http1_turn turn = HTTP1_MORE;
    if (have.len)
        turn = head_read(u, x, have, &used, &error);
    if (turn == HTTP1_BAD)
        return http1_bad(call, error.sentence);
    if (turn == HTTP1_DONE) {
        u->inlet.at += used;
        head_complete(call);
        return true;
    }
    long n = inlet_fill(&u->inlet);
    if (n > 0)
        call->heard = true;
    if (n == CONNECTION_END)
        return http1_gone(call, "the upstream closed the connection before it answered");
    return n > 0;
}

static bool body_step(struct call *call)
{
    struct upstream *u = call->upstream;
    bool was_done = u->inlet.done;
    switch (inlet_step(&u->inlet)) {
    case INLET_MORE:
        return true;
    case INLET_OVER: /* an answer may be as long as it likes */
    case INLET_WAIT:
        return false;
    case INLET_END:
        return !was_done && call_of(u) == call;
    case INLET_BAD:
        return http1_bad(call, u->inlet.error.sentence);
    case INLET_GONE:
        return http1_gone(call, "the upstream closed the connection inside a body");
    }
    return false;
}

static void http1_readable(struct upstream *u)
{
    struct call *call;
    bool more = true;
    while (more && (call = call_of(u)) && call->sent && !call->fallen && !u->connection.broken)
        more = call->x->response_seen ? body_step(call) : head_step(call);
}

static void http1_written(struct upstream *u)
{
    struct call *call = call_of(u);
    if (call && call->sent)
        outlet_pull(&u->outlet);
}

static void http1_drain(struct upstream *u)
{
    u->reusable = false;
}

static void http1_free(struct upstream *u)
{
    (void)u;
}

const struct upstream_speaker upstream_http1 = {
    .begin = http1_begin,
    .send = http1_send,
    .pull = http1_pull,
    .release = http1_release,
    .readable = http1_readable,
    .written = http1_written,
    .broken = http1_broken,
    .drain = http1_drain,
    .free = http1_free,
};
