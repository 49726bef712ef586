/*
 * client_http2: a client's connection that speaks HTTP/2.
 *
 * Each of its streams is a request with an exchange of its own; what they have in
 * common is the connection's life: idle, leaving (GOAWAY sent), and reading away
 * what still comes after the last word.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "proxy/client.h"
#include "proxy/front.h"
#include "proxy/http2.h"
#include "proxy/record_write.h"
#include "proxy/response_framing.h"
#include "wire/base64.h"

enum {
    HEAD_MS = 10 * 1000, /* a whole head, from its first frame */
    IDLE_MS = 60 * 1000, /* without a request */
    BODY_MS = 30 * 1000, /* a body that makes no progress, either way */
    TUNNEL_MS = 3600 * 1000,
    GOAWAY_MS = 1000, /* between the two: longer than a round trip */
    LINGER_MS = 2 * 1000,
    LINGER_MAX = 1024 * 1024,
};

struct client_http2 {
    struct client *client;
    struct http2 http2;
    struct link requests;
    struct timer goaway_timer;
    bool leaving; /* GOAWAY was sent */
    bool lingers; /* our side is closed; reading away until the client closes too */
    size_t discarded;
};

/* Lies in its exchange's arena. */
struct request {
    struct http2_stream stream;
    struct client_http2 *c;
    struct exchange *x;
    struct link link;
    struct timer timer;
    bool begun;         /* the chain has it */
    bool malformed;     /* its answer is a reset */
    bool continue_owed; /* 100 Continue, once the body is wanted */
};

static struct client_http2 *http2_of(struct client *client)
{
    return client->codec;
}

static struct loop *loop_of(struct client_http2 *c)
{
    return &c->client->worker->loop;
}

static struct request *request_of(struct http2_stream *stream)
{
    return (struct request *)(void *)stream; /* its first member */
}

/* ---- time ---------------------------------------------------------------------- */

static uint64_t patience_ms(const struct request *r)
{
    const struct http2_stream *stream = &r->stream;
    if (!stream->head_done)
        return HEAD_MS;
    if (r->x->response_tunnel)
        return TUNNEL_MS;
    if (stream->out.bytes || (!stream->in_end && stream->credit))
        return BODY_MS;
    return TIMER_NEVER; /* the exchange has times of its own */
}

static void timer_update(struct request *r)
{
    struct loop *loop = loop_of(r->c);
    uint64_t ms = patience_ms(r);
    if (ms == TIMER_NEVER)
        timer_rest(&r->timer);
    else
        timer_set(loop, &r->timer, loop->now_ms + ms);
}

static void idle_update(struct client_http2 *c)
{
    struct loop *loop = loop_of(c);
    if (list_empty(&c->requests))
        timer_set(loop, &c->client->timer, loop->now_ms + (c->lingers ? LINGER_MS : IDLE_MS));
    else
        timer_rest(&c->client->timer);
}

static void http2_close(struct client_http2 *c)
{
    timer_remove(loop_of(c), &c->goaway_timer);
    client_close(c->client);
}

static void linger(struct client_http2 *c)
{
    if (c->lingers)
        return;
    c->lingers = true;
    connection_end_write(&c->client->connection);
    idle_update(c);
}

static void on_request_due(struct timer *timer)
{
    struct request *r = container_of(timer, struct request, timer);
    bool reading = !r->stream.in_end && !r->stream.out.bytes;
    if (!r->stream.head_done) { /* nothing else can be said or heard before this head is over */
        struct client_http2 *c = r->c;
        exchange_refuse(r->x, 408, RECORD_SI, "http2.request_head_timeout");
        http2_close(c);
        return;
    }
    exchange_fail(r->x, reading ? 408 : 0, RECORD_SI,
                  reading ? BYTES("request_body_timeout") : BYTES("stream_idle_timeout"));
}

static void goaway(struct client_http2 *c)
{
    if (c->leaving)
        return;
    c->leaving = true;
    http2_goaway(&c->http2);
    timer_set(loop_of(c), &c->goaway_timer, loop_of(c)->now_ms + GOAWAY_MS);
}

static void on_goaway_due(struct timer *timer)
{
    struct client_http2 *c = container_of(timer, struct client_http2, goaway_timer);
    http2_goaway_last(&c->http2);
}

static void on_idle_due(struct timer *timer)
{
    struct client_http2 *c = http2_of(container_of(timer, struct client, timer));
    if (c->lingers || c->leaving) {
        http2_close(c);
        return;
    }
    goaway(c); /* a request that crosses it is answered */
    idle_update(c);
}

/* ---- requests ------------------------------------------------------------------------ */

static const struct client_ops http2_client_ops;

static struct http2_stream *on_begin(struct http2 *http2)
{
    struct client_http2 *c = http2->owner;
    struct exchange *x = client_exchange(c->client, &http2_client_ops, NULL);
    if (!x)
        return NULL;
    struct request *r = arena_new(&x->arena, struct request);
    r->c = c;
    r->x = x;
    x->client = r;
    http_fields_init(&x->request.fields, &x->arena);
    x->request.minor = 2;
    http2_stream_init(&r->stream, http2, &x->arena, &http1_limits_default);
    r->timer.on_due = on_request_due;
    list_push_back(&c->requests, &r->link);
    idle_update(c);
    timer_update(r);
    return &r->stream;
}

static void request_refuse(struct request *r, unsigned status, const char *sentence)
{
    struct exchange *x = r->x;
    r->begun = true;
    r->malformed = status == 400;
    x->record.termination = bytes_of(sentence);
    exchange_refuse(x, status, RECORD_DPE, "http2.violation.of.messaging.rule");
}

/* RFC 8441 5: over HTTP/1.1 the same request has a key. */
static void websocket_key(struct exchange *x)
{
    unsigned char raw[16];
    if (http_fields_find_name(&x->request.fields, BYTES("sec-websocket-key")))
        return;
    x->worker->loop.io->random(x->worker->loop.io, raw, sizeof raw);
    http_fields_add(&x->request.fields, BYTES("sec-websocket-key"),
                    base64_encode(bytes_make(raw, sizeof raw), &x->arena));
}

static void on_head_read(struct http2_stream *stream, bool end)
{
    struct request *r = request_of(stream);
    struct exchange *x = r->x;
    struct bytes protocol;
    if (!http2_head_request(&stream->head, &x->request, &protocol)) {
        request_refuse(r, stream->head.error.status, stream->head.error.sentence);
        return;
    }
    r->begun = true;
    x->upgrade = protocol;
    if (bytes_equal_nocase(protocol, BYTES("websocket")))
        websocket_key(x);
    x->request_has_body = !end && !protocol.len;
    x->request_sized = stream->head.sized;
    x->request_length = stream->head.length;
    r->continue_owed = stream->head.expect_continue && x->request_has_body;
    x->from_client = &stream->source;
    x->to_client = &stream->sink;
    timer_update(r);
    client_exchange_start(x);
}

static void on_moved(struct http2_stream *stream)
{
    struct request *r = request_of(stream);
    r->x->record.bytes_received = stream->received;
    r->x->record.bytes_sent = stream->sent;
    timer_update(r);
}

static void on_wanted(struct http2_stream *stream)
{
    static const struct http_response info = {.status = 100, .minor = 2};
    struct request *r = request_of(stream);
    if (r->continue_owed)
        http2_info(stream, &info);
    r->continue_owed = false;
    timer_update(r);
}

static void on_sent(struct http2_stream *stream, enum pump_reason reason)
{
    struct request *r = request_of(stream);
    struct exchange *x = r->x;
    x->record.bytes_sent = stream->sent;
    if (reason != PUMP_FINE)
        exchange_fail(x, 0, reason == PUMP_LATE ? RECORD_UT : RECORD_UC,
                      BYTES("upstream_reset_after_response_started"));
    else if (!x->response_tunnel || stream->in_end)
        exchange_finish(x); /* else the other half of the tunnel goes on */
}

/* The session forgot it: reset by the client, or by nghttp2 for what the client did. */
static void on_closed(struct http2_stream *stream, uint32_t code)
{
    struct request *r = request_of(stream);
    struct exchange *x = r->x;
    x->record.bytes_received = stream->received;
    if (!r->begun)
        request_refuse(r, 400,
                       r->c->http2.fault ? r->c->http2.fault : "the stream was reset inside its head");
    else if (stream->out_sent && code == NGHTTP2_NO_ERROR)
        exchange_finish(x);
    else
        exchange_fail(x, 0, RECORD_DC, BYTES("http2.remote_reset"));
}

static void on_trailers(struct http2_stream *stream, struct http_fields *trailers)
{
    front_strip(request_of(stream)->x, trailers);
}

static const struct http2_ops http2_client_side = {
    .begin = on_begin,
    .head = on_head_read,
    .wanted = on_wanted,
    .moved = on_moved,
    .sent = on_sent,
    .closed = on_closed,
    .trailers = on_trailers,
};

/* ---- what the exchange says ------------------------------------------------------------ */

static void on_info(struct exchange *x, const struct http_response *info)
{
    struct request *r = x->client;
    http2_info(&r->stream, info);
}

/* RFC 8441 4: a tunnel stands by a 200; the words of HTTP/1.1's handshake are not said. */
static void on_tunnel(struct request *r)
{
    struct exchange *x = r->x;
    x->response.status = 200;
    http_fields_remove_name(&x->response.fields, BYTES("sec-websocket-accept"));
    http2_respond(&r->stream, &x->response, false, 0, true, (struct bytes){0});
    http2_pull(&r->stream);
}

static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    struct request *r = x->client;
    if (r->malformed || !r->stream.id) {
        http2_stream_reset(&r->stream, NGHTTP2_PROTOCOL_ERROR);
        exchange_finish(x);
        return;
    }
    struct http1_write how = response_framing(x, whole, body.len);
    if (x->response_tunnel) {
        on_tunnel(r);
        timer_update(r);
        return;
    }
    answer_complete(x);
    bool sized = how.body == HTTP1_BODY_LENGTH, none = how.body == HTTP1_BODY_NONE;
    http2_respond(&r->stream, &x->response, sized, how.length, !whole && !none,
                  whole && !none ? body : (struct bytes){0});
    if (!whole && !none)
        http2_pull(&r->stream);
    timer_update(r);
}

/* The exchange is over; x must not be touched, and with it goes the request. */
static void on_done(struct exchange *x)
{
    struct request *r = x->client;
    struct client_http2 *c = r->c;
    bool fine = x->end == END_FINE && r->stream.out_sent;
    timer_remove(loop_of(c), &r->timer);
    list_remove(&r->link);
    http2_stream_done(&r->stream, fine ? NGHTTP2_NO_ERROR : NGHTTP2_INTERNAL_ERROR);
    if (!c->client->connection.gone)
        idle_update(c);
}

static const struct client_ops http2_client_ops = {on_info, on_head, on_done};

/* ---- the connection's events -------------------------------------------------------------- */

static void requests_end(struct client_http2 *c, enum record_flag flag, struct bytes details)
{
    list_for_safe(link, after, &c->requests)
    {
        struct request *r = container_of(link, struct request, link);
        if (r->begun)
            exchange_fail(r->x, 0, flag, details);
        else
            request_refuse(r, 400, "the connection ended inside a head");
    }
}

/* It ended itself for what the client did. */
static void fault_judge(struct client_http2 *c)
{
    struct fail why;
    requests_end(c, RECORD_DPE, BYTES("http2.connection_error"));
    fail(&why, FAIL_INPUT, "%s", c->http2.fault ? c->http2.fault : "the client broke the rules of HTTP/2");
    record_refused(c->client, RECORD_DPE, "http2.connection_error", &why);
}

static void read_away(struct client_http2 *c)
{
    char waste[4096];
    long n;
    while ((n = connection_read(&c->client->connection, waste, sizeof waste)) > 0) {
        c->discarded += (size_t)n;
        if (c->discarded > LINGER_MAX)
            break;
    }
    if (n != CONNECTION_LATER)
        http2_close(c);
}

static void http2_readable(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    if (c->lingers) {
        read_away(c);
        return;
    }
    bool open = http2_read(&c->http2);
    if (client->connection.gone)
        return;
    if (c->http2.dead) {
        fault_judge(c);
        linger(c);
    } else if (!open) {
        requests_end(c, RECORD_DC, BYTES("downstream_remote_disconnect"));
        http2_close(c);
    }
}

static void http2_filled(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    http2_fill(&c->http2);
    if (!c->lingers && list_empty(&c->requests) && http2_over(&c->http2))
        linger(c);
}

static void http2_written(struct client *client, size_t wrote)
{
    (void)client;
    (void)wrote;
}

static void http2_broken(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    requests_end(c, RECORD_DC, BYTES("downstream_remote_disconnect"));
    http2_close(c);
}

static void http2_cut(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    requests_end(c, RECORD_LR, BYTES("drain_timeout"));
    http2_close(c);
}

static void http2_drain(struct client *client)
{
    goaway(http2_of(client));
}

static void http2_begin(struct client *client)
{
    struct client_http2 *c = heap_new(struct client_http2);
    client->codec = c;
    c->client = client;
    list_init(&c->requests);
    client->timer.on_due = on_idle_due;
    c->goaway_timer.on_due = on_goaway_due;
    http2_init_server(&c->http2, &client->connection, &http2_limits_default, &http2_client_side, c);
    if (client->worker->draining)
        goaway(c);
    idle_update(c);
    connection_wake(&client->connection);
}

static void http2_free(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    http2_done(&c->http2);
    free(c);
}

const struct client_kind client_http2_kind = {
    .begin = http2_begin,
    .readable = http2_readable,
    .fill = http2_filled,
    .written = http2_written,
    .broken = http2_broken,
    .drain = http2_drain,
    .cut = http2_cut,
    .free = http2_free,
};
