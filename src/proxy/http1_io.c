#include "proxy/http1_io.h"

#include <string.h>

enum {
    READ_MAX = 32 * 1024,       /* what becomes two whole TLS records; more for a head, or in bulk */
    KEEPS_UP = 2 * 1024 * 1024, /* taken without a pause: more than the sockets of one who sleeps hold */
    REACH = 8,                  /* windows at a time for who keeps up */
};

/* ---- inlet ------------------------------------------------------------------ */

static void source_want(struct stage *stage, size_t bytes)
{
    struct inlet *inlet = container_of(stage, struct inlet, source);
    inlet->credit += bytes;
    connection_wake(inlet->connection);
}

static void source_stop(struct stage *stage, enum pump_reason reason)
{
    (void)stage; /* what is left of the body is judged when the exchange is over */
    (void)reason;
}

static const struct stage_ops source_ops = {"http1 inlet", stage_pass_give, source_want, source_stop};

static void on_room(struct block_waiter *waiter)
{
    connection_wake(container_of(waiter, struct inlet, hungry)->connection);
}

void inlet_init(struct inlet *inlet, struct connection *connection)
{
    *inlet = (struct inlet){.connection = connection, .done = true, .source.ops = &source_ops};
    inlet->hungry.on_room = on_room;
    list_init(&inlet->hungry.link);
}

void inlet_done(struct inlet *inlet)
{
    block_unref(inlet->in);
    inlet->in = NULL;
    if (inlet->hungry.link.next) /* else it never began */
        list_remove(&inlet->hungry.link);
    stage_unlink(&inlet->source);
}

struct bytes inlet_buffered(const struct inlet *inlet)
{
    return inlet->in ? bytes_make(inlet->in->data + inlet->at, inlet->in->used - inlet->at)
                     : (struct bytes){0};
}

struct bytes inlet_head(const struct inlet *inlet, struct arena *arena)
{
    struct bytes have = inlet_buffered(inlet);
    size_t from = inlet->seen > 3 ? inlet->seen - 3 : 0; /* the rest was looked at before */
    const char *end = have.len > from ? memmem(have.at + from, have.len - from, "\r\n\r\n", 4) : NULL;
    return end ? arena_bytes(arena, bytes_make(have.at, (size_t)(end + 4 - have.at))) : (struct bytes){0};
}

/* Much is asked for, and comes in one read: TLS has it record by record. */
static bool is_bulk(const struct inlet *inlet)
{
    return inlet->credit > BLOCK_LARGE / 2 && !inlet->connection->tls;
}

static struct block *block_fresh(const struct inlet *inlet)
{
    struct block *block = is_bulk(inlet) ? block_new_large() : NULL;
    return block ? block : block_new();
}

/* What a read may bring, at most; `more`: of what has begun, and has to stay in one piece. */
static uint32_t fill_of(const struct inlet *inlet, bool more)
{
    const struct block *in = inlet->in;
    size_t bulk = in->used + (inlet->credit > READ_MAX ? inlet->credit : READ_MAX);
    if (in->room == BLOCK_LARGE) /* what nobody asked for stays in the socket */
        return bulk < BLOCK_LARGE ? (uint32_t)bulk : BLOCK_LARGE;
    return more ? BLOCK_ROOM : READ_MAX;
}

/* Nobody else holds what is used up: it is filled anew, unless another size is wanted. */
static void inlet_reuse(struct inlet *inlet)
{
    if (is_bulk(inlet) && inlet->in->room != BLOCK_LARGE) {
        block_unref(inlet->in);
        inlet->in = NULL;
    } else {
        inlet->in->used = 0;
    }
    inlet->at = 0;
}

/* Makes room behind what is buffered, which stays in one piece. */
static bool inlet_room(struct inlet *inlet)
{
    struct bytes rest = inlet_buffered(inlet);
    if (inlet->in && inlet->in->refs == 1 && rest.len == 0)
        inlet_reuse(inlet);
    if (inlet->in && inlet->in->used < fill_of(inlet, rest.len > 0))
        return true;
    if (rest.len >= BLOCK_ROOM)
        return false;
    struct block *fresh = block_fresh(inlet);
    if (!fresh) {
        block_wait(&inlet->hungry);
        return false;
    }
    list_remove(&inlet->hungry.link);
    if (rest.len)
        memcpy(fresh->data, rest.at, rest.len);
    fresh->used = (uint32_t)rest.len;
    block_unref(inlet->in);
    inlet->in = fresh;
    inlet->at = 0;
    return true;
}

void inlet_trim(struct inlet *inlet)
{
    if (!inlet->in || inlet->in->used != inlet->at || inlet->in->refs > 1)
        return; /* whoever else holds it: what is left of it can still be filled */
    block_unref(inlet->in);
    inlet->in = NULL;
    inlet->at = 0;
}

long inlet_fill(struct inlet *inlet)
{
    if (!inlet_room(inlet))
        return CONNECTION_LATER;
    struct block *in = inlet->in;
    uint32_t most = fill_of(inlet, in->used >= READ_MAX);
    long n = connection_read(inlet->connection, in->data + in->used, most - in->used);
    if (n > 0) {
        in->used += (uint32_t)n;
    } else {
        inlet_trim(inlet);
    }
    return n;
}

void inlet_begin(struct inlet *inlet, const struct http1_framing *framing, struct arena *arena)
{
    static const enum inlet_body bodies[] = {
        [HTTP1_BODY_NONE] = INLET_NONE,
        [HTTP1_BODY_LENGTH] = INLET_LENGTH,
        [HTTP1_BODY_CHUNKED] = INLET_CHUNKED,
        [HTTP1_BODY_CLOSE] = INLET_RAW,
    };
    inlet->body = bodies[framing->body];
    inlet->left = framing->length;
    inlet->done = inlet->body == INLET_NONE || (inlet->body == INLET_LENGTH && !inlet->left);
    inlet->told = false;
    inlet->discard = false;
    inlet->credit = 0;
    inlet->bytes = 0;
    inlet->max = UINT64_MAX;
    if (inlet->body == INLET_CHUNKED)
        http1_chunks_init(&inlet->chunks, arena);
}

void inlet_begin_raw(struct inlet *inlet)
{
    inlet->body = INLET_RAW;
    inlet->done = false;
    inlet->told = false;
    inlet->discard = false;
}

static void inlet_give(struct inlet *inlet, struct bytes data)
{
    if (!data.len)
        return;
    inlet->credit -= data.len < inlet->credit ? data.len : inlet->credit;
    inlet->bytes += data.len;
    if (!inlet->discard)
        stage_give_data(&inlet->source, inlet->in, data);
}

static enum inlet_turn inlet_end(struct inlet *inlet)
{
    inlet->done = inlet->told = true;
    if (inlet->body == INLET_CHUNKED && inlet->on_trailers)
        inlet->on_trailers(inlet, &inlet->chunks.trailers);
    if (inlet->body == INLET_CHUNKED && inlet->chunks.trailers.count && !inlet->discard) {
        const struct part part = {.kind = PART_TRAILERS, .trailers = &inlet->chunks.trailers};
        stage_give(&inlet->source, &part);
    }
    if (!inlet->discard)
        stage_give_end(&inlet->source);
    return INLET_END;
}

static enum inlet_turn chunk_step(struct inlet *inlet, struct bytes have)
{
    struct bytes data = {0};
    size_t used = 0;
    enum http1_piece piece = http1_chunks_read(&inlet->chunks, have, &used, &data, &inlet->error);
    inlet->at += used;
    if (piece == HTTP1_PIECE_BAD)
        return INLET_BAD;
    if (piece == HTTP1_PIECE_END)
        return inlet_end(inlet);
    if (data.len > inlet->max - inlet->bytes)
        return INLET_OVER;
    inlet_give(inlet, data);
    return INLET_MORE;
}

static enum inlet_turn inlet_use(struct inlet *inlet, struct bytes have)
{
    if (inlet->body == INLET_CHUNKED)
        return chunk_step(inlet, have);
    if (inlet->body == INLET_LENGTH) {
        have = bytes_part(have, 0, inlet->left < have.len ? (size_t)inlet->left : have.len);
        inlet->left -= have.len;
    }
    inlet->at += have.len;
    inlet_give(inlet, have);
    return inlet->body == INLET_LENGTH && !inlet->left ? inlet_end(inlet) : INLET_MORE;
}

enum inlet_turn inlet_step(struct inlet *inlet)
{
    if (inlet->done)
        return inlet->credit && !inlet->told ? inlet_end(inlet) : INLET_END;
    if (!inlet->credit && !inlet->discard)
        return INLET_WAIT;
    struct bytes have = inlet_buffered(inlet);
    if (have.len)
        return inlet_use(inlet, inlet->discard ? have : bytes_part(have, 0, inlet->credit));
    long n = inlet_fill(inlet);
    if (n == CONNECTION_END)
        return inlet->body == INLET_RAW ? inlet_end(inlet) : INLET_GONE;
    return n > 0 ? INLET_MORE : INLET_WAIT;
}

void inlet_probe(struct inlet *inlet)
{
    char nothing;
    if (inlet->done)
        (void)connection_read(inlet->connection, &nothing, sizeof nothing); /* the end once more, or worse */
}

/* ---- outlet ------------------------------------------------------------------- */

static void put_data(struct outlet *outlet, const struct part *part)
{
    char line[24];
    struct text size;
    bool chunked = outlet->body == HTTP1_BODY_CHUNKED && !outlet->raw;
    if (outlet->body == HTTP1_BODY_NONE && !outlet->raw)
        return;
    outlet->bytes += part->data.len;
    outlet->streak += part->data.len;
    if (chunked) {
        text_init_fixed(&size, line, sizeof line);
        http1_write_chunk_size(&size, part->data.len);
        connection_put(outlet->connection, text_bytes(&size));
    }
    connection_put_block(outlet->connection, part->block, part->data);
    if (chunked)
        connection_put(outlet->connection, BYTES("\r\n"));
}

static void put_last(struct outlet *outlet, const struct http_fields *trailers)
{
    struct text last;
    if (outlet->body != HTTP1_BODY_CHUNKED || outlet->raw)
        return;
    text_init_arena(&last, outlet->arena);
    http1_write_last_chunk(&last, trailers);
    connection_put(outlet->connection, text_bytes(&last));
    outlet->body = HTTP1_BODY_NONE; /* END has nothing to add */
}

static void sink_give(struct stage *stage, const struct part *part)
{
    struct outlet *outlet = container_of(stage, struct outlet, sink);
    if (outlet->done)
        return;
    switch (part->kind) {
    case PART_DATA:
        outlet->granted -= part->data.len < outlet->granted ? part->data.len : outlet->granted;
        put_data(outlet, part);
        return;
    case PART_TRAILERS:
        put_last(outlet, part->trailers);
        return;
    case PART_END:
        put_last(outlet, NULL);
        outlet->done = true;
        outlet->on_end(outlet, PUMP_FINE);
        return;
    case PART_ABORT:
        outlet->done = true;
        outlet->on_end(outlet, part->reason);
        return;
    }
}

static const struct stage_ops sink_ops = {"http1 outlet", sink_give, stage_pass_want, stage_pass_stop};

void outlet_init(struct outlet *outlet, struct connection *connection)
{
    outlet->connection = connection;
    outlet->done = true;
    outlet->window = PUMP_CREDIT;
    outlet->sink.ops = &sink_ops;
}

void outlet_begin(struct outlet *outlet, enum http1_body body, bool raw, struct arena *arena)
{
    outlet->body = body;
    outlet->raw = raw;
    outlet->arena = arena;
    outlet->done = false;
    outlet->granted = 0;
    outlet->bytes = 0;
}

/*
 * To a peer that takes at once what it is sent, more goes at a time: fewer calls of
 * the system for the same bytes, and fewer acknowledgements. The first byte that its
 * socket does not take ends that, and so does a stock of blocks that many use.
 */
static size_t reach_of(struct outlet *outlet)
{
    const struct connection *connection = outlet->connection;
    if (connection->out.bytes && !connection->writable)
        outlet->streak = 0;
    return outlet->streak >= KEEPS_UP && block_plenty() ? outlet->window * REACH : outlet->window;
}

void outlet_pull(struct outlet *outlet)
{
    const struct connection *connection = outlet->connection;
    size_t under_way = connection->out.bytes + outlet->granted;
    size_t reach = reach_of(outlet);
    /* A full socket will empty all that is under way in one go: until then more would only lie here. */
    if (outlet->done || under_way > reach / 2 || (connection->out.bytes && !connection->writable))
        return;
    size_t more = reach - under_way;
    outlet->granted += more;
    stage_want(&outlet->sink, more);
}
