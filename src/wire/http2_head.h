/*
 * http2_head: a message's head as HTTP/2 carries it, field by field as HPACK yields
 * them, to the same structures that HTTP/1 heads become. RFC 9113 8.2, 8.3.
 *
 * Strict where two implementations could differ: pseudo-fields once, known and
 * first; no fields that belong to a connection; one authority; a path and nothing
 * but a path. Sizes are counted before cookies are put together, each field with
 * 32 bytes more (RFC 9113 10.5.1), and what is beyond is not kept.
 */
#ifndef WIRE_HTTP2_HEAD_H
#define WIRE_HTTP2_HEAD_H

#include "wire/http1.h"

struct http2_head {
    struct arena *arena; /* everything is copied there */
    const struct http1_limits *limits;
    struct http_fields fields;
    struct bytes method, scheme, authority, path, protocol; /* as they came; empty: not yet */
    struct bytes host;
    struct bytes cookie; /* crumbs, put together */
    unsigned status;
    size_t size;
    uint32_t count;
    unsigned pseudo;      /* bits of those that came */
    bool regular;         /* a field that is no pseudo-field came */
    bool sized;           /* Content-Length: length */
    bool expect_continue; /* Expect: 100-continue */
    uint64_t length;
    struct http1_error error; /* the first thing wrong; sentence NULL: nothing so far */
};

void http2_head_init(struct http2_head *head, struct arena *arena, const struct http1_limits *limits);
/* The next field. What is wrong with it is kept in head->error; the rest may follow all the same. */
void http2_head_field(struct http2_head *head, struct bytes name, struct bytes value);

/*
 * The block is complete. False: head->error says why; status 431, 414 and 417 can
 * be answered, anything else is malformed and ends the stream (RFC 9113 8.1.1).
 * Content-Length and Host are taken out of the fields, as HTTP/1's are. A
 * request's scheme stays empty unless it is http or https. Extended CONNECT (RFC
 * 8441) is a GET that asks for an upgrade to *protocol; for anything else that is empty.
 */
bool http2_head_request(struct http2_head *head, struct http_request *out, struct bytes *protocol);
/* status 100..599 but 101, which HTTP/2 does not have. */
bool http2_head_response(struct http2_head *head, struct bytes request_method, struct http_response *out);
/* No pseudo-fields, nothing that frames or routes a message. */
bool http2_head_trailers(struct http2_head *head);

#endif
