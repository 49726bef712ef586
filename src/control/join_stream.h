/*
 * join_stream: one TLS connection over a socket, for a thread that may wait, with
 * a time by which all of it has to be over.
 */
#ifndef CONTROL_JOIN_STREAM_H
#define CONTROL_JOIN_STREAM_H

#include "crypt/tls.h"

struct join_stream {
    int fd; /* not blocking; the caller's */
    uint64_t until_ms;
    struct tls_session *session;
};

/* After tls_session_new_*, with join_stream_io as its bytes. */
struct tls_io join_stream_io(struct join_stream *stream);
bool join_stream_handshake(struct join_stream *stream, struct fail *why);
/* A whole message (wire/join.h) without its head, in the arena. */
bool join_stream_receive(struct join_stream *stream, size_t max, struct arena *arena, struct bytes *out,
                         struct fail *why);
bool join_stream_send(struct join_stream *stream, struct bytes message, struct fail *why);

#endif
