/*
 * upstream: a connection to whom we call, and the pool it rests in between two
 * requests. Speaks HTTP/1.1, or raw bytes for TCP.
 *
 * The pool is keyed by cluster, endpoint, own identity and TLS settings, since
 * functions will bring many identities to one node: a connection made in one
 * name is never used in another.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "proxy/http1_io.h"
#include "proxy/worker.h"

struct pool_key {
    uint64_t cluster;
    uint64_t endpoint;
    uint64_t identity; /* version of the certificate shown; 0: none */
    uint64_t settings;
};

enum upstream_state { UPSTREAM_CONNECTING, UPSTREAM_IDLE, UPSTREAM_BUSY, UPSTREAM_CLOSED };

/* What the exchange hears from its upstream, each from a clean stack. */
struct upstream_events {
    void (*ready)(struct exchange *x); /* connected, the peer judged: send */
    void (*head)(struct exchange *x);  /* x->response is there */
    /* Before the head: broken, refused or not understood: upstream->why. The upstream is closed. */
    void (*failed)(struct exchange *x);
};

struct upstream {
    struct connection connection;
    struct worker *worker;
    struct pool_key key;
    struct link link; /* in the pool's list of idle ones */
    struct link all;
    enum upstream_state state;
    struct exchange *x; /* whose it is now */
    const struct upstream_events *events;
    struct timer timer;
    struct inlet inlet;
    struct outlet outlet;
    struct block *head;
    struct http1_framing framing;
    struct fail why;
    bool raw; /* TCP, or a tunnel after 101 */
    bool mesh;
    bool reused;
    bool sent;  /* the request head went out */
    bool heard; /* at least one byte came back */
    bool reusable;
    bool fallen;                 /* events->failed was called: nothing more is told */
    unsigned infos;              /* 1xx heads so far */
    uint64_t connect_id;         /* of a unix socket under way */
    struct tls_context *context; /* kept until the socket is there */
    struct bytes sni;
    char host_text[96]; /* of the endpoint, for logs */
    char local_text[64];
    uint64_t requests;
};

struct pool *pool_new(struct worker *worker);
void pool_free(struct pool *pool);
/* Idle ones close. */
void pool_drain(struct pool *pool);

/* An idle connection of that key (now the exchange's), or NULL. */
struct upstream *upstream_take(struct worker *worker, const struct pool_key *key, struct exchange *x,
                               const struct upstream_events *events);
/* Starts a new one; events->ready or ->failed follows. `context` NULL: plain text. */
struct upstream *upstream_open(struct worker *worker, const struct pool_key *key,
                               const struct endpoints_endpoint *endpoint, struct tls_context *context,
                               bool mesh, struct bytes sni, struct exchange *x,
                               const struct upstream_events *events);
/* Sends the head of x->request as it is to be sent, and lets the body follow by outlet.sink. */
void upstream_send(struct upstream *upstream, const struct http_request *request,
                   const struct http1_write *how);
/* Raw from the start: TCP. */
void upstream_begin_raw(struct upstream *upstream);
/* The exchange has no more use for it: back to the pool if both sides are complete, else closed. */
void upstream_release(struct upstream *upstream);
/* fd < 0: -errno; see worker_connected. */
void upstream_connected(struct worker *worker, uint64_t connect_id, int fd);

#endif
