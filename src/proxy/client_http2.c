/*
 * client_http2: a client's connection that speaks HTTP/2.
 *
 * Each of its streams is a request with an exchange of its own; what they have in
 * common is the connection's life: idle, leaving (GOAWAY sent), answering a client
 * that has ended its side, and reading away what still comes after the last word.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "proxy/client.h"
#include "proxy/front.h"
#include "proxy/http2.h"
#include "proxy/limit_hits.h"
#include "proxy/pace.h"
#include "proxy/record_write.h"
#include "proxy/response_framing.h"
#include "wire/base64.h"

enum {
    GOAWAY_MS = 1000, /* between the two: longer than a round trip */
    LINGER_MS = 2 * 1000,
    LINGER_MAX = 1024 * 1024,
};

#define VIOLATION "http2.violation.of.messaging.rule"

struct client_http2 {
    struct client *client;
    struct http2 http2;
    struct link requests;
    uint32_t count;  /* of those */
    uint32_t begun;  /* requests so far */
    uint64_t old_ms; /* after this no further request is taken */
    struct timer goaway_timer;
    bool leaving; /* GOAWAY was sent */
    bool half;    /* the client's side is closed: what it asked completely is answered */
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
    struct pace in;     /* of the request's body */
    struct pace out;    /* of the answer's */
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

static const struct rules_limits *limits_of(const struct client_http2 *c)
{
    return c->client->worker->generation->limits;
}

static bool brings(const struct request *r)
{
    return !r->stream.in_end && r->stream.credit;
}

/* From the first frame of its head on, or from when something last moved. */
static uint64_t patience_ms(const struct request *r)
{
    const struct rules_limits *limits = limits_of(r->c);
    if (!r->stream.head_done)
        return (uint64_t)limits->head_ms;
    if (r->x->response_tunnel)
        return (uint64_t)limits->tunnel_idle_ms;
    if (r->stream.out.bytes || brings(r))
        return (uint64_t)limits->body_idle_ms;
    return (uint64_t)limits->answer_idle_ms; /* the upstream owes something */
}

static void timer_update(struct request *r)
{
    struct loop *loop = loop_of(r->c);
    uint64_t ms = patience_ms(r);
    timer_set(loop, &r->timer, loop->now_ms + ms);
}

static void idle_update(struct client_http2 *c)
{
    struct loop *loop = loop_of(c);
    uint64_t idle_ms = loop->now_ms + (uint64_t)limits_of(c)->idle_ms;
    if (!list_empty(&c->requests))
        timer_rest(&c->client->timer);
    else if (c->lingers && c->client->connection.out.bytes) /* it still leaves, however slowly it is read */
        timer_set(loop, &c->client->timer, loop->now_ms + (uint64_t)limits_of(c)->body_idle_ms);
    else if (c->lingers)
        timer_set(loop, &c->client->timer, loop->now_ms + LINGER_MS);
    else if (c->leaving) /* what crosses the notice is waited for, however old the connection is */
        timer_set(loop, &c->client->timer, idle_ms);
    else
        timer_set(loop, &c->client->timer, idle_ms < c->old_ms ? idle_ms : c->old_ms);
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

static void requests_end(struct client_http2 *c, enum record_flag flag, struct bytes details);

static void on_request_due(struct timer *timer)
{
    struct request *r = container_of(timer, struct request, timer);
    if (!r->stream.head_done) { /* nothing else can be said or heard before this head is over */
        struct client_http2 *c = r->c;
        limit_hit(c->client->worker, LIMIT_HEAD_TIME);
        r->begun = true;
        exchange_refuse(r->x, 408, RECORD_SI, "http2.request_head_timeout");
        requests_end(c, RECORD_SI, BYTES("http2.request_head_timeout"));
        http2_close(c);
    } else if (r->x->response_tunnel) {
        client_late(r->x, LIMIT_TUNNEL_IDLE);
    } else {
        enum limit other = brings(r) ? LIMIT_BODY_IDLE : LIMIT_UPSTREAM_IDLE;
        client_late(r->x, r->stream.out.bytes ? LIMIT_ANSWER_IDLE : other);
    }
}

/*
 * Bytes have passed, or none. Those who share a connection share its rate: a byte
 * counts once for each of them. False: it was too slow on average, and is over.
 */
static bool pace_held(struct request *r, struct pace *pace, uint64_t bytes, bool waiting)
{
    const struct rules_limits *limits = limits_of(r->c);
    if (r->x->response_tunnel)
        return true;
    pace_note(pace, loop_of(r->c)->now_ms, bytes * r->c->count, waiting);
    if (!bytes || !waiting ||
        !pace_is_slow(pace, (uint64_t)limits->body_rate, (uint64_t)limits->body_grace_ms))
        return true;
    client_late(r->x, pace == &r->in ? LIMIT_BODY_RATE : LIMIT_ANSWER_RATE);
    return false;
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
    limit_hit(c->client->worker, loop_of(c)->now_ms >= c->old_ms ? LIMIT_AGE : LIMIT_IDLE_TIME);
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
    http2_stream_init(&r->stream, http2, &x->arena);
    if (limits_of(c)->body_bytes)
        r->stream.in_max = (uint64_t)limits_of(c)->body_bytes;
    r->timer.on_due = on_request_due;
    list_push_back(&c->requests, &r->link);
    c->count++;
    if (client_worn_out(c->client, ++c->begun, c->old_ms))
        goaway(c);
    idle_update(c);
    timer_update(r);
    return &r->stream;
}

/* What is malformed is answered by a reset (RFC 9113 8.1.1); what only goes beyond a limit is not malformed.
 */
static void request_refuse(struct request *r, const struct http1_error *error)
{
    struct exchange *x = r->x;
    r->begun = true;
    r->malformed = error->status == 400 && error->limit == LIMIT_NONE;
    x->record.termination = bytes_of(error->sentence);
    limit_hit(r->c->client->worker, error->limit);
    exchange_refuse(x, error->status, RECORD_DPE, VIOLATION);
}

static void request_broken(struct request *r, const char *sentence)
{
    const struct http1_error error = {.status = 400, .sentence = sentence};
    request_refuse(r, &error);
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
        request_refuse(r, &stream->head.error);
        return;
    }
    r->begun = true;
    x->upgrade = protocol;
    if (bytes_equal_nocase(protocol, BYTES("websocket")))
        websocket_key(x);
    x->request_has_body = !end && !exchange_wants_tunnel(x);
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
    struct record *record = &r->x->record;
    uint64_t came = stream->received - record->bytes_received, left = stream->sent - record->bytes_sent;
    record->bytes_received = stream->received;
    record->bytes_sent = stream->sent;
    if (pace_held(r, &r->in, came, brings(r)) && pace_held(r, &r->out, left, stream->out.bytes > 0))
        timer_update(r);
}

static void on_over(struct http2_stream *stream)
{
    struct request *r = request_of(stream);
    limit_hit(r->c->client->worker, LIMIT_BODY_BYTES);
    r->x->record.termination = BYTES("the body is too long");
    exchange_fail(r->x, 413, RECORD_DPE, BYTES("request_payload_too_large"));
}

static void on_bit(struct http2 *http2, enum limit limit)
{
    struct client_http2 *c = http2->owner;
    limit_hit(c->client->worker, limit);
}

static void on_wanted(struct http2_stream *stream)
{
    static const struct http_response info = {.status = 100, .minor = 2};
    struct request *r = request_of(stream);
    if (r->continue_owed)
        http2_info(stream, &info);
    r->continue_owed = false;
    pace_note(&r->in, loop_of(r->c)->now_ms, 0, brings(r));
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

/* What nghttp2 had against it. A field that it refuses is not shown; else our own reader tells best. */
static const char *violation(struct http2_stream *stream)
{
    struct http_request request;
    struct bytes protocol;
    if (stream->invalid == NGHTTP2_ERR_HTTP_HEADER)
        return "a header field is malformed, or out of its place";
    if (stream->head.error.sentence) /* of trailers */
        return stream->head.error.sentence;
    if (!stream->head_done && !http2_head_request(&stream->head, &request, &protocol))
        return stream->head.error.sentence;
    if (stream->invalid == NGHTTP2_ERR_HTTP_MESSAGING)
        return "the body is not as long as its Content-Length";
    return nghttp2_strerror(stream->invalid);
}

/* The session forgot it: reset by the client, or by nghttp2 for what the client did. */
static void on_closed(struct http2_stream *stream, uint32_t code)
{
    struct request *r = request_of(stream);
    struct exchange *x = r->x;
    x->record.bytes_received = stream->received;
    if (!r->begun) {
        request_broken(r, stream->invalid ? violation(stream) : "the stream was reset inside its head");
    } else if (stream->out_sent && code == NGHTTP2_NO_ERROR) {
        exchange_finish(x);
    } else if (stream->invalid) {
        x->record.termination = bytes_of(violation(stream));
        exchange_fail(x, 0, RECORD_DPE, BYTES(VIOLATION));
    } else {
        exchange_fail(x, 0, RECORD_DC, BYTES("http2.remote_reset"));
    }
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
    .over = on_over,
    .bit = on_bit,
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
    bool more = !whole && !none && !x->response_bare; /* else END_STREAM is in the head, as gRPC demands */
    http2_respond(&r->stream, &x->response, sized, how.length, more,
                  whole && !none ? body : (struct bytes){0});
    if (more)
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
    c->count--;
    bool tunnel = x->response_tunnel && http_connects(&x->request); /* RFC 9113 8.5: as a reset is over TCP */
    uint32_t cut = tunnel ? NGHTTP2_CONNECT_ERROR : NGHTTP2_INTERNAL_ERROR;
    http2_stream_done(&r->stream, fine ? NGHTTP2_NO_ERROR : cut);
    if (!c->client->connection.gone)
        idle_update(c);
}

static const struct client_ops http2_client_ops = {on_info, on_head, on_done};

/* ---- the connection's events -------------------------------------------------------------- */

static void request_end(struct request *r, enum record_flag flag, struct bytes details)
{
    if (r->begun)
        exchange_fail(r->x, 0, flag, details);
    else
        request_broken(r, "the connection ended inside a head");
}

static void requests_end(struct client_http2 *c, enum record_flag flag, struct bytes details)
{
    list_for_safe(link, after, &c->requests)
        request_end(container_of(link, struct request, link), flag, details);
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
    if (n == CONNECTION_END && c->client->connection.out.bytes && !c->client->connection.lost)
        return; /* what it was told still leaves */
    if (n != CONNECTION_LATER)
        http2_close(c);
}

/* The client says no more, and may still listen. */
static void half_closed(struct client_http2 *c)
{
    c->half = true;
    c->http2.dead = true;
    list_for_safe(link, after, &c->requests)
    {
        struct request *r = container_of(link, struct request, link);
        if (!r->stream.in_end)
            request_end(r, RECORD_DC, BYTES("downstream_remote_disconnect"));
    }
    connection_write_later(&c->client->connection);
}

static void http2_broken(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    requests_end(c, RECORD_DC, BYTES("downstream_remote_disconnect"));
    http2_close(c);
}

static void http2_readable(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    if (c->lingers) {
        read_away(c);
        return;
    }
    if (c->half) {
        if (client->connection.lost)
            http2_broken(client);
        return;
    }
    bool open = http2_read(&c->http2);
    if (client->connection.gone)
        return;
    if (c->http2.dead) {
        fault_judge(c);
        linger(c);
    } else if (!open && !client->connection.broken) {
        half_closed(c);
    }
}

static void http2_filled(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    http2_fill(&c->http2);
    if (c->http2.dead && !c->half && !c->lingers)
        connection_wake(&client->connection); /* what was sent made it so: it is judged where reading is */
    else if (!c->lingers && list_empty(&c->requests) && http2_over(&c->http2))
        linger(c);
}

static void http2_written(struct client *client, size_t wrote)
{
    struct client_http2 *c = http2_of(client);
    if (!c->lingers || !wrote)
        return;
    idle_update(c);
    if (client->connection.ended && !client->connection.out.bytes)
        connection_wake(&client->connection);
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
    heap_count(sizeof *c);
    client->codec = c;
    c->client = client;
    list_init(&c->requests);
    client->timer.on_due = on_idle_due;
    c->goaway_timer.on_due = on_goaway_due;
    c->old_ms = client_old_ms(client);
    http2_init_server(&c->http2, &client->connection, limits_of(c), &http2_client_side, c);
    if (client->worker->draining)
        goaway(c);
    idle_update(c);
    connection_wake(&client->connection);
}

static void http2_free(struct client *client)
{
    struct client_http2 *c = http2_of(client);
    http2_done(&c->http2);
    heap_uncount(sizeof *c);
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
