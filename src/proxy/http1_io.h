/*
 * http1_io: message bodies in and out of a connection that speaks HTTP/1.1, the
 * same for clients and upstreams.
 *
 * An inlet buffers what is read, finds the body's end by its framing, and is the
 * source of a pump. An outlet frames what a pump brings and is its sink. Raw means
 * that there is no framing any more (a tunnel, TCP).
 */
#ifndef PROXY_HTTP1_IO_H
#define PROXY_HTTP1_IO_H

#include "proxy/connection.h"
#include "proxy/pump.h"
#include "wire/http1.h"

enum inlet_body { INLET_NONE, INLET_LENGTH, INLET_CHUNKED, INLET_RAW };

enum inlet_turn {
    INLET_MORE, /* something was done: step again */
    INLET_WAIT, /* nothing can be done now: bytes or credit will wake it */
    INLET_END,  /* the body is complete (and END was given) */
    INLET_BAD,  /* its framing is wrong: inlet->error; nothing was given */
    INLET_GONE, /* the peer ended before the body did; nothing was given */
    INLET_OVER, /* it grows beyond its limit; nothing was given of what is beyond */
};

struct inlet {
    struct connection *connection;
    struct block *in; /* what was read and not used yet lies at [at, in->used) */
    size_t at;
    size_t seen; /* see http1_read_request; 0 at a head's beginning */
    enum inlet_body body;
    uint64_t left; /* INLET_LENGTH */
    struct http1_chunks chunks;
    struct http1_error error;
    bool done;      /* END was given, or there is no body */
    bool told;      /* END was given: also of no body it is, to whoever wants it */
    bool discard;   /* nobody wants it: read away */
    size_t credit;  /* bytes the pump asked for */
    uint64_t bytes; /* of body so far */
    uint64_t max;   /* of a body in chunks; from inlet_begin on there is none */
    /* What a stage behind may not see is taken out of trailers here; NULL: nothing. */
    void (*on_trailers)(struct inlet *inlet, struct http_fields *trailers);
    void *owner;
    struct block_waiter hungry; /* no memory: woken when there is some */
    struct stage source;
};

void inlet_init(struct inlet *inlet, struct connection *connection);
void inlet_done(struct inlet *inlet);
struct bytes inlet_buffered(const struct inlet *inlet);
/*
 * The head that is buffered, copied into the arena, so that its block is free for others while the exchange
 * lasts; empty when its end has not come. Where empty lines precede it, it is only those.
 */
struct bytes inlet_head(const struct inlet *inlet, struct arena *arena);
/* Lets go of a buffer that is used up: nobody reads on for a while. */
void inlet_trim(struct inlet *inlet);
/* Reads once; as connection_read. Without memory it waits. */
long inlet_fill(struct inlet *inlet);
/* A body begins behind the head; `arena` is for trailers. */
void inlet_begin(struct inlet *inlet, const struct http1_framing *framing, struct arena *arena);
void inlet_begin_raw(struct inlet *inlet);
enum inlet_turn inlet_step(struct inlet *inlet);
/* A raw one that is done: has the connection broken since? Nobody else would notice. */
void inlet_probe(struct inlet *inlet);

struct outlet {
    struct connection *connection;
    enum http1_body body;
    bool raw;
    bool done; /* END or ABORT came */
    size_t
        window; /* most bytes under way; PUMP_CREDIT unless its owner says otherwise; more to who keeps up */
    uint64_t streak; /* bytes since the socket was full, over all bodies */
    size_t granted;  /* bytes asked for that have not come yet */
    uint64_t bytes;  /* of body so far */
    struct stage sink;
    struct arena *arena;
    void (*on_end)(struct outlet *outlet, enum pump_reason reason); /* PUMP_FINE: everything is put */
    void *owner;
};

void outlet_init(struct outlet *outlet, struct connection *connection);
void outlet_begin(struct outlet *outlet, enum http1_body body, bool raw, struct arena *arena);
/* Asks the pump for what there is room for: at the beginning and whenever something was written. */
void outlet_pull(struct outlet *outlet);

#endif
