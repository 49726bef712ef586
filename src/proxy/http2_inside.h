/* What http2.c (the connection) and http2_stream.c share. */
#ifndef PROXY_HTTP2_INSIDE_H
#define PROXY_HTTP2_INSIDE_H

#include "proxy/http2.h"

/* The stream of that id, or NULL: none, or nobody's any more. */
struct http2_stream *http2_find(struct http2 *http2, int32_t id);
/* nghttp2's callbacks of one stream. */
void http2_stream_data(struct http2_stream *stream, struct bytes data);
void http2_stream_end(struct http2_stream *stream);
void http2_stream_trailers(struct http2_stream *stream);
void http2_stream_sent_end(struct http2_stream *stream);
int http2_on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
                       nghttp2_data_source *source, void *owner);
/* Remembers that we reset it. */
void http2_forget(struct http2 *http2, int32_t id);

#endif
