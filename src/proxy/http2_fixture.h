/*
 * http2_fixture: the other end of an HTTP/2 connection, played by a test over
 * nghttp2, or by frames written by hand.
 *
 * Include base/test.h first.
 */
#ifndef PROXY_HTTP2_FIXTURE_H
#define PROXY_HTTP2_FIXTURE_H

#include <nghttp2/nghttp2.h>

#include "proxy/proxy_fixture.h"
#include "wire/http2_frame.h"

enum { PEER_STREAMS = 256, PEER_HEARD = 2048, PEER_BODY = 1 << 18 };

struct peer_stream {
    int32_t id;
    char *heard; /* "name: value\r\n" for each field, an empty line behind each block */
    size_t heard_len;
    char *body;
    size_t body_len;
    bool ended; /* END_STREAM came */
    bool closed;
    uint32_t code; /* of RST_STREAM; once closed */
    /* what is sent on it */
    const char *out;
    size_t out_len;
    bool out_end;
    const char *out_trailers;
};

struct peer2 {
    struct play *play;
    int fd;
    nghttp2_session *session;
    struct peer_stream *streams;
    unsigned count;
    bool hold; /* takes bodies, but opens no window */
    unsigned goaways;
    int32_t goaway_last;
    uint32_t goaway_code;
    unsigned settings_acked;
};

/* A client at the first listener, in clear text by its preface (RFC 9113 3.3). */
void peer2_dial(struct peer2 *peer, struct play *play);
/* The same, whose window for each answer is `window`, which it never opens (peer->hold). */
void peer2_dial_holding(struct peer2 *peer, struct play *play, uint32_t window);
/* The upstream's end of the next connection to the port, that takes at most `streams` at once. */
void peer2_took(struct peer2 *peer, struct play *play, unsigned port, uint32_t streams);
/* The same of a connection that was taken, without a bound. */
void peer2_took_fd(struct peer2 *peer, struct play *play, int fd);
/* Lets go; the connection is closed unless the test has done that. */
void peer2_done(struct peer2 *peer);
/* Both sides say and hear until nothing moves. */
void peer2_go(struct peer2 *peer);

/* Fields as lines, "name: value\n"; the answer's `:status: 200\n` too. Returns the stream. */
int32_t peer2_ask(struct peer2 *peer, const char *fields, bool end);
/* It leaves with the next peer2_go. */
int32_t peer2_ask_unsaid(struct peer2 *peer, const char *fields, bool end);
#define PEER_GET ":method: GET\n:scheme: http\n:authority: h\n:path: /\n"
#define PEER_POST ":method: POST\n:scheme: http\n:authority: h\n:path: /\n"
void peer2_answer(struct peer2 *peer, int32_t id, const char *fields, bool end);
void peer2_info(struct peer2 *peer, int32_t id, const char *fields);
/* Sends all of it as windows allow; `text` stays as long. Trailers: NULL for none. */
void peer2_send(struct peer2 *peer, int32_t id, struct bytes body, bool end, const char *trailers);
void peer2_reset(struct peer2 *peer, int32_t id, uint32_t code);
/* The n-th that the other side opened, or that this side did; the test fails when there is none. */
struct peer_stream *peer2_nth(struct peer2 *peer, unsigned n);
struct peer_stream *peer2_stream(struct peer2 *peer, int32_t id);

/* Frames by hand. */
size_t frame_put(char *at, enum http2_frame_type type, unsigned flags, uint32_t stream, struct bytes payload);
void peer2_frame(struct peer2 *peer, enum http2_frame_type type, unsigned flags, uint32_t stream,
                 struct bytes payload);

#endif
