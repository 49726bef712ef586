/*
 * client_http1: a client's connection that speaks HTTP/1.1 (or 1.0).
 *
 * One exchange at a time, in order; what was pipelined waits in the buffer. It
 * reads heads, is the source of request bodies and the sink of response bodies,
 * and turns into a raw pair of both after a 101. Everything that can be read is
 * handled in `readable`, which others reach only through connection_wake.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/client_http1_inside.h"
#include "proxy/front.h"
#include "proxy/head_limits.h"
#include "proxy/limit_hits.h"
#include "wire/path.h"

enum {
    LINGER_MS = 2 * 1000,          /* how long the rest of a refused request is read away */
    LINGER_MAX = 16 * 1024 * 1024, /* more than Linux holds for both ends: else a reset outruns the answer */
};

static const struct client_ops http1_client_ops;
static void head_refused(struct client_http1 *c, unsigned status, const char *details, const char *sentence);
static void http1_drain(struct client *client);

static struct client_http1 *http1_of(struct client *client)
{
    return client->codec;
}

static struct loop *loop_of(struct client_http1 *c)
{
    return &c->client->worker->loop;
}

/* ---- time ---------------------------------------------------------------------- */

/* They are settings of the node: the same in every generation. */
static const struct rules_limits *limits_of(const struct client_http1 *c)
{
    return c->client->worker->generation->limits;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool waits_for_client(const struct client_http1 *c)
{
    return c->client->connection.out.bytes || (!c->inlet.done && c->inlet.credit);
}

static uint64_t exchange_due_ms(const struct client_http1 *c, uint64_t now_ms)
{
    const struct rules_limits *limits = limits_of(c);
    if (c->raw)
        return now_ms + (uint64_t)limits->tunnel_idle_ms;
    return now_ms + (uint64_t)(waits_for_client(c) ? limits->body_idle_ms : limits->answer_idle_ms);
}

/* How long the client is waited for if nothing moves from now on. */
static uint64_t due_ms(const struct client_http1 *c, uint64_t now_ms)
{
    const struct rules_limits *limits = limits_of(c);
    switch (c->state) {
    case STATE_HEAD:
        return c->x ? c->x->began_ms + (uint64_t)limits->head_ms
                    : earlier(now_ms + (uint64_t)limits->idle_ms, c->old_ms);
    case STATE_EXCHANGE:
        return exchange_due_ms(c, now_ms);
    case STATE_DISCARD:
        break;
    case STATE_LINGER: /* what the client was told still leaves, however slowly it reads */
        if (!c->client->connection.out.bytes)
            return now_ms + LINGER_MS;
        break;
    }
    return now_ms + (uint64_t)limits->body_idle_ms;
}

void client_http1_patience(struct client_http1 *c)
{
    c->waited = waits_for_client(c);
    timer_set(loop_of(c), &c->client->timer, due_ms(c, loop_of(c)->now_ms));
}

static enum limit idle_limit(const struct client_http1 *c)
{
    if (c->raw)
        return LIMIT_TUNNEL_IDLE;
    if (!waits_for_client(c))
        return LIMIT_UPSTREAM_IDLE;
    return c->inlet.done || c->client->connection.out.bytes ? LIMIT_ANSWER_IDLE : LIMIT_BODY_IDLE;
}

/* Bytes have passed, or none. False: more is to come, the client has been too slow on average, and the
 * exchange was ended. */
static bool pace_held(struct client_http1 *c, struct pace *pace, uint64_t bytes, bool waiting)
{
    const struct rules_limits *limits = limits_of(c);
    if (c->raw)
        return true;
    pace_note(pace, loop_of(c)->now_ms, bytes, waiting);
    bool more = pace == &c->in ? !c->inlet.done : c->client->connection.out.bytes > 0;
    if (!bytes || !more || !c->x ||
        !pace_is_slow(pace, (uint64_t)limits->body_rate, (uint64_t)limits->body_grace_ms))
        return true;
    client_late(c->x, pace == &c->in ? LIMIT_BODY_RATE : LIMIT_ANSWER_RATE);
    return false;
}

static void on_due(struct timer *timer)
{
    struct client_http1 *c = http1_of(container_of(timer, struct client, timer));
    if (c->state == STATE_HEAD && c->x) {
        limit_hit(c->client->worker, LIMIT_HEAD_TIME);
        head_refused(c, 408, "request_header_timeout", "the head did not come in time");
        return;
    }
    if (c->x) {
        client_late(c->x, idle_limit(c));
        return;
    }
    if (c->state != STATE_HEAD) {
        client_close(c->client);
        return;
    }
    limit_hit(c->client->worker, loop_of(c)->now_ms >= c->old_ms ? LIMIT_AGE : LIMIT_IDLE_TIME);
    http1_drain(c->client);
}

/* ---- ends -------------------------------------------------------------------------- */

static void linger(struct client_http1 *c)
{
    c->state = STATE_LINGER;
    connection_end_write(&c->client->connection);
    client_http1_patience(c);
    connection_wake(&c->client->connection);
}

static void next_request(struct client_http1 *c)
{
    c->state = STATE_HEAD;
    c->inlet.seen = 0;
    c->raw = c->continue_owed = false;
    client_http1_patience(c);
    connection_wake(&c->client->connection);
}

/* The exchange is over; x must not be touched. */
static void on_done(struct exchange *x)
{
    struct client_http1 *c = x->client;
    bool fine = x->end == END_FINE, replied = x->replied;
    c->x = NULL;
    stage_unlink(&c->inlet.source);
    stage_unlink(&c->outlet.sink);
    block_unref(c->head);
    c->head = NULL;
    if (c->client->connection.gone)
        return;
    if (c->client->connection.broken || (!fine && !(replied && c->outlet.done))) {
        client_close(c->client);
    } else if (!c->keep_alive || c->raw) {
        linger(c);
    } else if (!c->inlet.done) {
        c->state = STATE_DISCARD;
        c->inlet.discard = true;
        c->discarded = c->inlet.bytes;
        client_http1_patience(c);
        connection_wake(&c->client->connection);
    } else {
        next_request(c);
    }
}

/* ---- heads ---------------------------------------------------------------------------- */

static void head_refused(struct client_http1 *c, unsigned status, const char *details, const char *sentence)
{
    struct exchange *x = c->x;
    c->state = STATE_EXCHANGE;
    c->keep_alive = false;
    c->framing = (struct http1_framing){0};
    inlet_begin(&c->inlet, &c->framing, &x->arena);
    client_http1_patience(c);
    x->record.termination = bytes_of(sentence);
    exchange_refuse(x, status, RECORD_DPE, details);
}

/* Envoy's words where it has them. */
static const char *details_of(enum limit limit)
{
    switch (limit) {
    case LIMIT_LINE_BYTES:
    case LIMIT_HEAD_BYTES:
    case LIMIT_NAME_BYTES:
        return "http1.headers_too_large";
    case LIMIT_FIELDS:
        return "http1.too_many_headers";
    case LIMIT_UNDERSCORES:
        return "http1.unexpected_underscore";
    default:
        return "http1.codec_error";
    }
}

/*
 * What the client may switch to. Never HTTP/2 in clear text, where the upstream
 * would hear requests that nobody judged; and not behind a body, whose end a
 * switch could overtake.
 */
static struct bytes upgrade_offer(const struct client_http1 *c)
{
    bool refused = !c->inlet.done || http_connects(&c->x->request) ||
                   http_list_has(c->framing.upgrade, BYTES("h2c")) ||
                   http_list_has(c->framing.upgrade, BYTES("h2"));
    const struct bytes none = {0};
    return refused ? none : c->framing.upgrade;
}

static void body_prepare(struct client_http1 *c)
{
    struct exchange *x = c->x;
    inlet_begin(&c->inlet, &c->framing, &x->arena);
    if (limits_of(c)->body_bytes)
        c->inlet.max = (uint64_t)limits_of(c)->body_bytes;
    c->in = c->out = (struct pace){0};
    c->continue_owed = c->framing.expect_continue && !c->inlet.done;
    x->request_has_body = !c->inlet.done;
    x->request_sized = c->framing.body == HTTP1_BODY_LENGTH;
    x->request_length = c->framing.length;
    x->upgrade = upgrade_offer(c);
    x->from_client = &c->inlet.source;
    x->to_client = &c->outlet.sink;
}

static void head_complete(struct client_http1 *c)
{
    struct exchange *x = c->x;
    c->state = STATE_EXCHANGE;
    c->served = true;
    bool connect = http_connects(&x->request); /* what follows was meant for a tunnel */
    c->keep_alive = c->framing.keep_alive && !c->leaving && !c->client->worker->draining && !connect &&
                    !client_worn_out(c->client, ++c->requests, c->old_ms);
    body_prepare(c);
    client_http1_patience(c);
    client_exchange_start(x);
}

/* The first byte of a head makes the exchange, so that a broken head leaves a record too. */
static bool exchange_begin(struct client_http1 *c)
{
    c->x = client_exchange(c->client, &http1_client_ops, c);
    if (!c->x)
        return false;
    http_fields_init(&c->x->request.fields, &c->x->arena);
    client_http1_patience(c);
    return true;
}

static enum http1_turn head_read(struct client_http1 *c, struct bytes have, size_t *used,
                                 struct http1_error *error)
{
    struct exchange *x = c->x;
    const struct http1_limits limits = head_limits(limits_of(c));
    struct bytes head = inlet_head(&c->inlet, &x->arena);
    size_t seen = 0;
    enum http1_turn turn = HTTP1_MORE;
    if (head.len)
        turn = http1_read_request((char *)(uintptr_t)head.at, head.len, &seen, &limits, &x->arena,
                                  &x->request, &c->framing, used, error);
    if (turn != HTTP1_MORE)
        return turn;
    turn = http1_read_request(c->inlet.in->data + c->inlet.at, have.len, &c->inlet.seen, &limits, &x->arena,
                              &x->request, &c->framing, used, error);
    if (turn == HTTP1_DONE)
        c->head = block_ref(c->inlet.in);
    return turn;
}

/* What is buffered may be a head. False: it is not complete. */
static bool head_try(struct client_http1 *c)
{
    struct http1_error error;
    size_t used = 0;
    struct bytes have = inlet_buffered(&c->inlet);
    if (!have.len)
        return false;
    if (!c->x && !exchange_begin(c)) {
        client_close(c->client);
        return true;
    }
    switch (head_read(c, have, &used, &error)) {
    case HTTP1_MORE:
        return false;
    case HTTP1_BAD:
        if (bytes_starts(have, BYTES("HEAD ")))
            c->x->request.method = BYTES("HEAD"); /* even that answer has no body */
        limit_hit(c->client->worker, error.limit);
        head_refused(c, error.status, details_of(error.limit), error.sentence);
        return true;
    case HTTP1_DONE:
        c->inlet.at += used;
        inlet_trim(&c->inlet);
        head_complete(c);
        return true;
    }
    return false;
}

/*
 * RFC 9113 3.3: who knows that we speak HTTP/2 in clear text begins with its preface,
 * which no HTTP/1 request begins with. False: it is not that, or not known yet.
 */
static bool preface_try(struct client_http1 *c, bool *more)
{
    static const struct bytes preface = BYTES_INIT("PRI * HTTP/2.0\r\n");
    struct bytes have = inlet_buffered(&c->inlet);
    bool could = !c->served && !c->client->facts.tls && have.len &&
                 bytes_starts(preface, bytes_part(have, 0, preface.len < have.len ? preface.len : have.len));
    *more = could && have.len < preface.len;
    return could && !*more;
}

/* From here on another codec has the connection. */
static void http2_become(struct client_http1 *c)
{
    struct block *in = c->inlet.in;
    c->inlet.in = NULL;
    connection_unread(&c->client->connection, in, c->inlet.at);
    client_become(c->client, &client_http2_kind);
}

/* False: nothing more can be done now. */
static bool head_step(struct client_http1 *c)
{
    bool more;
    if (preface_try(c, &more)) {
        http2_become(c);
        return false;
    }
    if (!more && head_try(c))
        return true;
    long n = inlet_fill(&c->inlet);
    if (n != CONNECTION_END)
        return n > 0;
    if (c->x)
        head_refused(c, 400, "http1.codec_error", "the connection ended inside a head");
    else if (c->client->connection.out.bytes)
        linger(c); /* it listens on */
    else
        client_close(c->client);
    return false;
}

/* ---- the request's body --------------------------------------------------------------- */

/*
 * The request is whole, and nobody waits for the answer. The end of what the client
 * sends does not say so: it may only have nothing more to say (RFC 9112 9.6).
 */
static bool client_left(const struct client_http1 *c)
{
    return !c->raw && c->client->connection.lost;
}

static void body_ends_badly(struct client_http1 *c, enum inlet_turn turn)
{
    struct exchange *x = c->x;
    c->keep_alive = false;
    c->inlet.done = true;
    if (turn == INLET_OVER) {
        limit_hit(c->client->worker, LIMIT_BODY_BYTES);
        x->record.termination = BYTES("the body is too long");
        exchange_fail(x, 413, RECORD_DPE, BYTES("request_payload_too_large"));
    } else if (turn == INLET_BAD) {
        x->record.termination = bytes_of(c->inlet.error.sentence);
        exchange_fail(x, 400, RECORD_DPE, BYTES("http1.codec_error"));
    } else {
        x->record.termination = BYTES("the connection ended inside a body");
        exchange_fail(x, 0, RECORD_DC, BYTES("downstream_remote_disconnect"));
    }
}

/* False: nothing more can be done now. */
static bool body_step(struct client_http1 *c)
{
    if (c->continue_owed && c->inlet.credit) {
        c->continue_owed = false;
        connection_put(&c->client->connection, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    struct exchange *x = c->x;
    bool was_done = c->inlet.done;
    uint64_t before = c->inlet.bytes;
    enum inlet_turn turn = inlet_step(&c->inlet);
    if (c->x != x || c->client->connection.gone)
        return true;
    x->record.bytes_received = c->inlet.bytes;
    if (!pace_held(c, &c->in, c->inlet.bytes - before, turn == INLET_WAIT && c->inlet.credit))
        return true;
    client_http1_patience(c);
    switch (turn) {
    case INLET_MORE:
        return true;
    case INLET_WAIT:
        return false;
    case INLET_END:
        if (c->raw && c->outlet.done)
            exchange_finish(x);
        else if (was_done && client_left(c))
            exchange_client_gone(x);
        return !was_done;
    case INLET_BAD:
    case INLET_OVER:
    case INLET_GONE:
        break;
    }
    body_ends_badly(c, turn);
    return true;
}

static const struct client_ops http1_client_ops = {client_http1_info, client_http1_head, on_done};

/* ---- events --------------------------------------------------------------------------------- */

static bool discard_step(struct client_http1 *c)
{
    enum inlet_turn turn = inlet_step(&c->inlet);
    if (turn == INLET_END && c->keep_alive)
        next_request(c);
    else if (turn == INLET_END || turn == INLET_BAD || turn == INLET_GONE || turn == INLET_OVER ||
             c->inlet.bytes - c->discarded > CLIENT_HTTP1_DISCARD_MAX)
        linger(c);
    return turn == INLET_MORE;
}

static bool linger_step(struct client_http1 *c)
{
    char waste[16384];
    long n = connection_read(&c->client->connection, waste, sizeof waste);
    c->discarded += n > 0 ? (uint64_t)n : 0;
    if (n == CONNECTION_END && c->client->connection.out.bytes)
        return false; /* the client has said all it had to say; what it was told still leaves */
    if (n == CONNECTION_END || c->discarded > LINGER_MAX) {
        client_close(c->client);
        return false;
    }
    return n > 0;
}

/* Between two requests, and everything was read: not a close, which would be a reset to a request on its way.
 */
static bool may_leave(const struct client_http1 *c)
{
    const struct connection *connection = &c->client->connection;
    return c->leaving && c->state == STATE_HEAD && !c->x && !connection->gone && !connection->broken;
}

static void http1_readable(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    bool more = true;
    while (more && !client->connection.gone && !client->connection.broken) {
        switch (c->state) {
        case STATE_HEAD:
            more = head_step(c);
            break;
        case STATE_EXCHANGE:
            more = body_step(c);
            break;
        case STATE_DISCARD:
            more = discard_step(c);
            break;
        case STATE_LINGER:
            more = linger_step(c);
            break;
        }
    }
    if (client->codec == c && may_leave(c)) /* else it speaks HTTP/2 by now, and c is gone */
        linger(c);
}

static void http1_written(struct client *client, size_t wrote)
{
    struct client_http1 *c = http1_of(client);
    if (!pace_held(c, &c->out, wrote, client->connection.out.bytes > 0))
        return;
    /* Nothing left: patience runs from when that began. */
    if (wrote || c->waited != waits_for_client(c))
        client_http1_patience(c);
    if (c->state == STATE_EXCHANGE && c->x && c->x->replied) {
        c->x->record.bytes_sent = c->outlet.bytes;
        outlet_pull(&c->outlet);
    }
    if (c->state == STATE_LINGER && c->client->connection.ended && !c->client->connection.out.bytes)
        connection_wake(&c->client->connection);
}

static void http1_broken(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    if (c->x && c->state == STATE_HEAD)
        head_refused(c, 400, "http1.codec_error", "the connection broke inside a head");
    else if (c->x)
        exchange_client_gone(c->x);
    client_close(c->client);
}

static void http1_cut(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    if (c->x)
        exchange_fail(c->x, 0, RECORD_LR, BYTES("drain_timeout"));
    client_close(c->client);
}

static void http1_drain(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    c->keep_alive = false;
    c->leaving = true;
    connection_wake(&client->connection); /* a request that has come unseen gets its answer */
}

static void on_trailers(struct inlet *inlet, struct http_fields *trailers)
{
    struct client_http1 *c = inlet->owner;
    if (c->x)
        front_strip(c->x, trailers);
}

static void http1_begin(struct client *client)
{
    struct client_http1 *c = heap_new(struct client_http1);
    heap_count(sizeof *c);
    c->client = client;
    client->codec = c;
    client->timer.on_due = on_due;
    c->old_ms = client_old_ms(client);
    inlet_init(&c->inlet, &client->connection);
    c->inlet.on_trailers = on_trailers;
    c->inlet.owner = c;
    outlet_init(&c->outlet, &client->connection);
    c->outlet.window = (size_t)limits_of(c)->buffer_bytes;
    c->outlet.on_end = client_http1_sent;
    c->outlet.owner = c;
    client_http1_patience(c);
}

static void http1_free(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    inlet_done(&c->inlet);
    block_unref(c->head);
    heap_uncount(sizeof *c);
    free(c);
}

const struct client_kind client_http1_kind = {
    .begin = http1_begin,
    .readable = http1_readable,
    .written = http1_written,
    .broken = http1_broken,
    .drain = http1_drain,
    .cut = http1_cut,
    .free = http1_free,
};
