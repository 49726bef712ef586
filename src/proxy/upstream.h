/*
 * upstream: a connection to whom we call, the pool it lies in, and the calls that
 * exchanges make over it: one at a time over HTTP/1.1, many over HTTP/2, one for
 * good when it is raw (TCP).
 *
 * The pool is keyed by cluster, endpoint, own identity and TLS settings, since
 * functions will bring many identities to one node: a connection made in one
 * name is never used in another. One that began with a PROXY header is its
 * client connection's alone.
 *
 *   upstream_pool.c     which connection a call gets
 *   upstream_connect.c  a connection until it is open, and its end
 *   upstream_http1.c, upstream_http2.c, upstream_raw.c   what is spoken over it
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "proxy/http1_io.h"
#include "proxy/worker.h"

struct http2;

struct pool_key {
    uint64_t cluster;
    uint64_t endpoint;
    uint64_t identity; /* version of the certificate shown; 0: none */
    uint64_t settings;
    uint64_t client; /* whose PROXY header it began with, and in which version; 0: with none */
};

/* ---- calls --------------------------------------------------------------------- */

/* What the exchange hears of its call, each from a clean stack. */
struct call_events {
    void (*ready)(struct exchange *x); /* connected, the peer judged: send */
    void (*head)(struct exchange *x);  /* x->response is there */
    /* Before the head: broken, refused or not understood: call->why. */
    void (*failed)(struct exchange *x);
};

enum call_speech {
    CALL_HTTP1,
    CALL_HTTP2,  /* in clear text: known beforehand */
    CALL_EITHER, /* ALPN decides */
    CALL_RAW,
};

/* Where a call goes. */
struct call_target {
    struct pool_key key;
    const struct endpoints_endpoint *endpoint;
    struct tls_context *context; /* NULL: plain text */
    bool mesh;                   /* the peer is judged by the mesh's rules */
    struct bytes sni;
    enum call_speech speech;
    bool fresh; /* over no connection that may have died in its rest */
};

/* One exchange's use of an upstream. Lies in the exchange's arena. */
struct call {
    struct exchange *x;
    struct upstream *upstream; /* NULL: none (any more) */
    const struct call_events *events;
    struct link link; /* in upstream->calls, or with those that wait for a connection */
    struct call_target target;
    struct counts_place pending; /* it waits for a connection */
    bool queued;                 /* none may be opened for it: the next that is free is its */
    struct stage *source;        /* of the response's body, once the head is there */
    struct stage *sink;          /* of the request's body, once it is sent */
    void *stream;                /* HTTP/2: the protocol's own */
    struct fail why;
    struct timer timer; /* the rest of the response has to come in time too */
    unsigned infos;     /* 1xx heads so far */
    bool reused;        /* the connection had served before */
    bool sent;          /* the request head went out */
    bool heard;         /* something came back */
    bool refused;       /* the upstream did not look at it (RFC 9113 8.7): safe to send again */
    bool reset;         /* it ended the stream with an error of its own */
    bool again;         /* the connection turned out to be none for it: place it once more */
    bool fallen;        /* the exchange was told that nothing more comes */
};

enum call_placing {
    CALL_READY,  /* it can be sent now */
    CALL_WAITS,  /* events->ready or ->failed follows */
    CALL_EXCESS, /* the cluster's limits leave no place for it */
};

/* Finds or opens a connection, or waits in line for one. */
enum call_placing call_place(struct call *call, struct exchange *x, const struct call_target *target,
                             const struct call_events *events);
/* For those who connect: tells the exchange. */
void call_ready(struct call *call);
/* Sends the head of `request`, and lets the body follow by call->sink. */
void call_send(struct call *call, const struct http_request *request, const struct http1_write *how);
/* call->sink has been linked: it asks for what it has room for. */
void call_pull(struct call *call);
/* The whole response has to be there by then. */
void call_until(struct call *call, uint64_t due_ms);
/* The exchange has no more use for it. The connection goes on if it can. */
void call_release(struct call *call);
/* For those who speak: call->why says what went wrong; tells the exchange in the way that fits what it has
 * seen. `ended`: the response's body was complete already. */
void call_fall(struct call *call, bool ended);
/* A head came (x->response): judges 1xx and 101. True when it is the final one. */
bool call_head(struct call *call, struct bytes upgrade);

/* ---- connections ------------------------------------------------------------------ */

enum upstream_state {
    UPSTREAM_CONNECTING,
    UPSTREAM_IDLE,
    UPSTREAM_BUSY,
    UPSTREAM_LEAVING, /* no new calls; the last bytes still leave */
    UPSTREAM_CLOSED,
};

/* What is spoken over it. */
struct upstream_speaker {
    void (*begin)(struct upstream *u); /* connected; its calls are told by the caller */
    void (*send)(struct call *call, const struct http_request *request, const struct http1_write *how);
    void (*pull)(struct call *call);
    void (*release)(struct call *call); /* call->upstream is still set; the call leaves the list afterwards */
    void (*readable)(struct upstream *u);
    void (*fill)(struct upstream *u); /* see connection_ops; NULL: nothing */
    void (*written)(struct upstream *u);
    void (*broken)(struct upstream *u); /* u->why */
    void (*drain)(struct upstream *u);  /* end as soon as nothing is under way */
    void (*free)(struct upstream *u);
};
extern const struct upstream_speaker upstream_http1;
extern const struct upstream_speaker upstream_http2;
extern const struct upstream_speaker upstream_raw;

/* Of its cluster: it outlives the rules that it was opened under. */
struct upstream_limits {
    uint32_t idle_ms;
    uint64_t until_ms;    /* no new calls from then on */
    uint32_t request_max; /* 0: any number */
    uint32_t streams_max;
};

struct upstream {
    struct connection connection;
    struct worker *worker;
    struct pool_key key;
    struct link link; /* in the pool's list of idle or shared ones */
    struct link all;
    enum upstream_state state;
    const struct upstream_speaker *speaker; /* NULL until it is known */
    enum call_speech speech;
    struct link calls;
    uint32_t call_count;
    uint32_t call_max; /* HTTP/2: at once */
    struct timer timer;
    struct fail why;
    bool mesh;
    uint64_t connect_id;         /* of a unix socket under way */
    struct tls_context *context; /* kept until the socket is there */
    struct bytes sni;
    char header[PROXY_PROTOCOL_TEXT_MAX + 1]; /* the PROXY header that it begins with */
    size_t header_len;
    char local_text[64];
    uint64_t requests;
    struct counts_place counted; /* of the cluster's connections */
    struct upstream_limits limits;

    /* HTTP/1.1 and raw */
    struct inlet inlet;
    struct outlet outlet;
    struct block *head;
    struct http1_framing framing;
    bool reusable;

    /* HTTP/2 */
    struct http2 *http2;
};

struct pool *pool_new(struct worker *worker);
void pool_free(struct pool *pool);
/* Idle ones close. */
void pool_drain(struct pool *pool);
/* Those that still send close too. */
void pool_cut(struct pool *pool);
/* Those whose peer's certificate was revoked end now, whatever they carry. */
void pool_peers_review(struct pool *pool);
/* Connections to endpoints that are not in the map (by pool_key.endpoint) rest no more. */
void pool_review(struct pool *pool, const struct map *endpoints);
/* For connections: into the pool, when it rests or can take more calls, and out of it. */
void pool_enter(struct upstream *u);
void pool_leave(struct upstream *u);
/* It closes. */
void pool_forget(struct upstream *u);
/* It has served as much or as long as it may: no new calls. */
bool upstream_worn(const struct upstream *u);
/* It rests until the time its cluster allows. */
void upstream_rest(struct upstream *u);
/* A call left it: another may have its place. */
void pool_yield(struct upstream *u);
/* What its peers speak became known. */
void pool_learn(struct upstream *u);

struct upstream *upstream_open(struct worker *worker, const struct call_target *target, struct exchange *x);
void upstream_close(struct upstream *u);
/* u->why: every call on it falls. */
void upstream_fall(struct upstream *u);
/* fd < 0: -errno; see worker_connected. */
void upstream_connected(struct worker *worker, uint64_t connect_id, int fd);

#endif
