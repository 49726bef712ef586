/*
 * http2_frame: where HTTP/2's frames begin in a stream of bytes, and nothing more.
 * RFC 9113 4.1.
 *
 * For whoever has to judge a frame before the library behind it does.
 */
#ifndef WIRE_HTTP2_FRAME_H
#define WIRE_HTTP2_FRAME_H

#include "base/bytes.h"

/* RFC 9113 6. */
enum http2_frame_type {
    HTTP2_FRAME_DATA,
    HTTP2_FRAME_HEADERS,
    HTTP2_FRAME_PRIORITY,
    HTTP2_FRAME_RST_STREAM,
    HTTP2_FRAME_SETTINGS,
    HTTP2_FRAME_PUSH_PROMISE,
    HTTP2_FRAME_PING,
    HTTP2_FRAME_GOAWAY,
    HTTP2_FRAME_WINDOW_UPDATE,
    HTTP2_FRAME_CONTINUATION,
};
enum { HTTP2_FLAG_END_STREAM = 1 };

#define HTTP2_PREFACE_SIZE 24 /* RFC 9113 3.4 */
#define HTTP2_FRAME_HEAD_SIZE 9

struct http2_frame_head {
    uint32_t length; /* of the payload */
    unsigned type;   /* enum http2_frame_type, or one we do not know */
    unsigned flags;
    uint32_t stream;
};

/* Zeroed, with `skip` set to what comes before the first frame. */
struct http2_scan {
    uint64_t skip; /* bytes until the next head begins */
    unsigned char head[HTTP2_FRAME_HEAD_SIZE];
    uint32_t have; /* of that head */
};

/* Looks on in `in`. True: a head ends at *used bytes of it, and is *out. False: all of it was looked at. */
bool http2_scan_next(struct http2_scan *scan, struct bytes in, size_t *used, struct http2_frame_head *out);

#endif
