/*
 * Which connection a call gets: a shared one (HTTP/2) that takes more, an idle one,
 * one under way that will be shared, or a new one. When the cluster may have no more
 * it waits in line, as far as the cluster's limits let it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/breaker.h"
#include "proxy/upstream.h"

enum { STREAMS_HOPED = 100 }; /* calls that wait for a connection that may turn out to be shared */

struct pool {
    struct worker *worker;
    struct map lists; /* key -> struct pool_list */
    struct link all;
};

struct pool_list {
    struct pool_key key;
    struct pool *pool;
    struct link waiting; /* calls in line */
    struct task serve;
    struct link idle;   /* HTTP/1.1, most recently used first */
    struct link shared; /* HTTP/2 with room, and those under way that may become that */
    uint32_t count;     /* all connections of the key, busy ones too: keys come and go with certificates */
    bool speaks_http1;  /* known not to speak HTTP/2: nobody waits to share */
};

struct pool *pool_new(struct worker *worker)
{
    struct pool *pool = heap_new(struct pool);
    pool->worker = worker;
    map_init(&pool->lists);
    list_init(&pool->all);
    return pool;
}

void pool_drain(struct pool *pool)
{
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        if (u->state == UPSTREAM_IDLE)
            upstream_close(u);
        else if (u->speaker)
            u->speaker->drain(u);
    }
}

void pool_review(struct pool *pool, const struct map *endpoints)
{
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        if (map_get(endpoints, bytes_make(&u->key.endpoint, sizeof u->key.endpoint)))
            continue;
        if (u->state == UPSTREAM_IDLE)
            upstream_close(u);
        else if (u->speaker)
            u->speaker->drain(u);
    }
}

void pool_peers_review(struct pool *pool)
{
    const struct generation *now = pool->worker->generation;
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        const struct peer *peer = u->connection.tls ? tls_peer(u->connection.tls) : NULL;
        if (u->state == UPSTREAM_CLOSED || generation_peer_check(now, peer, &u->why))
            continue;
        if (u->state == UPSTREAM_IDLE)
            upstream_close(u);
        else
            upstream_fall(u);
    }
}

void pool_cut(struct pool *pool)
{
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        if (list_empty(&u->calls))
            upstream_close(u);
    }
}

void pool_free(struct pool *pool)
{
    size_t at = 0;
    struct bytes key;
    void *list;
    while (map_next(&pool->lists, &at, &key, &list)) {
        task_cancel(&((struct pool_list *)list)->serve);
        free(list);
    }
    map_done(&pool->lists);
    free(pool);
}

static void serve_run(struct task *task);

static struct pool_list *pool_list(struct pool *pool, const struct pool_key *key, bool make)
{
    struct pool_list *list = map_get(&pool->lists, bytes_make(key, sizeof *key));
    if (list || !make)
        return list;
    list = heap_new(struct pool_list);
    list->key = *key;
    list->pool = pool;
    list->serve.run = serve_run;
    list_init(&list->waiting);
    list_init(&list->idle);
    list_init(&list->shared);
    map_put(&pool->lists, bytes_make(&list->key, sizeof list->key), list);
    return list;
}

void pool_enter(struct upstream *u)
{
    struct pool_list *list = pool_list(u->worker->pool, &u->key, true);
    list_remove(&u->link);
    list_push_front(u->state == UPSTREAM_IDLE ? &list->idle : &list->shared, &u->link);
    pool_yield(u);
}

void pool_leave(struct upstream *u)
{
    list_remove(&u->link);
}

void pool_forget(struct upstream *u)
{
    struct pool *pool = u->worker->pool;
    struct pool_list *list = pool_list(pool, &u->key, false);
    list_remove(&u->link);
    list_remove(&u->all);
    breaker_leave(u->worker, &u->counted);
    if (!list)
        return;
    list->count--;
    if (!list_empty(&list->waiting)) {
        loop_soon(&u->worker->loop, &list->serve);
    } else if (!list->count) {
        task_cancel(&list->serve);
        free(map_take(&pool->lists, bytes_make(&u->key, sizeof u->key)));
    }
}

void pool_learn(struct upstream *u)
{
    struct pool_list *list = pool_list(u->worker->pool, &u->key, false);
    if (list)
        list->speaks_http1 = u->speaker == &upstream_http1;
}

/* ---- finding ---------------------------------------------------------------------- */

static struct upstream *worn_find(struct pool_list *list)
{
    if (!list)
        return NULL;
    list_for(link, &list->shared)
    {
        struct upstream *u = container_of(link, struct upstream, link);
        if (u->speaker && upstream_worn(u))
            return u;
    }
    return NULL;
}

/* Nobody new comes to them. The list may go with the last of them. */
static void worn_drain(struct pool *pool, const struct pool_key *key)
{
    struct upstream *u;
    while ((u = worn_find(pool_list(pool, key, false))))
        u->speaker->drain(u);
}

static struct upstream *shared_take(struct pool_list *list)
{
    list_for_safe(link, after, &list->shared)
    {
        struct upstream *u = container_of(link, struct upstream, link);
        if (u->connection.broken || u->connection.ended || u->call_count >= u->call_max)
            continue;
        if (u->state == UPSTREAM_CONNECTING && list->speaks_http1)
            continue;
        return u;
    }
    return NULL;
}

static struct upstream *idle_take(struct pool *pool, const struct pool_key *key)
{
    struct pool_list *list;
    while ((list = pool_list(pool, key, false)) && !list_empty(&list->idle)) {
        struct upstream *u = container_of(list->idle.next, struct upstream, link);
        if (!u->connection.broken && !u->connection.ended && !upstream_worn(u)) {
            pool_leave(u);
            u->state = UPSTREAM_BUSY;
            timer_rest(&u->timer);
            return u;
        }
        upstream_close(u); /* it has died in this very turn, or is old */
    }
    return NULL;
}

static struct upstream *pool_find(struct pool *pool, const struct call_target *target)
{
    struct upstream *u = NULL;
    if (target->speech == CALL_RAW)
        return NULL;
    worn_drain(pool, &target->key);
    struct pool_list *list = pool_list(pool, &target->key, false);
    if (!list)
        return NULL;
    if (target->speech != CALL_HTTP1)
        u = shared_take(list);
    return u || target->fresh ? u : idle_take(pool, &target->key);
}

/* NULL: the cluster has as many connections as it may. The first to an endpoint is always opened, since those
 * that wait for it could wait for ever. */
static struct upstream *pool_open(struct pool *pool, const struct call_target *target, struct exchange *x)
{
    const struct pool_list *known = pool_list(pool, &target->key, false);
    bool needed = target->speech != CALL_RAW && !(known && known->count);
    struct counts_place counted;
    if (!breaker_connection(pool->worker, x->cluster, needed, &counted))
        return NULL;
    struct upstream *u = upstream_open(pool->worker, target, x);
    pool_list(pool, &u->key, true)->count++;
    list_push_back(&pool->all, &u->all);
    u->counted = counted;
    u->call_max = STREAMS_HOPED;
    if (target->speech == CALL_HTTP2 || target->speech == CALL_EITHER)
        pool_enter(u);
    return u;
}

/* ---- placing ---------------------------------------------------------------------- */

static void attach(struct call *call, struct upstream *u)
{
    call->reused = u->speaker != NULL;
    call->upstream = u;
    list_push_back(&u->calls, &call->link);
    u->call_count++;
}

/* It waits for a connection under way, or in line for one. */
static enum call_placing wait_begin(struct call *call, struct upstream *u)
{
    struct pool *pool = call->x->worker->pool;
    struct pool_list *list = pool_list(pool, &call->target.key, false);
    if (u) {
        attach(call, u);
        return CALL_WAITS;
    }
    if (!list || call->target.speech == CALL_RAW) {
        breaker_leave(pool->worker, &call->pending);
        return CALL_EXCESS;
    }
    call->queued = true;
    call->target.fresh = false; /* it takes what there is */
    list_push_back(&list->waiting, &call->link);
    return CALL_WAITS;
}

enum call_placing call_place(struct call *call, struct exchange *x, const struct call_target *target,
                             const struct call_events *events)
{
    struct pool *pool = x->worker->pool;
    struct pool_list *list = pool_list(pool, &target->key, false);
    bool others = list && !list_empty(&list->waiting); /* they came first */
    struct upstream *u = others ? NULL : pool_find(pool, target);
    *call = (struct call){.x = x, .events = events, .target = *target};
    list_init(&call->link);
    if (u && u->speaker) {
        attach(call, u);
        return CALL_READY;
    }
    if (!breaker_pending(pool->worker, x->cluster, &call->pending))
        return CALL_EXCESS;
    return wait_begin(call, u || others ? u : pool_open(pool, target, x));
}

/* For those in line: what became free, or what may be opened by now. */
static void serve_run(struct task *task)
{
    struct pool_list *list = container_of(task, struct pool_list, serve);
    while (!list_empty(&list->waiting)) {
        struct call *call = container_of(list->waiting.next, struct call, link);
        struct upstream *u = pool_find(list->pool, &call->target);
        if (!u)
            u = pool_open(list->pool, &call->target, call->x);
        if (!u)
            return;
        list_remove(&call->link);
        call->queued = false;
        attach(call, u);
        if (u->speaker)
            call_ready(call);
    }
}

void pool_yield(struct upstream *u)
{
    struct pool_list *list = pool_list(u->worker->pool, &u->key, false);
    if (list && !list_empty(&list->waiting))
        loop_soon(&u->worker->loop, &list->serve);
}
