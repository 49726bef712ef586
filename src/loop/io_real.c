/* The kernel's sockets and clocks behind struct io. */
#include "loop/io.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"

enum { SILENCE_S = 30 };

struct io_real {
    struct io io;
    int epoll;
    /* Random bytes are drawn in bulk: a system call for every id would show. */
    unsigned char pool[4096];
    size_t pool_left;
};

static struct io_real *real(struct io *io)
{
    return container_of(io, struct io_real, io);
}

static long real_read(struct io *io, int fd, void *at, size_t room)
{
    (void)io;
    ssize_t n;
    do
        n = recv(fd, at, room, 0);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static long real_write(struct io *io, int fd, const struct iovec *parts, int count)
{
    (void)io;
    ssize_t n;
    do {
        if (count == 1) {
            n = send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                                     .msg_iovlen = (size_t)count};
            n = sendmsg(fd, &message, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void no_delay(int fd)
{
    int on = 1;
    /* Fails on unix sockets, which have no delay to turn off. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* What has not been sent yet is better kept where it is counted than in the kernel; beyond that much the
 * socket is not writable. Enough for a fast client to never wait for us. */
static void unsent_limit(int fd)
{
    int bytes = 128 * 1024;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void io_real_ask_silent(int fd, int seconds)
{
    int on = 1, idle_s = seconds / 2, every_s = seconds / 6, probes = 3;
    /* All fail on unix sockets, whose peers do not go unnoticed. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static int real_accept(struct io *io, int fd, struct sockaddr_storage *peer)
{
    (void)io;
    socklen_t len = sizeof *peer;
    memset(peer, 0, sizeof *peer);
    int got = accept4(fd, (struct sockaddr *)peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (got < 0)
        return -errno;
    no_delay(got);
    unsent_limit(got);
    return got;
}

static int real_connect(struct io *io, const struct sockaddr *to, socklen_t len)
{
    (void)io;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    no_delay(fd);
    io_real_ask_silent(fd, SILENCE_S);
    if (connect(fd, to, len) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int real_connect_result(struct io *io, int fd)
{
    (void)io;
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    return -error;
}

static void option_set(int fd, int level, int option, uint32_t number)
{
    int value = number < INT_MAX ? (int)number : INT_MAX;
    if (number)
        (void)setsockopt(fd, level, option, &value, sizeof value);
}

static void real_keepalive(struct io *io, int fd, const struct io_keepalive *how)
{
    (void)io;
    option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    option_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, how->time_s);
    option_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, how->interval_s);
    option_set(fd, IPPROTO_TCP, TCP_KEEPCNT, how->probes);
}

static void real_end_write(struct io *io, int fd)
{
    (void)io;
    (void)shutdown(fd, SHUT_WR);
}

static void real_patience(struct io *io, int fd, unsigned ms)
{
    (void)io;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

static void real_close(struct io *io, int fd)
{
    (void)io;
    close(fd);
}

static void real_local_name(struct io *io, int fd, struct sockaddr_storage *out)
{
    (void)io;
    socklen_t len = sizeof *out;
    memset(out, 0, sizeof *out);
    (void)getsockname(fd, (struct sockaddr *)out, &len);
}

static int real_add(struct io *io, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = tag};
    return epoll_ctl(real(io)->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int real_wait(struct io *io, struct io_event *events, int max, int timeout_ms)
{
    struct epoll_event got[64];
    int count = epoll_wait(real(io)->epoll, got, max < 64 ? max : 64, timeout_ms);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        unsigned ready = 0;
        if (got[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            ready |= IO_READ;
        if (got[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ready |= IO_WRITE;
        if (got[i].events & (EPOLLHUP | EPOLLERR))
            ready |= IO_GONE;
        if (got[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            ready |= IO_END;
        events[i] = (struct io_event){got[i].data.ptr, ready};
    }
    return count;
}

static uint64_t real_now_ms(struct io *io)
{
    (void)io;
    return clock_ms();
}

static int64_t real_wall_us(struct io *io)
{
    (void)io;
    return clock_wall_us();
}

static void real_random(struct io *io, void *out, size_t size)
{
    struct io_real *self = real(io);
    unsigned char *to = out;
    while (size) {
        if (!self->pool_left) {
            if (getrandom(self->pool, sizeof self->pool, 0) != (ssize_t)sizeof self->pool)
                abort();
            self->pool_left = sizeof self->pool;
        }
        size_t n = size < self->pool_left ? size : self->pool_left;
        unsigned char *from = self->pool + sizeof self->pool - self->pool_left;
        memcpy(to, from, n);
        heap_wipe(from, n);
        self->pool_left -= n;
        to += n;
        size -= n;
    }
}

static void real_free(struct io *io)
{
    close(real(io)->epoll);
    free(real(io));
}

struct io *io_real_new(void)
{
    struct io_real *self = heap_new(struct io_real);
    self->io = (struct io){
        .read = real_read,
        .write = real_write,
        .accept = real_accept,
        .connect = real_connect,
        .connect_result = real_connect_result,
        .keepalive = real_keepalive,
        .end_write = real_end_write,
        .patience = real_patience,
        .close = real_close,
        .local_name = real_local_name,
        .add = real_add,
        .wait = real_wait,
        .now_ms = real_now_ms,
        .wall_us = real_wall_us,
        .random = real_random,
        .free = real_free,
    };
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0)
        abort();
    return &self->io;
}
