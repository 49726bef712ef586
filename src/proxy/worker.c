#include "proxy/worker.h"

#include <stdlib.h>

#include "base/heap.h"
#include "base/log.h"
#include "proxy/assertion_keep.h"
#include "proxy/balance.h"
#include "proxy/client.h"
#include "proxy/ended_list.h"
#include "proxy/key_wait.h"
#include "proxy/limit_hits.h"
#include "proxy/listen.h"
#include "proxy/login_wait.h"
#include "proxy/token.h"
#include "proxy/upstream.h"

void worker_init(struct worker *worker, struct io *io, uint32_t index, const struct worker_ops *ops,
                 void *owner)
{
    *worker = (struct worker){.index = index, .ops = ops, .owner = owner};
    loop_init(&worker->loop, io);
    list_init(&worker->listens);
    list_init(&worker->clients);
    list_init(&worker->exchanges);
    census_init(&worker->census);
    limit_hits_init(worker);
    map_init(&worker->connects);
    map_init(&worker->loads);
    counts_init(&worker->counts, NULL, index, 1);
    worker->health = heap_new(struct health_memory);
    worker->health_own = true;
    worker->tokens = token_cache_new();
    worker->assertions = assertion_keep_new();
    worker->pool = pool_new(worker);
    worker->key_waits = key_waits_new();
    worker->ended = ended_list_new();
    worker->stock = exchange_stock_new();
}

static void health_drop(struct worker *worker)
{
    if (worker->health_own)
        free(worker->health);
    worker->health_own = false;
}

void worker_share(struct worker *worker, struct commons *commons)
{
    health_drop(worker);
    worker->health = &commons->health;
    counts_init(&worker->counts, &commons->counts, worker->index, commons->workers);
}

static void map_free_values(struct map *map)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(map, &at, &key, &value))
        free(value);
    map_done(map);
}

void worker_done(struct worker *worker)
{
    worker_cut(worker);
    pool_cut(worker->pool);
    loop_turn(&worker->loop, 0); /* buries what died */
    list_for_safe(link, after, &worker->listens)
    {
        struct listen *listen = container_of(link, struct listen, link);
        if (listen->fd >= 0)
            worker->loop.io->close(worker->loop.io, listen->fd);
        free(listen);
    }
    census_done(&worker->census);
    limit_hits_done(worker);
    token_cache_free(worker->tokens);
    assertion_keep_free(worker->assertions);
    key_waits_free(worker->key_waits);
    ended_list_free(worker->ended);
    pool_free(worker->pool);
    counts_done(&worker->counts);
    health_drop(worker);
    map_done(&worker->connects);
    map_free_values(&worker->loads);
    if (worker->generation)
        generation_unref(worker->generation);
    exchange_stock_free(worker->stock, &worker->loop);
    loop_done(&worker->loop);
}

/* ---- listeners ------------------------------------------------------------------- */

static struct listen *listen_find(struct worker *worker, uint64_t id, uint64_t number)
{
    list_for(link, &worker->listens)
    {
        struct listen *listen = container_of(link, struct listen, link);
        if (listen->id == id && listen->number == number)
            return listen;
    }
    return NULL;
}

void worker_listen(struct worker *worker, uint64_t id, uint64_t number, int fd)
{
    struct listen *listen = listen_find(worker, id, number);
    if (!listen) {
        listen = heap_new(struct listen); /* kept for good: its clients point at it */
        listen->worker = worker;
        listen->id = id;
        listen->number = number;
        listen->fd = -1;
        list_push_back(&worker->listens, &listen->link);
    }
    if (listen->fd >= 0)
        worker->loop.io->close(worker->loop.io, listen->fd);
    listen->fd = fd;
    listen_start(listen);
}

static void unlisten(struct listen *listen)
{
    if (listen->fd >= 0)
        listen->worker->loop.io->close(listen->worker->loop.io, listen->fd);
    listen->fd = -1;
}

void worker_unlisten(struct worker *worker, uint64_t id)
{
    list_for(link, &worker->listens)
    {
        struct listen *listen = container_of(link, struct listen, link);
        if (listen->id != id)
            continue;
        unlisten(listen);
        listen->row = NULL;
    }
}

/* Whoever the keys of now would not let in any more is let go in the middle of everything. */
static void peers_review(struct worker *worker)
{
    struct fail why;
    list_for_safe(link, after, &worker->clients)
    {
        struct client *client = container_of(link, struct client, link);
        if (client_peer_stands(client, &why))
            continue;
        log_info("a client's connection is cut: %s", why.text);
        client_cut(client);
    }
    pool_peers_review(worker->pool);
}

void worker_swap(struct worker *worker, struct generation *generation)
{
    struct generation *old = worker->generation;
    worker->generation = generation;
    block_limit_set((size_t)generation->limits->memory_bytes / (sizeof(struct block) + BLOCK_ROOM));
    list_for(link, &worker->listens)
    {
        listen_refresh(container_of(link, struct listen, link));
    }
    if (!old || old->endpoints.head != generation->endpoints.head)
        balance_review(worker);
    bool rules_changed = old && old->rules.head != generation->rules.head;
    if (old)
        generation_unref(old);
    peers_review(worker);
    worker_sessions_review(worker, rules_changed);
}

/* ---- sessions on old rules ---------------------------------------------------------- */

enum { GENERATIONS_MAX = 4 };

/*
 * A long session keeps the generation it began with, up to four; what is older is
 * judged again and bound to the newest, or cut, so that no decision stands on rules
 * that are long gone. A tunnel has no end in sight: one that new rules would not
 * let begin is cut at once.
 */
void worker_sessions_review(struct worker *worker, bool rules_changed)
{
    uint64_t now = worker->generation->sequence;
    list_for_safe(link, after, &worker->exchanges)
    {
        struct exchange *x = container_of(link, struct exchange, link);
        bool old = now - x->generation->sequence >= GENERATIONS_MAX;
        if ((old || (rules_changed && exchange_is_revoked(x))) && !exchange_judge_again(x))
            exchange_fail(x, 0, RECORD_LR, BYTES("rules_changed"));
    }
}

/* ---- answers from the other processes ------------------------------------------------ */

void worker_keys_answer(struct worker *worker, uint64_t key_set, bool fetched)
{
    key_wait_answer(worker, key_set, fetched);
}

void worker_login_answer(struct worker *worker, uint64_t id, struct bytes answer)
{
    login_wait_came(worker, id, answer);
}

void worker_ended(struct worker *worker, const struct ended *one)
{
    ended_list_add(worker->ended, one, worker->loop.io->wall_us(worker->loop.io) / 1000000);
}

void worker_connected(struct worker *worker, uint64_t id, int fd)
{
    upstream_connected(worker, id, fd);
}

/* ---- ends ------------------------------------------------------------------------------ */

enum {
    DRAIN_TURN_MS = 50,
    DRAIN_PATIENCE = 5, /* a part of the time goes by before the first idle one is let go: whoever asks often
                           asks once more, and is told */
};

static bool is_undrained(const struct client *client)
{
    return !client->drained && !client->connection.gone;
}

static uint64_t undrained_count(const struct worker *worker)
{
    uint64_t count = 0;
    list_for(link, &worker->clients)
    {
        count += is_undrained(container_of(link, struct client, link));
    }
    return count;
}

/* So many that at this pace the last goes when the time is over. */
static uint64_t drain_share(struct worker *worker)
{
    uint64_t count = undrained_count(worker), now_ms = worker->loop.now_ms;
    if (!worker->drain_count) { /* the first turn */
        worker->drain_count = count;
        worker->drain_began_ms = now_ms;
    }
    if (now_ms >= worker->drained_ms)
        return count;
    uint64_t stay =
        worker->drain_count * (worker->drained_ms - now_ms) / (worker->drained_ms - worker->drain_began_ms);
    return count > stay ? count - stay : 0;
}

static void on_drain_turn(struct timer *timer)
{
    struct worker *worker = container_of(timer, struct worker, drain_turn);
    uint64_t share = drain_share(worker);
    list_for_safe(link, after, &worker->clients)
    {
        struct client *client = container_of(link, struct client, link);
        if (!share || !is_undrained(client))
            continue;
        share--;
        client->drained = client->phase != CLIENT_HANDSHAKING; /* it may be done at the next turn */
        client_drain(client);
    }
    if (worker->loop.now_ms < worker->drained_ms)
        timer_set(&worker->loop, timer, worker->loop.now_ms + DRAIN_TURN_MS);
}

void worker_drain(struct worker *worker, uint64_t spread_ms)
{
    /* Who waits already is served; who calls now is refused at once instead of waiting in vain. The row
     * stays: who is here may ask once more. */
    list_for(link, &worker->listens)
    {
        listen_last(container_of(link, struct listen, link));
        unlisten(container_of(link, struct listen, link));
    }
    worker->draining = true;
    worker->drained_ms = worker->loop.now_ms + spread_ms;
    worker->drain_turn.on_due = on_drain_turn;
    pool_drain(worker->pool);
    timer_set(&worker->loop, &worker->drain_turn, worker->loop.now_ms + spread_ms / DRAIN_PATIENCE);
}

bool worker_idle(const struct worker *worker)
{
    return list_empty(&worker->clients) && list_empty(&worker->exchanges);
}

void worker_cut(struct worker *worker)
{
    list_for_safe(link, after, &worker->clients)
    {
        struct client *client = container_of(link, struct client, link);
        if (!client->connection.gone)
            client_cut(client);
    }
    list_for_safe(link, after, &worker->exchanges)
    {
        exchange_fail(container_of(link, struct exchange, link), 0, RECORD_LR, BYTES("drain_timeout"));
    }
}
