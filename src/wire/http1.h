/*
 * http1: HTTP/1.0 and 1.1 messages, bytes to structures and back. RFC 9112.
 *
 * Strict: what two implementations could read differently is refused, never
 * repaired (bare CR or LF, obs-fold, space before the colon, two lengths,
 * length with chunked, chunked not last, anything but one Host ...). No waiting
 * and no sockets in here: feed bytes, get answers.
 */
#ifndef WIRE_HTTP1_H
#define WIRE_HTTP1_H

#include "base/text.h"
#include "wire/http.h"
#include "wire/limit.h"

struct http1_limits {
    size_t line_max;     /* request line, without CRLF: beyond is 414 */
    size_t head_max;     /* the whole head: beyond is 431 */
    size_t name_max;     /* one field name: 431 */
    uint32_t fields_max; /* 431 */
    bool no_underscores; /* in field names: 400 */
};
extern const struct http1_limits http1_limits_default; /* 8 KiB, 32 KiB, 256, 100 */

enum http1_turn {
    HTTP1_MORE, /* nothing consumed: feed the same bytes with more behind them */
    HTTP1_DONE,
    HTTP1_BAD,
};

/* Why a message was refused: the status a server should answer and one fixed sentence for the log. */
struct http1_error {
    unsigned status;      /* 400, 405, 414, 417, 431, 501, 505; for responses always 502 */
    const char *sentence; /* static */
    enum limit limit;     /* that bit, or LIMIT_NONE */
};

enum http1_body {
    HTTP1_BODY_NONE,
    HTTP1_BODY_LENGTH,
    HTTP1_BODY_CHUNKED,
    HTTP1_BODY_CLOSE, /* responses only: until the connection ends */
};

/* How the message's body is framed and what becomes of the connection. */
struct http1_framing {
    enum http1_body body;
    uint64_t length;      /* for HTTP1_BODY_LENGTH */
    bool keep_alive;      /* another message may follow */
    uint32_t rest_s;      /* for how long the peer will wait for one; 0: it did not say */
    bool expect_continue; /* requests: Expect: 100-continue on HTTP/1.1 */
    struct bytes upgrade; /* the Upgrade value when Connection names it, else empty */
};

/*
 * Reads one head from the start of `in`. `*seen` remembers how far earlier calls
 * looked (start with 0), so that a dribbled head costs linear time. DONE sets
 * *out, *framing and *used (bytes the head took, a tolerated empty line before it
 * included). Field names are folded to lower case inside `in` itself; everything
 * in *out points into `in`, except what had to be put together (in the arena).
 * Hop-by-hop fields (RFC 9110 7.6.1: Connection and what it names, Keep-Alive,
 * Proxy-Connection, TE but for "trailers", Transfer-Encoding, Upgrade) and
 * Content-Length are taken out of the fields: framing says what they said. The
 * scheme is set only when the target names one: else the connection knows it.
 * Never ever touches bytes beyond in_len.
 */
enum http1_turn http1_read_request(char *in, size_t in_len, size_t *seen, const struct http1_limits *limits,
                                   struct arena *arena, struct http_request *out,
                                   struct http1_framing *framing, size_t *used, struct http1_error *error);
/* `request_method` decides about the body (HEAD has none; a 2xx to CONNECT is a tunnel: BODY_NONE). The
 * answer to HEAD and a 304 keep their Content-Length as a field: it frames nothing there. */
enum http1_turn http1_read_response(char *in, size_t in_len, size_t *seen, const struct http1_limits *limits,
                                    struct bytes request_method, struct arena *arena,
                                    struct http_response *out, struct http1_framing *framing, size_t *used,
                                    struct http1_error *error);

/* A chunked body, piece by piece (RFC 9112 7.1). Extensions are read over, bounded; trailers are fields. */
struct http1_chunks {
    int state;
    uint64_t left;       /* of the chunk's data */
    size_t line;         /* bytes of the current size line or of the trailer section so far */
    struct arena *arena; /* where trailers lie */
    struct http_fields trailers;
    struct text pending; /* a trailer line that has not ended yet */
};

enum http1_piece {
    HTTP1_PIECE_MORE, /* all of `in` used, nothing to hand on */
    HTTP1_PIECE_DATA, /* *data is a slice of `in` */
    HTTP1_PIECE_END,  /* the last chunk and the trailer section are complete */
    HTTP1_PIECE_BAD,
};

void http1_chunks_init(struct http1_chunks *chunks, struct arena *arena);
/* Uses up *used bytes of `in`, at most one piece of data a call; call again with the rest. */
enum http1_piece http1_chunks_read(struct http1_chunks *chunks, struct bytes in, size_t *used,
                                   struct bytes *data, struct http1_error *error);

/* Writers. Host, Connection, Upgrade, Content-Length and Transfer-Encoding are written from their arguments
 * and must not be among the fields (Content-Length of a HEAD or 304 answer apart). The caller has made sure
 * of the values (http_is_value); these assert it. */
struct http1_write {
    enum http1_body body;
    uint64_t length;
    bool close;           /* say Connection: close */
    bool keep_alive;      /* say Connection: keep-alive (a 1.0 client waits for it) */
    struct bytes upgrade; /* say Connection: upgrade and Upgrade: this */
};
void http1_write_request(struct text *out, const struct http_request *request, const struct http1_write *how);
void http1_write_response(struct text *out, const struct http_response *response,
                          const struct http1_write *how);
/* The line before a chunk of that size (hex CRLF), at most 18 bytes. The data and CRLF follow. */
void http1_write_chunk_size(struct text *out, size_t size);
/* The last chunk, trailers (may be NULL) and the empty line. */
void http1_write_last_chunk(struct text *out, const struct http_fields *trailers);

#endif
