#include "control/join_stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "wire/join.h"

static long bytes_read(void *owner, char *at, size_t room)
{
    const struct join_stream *stream = owner;
    ssize_t n = recv(stream->fd, at, room, MSG_DONTWAIT);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

static long bytes_write(void *owner, const char *at, size_t len)
{
    const struct join_stream *stream = owner;
    ssize_t n = send(stream->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? -1 : -2;
}

struct tls_io join_stream_io(struct join_stream *stream)
{
    return (struct tls_io){.read = bytes_read, .write = bytes_write, .owner = stream};
}

/* True: try again. */
static bool turn_wait(const struct join_stream *stream, enum tls_turn turn, struct fail *why)
{
    uint64_t now_ms = clock_ms();
    struct pollfd fd = {.fd = stream->fd, .events = turn == TLS_WANT_WRITE ? POLLOUT : POLLIN};
    if (turn == TLS_CLOSED)
        return fail(why, FAIL_PEER, "the connection ended");
    if (turn == TLS_BROKEN)
        return false;
    if (now_ms >= stream->until_ms || poll(&fd, 1, (int)(stream->until_ms - now_ms)) == 0)
        return fail(why, FAIL_LATE, "no answer in time");
    return true;
}

bool join_stream_handshake(struct join_stream *stream, struct fail *why)
{
    enum tls_turn turn;
    while ((turn = tls_handshake(stream->session, why)) != TLS_DONE)
        if (!turn_wait(stream, turn, why))
            return false;
    return true;
}

static bool exactly(struct join_stream *stream, char *at, size_t len, struct fail *why)
{
    while (len) {
        size_t some = len;
        enum tls_turn turn = tls_read(stream->session, at, &some, why);
        if (turn != TLS_DONE) {
            if (!turn_wait(stream, turn, why))
                return false;
            continue;
        }
        at += some;
        len -= some;
    }
    return true;
}

bool join_stream_receive(struct join_stream *stream, size_t max, struct arena *arena, struct bytes *out,
                         struct fail *why)
{
    unsigned char head[JOIN_HEAD_SIZE];
    size_t len;
    if (!exactly(stream, (char *)head, sizeof head, why) || !join_head_read(head, max, &len, why))
        return false;
    char *room = arena_raw(arena, len);
    if (!exactly(stream, room, len, why))
        return false;
    *out = bytes_make(room, len);
    return true;
}

bool join_stream_send(struct join_stream *stream, struct bytes message, struct fail *why)
{
    while (message.len) {
        size_t some = message.len;
        enum tls_turn turn = tls_write(stream->session, message.at, &some, why);
        if (turn != TLS_DONE) {
            if (!turn_wait(stream, turn, why))
                return false;
            continue;
        }
        message = bytes_part(message, some, message.len);
    }
    return true;
}
