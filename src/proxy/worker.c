#include "proxy/worker.h"

#include <stdlib.h>

#include "base/heap.h"
#include "proxy/assertion_keep.h"
#include "proxy/balance.h"
#include "proxy/client.h"
#include "proxy/key_wait.h"
#include "proxy/listen.h"
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
    map_init(&worker->connects);
    map_init(&worker->loads);
    counts_init(&worker->counts, NULL, index, 1);
    worker->health = heap_new(struct health_memory);
    worker->health_own = true;
    worker->tokens = token_cache_new();
    worker->assertions = assertion_keep_new();
    worker->pool = pool_new(worker);
    worker->key_waits = key_waits_new();
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
    token_cache_free(worker->tokens);
    assertion_keep_free(worker->assertions);
    key_waits_free(worker->key_waits);
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

static struct listen *listen_find(struct worker *worker, uint64_t id)
{
    list_for(link, &worker->listens)
    {
        struct listen *listen = container_of(link, struct listen, link);
        if (listen->id == id)
            return listen;
    }
    return NULL;
}

void worker_listen(struct worker *worker, uint64_t id, int fd)
{
    struct listen *listen = listen_find(worker, id);
    if (!listen) {
        listen = heap_new(struct listen); /* kept for good: its clients point at it */
        listen->worker = worker;
        listen->id = id;
        listen->fd = -1;
        list_push_back(&worker->listens, &listen->link);
    }
    if (listen->fd >= 0)
        worker->loop.io->close(worker->loop.io, listen->fd);
    listen->fd = fd;
    listen_start(listen);
}

void worker_unlisten(struct worker *worker, uint64_t id)
{
    struct listen *listen = listen_find(worker, id);
    if (!listen || listen->fd < 0)
        return;
    worker->loop.io->close(worker->loop.io, listen->fd);
    listen->fd = -1;
    listen->row = NULL;
}

void worker_swap(struct worker *worker, struct generation *generation)
{
    struct generation *old = worker->generation;
    worker->generation = generation;
    list_for(link, &worker->listens)
    {
        listen_refresh(container_of(link, struct listen, link));
    }
    if (!old || old->endpoints.head != generation->endpoints.head)
        balance_review(worker);
    if (old)
        generation_unref(old);
    worker_sessions_review(worker);
}

/* ---- sessions on old rules ---------------------------------------------------------- */

enum { GENERATIONS_MAX = 4 };

/*
 * A long session keeps the generation it began with, up to four; what is older is
 * let go: a tunnel or a stream that outlives that many changes of the rules is cut,
 * so that no decision stands on rules that are long gone.
 */
void worker_sessions_review(struct worker *worker)
{
    uint64_t now = worker->generation->sequence;
    list_for_safe(link, after, &worker->exchanges)
    {
        struct exchange *x = container_of(link, struct exchange, link);
        if (now - x->generation->sequence >= GENERATIONS_MAX && !exchange_judge_again(x))
            exchange_fail(x, 0, RECORD_LR, BYTES("rules_changed"));
    }
}

/* ---- answers from the other processes ------------------------------------------------ */

void worker_keys_answer(struct worker *worker, uint64_t key_set, bool fetched)
{
    key_wait_answer(worker, key_set, fetched);
}

void worker_connected(struct worker *worker, uint64_t id, int fd)
{
    upstream_connected(worker, id, fd);
}

/* ---- ends ------------------------------------------------------------------------------ */

void worker_drain(struct worker *worker)
{
    /* Who waits already is served; who calls now is refused at once instead of waiting in vain. */
    list_for(link, &worker->listens)
    {
        listen_last(container_of(link, struct listen, link));
        worker_unlisten(worker, container_of(link, struct listen, link)->id);
    }
    worker->draining = true;
    pool_drain(worker->pool);
    list_for_safe(link, after, &worker->clients)
    {
        struct client *client = container_of(link, struct client, link);
        if (!client->connection.gone)
            client_drain(client);
    }
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
