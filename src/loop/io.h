/*
 * io: the world a loop lives in: sockets, time, chance.
 *
 * The real one is the kernel (io_real_new); tests put a simulated one in its
 * place and let the n-th call fail. All sockets are non-blocking. Answers are
 * counts or descriptors >= 0, or -errno.
 */
#ifndef LOOP_IO_H
#define LOOP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum io_ready {
    IO_READ = 1,
    IO_WRITE = 2,
    IO_GONE = 4, /* reset, or closed on both sides */
    IO_END = 8,  /* the peer will send no more: read until the end is seen */
};

struct io_event {
    void *tag; /* as given to add */
    unsigned ready;
};

/* TCP's keep-alive. */
struct io_keepalive {
    uint32_t time_s; /* of silence before the first probe */
    uint32_t interval_s;
    uint32_t probes;
};

struct io {
    long (*read)(struct io *io, int fd, void *at, size_t room);
    long (*write)(struct io *io, int fd, const struct iovec *parts, int count);
    int (*accept)(struct io *io, int fd, struct sockaddr_storage *peer);
    /* A socket on its way to the address; writable when done, then connect_result tells how it went. */
    int (*connect)(struct io *io, const struct sockaddr *to, socklen_t len);
    int (*connect_result)(struct io *io, int fd);
    /* Asks a silent peer whether it is still there; numbers that are 0 stay the system's. */
    void (*keepalive)(struct io *io, int fd, const struct io_keepalive *how);
    void (*end_write)(struct io *io, int fd); /* half close */
    /* The connection is over when nothing of what was sent is acknowledged, or taken, for so long; 0: the
     * system's own patience, a quarter of an hour, without an end for a peer that takes nothing. */
    void (*patience)(struct io *io, int fd, unsigned ms);
    void (*close)(struct io *io, int fd);
    void (*local_name)(struct io *io, int fd, struct sockaddr_storage *out);
    int (*add)(struct io *io, int fd, void *tag); /* edge-triggered, both directions; close removes it */
    int (*wait)(struct io *io, struct io_event *events, int max, int timeout_ms);
    uint64_t (*now_ms)(struct io *io);
    int64_t (*wall_us)(struct io *io);
    void (*random)(struct io *io, void *out, size_t size);
    void (*free)(struct io *io);
};

struct io *io_real_new(void);

/* A peer that is silent for half of that time is asked by TCP whether it is there, and not answering in the
 * other half ends the connection. What a listener accepts inherits it; connections of an io have it: 30 s. */
void io_real_ask_silent(int fd, int seconds);

#endif
