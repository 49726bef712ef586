/*
 * client_tcp: a client's raw connection: one exchange on tcp_chain, whose two
 * pumps are the tunnel.
 */
#include <stdlib.h>

#include "base/heap.h"
#include "proxy/client.h"
#include "proxy/limit_hits.h"
#include "proxy/listen.h"

enum {
    LEAVING_MS = 30 * 1000, /* for the last bytes, without any progress */
};

struct client_tcp {
    struct client *client;
    struct inlet inlet;
    struct outlet outlet;
    struct exchange *x;
    bool tunnel;
    uint64_t idle_ms;  /* without a byte either way; TIMER_NEVER: any time */
    uint64_t until_ms; /* the tunnel's end, whatever flows; TIMER_NEVER: none */
};

static struct client_tcp *tcp_of(struct client *client)
{
    return client->codec;
}

static uint64_t later(uint64_t now_ms, uint64_t ms)
{
    return ms == TIMER_NEVER ? TIMER_NEVER : now_ms + ms;
}

static void idle_from_now(struct client_tcp *c)
{
    struct loop *loop = &c->client->worker->loop;
    uint64_t due_ms = later(loop->now_ms, c->x ? c->idle_ms : LEAVING_MS);
    due_ms = due_ms < c->until_ms ? due_ms : c->until_ms;
    if (due_ms == TIMER_NEVER)
        timer_rest(&c->client->timer);
    else
        timer_set(loop, &c->client->timer, due_ms);
}

static void idle_fail(struct client_tcp *c)
{
    limit_hit(c->client->worker, LIMIT_TUNNEL_IDLE);
    exchange_fail(c->x, 0, RECORD_SI, BYTES("stream_idle_timeout"));
}

static void on_due(struct timer *timer)
{
    struct client_tcp *c = tcp_of(container_of(timer, struct client, timer));
    bool over = c->client->worker->loop.now_ms >= c->until_ms;
    if (!c->x)
        client_close(c->client);
    else if (over)
        exchange_fail(c->x, 0, RECORD_DT, BYTES("max_connection_duration_reached"));
    else
        idle_fail(c);
}

/* The cluster's times; it was chosen before the tunnel stands, and may be let go of behind it. */
static void times_take(struct client_tcp *c, const struct rules_cluster *cluster)
{
    c->idle_ms = cluster->tcp_idle_timeout_ms ? cluster->tcp_idle_timeout_ms : TIMER_NEVER;
    if (cluster->max_connection_ms)
        c->until_ms = c->x->began_ms + cluster->max_connection_ms;
    idle_from_now(c);
}

static void on_info(struct exchange *x, const struct http_response *info)
{
    (void)x;
    (void)info;
}

/* There is no head: the tunnel stands. */
static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    struct client_tcp *c = x->client;
    (void)body;
    (void)whole;
    c->tunnel = true;
    times_take(c, x->cluster);
    outlet_begin(&c->outlet, HTTP1_BODY_NONE, true, &x->arena);
    outlet_pull(&c->outlet);
    connection_wake(&c->client->connection);
}

static void on_done(struct exchange *x)
{
    struct client_tcp *c = x->client;
    c->x = NULL;
    stage_unlink(&c->inlet.source);
    stage_unlink(&c->outlet.sink);
    if (x->end == END_FINE && c->client->connection.out.bytes && !c->client->connection.broken) {
        connection_end_write(&c->client->connection); /* what is under way still leaves */
        c->until_ms = TIMER_NEVER;
        idle_from_now(c);
        return;
    }
    client_close(c->client);
}

static const struct client_ops tcp_client_ops = {on_info, on_head, on_done};

static void on_outlet_end(struct outlet *outlet, enum pump_reason reason)
{
    struct client_tcp *c = outlet->owner;
    if (!c->x)
        return;
    c->x->record.bytes_sent = outlet->bytes;
    if (reason != PUMP_FINE)
        exchange_fail(c->x, 0, RECORD_UC, BYTES("upstream_reset"));
    else if (c->inlet.done)
        exchange_finish(c->x);
    else
        connection_end_write(&c->client->connection);
}

static void tcp_start(struct client_tcp *c)
{
    struct worker *worker = c->client->worker;
    const struct rules_listener *row =
        c->client->listen->row ? listen_row(worker->generation, c->client->row_id) : NULL;
    if (!row || row->protocol != SPEAKS_TCP) {
        client_close(c->client);
        return;
    }
    inlet_begin_raw(&c->inlet);
    c->x = exchange_new(worker, tcp_chain, row, worker->generation);
    c->x->client = c;
    c->x->client_ops = &tcp_client_ops;
    c->x->facts = &c->client->facts;
    c->x->request_has_body = true;
    c->x->from_client = &c->inlet.source;
    c->x->to_client = &c->outlet.sink;
    exchange_start(c->x);
}

static void tcp_begin(struct client *client)
{
    struct client_tcp *c = heap_new(struct client_tcp);
    heap_count(sizeof *c);
    c->client = client;
    c->idle_ms = c->until_ms = TIMER_NEVER; /* until the tunnel stands, connecting has a time of its own */
    client->codec = c;
    client->timer.on_due = on_due;
    inlet_init(&c->inlet, &client->connection);
    outlet_init(&c->outlet, &client->connection);
    c->outlet.window = (size_t)client->worker->generation->limits->buffer_bytes;
    c->outlet.on_end = on_outlet_end;
    c->outlet.owner = c;
    tcp_start(c);
}

static void tcp_readable(struct client *client)
{
    struct client_tcp *c = tcp_of(client);
    bool more = true;
    while (more && c->x && c->tunnel && !client->connection.gone && !client->connection.broken) {
        struct exchange *x = c->x;
        bool was_done = c->inlet.done;
        enum inlet_turn turn = inlet_step(&c->inlet);
        if (c->x != x)
            return;
        x->record.bytes_received = c->inlet.bytes;
        more = turn == INLET_MORE;
        if (more)
            idle_from_now(c);
        if (turn == INLET_END && !was_done && c->outlet.done)
            exchange_finish(x);
    }
    if (c->x)
        inlet_probe(&c->inlet);
    else if (!client->connection.gone && !client->connection.out.bytes)
        client_close(c->client);
}

static void tcp_written(struct client *client, size_t wrote)
{
    struct client_tcp *c = tcp_of(client);
    if (wrote)
        idle_from_now(c);
    if (c->x && c->tunnel) {
        c->x->record.bytes_sent = c->outlet.bytes;
        outlet_pull(&c->outlet);
    } else if (!c->x && !client->connection.out.bytes) {
        client_close(c->client);
    }
}

static void tcp_broken(struct client *client)
{
    struct client_tcp *c = tcp_of(client);
    if (c->x)
        exchange_client_gone(c->x);
    client_close(c->client);
}

static void tcp_cut(struct client *client)
{
    struct client_tcp *c = tcp_of(client);
    if (c->x)
        exchange_fail(c->x, 0, RECORD_LR, BYTES("drain_timeout"));
    client_close(c->client);
}

static void tcp_drain(struct client *client)
{
    (void)client; /* a tunnel ends when its ends do, or when time is up */
}

static void tcp_free(struct client *client)
{
    struct client_tcp *c = tcp_of(client);
    inlet_done(&c->inlet);
    heap_uncount(sizeof *c);
    free(c);
}

const struct client_kind client_tcp_kind = {
    .begin = tcp_begin,
    .readable = tcp_readable,
    .written = tcp_written,
    .broken = tcp_broken,
    .drain = tcp_drain,
    .cut = tcp_cut,
    .free = tcp_free,
};
