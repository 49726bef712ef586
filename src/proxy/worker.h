/*
 * worker: one thread's whole data path: its loop, listeners, pools and caches.
 *
 * Everything here belongs to one thread; nothing is locked.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "base/map.h"
#include "loop/loop.h"
#include "proxy/census.h"
#include "proxy/exchange.h"
#include "proxy/generation.h"
#include "wire/commons.h"
#include "wire/limit.h"
#include "wire/ring.h"

struct token_cache;
struct assertion_keep;
struct pool;
struct key_waits;
struct ended_list;
struct ended;
struct stock;

/* What the data path asks of the other processes. Answers come by the worker_* calls below. */
struct worker_ops {
    /* A token names a key that the set lacks: ask control (worker_keys_answer follows). */
    void (*need_keys)(struct worker *worker, uint64_t key_set);
    /* Connect to that unix socket path for me (worker_connected follows with the same id). */
    void (*connect_path)(struct worker *worker, uint64_t id, struct bytes path);
    /* Ask an identity provider, by way of control (worker_login_answer follows with the same id). */
    void (*login_ask)(struct worker *worker, uint64_t id, struct bytes ask);
    /* A session has ended: tell everybody (worker_ended follows). */
    void (*ended)(struct worker *worker, const struct ended *one);
    /* A limit has bitten so often since this was told last. False: it could not be told. */
    bool (*limit_hits)(struct worker *worker, enum limit limit, uint64_t count);
};

/* A listening socket; outlives generations, found by the listener's id. */
struct listen {
    struct watch watch;
    struct worker *worker;
    uint64_t id;
    uint64_t number; /* an upgrade to fewer workers leaves one of them more than one socket of an address */
    int fd;
    bool accepting;
    const struct rules_listener *row; /* in the current generation; NULL: the rules do not know it (yet) */
    uint64_t clients;                 /* that came by it and are still there */
    struct link link;
    struct task resume; /* accept goes on after a pause */
    struct timer again; /* it failed for want of something: no event will tell when there is some */
};

struct worker {
    struct loop loop;
    uint32_t index;
    const struct worker_ops *ops;
    void *owner;
    struct generation *generation; /* current; NULL before the first */
    struct link listens;
    struct link clients; /* connections of clients, of every kind */
    struct link exchanges;
    struct token_cache *tokens;
    struct assertion_keep *assertions;
    struct pool *pool;
    struct key_waits *key_waits;
    uint64_t login_id; /* of the last question about a login */
    struct ended_list *ended;
    struct ring ring;
    bool has_ring;
    struct counts counts;         /* of this worker and, by shared memory, of all */
    struct health_memory *health; /* of endpoints; shared, or its own */
    bool health_own;
    bool draining;
    uint64_t drain_began_ms;
    uint64_t drained_ms;  /* when every client has to have been told */
    uint64_t drain_count; /* clients that were there when it began */
    struct timer drain_turn;
    uint64_t connect_id;
    struct map connects; /* of unix sockets under way */
    struct map loads;    /* balance.c */
    uint64_t accepted;
    uint64_t requests;
    struct census census;
    uint64_t limit_hits[LIMIT_COUNT];
    struct timer limit_timer;
    uint64_t turned_away_ms; /* when the last record of one turned away was written */
    uint64_t shrunk_ms;      /* when memory was last given back for want of it */
    struct stock *stock;
    int64_t date_s; /* answer.c: the second that date was written for */
    char date[HTTP_DATE_SIZE];
};

void worker_init(struct worker *worker, struct io *io, uint32_t index, const struct worker_ops *ops,
                 void *owner);
void worker_done(struct worker *worker);
/* At the beginning: what it counts, all workers see; kept. */
void worker_share(struct worker *worker, struct commons *commons);

/* A listening socket from the supervisor (taken), or the end of all with that id. */
void worker_listen(struct worker *worker, uint64_t id, uint64_t number, int fd);
void worker_unlisten(struct worker *worker, uint64_t id);
/* A new generation is in force from now on (taken). */
void worker_swap(struct worker *worker, struct generation *generation);
/* Control has, or has not, fetched the key set anew. */
void worker_keys_answer(struct worker *worker, uint64_t key_set, bool fetched);
/* What the provider has answered (wire/login_message.h). */
void worker_login_answer(struct worker *worker, uint64_t id, struct bytes answer);
/* A session, here or elsewhere, has ended. */
void worker_ended(struct worker *worker, const struct ended *one);
/* fd < 0: -errno. */
void worker_connected(struct worker *worker, uint64_t id, int fd);
/*
 * No new connections; whoever asks is told with the answer that it was the last
 * one here; the others are let go one by one, the last after spread_ms.
 */
void worker_drain(struct worker *worker, uint64_t spread_ms);
/* Sessions on rules that are too old, and all tunnels when rules changed, are judged again, or cut. */
void worker_sessions_review(struct worker *worker, bool rules_changed);
bool worker_idle(const struct worker *worker);
/* Cuts what is left. */
void worker_cut(struct worker *worker);

#endif
