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
#include "proxy/listen.h"
#include "wire/http1.h"
#include "wire/path.h"

enum {
    HEAD_MS = 10 * 1000,   /* a whole head, from its first byte */
    IDLE_MS = 60 * 1000,   /* between two requests */
    BODY_MS = 30 * 1000,   /* a body that makes no progress, either way */
    TUNNEL_MS = 3600 * 1000,
    LINGER_MS = 2 * 1000,  /* how long the rest of a refused request is read away */
    DISCARD_MAX = 64 * 1024, /* an unwanted body up to this is read away to keep the connection */
};

enum state {
    STATE_HEAD,     /* reading a head, or waiting for one */
    STATE_EXCHANGE,
    STATE_DISCARD,  /* the exchange is over, the rest of its request's body is read away */
    STATE_LINGER,   /* our side is closed; reading away until the client closes too */
};

struct client_http1 {
    struct client client; /* first: they are one */
    enum state state;
    struct timer timer;
    struct block *in;     /* what was read and not used yet lies at [in_at, in->used) */
    size_t in_at;
    size_t seen;          /* see http1_read_request */
    struct block *head;   /* the block that the current request's head lies in */
    struct exchange *x;
    struct http1_framing framing;
    struct http1_chunks chunks;
    uint64_t left;        /* of a request body with a length */
    uint64_t discarded;
    bool raw;             /* both bodies are raw: a tunnel */
    bool request_done;
    bool response_done;
    bool keep_alive;
    bool continue_owed;
    bool sniffed;
    bool linger_told;
    struct stage source;
    size_t credit;        /* bytes the request's pump asked for */
    struct stage sink;
    size_t granted;       /* bytes asked of the response's pump, not come yet */
    enum http1_body response_body;
};

static const struct stage_ops source_ops, sink_ops;
static const struct client_ops http1_client_ops;

static struct client_http1 *http1_of(struct client *client)
{
    return (struct client_http1 *)(void *)client;
}

static struct loop *loop_of(struct client_http1 *c)
{
    return &c->client.worker->loop;
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
        if (c->client.connection.out_bytes || (!c->request_done && c->credit))
            return BODY_MS;
        return TIMER_NEVER; /* the exchange has times of its own */
    case STATE_DISCARD:
        return BODY_MS;
    case STATE_LINGER:
        return LINGER_MS;
    }
    return IDLE_MS;
}

static void timer_update(struct client_http1 *c)
{
    uint64_t ms = patience_ms(c);
    if (ms == TIMER_NEVER)
        timer_rest(&c->timer);
    else
        timer_set(loop_of(c), &c->timer, loop_of(c)->now_ms + ms);
}

static void http1_close(struct client_http1 *c)
{
    timer_remove(loop_of(c), &c->timer);
    connection_close(&c->client.connection);
}

static void on_due(struct timer *timer)
{
    struct client_http1 *c = container_of(timer, struct client_http1, timer);
    struct exchange *x = c->x;
    if (c->state == STATE_HEAD && x) {
        exchange_fail(x, 408, RECORD_DPE, BYTES("request_head_timeout"));
        return;
    }
    if (x) {
        bool reading = !c->request_done && !c->client.connection.out_bytes;
        exchange_fail(x, reading ? 408 : 0, RECORD_SI, reading ? BYTES("request_body_timeout") : BYTES("stream_idle_timeout"));
        return;
    }
    http1_close(c);
}

/* ---- the buffer ------------------------------------------------------------------ */

static struct bytes buffered(const struct client_http1 *c)
{
    return c->in ? bytes_make(c->in->data + c->in_at, c->in->used - c->in_at) : (struct bytes){0};
}

/* Makes room behind what is buffered; what is there stays in one piece. False: no memory now, or no room ever. */
static bool buffer_room(struct client_http1 *c)
{
    struct bytes rest = buffered(c);
    if (c->in && c->in->refs == 1 && rest.len == 0) {
        c->in->used = 0;
        c->in_at = 0;
    }
    if (c->in && c->in->used < BLOCK_ROOM)
        return true;
    if (rest.len == BLOCK_ROOM)
        return false;
    struct block *fresh = block_new();
    if (!fresh)
        return false;
    if (rest.len)
        memcpy(fresh->data, rest.at, rest.len);
    fresh->used = (uint32_t)rest.len;
    block_unref(c->in);
    c->in = fresh;
    c->in_at = 0;
    return true;
}

/* Reads once: >0 bytes came, else as connection_read. */
static long buffer_fill(struct client_http1 *c)
{
    if (!buffer_room(c))
        return CONNECTION_LATER;
    long n = connection_read(&c->client.connection, c->in->data + c->in->used, BLOCK_ROOM - c->in->used);
    if (n > 0)
        c->in->used += (uint32_t)n;
    else if (c->in->used == c->in_at && c->in->refs == 1) {
        block_unref(c->in); /* an idle connection keeps no buffer */
        c->in = NULL;
        c->in_at = 0;
    }
    return n;
}

/* ---- ends -------------------------------------------------------------------------- */

static void linger(struct client_http1 *c)
{
    c->state = STATE_LINGER;
    connection_end_write(&c->client.connection);
    timer_update(c);
    connection_wake(&c->client.connection);
}

static void next_request(struct client_http1 *c)
{
    c->state = STATE_HEAD;
    c->seen = 0;
    c->raw = c->request_done = c->response_done = c->continue_owed = false;
    timer_update(c);
    connection_wake(&c->client.connection);
}

/* The exchange is over; x must not be touched. */
static void on_done(struct exchange *x)
{
    struct client_http1 *c = x->client;
    bool fine = x->end == END_FINE, replied = x->replied;
    c->x = NULL;
    stage_unlink(&c->source);
    stage_unlink(&c->sink);
    block_unref(c->head);
    c->head = NULL;
    c->credit = c->granted = 0;
    if (c->client.connection.gone)
        return;
    if (c->client.connection.broken || (!fine && !(replied && c->response_done))) {
        http1_close(c);
    } else if (!c->keep_alive || c->raw) {
        linger(c);
    } else if (!c->request_done) {
        c->state = STATE_DISCARD;
        c->discarded = 0;
        timer_update(c);
        connection_wake(&c->client.connection);
    } else {
        next_request(c);
    }
}

/* ---- heads ---------------------------------------------------------------------------- */

static void head_refused(struct client_http1 *c, const struct http1_error *error)
{
    struct exchange *x = c->x;
    c->state = STATE_EXCHANGE;
    c->keep_alive = false;
    c->request_done = true;
    c->framing = (struct http1_framing){0};
    x->record.termination = bytes_of(error->sentence);
    exchange_refuse(x, error->status, RECORD_DPE, "http1.codec_error");
}

static void body_prepare(struct client_http1 *c)
{
    struct exchange *x = c->x;
    c->left = c->framing.length;
    c->request_done = c->framing.body == HTTP1_BODY_NONE || (c->framing.body == HTTP1_BODY_LENGTH && !c->left);
    c->continue_owed = c->framing.expect_continue && !c->request_done;
    if (c->framing.body == HTTP1_BODY_CHUNKED)
        http1_chunks_init(&c->chunks, &x->arena);
    x->request_has_body = !c->request_done;
    x->request_sized = c->framing.body == HTTP1_BODY_LENGTH;
    x->request_length = c->framing.length;
    x->upgrade = c->framing.upgrade;
    x->wants_upgrade = c->framing.upgrade.len != 0;
    c->source.ops = &source_ops;
    c->sink.ops = &sink_ops;
    x->from_client = &c->source;
    x->to_client = &c->sink;
}

static void head_complete(struct client_http1 *c)
{
    struct exchange *x = c->x;
    struct fail why;
    c->state = STATE_EXCHANGE;
    c->keep_alive = c->framing.keep_alive && !c->client.worker->draining;
    c->head = block_ref(c->in);
    body_prepare(c);
    timer_update(c);
    x->request.scheme = c->client.facts.tls ? BYTES("https") : BYTES("http");
    x->original_path = x->request.path;
    x->client_began = true;
    if (!bytes_equal(x->request.path, BYTES("*")) &&
        !path_normalize(x->request.path, (enum path_level)x->generation->node->path_level, &x->arena,
                        &x->request.path, &why)) {
        exchange_refuse(x, 400, RECORD_DPE, "path_normalization_failed");
        return;
    }
    exchange_start(x);
}

/* The first byte of a head makes the exchange, so that a broken head leaves a record too. */
static bool exchange_begin(struct client_http1 *c)
{
    struct worker *worker = c->client.worker;
    const struct rules_listener *row = c->client.listen->row;
    if (!row || row->protocol != PROTOCOL_HTTP)
        return false; /* the listener is gone */
    c->x = exchange_new(worker, http_chain, row, worker->generation);
    c->x->client = c;
    c->x->client_ops = &http1_client_ops;
    c->x->facts = &c->client.facts;
    timer_update(c);
    return true;
}

/* False: nothing more can be done now. */
static bool head_step(struct client_http1 *c)
{
    struct http1_error error;
    size_t used = 0;
    struct bytes have = buffered(c);
    if (have.len && !c->x && !exchange_begin(c)) {
        http1_close(c);
        return false;
    }
    enum http1_turn turn = HTTP1_MORE;
    if (have.len)
        turn = http1_read_request(c->in->data + c->in_at, have.len, &c->seen, &http1_limits_default,
                                  &c->x->arena, &c->x->request, &c->framing, &used, &error);
    if (turn == HTTP1_BAD) {
        head_refused(c, &error);
        return true;
    }
    if (turn == HTTP1_DONE) {
        c->in_at += used;
        head_complete(c);
        return true;
    }
    long n = buffer_fill(c);
    if (n == CONNECTION_END) {
        if (c->x)
            exchange_client_gone(c->x);
        else
            http1_close(c);
    }
    return n > 0;
}

/* ---- the request's body --------------------------------------------------------------- */

static void source_end(struct client_http1 *c, enum pump_reason reason)
{
    c->request_done = true;
    timer_update(c);
    if (reason == PUMP_FINE)
        stage_give_end(&c->source);
    else
        stage_give_abort(&c->source, reason);
}

static void source_data(struct client_http1 *c, struct bytes data)
{
    c->credit -= data.len < c->credit ? data.len : c->credit;
    c->discarded += data.len;
    if (!c->x)
        return;
    c->x->record.bytes_received += data.len;
    stage_give_data(&c->source, c->in, data);
}

static void chunk_step(struct client_http1 *c, struct bytes have)
{
    struct bytes data;
    struct http1_error error;
    size_t used = 0;
    switch (http1_chunks_read(&c->chunks, have, &used, &data, &error)) {
    case HTTP1_PIECE_MORE:
        c->in_at += used;
        return;
    case HTTP1_PIECE_DATA:
        c->in_at += used;
        source_data(c, data);
        return;
    case HTTP1_PIECE_END:
        c->in_at += used;
        if (c->x && c->chunks.trailers.count) {
            const struct part part = {.kind = PART_TRAILERS, .trailers = &c->chunks.trailers};
            stage_give(&c->source, &part);
        }
        source_end(c, PUMP_FINE);
        return;
    case HTTP1_PIECE_BAD:
        c->keep_alive = false;
        if (c->x)
            c->x->record.termination = bytes_of(error.sentence);
        source_end(c, PUMP_CLIENT_BAD);
        return;
    }
}

static void source_use(struct client_http1 *c, struct bytes have)
{
    size_t allowed = c->x ? c->credit : DISCARD_MAX;
    have = bytes_part(have, 0, allowed);
    if (c->raw) {
        c->in_at += have.len;
        source_data(c, have);
    } else if (c->framing.body == HTTP1_BODY_CHUNKED) {
        chunk_step(c, have);
    } else {
        have = bytes_part(have, 0, c->left < SIZE_MAX ? (size_t)c->left : SIZE_MAX);
        c->left -= have.len;
        c->in_at += have.len;
        source_data(c, have);
        if (!c->left && !c->request_done)
            source_end(c, PUMP_FINE);
    }
}

/* The client will send no more. */
static void source_ended(struct client_http1 *c)
{
    c->keep_alive = false;
    source_end(c, c->raw ? PUMP_FINE : PUMP_CLIENT_GONE);
}

/* False: nothing more can be done now. */
static bool source_step(struct client_http1 *c)
{
    if (c->request_done || (c->x && !c->credit))
        return false;
    struct bytes have = buffered(c);
    if (have.len) {
        source_use(c, have);
        timer_update(c);
        return true;
    }
    long n = buffer_fill(c);
    if (n == CONNECTION_END)
        source_ended(c);
    return n > 0;
}

static void source_want(struct stage *stage, size_t bytes)
{
    struct client_http1 *c = container_of(stage, struct client_http1, source);
    c->credit += bytes;
    if (c->continue_owed) {
        c->continue_owed = false;
        connection_put(&c->client.connection, BYTES("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    timer_update(c);
    connection_wake(&c->client.connection);
}

static void source_stop(struct stage *stage, enum pump_reason reason)
{
    (void)stage; /* what is left of the body is judged when the exchange is over */
    (void)reason;
}

static const struct stage_ops source_ops = {"http1 request body", stage_pass_give, source_want, source_stop};

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
    connection_put(&c->client.connection, text_bytes(&head));
}

static bool has_no_body(const struct exchange *x)
{
    unsigned status = x->response.status;
    return status == 204 || status == 304 || bytes_equal(x->request.method, BYTES("HEAD"));
}

static struct http1_write framing_choose(struct client_http1 *c, bool whole, size_t len)
{
    struct exchange *x = c->x;
    struct http1_write how = {.body = HTTP1_BODY_CHUNKED};
    if (x->response_tunnel) {
        how.body = HTTP1_BODY_NONE;
        how.upgrade = x->upgrade;
    } else if (has_no_body(x)) {
        how.body = HTTP1_BODY_NONE;
        if (x->response_sized && x->response.status != 204)
            http_fields_add_known(&x->response.fields, HTTP_CONTENT_LENGTH,
                                  arena_format(&x->arena, "%llu", (unsigned long long)x->response_length));
    } else if (whole || x->response_sized) {
        how.body = HTTP1_BODY_LENGTH;
        how.length = whole ? len : x->response_length;
    } else if (x->request.minor == 0) {
        how.body = HTTP1_BODY_CLOSE;
        c->keep_alive = false;
    }
    return how;
}

/* A body that nobody will read: is it short enough to read away? */
static bool discardable(const struct client_http1 *c)
{
    return !c->continue_owed && (c->framing.body == HTTP1_BODY_CHUNKED || c->left <= DISCARD_MAX);
}

static void response_complete(struct client_http1 *c)
{
    c->response_done = true;
    if (c->raw && !c->request_done)
        return; /* the other half of the tunnel goes on */
    exchange_finish(c->x);
}

static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    struct client_http1 *c = x->client;
    struct text head;
    struct http1_write how = framing_choose(c, whole, body.len);
    if (c->client.worker->draining || (whole && !c->request_done && !discardable(c)))
        c->keep_alive = false;
    how.close = !c->keep_alive && !x->response_tunnel;
    c->response_body = how.body;
    c->raw = x->response_tunnel;
    text_init_arena(&head, &x->arena);
    http1_write_response(&head, &x->response, &how);
    connection_put(&c->client.connection, text_bytes(&head));
    if (whole) {
        if (how.body == HTTP1_BODY_LENGTH) {
            connection_put(&c->client.connection, body);
            x->record.bytes_sent += body.len;
        }
        response_complete(c);
        return;
    }
    if (c->raw)
        c->request_done = false;
    c->granted = PUMP_CREDIT;
    timer_update(c);
    stage_want(&c->sink, PUMP_CREDIT);
}

static void sink_data(struct client_http1 *c, const struct part *part)
{
    struct connection *connection = &c->client.connection;
    char line[24];
    struct text size;
    c->granted -= part->data.len < c->granted ? part->data.len : c->granted;
    c->x->record.bytes_sent += part->data.len;
    if (c->response_body != HTTP1_BODY_CHUNKED || c->raw) {
        connection_put_block(connection, part->block, part->data);
        return;
    }
    text_init_fixed(&size, line, sizeof line);
    http1_write_chunk_size(&size, part->data.len);
    connection_put(connection, text_bytes(&size));
    connection_put_block(connection, part->block, part->data);
    connection_put(connection, BYTES("\r\n"));
}

static void sink_last(struct client_http1 *c, const struct http_fields *trailers)
{
    struct text last;
    text_init_arena(&last, &c->x->arena);
    http1_write_last_chunk(&last, trailers);
    connection_put(&c->client.connection, text_bytes(&last));
}

static void sink_give(struct stage *stage, const struct part *part)
{
    struct client_http1 *c = container_of(stage, struct client_http1, sink);
    if (!c->x || c->response_done)
        return;
    switch (part->kind) {
    case PART_DATA:
        if (c->response_body != HTTP1_BODY_NONE || c->raw)
            sink_data(c, part);
        timer_update(c);
        return;
    case PART_TRAILERS:
        if (c->response_body == HTTP1_BODY_CHUNKED) {
            sink_last(c, part->trailers);
            c->response_body = HTTP1_BODY_NONE;
        }
        return;
    case PART_END:
        if (c->response_body == HTTP1_BODY_CHUNKED)
            sink_last(c, NULL);
        if (c->raw && !c->request_done)
            connection_end_write(&c->client.connection);
        response_complete(c);
        return;
    case PART_ABORT:
        exchange_fail(c->x, 0, part->reason == PUMP_LATE ? RECORD_UT : RECORD_UC,
                      BYTES("upstream_reset_after_response_started"));
        return;
    }
}

static const struct stage_ops sink_ops = {"http1 response body", sink_give, stage_pass_want, stage_pass_stop};

static void on_raw_request_end(struct client_http1 *c)
{
    if (c->raw && c->request_done && c->response_done && c->x)
        exchange_finish(c->x);
}

static const struct client_ops http1_client_ops = {on_info, on_head, on_done};

/* ---- events --------------------------------------------------------------------------------- */

static bool discard_step(struct client_http1 *c)
{
    if (c->request_done) {
        next_request(c);
        return false;
    }
    if (c->discarded > DISCARD_MAX) {
        linger(c);
        return false;
    }
    return source_step(c);
}

static bool linger_step(struct client_http1 *c)
{
    char waste[4096];
    long n = connection_read(&c->client.connection, waste, sizeof waste);
    c->discarded += n > 0 ? (uint64_t)n : 0;
    if (n == CONNECTION_END || c->discarded > 16 * DISCARD_MAX) {
        http1_close(c);
        return false;
    }
    return n > 0;
}

/* PERMISSIVE: TLS or not? The first byte tells (RFC 8446 5.1: 22 is a handshake). */
static bool sniff_step(struct client_http1 *c)
{
    long n = buffer_fill(c);
    if (n == CONNECTION_END)
        http1_close(c);
    if (n <= 0)
        return false;
    c->sniffed = true;
    if (c->in->data[0] != 22)
        return true;
    if (!c->client.generation->mesh_server) {
        http1_close(c);
        return false;
    }
    struct block *read = c->in;
    c->in = NULL;
    c->client.opened = false;
    connection_start_tls(&c->client.connection, c->client.generation->mesh_server, read);
    return false;
}

static void http1_readable(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    bool more = true;
    while (more && !client->connection.gone && !client->connection.broken) {
        if (!c->sniffed) {
            more = sniff_step(c);
            continue;
        }
        switch (c->state) {
        case STATE_HEAD:
            more = head_step(c);
            break;
        case STATE_EXCHANGE:
            more = source_step(c);
            if (c->x)
                on_raw_request_end(c);
            break;
        case STATE_DISCARD:
            more = discard_step(c);
            break;
        case STATE_LINGER:
            more = linger_step(c);
            break;
        }
    }
}

static void http1_written(struct client *client, size_t wrote)
{
    (void)wrote;
    struct client_http1 *c = http1_of(client);
    size_t out = client->connection.out_bytes + c->granted;
    timer_update(c);
    if (c->state != STATE_EXCHANGE || !c->x || !c->x->replied || c->response_done || out >= PUMP_CREDIT / 2)
        return;
    size_t more = PUMP_CREDIT - out;
    c->granted += more;
    stage_want(&c->sink, more);
}

static void http1_broken(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    if (c->x)
        exchange_client_gone(c->x);
    http1_close(c);
}

static void http1_cut(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    if (c->x)
        exchange_fail(c->x, 0, RECORD_LR, BYTES("drain_timeout"));
    http1_close(c);
}

static void http1_drain(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    c->keep_alive = false;
    if (c->state == STATE_HEAD && !c->x)
        http1_close(c);
}

static void http1_begin(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    c->sniffed = client->row->tls != LISTENER_PERMISSIVE || client->connection.tls;
    c->timer.on_due = on_due;
    timer_update(c);
}

static struct client *http1_open(void)
{
    return &heap_new(struct client_http1)->client;
}

static void http1_free(struct client *client)
{
    struct client_http1 *c = http1_of(client);
    block_unref(c->in);
    block_unref(c->head);
    free(c);
}

const struct client_kind client_http1_kind = {
    .open = http1_open,
    .begin = http1_begin,
    .readable = http1_readable,
    .written = http1_written,
    .broken = http1_broken,
    .drain = http1_drain,
    .cut = http1_cut,
    .free = http1_free,
};
