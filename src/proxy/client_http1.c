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
#include "proxy/client.h"
#include "proxy/front.h"
#include "proxy/response_framing.h"
#include "wire/path.h"

enum {
    HEAD_MS = 10 * 1000, /* a whole head, from its first byte */
    IDLE_MS = 60 * 1000, /* between two requests */
    BODY_MS = 30 * 1000, /* a body that makes no progress, either way */
    TUNNEL_MS = 3600 * 1000,
    LINGER_MS = 2 * 1000,    /* how long the rest of a refused request is read away */
    DISCARD_MAX = 64 * 1024, /* an unwanted body up to this is read away to keep the connection */
};

enum state {
    STATE_HEAD, /* reading a head, or waiting for one */
    STATE_EXCHANGE,
    STATE_DISCARD, /* the exchange is over, the rest of its request's body is read away */
    STATE_LINGER,  /* our side is closed; reading away until the client closes too */
};

struct client_http1 {
    struct client *client;
    enum state state;
    struct inlet inlet;   /* source of request bodies */
    struct outlet outlet; /* sink of response bodies */
    struct block *head;   /* the block that the current request's head lies in */
    struct exchange *x;
    struct http1_framing framing;
    uint64_t discarded;
    bool raw; /* both bodies are raw: a tunnel */
    bool keep_alive;
    bool served; /* a request has come already */
    bool continue_owed; /* 100 Continue, once the body is wanted */
    bool leaving;       /* closes unless a request is here already */
};

static const struct client_ops http1_client_ops;
static void head_refused(struct client_http1 *c, unsigned status, const char *sentence);

static struct client_http1 *http1_of(struct client *client)
{
    return client->codec;
}

static struct loop *loop_of(struct client_http1 *c)
{
    return &c->client->worker->loop;
}

/* ---- time ---------------------------------------------------------------------- */

static uint64_t patience_ms(const struct client_http1 *c)
{
    switch (c->state) {
    case STATE_HEAD:
        return c->x ? HEAD_MS : IDLE_MS;
    case STATE_EXCHANGE:
        if (c->raw)
            return TUNNEL_MS;
        if (c->client->connection.out.bytes || (!c->inlet.done && c->inlet.credit))
            return BODY_MS;
        return TIMER_NEVER; /* the exchange has times of its own */
    case STATE_DISCARD:
        return BODY_MS;
    case STATE_LINGER: /* what the client was told still leaves, however slowly it reads */
        return c->client->connection.out.bytes ? BODY_MS : LINGER_MS;
    }
    return IDLE_MS;
}

static void timer_update(struct client_http1 *c)
{
    uint64_t ms = patience_ms(c);
    if (ms == TIMER_NEVER)
        timer_rest(&c->client->timer);
    else
        timer_set(loop_of(c), &c->client->timer, loop_of(c)->now_ms + ms);
}

static void on_due(struct timer *timer)
{
    struct client_http1 *c = http1_of(container_of(timer, struct client, timer));
    struct exchange *x = c->x;
    if (c->state == STATE_HEAD && x) {
        head_refused(c, 408, "the head did not come in time");
        return;
    }
    if (x) {
        bool reading = !c->inlet.done && !c->client->connection.out.bytes;
        exchange_fail(x, reading ? 408 : 0, RECORD_SI,
                      reading ? BYTES("request_body_timeout") : BYTES("stream_idle_timeout"));
        return;
    }
    client_close(c->client);
}

/* ---- ends -------------------------------------------------------------------------- */

static void linger(struct client_http1 *c)
{
    c->state = STATE_LINGER;
    connection_end_write(&c->client->connection);
    timer_update(c);
    connection_wake(&c->client->connection);
}

static void next_request(struct client_http1 *c)
{
    c->state = STATE_HEAD;
    c->inlet.seen = 0;
    c->raw = c->continue_owed = false;
    timer_update(c);
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
        timer_update(c);
        connection_wake(&c->client->connection);
    } else {
        next_request(c);
    }
}

/* ---- heads ---------------------------------------------------------------------------- */

static void head_refused(struct client_http1 *c, unsigned status, const char *sentence)
{
    struct exchange *x = c->x;
    c->state = STATE_EXCHANGE;
    c->keep_alive = false;
    c->framing = (struct http1_framing){0};
    inlet_begin(&c->inlet, &c->framing, &x->arena);
    timer_update(c);
    x->record.termination = bytes_of(sentence);
    exchange_refuse(x, status, RECORD_DPE, "http1.codec_error");
}

/*
 * What the client may switch to. Never HTTP/2 in clear text, where the upstream
 * would hear requests that nobody judged; and not behind a body, whose end a
 * switch could overtake.
 */
static struct bytes upgrade_offer(const struct client_http1 *c)
{
    bool refused = !c->inlet.done || http_list_has(c->framing.upgrade, BYTES("h2c")) ||
                   http_list_has(c->framing.upgrade, BYTES("h2"));
    const struct bytes none = {0};
    return refused ? none : c->framing.upgrade;
}

static void body_prepare(struct client_http1 *c)
{
    struct exchange *x = c->x;
    inlet_begin(&c->inlet, &c->framing, &x->arena);
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
    c->keep_alive = c->framing.keep_alive && !c->client->worker->draining;
    c->head = block_ref(c->inlet.in);
    body_prepare(c);
    timer_update(c);
    client_exchange_start(x);
}

/* The first byte of a head makes the exchange, so that a broken head leaves a record too. */
static bool exchange_begin(struct client_http1 *c)
{
    c->x = client_exchange(c->client, &http1_client_ops, c);
    if (!c->x)
        return false;
    http_fields_init(&c->x->request.fields, &c->x->arena);
    timer_update(c);
    return true;
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
    switch (http1_read_request(c->inlet.in->data + c->inlet.at, have.len, &c->inlet.seen,
                               &http1_limits_default, &c->x->arena, &c->x->request, &c->framing, &used,
                               &error)) {
    case HTTP1_MORE:
        return false;
    case HTTP1_BAD:
        if (bytes_starts(have, BYTES("HEAD ")))
            c->x->request.method = BYTES("HEAD"); /* even that answer has no body */
        head_refused(c, error.status, error.sentence);
        return true;
    case HTTP1_DONE:
        c->inlet.at += used;
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
        head_refused(c, 400, "the connection ended inside a head");
    else
        client_close(c->client);
    return false;
}

/* ---- the request's body --------------------------------------------------------------- */

/* The request is whole; the client has ended the connection and sent no other: nobody waits for the answer.
 */
static bool client_left(struct client_http1 *c)
{
    if (c->raw || !c->client->connection.ended)
        return false;
    return inlet_fill(&c->inlet) == CONNECTION_END && !inlet_buffered(&c->inlet).len;
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
    enum inlet_turn turn = inlet_step(&c->inlet);
    if (c->x != x || c->client->connection.gone)
        return true;
    x->record.bytes_received = c->inlet.bytes;
    timer_update(c);
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
        x->record.termination = bytes_of(c->inlet.error.sentence);
        break;
    case INLET_GONE:
        x->record.termination = BYTES("the connection ended inside a body");
        break;
    }
    c->keep_alive = false;
    c->inlet.done = true;
    exchange_fail(x, turn == INLET_BAD ? 400 : 0, turn == INLET_BAD ? RECORD_DPE : RECORD_DC,
                  turn == INLET_BAD ? BYTES("http1.codec_error") : BYTES("downstream_remote_disconnect"));
    return true;
}

/* ---- the response ------------------------------------------------------------------------ */

static void on_info(struct exchange *x, const struct http_response *info)
{
    struct client_http1 *c = x->client;
    struct text head;
    const struct http1_write how = {.body = HTTP1_BODY_NONE};
    if (x->request.minor == 0)
        return; /* HTTP/1.0 knows none */
    text_init_arena(&head, &x->arena);
    http1_write_response(&head, info, &how);
    connection_put(&c->client->connection, text_bytes(&head));
}

/* A body that nobody will read: is it short enough to read away? */
static bool discardable(const struct client_http1 *c)
{
    return !c->continue_owed && (c->framing.body == HTTP1_BODY_CHUNKED || c->inlet.left <= DISCARD_MAX);
}

static void on_outlet_end(struct outlet *outlet, enum pump_reason reason)
{
    struct client_http1 *c = outlet->owner;
    struct exchange *x = c->x;
    if (!x)
        return;
    x->record.bytes_sent = outlet->bytes;
    if (reason != PUMP_FINE) {
        outlet->done = false; /* it is not complete: the connection must not go on */
        exchange_fail(x, 0, reason == PUMP_LATE ? RECORD_UT : RECORD_UC,
                      BYTES("upstream_reset_after_response_started"));
    } else if (c->raw && !c->inlet.done) {
        connection_end_write(&c->client->connection); /* the other half of the tunnel goes on */
    } else {
        exchange_finish(x);
    }
}

static void send_whole(struct client_http1 *c, enum http1_body framing, struct bytes body)
{
    if (framing == HTTP1_BODY_LENGTH) {
        connection_put(&c->client->connection, body);
        c->x->record.bytes_sent = body.len;
    }
    c->outlet.done = true;
    exchange_finish(c->x);
}

static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    struct client_http1 *c = x->client;
    struct text head;
    struct http1_write how = response_framing(x, whole, body.len);
    if (how.body == HTTP1_BODY_CLOSE)
        c->keep_alive = false;
    if (c->client->worker->draining || (whole && !c->inlet.done && !discardable(c)))
        c->keep_alive = false;
    how.close = !c->keep_alive && !x->response_tunnel;
    how.keep_alive = c->keep_alive && x->request.minor == 0;
    c->raw = x->response_tunnel;
    if (!c->raw)
        answer_complete(x);
    text_init_arena(&head, &x->arena);
    http1_write_response(&head, &x->response, &how);
    connection_put(&c->client->connection, text_bytes(&head));
    if (whole) {
        send_whole(c, how.body, body);
        return;
    }
    if (c->raw)
        inlet_begin_raw(&c->inlet);
    outlet_begin(&c->outlet, how.body, c->raw, &x->arena);
    timer_update(c);
    outlet_pull(&c->outlet);
}

static const struct client_ops http1_client_ops = {on_info, on_head, on_done};

/* ---- events --------------------------------------------------------------------------------- */

static bool discard_step(struct client_http1 *c)
{
    enum inlet_turn turn = inlet_step(&c->inlet);
    if (turn == INLET_END && c->keep_alive)
        next_request(c);
    else if (turn == INLET_END || turn == INLET_BAD || turn == INLET_GONE ||
             c->inlet.bytes - c->discarded > DISCARD_MAX)
        linger(c);
    return turn == INLET_MORE;
}

static bool linger_step(struct client_http1 *c)
{
    char waste[4096];
    long n = connection_read(&c->client->connection, waste, sizeof waste);
    c->discarded += n > 0 ? (uint64_t)n : 0;
    if (n == CONNECTION_END && c->client->connection.out.bytes)
        return false; /* the client has said all it had to say; what it was told still leaves */
    if (n == CONNECTION_END || c->discarded > 16 * DISCARD_MAX) {
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
    if (may_leave(c))
        linger(c);
}

static void http1_written(struct client *client, size_t wrote)
{
    struct client_http1 *c = http1_of(client);
    /* Nothing left: patience runs from when that began. */
    if (wrote || c->client->timer.due_ms == TIMER_NEVER)
        timer_update(c);
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
        head_refused(c, 400, "the connection broke inside a head");
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
    c->client = client;
    client->codec = c;
    client->timer.on_due = on_due;
    inlet_init(&c->inlet, &client->connection);
    c->inlet.on_trailers = on_trailers;
    c->inlet.owner = c;
    outlet_init(&c->outlet, &client->connection);
    c->outlet.on_end = on_outlet_end;
    c->outlet.owner = c;
    timer_update(c);
}

static void http1_free(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    inlet_done(&c->inlet);
    block_unref(c->head);
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
