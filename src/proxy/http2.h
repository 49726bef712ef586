/*
 * http2: one HTTP/2 connection and its streams, the same for clients and upstreams.
 * RFC 9113, over nghttp2.
 *
 * Each stream is the source of a pump (what the peer sends on it) and the sink of
 * another. What came without being asked for waits in the stream, bounded by its
 * window, which opens again only as the pump takes bytes; what is to be sent waits
 * until the peer's window has room. Frames are made when the connection is about
 * to write, never more than OUT_MAX ahead. What nghttp2 overlooks is checked here:
 * frames on streams that are gone, and what costs us more than it costs the peer.
 *
 * It knows no exchange: whose streams these are hears by http2_ops.
 */
#ifndef PROXY_HTTP2_H
#define PROXY_HTTP2_H

#include <nghttp2/nghttp2.h>

#include "proxy/connection.h"
#include "proxy/pump.h"
#include "rules/snapshot.h"
#include "wire/http2_frame.h"
#include "wire/http2_head.h"
#include "wire/limit.h"

struct http2;
struct http2_stream;

/* What one connection may cost: its own copy of what struct rules_limits says. */
struct http2_limits {
    struct http1_limits heads; /* the same for every version of HTTP */
    uint32_t streams;          /* at once, opened by the peer */
    uint32_t streams_per_read; /* new ones in what one turn reads */
    uint32_t resets;           /* without use in a period, where they are more than half of the streams */
    uint32_t reset_period_ms;
    uint64_t flood_bytes;    /* of frames beyond eight times the payload that they brought */
    uint32_t empty_frames;   /* of bodies, in a row */
    uint32_t useless_frames; /* between two of requests */
    uint32_t continuations;  /* frames of one head, and their bytes */
    uint32_t continuation_bytes;
    uint32_t acks; /* owed */
    uint32_t stream_window;
    uint32_t connection_window;
    uint32_t header_table;
};

struct http2_ops {
    /* Servers: a request begins. A stream with its head initialised and nothing else; NULL: none is taken. */
    struct http2_stream *(*begin)(struct http2 *http2);
    /* A head is complete: stream->head; with `end` nothing follows it. */
    void (*head)(struct http2_stream *stream, bool end);
    /* Somebody asks for its body. NULL: nothing. */
    void (*wanted)(struct http2_stream *stream);
    /* Everything was sent on it, the end included (PUMP_FINE), or its pump was aborted. */
    void (*sent)(struct http2_stream *stream, enum pump_reason reason);
    /* Some of a body has come or left, or begins to wait for the peer to take it. NULL: nothing. */
    void (*moved)(struct http2_stream *stream);
    /* The session forgets it, by which it is not http2_stream_is_open any more. Code: RFC 9113 7. */
    void (*closed)(struct http2_stream *stream, uint32_t code);
    /* Clients: the request could not be sent any more; the session does not know the stream. */
    void (*unsent)(struct http2 *http2, int32_t id);
    /* Clients: the upstream takes no more streams. */
    void (*leaving)(struct http2 *http2);
    /* What a stage behind may not see is taken out of trailers here; NULL: nothing. */
    void (*trailers)(struct http2_stream *stream, struct http_fields *trailers);
    /* The body grows beyond in_max: what is beyond is not given. Once; NULL: there is no such bound. */
    void (*over)(struct http2_stream *stream);
    /* The peer ran into a limit of its connection. NULL: nobody counts. */
    void (*bit)(struct http2 *http2, enum limit limit);
};

struct http2 {
    struct connection *connection;
    const struct http2_ops *ops;
    void *owner;
    nghttp2_session *session;
    struct http2_limits limits;
    struct block *in;
    struct block_waiter hungry;
    bool server;
    bool dead;         /* nothing that comes is looked at any more: what is owed still leaves */
    const char *fault; /* what the peer did wrong: static, for the record */
    struct http2_scan scan;
    uint32_t streams; /* of the peer's that the session knows */
    uint32_t opened;  /* streams in this read */
    uint32_t begun;   /* streams since period_ms, */
    uint32_t resets;  /* and those that were reset before they were of use */
    uint64_t period_ms;
    uint32_t empty;     /* frames of bodies in a row, */
    uint32_t useless;   /* and those that ask for nothing */
    uint32_t continued; /* CONTINUATIONs in a row, */
    uint64_t continued_bytes;
    uint64_t wire_bytes;   /* read */
    uint64_t useful_bytes; /* of bodies and heads among them */
    int32_t forgotten[32]; /* streams that we reset lately: the peer may not know yet */
    uint32_t forgotten_at; /* how many that were, so far */
};

struct http2_stream {
    struct http2 *http2;
    int32_t id; /* 0: not (any more) in the session */
    struct http2_head head;
    bool head_done; /* a final one: what comes now are trailers */
    int invalid;    /* nghttp2's reason for refusing a frame of it; 0: none */

    struct stage source;
    struct slices in; /* came, but was not asked for yet */
    size_t credit;
    bool in_end;  /* the peer's last byte is here */
    bool in_told; /* and END was given */
    bool in_over; /* it went beyond in_max: the rest is not looked at */
    uint64_t in_max;
    uint64_t received;

    struct stage sink;
    struct slices out;
    size_t granted; /* asked for, has not come yet */
    bool out_open;  /* a head was put and data may follow */
    bool out_begun; /* and has left */
    bool out_end;   /* the last part came */
    bool out_sent;  /* END_STREAM has left */
    bool out_waits; /* nghttp2 waits for more */
    const struct http_fields *out_trailers;
    uint64_t sent;
    struct task give; /* hands on what `in` holds, from a clean stack */
};

void http2_init_server(struct http2 *http2, struct connection *connection, const struct rules_limits *limits,
                       const struct http2_ops *ops, void *owner);
void http2_init_client(struct http2 *http2, struct connection *connection, const struct rules_limits *limits,
                       const struct http2_ops *ops, void *owner);
/* When the connection is buried. */
void http2_done(struct http2 *http2);

/* Reads what there is. False: the connection is of no more use (ended, or dead with nothing left to say). */
bool http2_read(struct http2 *http2);
/* The connection is about to write: frames are put to it. */
void http2_fill(struct http2 *http2);
/* Nothing more is wanted either way: it can be closed. */
bool http2_over(const struct http2 *http2);
/* No new streams: two GOAWAYs (RFC 9113 6.8), the second by http2_goaway_last. */
void http2_goaway(struct http2 *http2);
void http2_goaway_last(struct http2 *http2);
/* Streams the peer lets us open at once. */
uint32_t http2_peer_streams(const struct http2 *http2);

/* For streams that begin: head initialised, everything else at rest. */
void http2_stream_init(struct http2_stream *stream, struct http2 *http2, struct arena *arena);
/* Its memory goes; if the session still knows it, it is reset with `code`. */
void http2_stream_done(struct http2_stream *stream, uint32_t code);
void http2_stream_reset(struct http2_stream *stream, uint32_t code);

/* Opens a stream with a request. `more`: a body follows by the sink. False: no more streams here. */
bool http2_request(struct http2_stream *stream, const struct http_request *request, bool sized,
                   uint64_t length, bool more);
/* 1xx. */
void http2_info(struct http2_stream *stream, const struct http_response *info);
/* `more`: a body follows by the sink, else `body` is all of it and may be empty. `sized`: Content-Length. */
void http2_respond(struct http2_stream *stream, const struct http_response *response, bool sized,
                   uint64_t length, bool more, struct bytes body);
/* The sink asks for what there is room for. */
void http2_pull(struct http2_stream *stream);

#endif
