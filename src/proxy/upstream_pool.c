/*
 * Which connection a call gets: a shared one (HTTP/2) that takes more, an idle one,
 * one under way that will be shared, or a new one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/upstream.h"

enum { STREAMS_HOPED = 100 }; /* calls that wait for a connection that may turn out to be shared */

struct pool {
    struct worker *worker;
    struct map lists; /* key -> struct pool_list */
    struct link all;
};

struct pool_list {
    struct pool_key key;
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
    while (map_next(&pool->lists, &at, &key, &list))
        free(list);
    map_done(&pool->lists);
    free(pool);
}

static struct pool_list *pool_list(struct pool *pool, const struct pool_key *key, bool make)
{
    struct pool_list *list = map_get(&pool->lists, bytes_make(key, sizeof *key));
    if (list || !make)
        return list;
    list = heap_new(struct pool_list);
    list->key = *key;
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
    if (list && !--list->count)
        free(map_take(&pool->lists, bytes_make(&u->key, sizeof u->key)));
}

void pool_learn(struct upstream *u)
{
    struct pool_list *list = pool_list(u->worker->pool, &u->key, false);
    if (list)
        list->speaks_http1 = u->speaker == &upstream_http1;
}

/* ---- placing ---------------------------------------------------------------------- */

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
        if (!u->connection.broken && !u->connection.ended) {
            pool_leave(u);
            u->state = UPSTREAM_BUSY;
            timer_rest(&u->timer);
            return u;
        }
        upstream_close(u); /* it has died in this very turn */
    }
    return NULL;
}

static struct upstream *pool_find(struct pool *pool, const struct call_target *target)
{
    struct pool_list *list = pool_list(pool, &target->key, false);
    struct upstream *u = NULL;
    if (!list || target->speech == CALL_RAW)
        return NULL;
    if (target->speech != CALL_HTTP1)
        u = shared_take(list);
    return u || target->fresh ? u : idle_take(pool, &target->key);
}

static struct upstream *pool_open(struct pool *pool, const struct call_target *target, struct exchange *x)
{
    struct upstream *u = upstream_open(pool->worker, target, x);
    pool_list(pool, &u->key, true)->count++;
    list_push_back(&pool->all, &u->all);
    u->call_max = STREAMS_HOPED;
    if (target->speech == CALL_HTTP2 || target->speech == CALL_EITHER)
        pool_enter(u);
    return u;
}

bool call_place(struct call *call, struct exchange *x, const struct call_target *target,
                const struct call_events *events)
{
    struct pool *pool = x->worker->pool;
    struct upstream *u = pool_find(pool, target);
    *call = (struct call){.x = x, .events = events, .reused = u && u->speaker};
    if (!u)
        u = pool_open(pool, target, x);
    call->upstream = u;
    list_push_back(&u->calls, &call->link);
    u->call_count++;
    return u->speaker != NULL;
}
