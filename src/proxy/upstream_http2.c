/* HTTP/2 towards upstreams: many calls at once over one connection. */
#include <stdlib.h>

#include "base/heap.h"
#include "proxy/http2.h"
#include "proxy/upstream.h"

enum {
    STREAMS_MAX = 100, /* at once, unless the rules or the upstream want fewer */
    MUTE_MS = 1000,    /* without a byte while something was asked */
    RESETS_MAX = 100,  /* by us; upstreams end connections for some hundreds, in the middle of all calls */
};

/* Lies in the exchange's arena. */
struct upstream_stream {
    struct http2_stream stream; /* first: they are one */
    struct call *call;
    uint64_t heard; /* bytes of the connection before it was asked */
    uint64_t asked_ms;
};

static struct call *call_of(struct http2_stream *stream)
{
    return ((struct upstream_stream *)(void *)stream)->call;
}

static struct http2_stream *stream_of(const struct call *call)
{
    return call->stream;
}

static void retire(struct upstream *u)
{
    pool_leave(u);
    u->state = UPSTREAM_LEAVING;
}

/* No new calls; those under way go on. */
static void leave(struct upstream *u)
{
    retire(u);
    if (list_empty(&u->calls))
        upstream_close(u);
}

static struct call *call_standing(struct upstream *u)
{
    list_for(link, &u->calls)
    {
        struct call *call = container_of(link, struct call, link);
        if (!call->fallen)
            return call;
    }
    return NULL;
}

/* A call that falls may take others with it, such as its exchange's mirror: each time from the beginning. */
static void http2_broken(struct upstream *u)
{
    struct call *call;
    retire(u);
    while ((call = call_standing(u))) {
        struct http2_stream *stream = stream_of(call);
        call->why = u->why;
        call_fall(call, stream && stream->in_told);
    }
    if (list_empty(&u->calls))
        upstream_close(u);
}

/* ---- what the upstream says --------------------------------------------------------------- */

static void stream_bad(struct http2_stream *stream, const char *sentence)
{
    struct call *call = call_of(stream);
    fail(&call->why, FAIL_INPUT, "%s", sentence);
    http2_stream_reset(stream, NGHTTP2_PROTOCOL_ERROR);
    call_fall(call, stream->in_told);
}

static void on_head(struct http2_stream *stream, bool end)
{
    struct call *call = call_of(stream);
    struct exchange *x = call->x;
    bool bare;
    call->heard = true;
    if (call->fallen)
        return;
    if (!http2_head_response(&stream->head, x->request.method, &x->response)) {
        stream_bad(stream, stream->head.error.sentence);
        return;
    }
    if (!call_head(call, (struct bytes){0}))
        return;
    bare = x->response.status == 304 || bytes_equal(x->request.method, BYTES("HEAD"));
    x->response_sized = !bare && (stream->head.sized || end);
    x->response_length = stream->head.length;
    x->response_bare = end;
    x->response_seen = true;
    http_fields_init(&stream->head.fields, stream->head.arena); /* what comes now are trailers */
    call->source = &stream->source;
    call->events->head(x);
}

static void on_sent(struct http2_stream *stream, enum pump_reason reason)
{
    if (reason != PUMP_FINE)
        http2_stream_reset(stream, NGHTTP2_CANCEL); /* the upstream must not take it for complete */
}

static void on_closed(struct http2_stream *stream, uint32_t code)
{
    struct call *call = call_of(stream);
    if (stream->in_end && code == NGHTTP2_NO_ERROR)
        return; /* what it said is complete */
    call->refused = code == NGHTTP2_REFUSED_STREAM;
    call->heard = true; /* the connection is none that had died in its rest */
    call->reset = !call->refused && !stream->invalid;
    if (stream->invalid)
        fail(&call->why, FAIL_INPUT, "the answer breaks the rules of HTTP/2 (%s)",
             nghttp2_strerror(stream->invalid));
    else
        fail(&call->why, FAIL_PEER, "the upstream reset the stream (%s)", nghttp2_http2_strerror(code));
    call_fall(call, stream->in_told);
}

static void on_unsent(struct http2 *http2, int32_t id)
{
    struct upstream *u = http2->owner;
    list_for_safe(link, after, &u->calls)
    {
        struct call *call = container_of(link, struct call, link);
        struct http2_stream *stream = stream_of(call);
        if (stream && stream->id == id) {
            stream->id = 0;
            call->again = true; /* GOAWAY came before it could leave: that was no try */
            on_closed(stream, NGHTTP2_REFUSED_STREAM);
            return;
        }
    }
}

static void on_leaving(struct http2 *http2)
{
    leave(http2->owner);
}

static void on_trailers(struct http2_stream *stream, struct http_fields *trailers)
{
    trace_trailers(call_of(stream)->x, trailers);
}

static const struct http2_ops upstream_side = {
    .head = on_head,
    .sent = on_sent,
    .closed = on_closed,
    .unsent = on_unsent,
    .leaving = on_leaving,
    .trailers = on_trailers,
};

/* ---- calls ------------------------------------------------------------------------------------ */

static uint32_t streams_max(const struct upstream *u)
{
    return u->limits.streams_max < STREAMS_MAX ? u->limits.streams_max : STREAMS_MAX;
}

static void http2_begin(struct upstream *u)
{
    u->http2 = heap_new(struct http2);
    u->call_max = streams_max(u);
    http2_init_client(u->http2, &u->connection, u->worker->generation->limits, &upstream_side, u);
}

static void http2_send(struct call *call, const struct http_request *request, const struct http1_write *how)
{
    struct upstream *u = call->upstream;
    struct arena *arena = &call->x->arena;
    struct upstream_stream *s = arena_new(arena, struct upstream_stream);
    uint32_t peer_max = http2_peer_streams(u->http2);
    u->call_max = peer_max < streams_max(u) ? peer_max : streams_max(u);
    timer_rest(&u->timer);
    s->call = call;
    s->heard = u->http2->wire_bytes;
    s->asked_ms = u->worker->loop.now_ms;
    call->stream = s;
    call->sink = &s->stream.sink;
    http2_stream_init(&s->stream, u->http2, arena);
    http2_request(&s->stream, request, how->body == HTTP1_BODY_LENGTH, how->length,
                  call->x->request_has_body);
}

static void http2_call_pull(struct call *call)
{
    http2_pull(stream_of(call));
}

/*
 * Given up, and nothing at all came over the connection since it was asked: it may
 * be one that leads nowhere any more. Others that wait on it may go on waiting, but
 * nobody new shall. (HTTP/1.1 closes a connection whose call was given up anyway.)
 */
static bool is_mute(const struct call *call)
{
    const struct upstream_stream *s = call->stream;
    const struct upstream *u = call->upstream;
    return s && s->stream.id && s->heard == u->http2->wire_bytes &&
           u->worker->loop.now_ms - s->asked_ms >= MUTE_MS;
}

/*
 * Many clients' calls share it, and each client that leaves costs a reset. Whoever
 * counts them takes many for an attack (CVE-2023-44487), so that no more are sent
 * than these, and one for each call that is under way by then.
 */
static bool is_spent(const struct upstream *u)
{
    return u->http2->forgotten_at >= RESETS_MAX;
}

static void http2_release(struct call *call)
{
    struct upstream *u = call->upstream;
    struct http2_stream *stream = stream_of(call);
    bool last = u->call_count == 1, mute = is_mute(call);
    if (stream)
        http2_stream_done(stream, NGHTTP2_CANCEL);
    if (u->state != UPSTREAM_CLOSED && (mute || is_spent(u)))
        retire(u);
    if (!last || u->state == UPSTREAM_CLOSED)
        return;
    if (u->state == UPSTREAM_LEAVING || u->worker->draining || u->connection.broken || u->connection.ended)
        upstream_close(u);
    else
        upstream_rest(u);
}

/* ---- the connection ------------------------------------------------------------------------------ */

static void http2_readable(struct upstream *u)
{
    bool open = http2_read(u->http2);
    if (u->state == UPSTREAM_CLOSED)
        return;
    if (u->http2->dead)
        fail(&u->why, FAIL_INPUT, "%s",
             u->http2->fault ? u->http2->fault : "the upstream broke the rules of HTTP/2");
    else if (!open)
        fail(&u->why, FAIL_PEER, "the upstream closed the connection");
    else
        return;
    if (!u->connection.broken)
        http2_broken(u);
}

static void http2_filled(struct upstream *u)
{
    http2_fill(u->http2);
}

static void http2_written(struct upstream *u)
{
    (void)u;
}

static void http2_free(struct upstream *u)
{
    http2_done(u->http2);
    free(u->http2);
}

const struct upstream_speaker upstream_http2 = {
    .begin = http2_begin,
    .send = http2_send,
    .pull = http2_call_pull,
    .release = http2_release,
    .readable = http2_readable,
    .fill = http2_filled,
    .written = http2_written,
    .broken = http2_broken,
    .drain = leave,
    .free = http2_free,
};
