#include "loop/io_sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/list.h"

static struct io_sim *sim_of(struct io *io)
{
    return container_of(io, struct io_sim, io);
}

static struct sim_socket *socket_of(struct io_sim *sim, int fd)
{
    if (fd < SIM_FIRST_FD || fd >= SIM_FIRST_FD + SIM_SOCKETS || !sim->sockets[fd - SIM_FIRST_FD].used)
        abort(); /* used after it was closed */
    return &sim->sockets[fd - SIM_FIRST_FD];
}

static struct sim_socket *peer_of(struct io_sim *sim, const struct sim_socket *socket)
{
    return socket->peer < 0 ? NULL : &sim->sockets[socket->peer];
}

static int index_of(const struct io_sim *sim, const struct sim_socket *socket)
{
    return (int)(socket - sim->sockets);
}

static int fd_of(const struct io_sim *sim, const struct sim_socket *socket)
{
    return index_of(sim, socket) + SIM_FIRST_FD;
}

/* Descriptors are not used twice while there are fresh ones, so that a stale one is noticed. */
static struct sim_socket *socket_new(struct io_sim *sim)
{
    static unsigned next;
    for (unsigned i = 0; i < SIM_SOCKETS; i++) {
        struct sim_socket *socket = &sim->sockets[next++ % SIM_SOCKETS];
        if (socket->used)
            continue;
        *socket = (struct sim_socket){.used = true, .peer = -1, .listener = -1};
        socket->in = heap_alloc(SIM_ROOM_MAX);
        return socket;
    }
    abort();
}

static void socket_free(struct sim_socket *socket)
{
    free(socket->in);
    *socket = (struct sim_socket){.peer = -1};
}

static void pair(struct io_sim *sim, struct sim_socket *a, struct sim_socket *b)
{
    a->peer = index_of(sim, b);
    b->peer = index_of(sim, a);
}

/* ---- faults -------------------------------------------------------------------- */

/* 0: go on; 1: one byte only; < 0: fail so. */
static int fault(struct io_sim *sim, enum sim_call call)
{
    sim->calls[call]++;
    if (sim->fault.call != call || sim->fault.n != sim->calls[call])
        return 0;
    return sim->fault.error ? -sim->fault.error : 1;
}

static void socket_reset(struct io_sim *sim, struct sim_socket *socket)
{
    struct sim_socket *peer = peer_of(sim, socket);
    if (!peer)
        return;
    peer->reset = true;
    peer->in_len = 0;
    peer->ready |= IO_READ | IO_WRITE | IO_GONE | IO_END;
    peer->peer = -1;
    socket->peer = -1;
}

/* ---- bytes ---------------------------------------------------------------------- */

static size_t queue_put(struct io_sim *sim, struct sim_socket *to, const char *at, size_t len)
{
    size_t room = sim->room > to->in_len ? sim->room - to->in_len : 0;
    len = len < room ? len : room;
    memmove(to->in, to->in + to->in_at, to->in_len);
    to->in_at = 0;
    memcpy(to->in + to->in_len, at, len);
    to->in_len += len;
    if (len)
        to->ready |= IO_READ;
    return len;
}

static size_t queue_take(struct io_sim *sim, struct sim_socket *from, char *at, size_t room)
{
    size_t len = from->in_len < room ? from->in_len : room;
    struct sim_socket *writer = peer_of(sim, from);
    memcpy(at, from->in + from->in_at, len);
    from->in_at += len;
    from->in_len -= len;
    if (writer && writer->full && from->in_len <= sim->room / 2) {
        writer->full = false;
        writer->ready |= IO_WRITE;
    }
    return len;
}

static long sim_read(struct io *io, int fd, void *at, size_t room)
{
    struct io_sim *sim = sim_of(io);
    struct sim_socket *socket = socket_of(sim, fd);
    int wrong = fault(sim, SIM_READ);
    if (wrong < 0 && wrong != -EAGAIN)
        socket_reset(sim, socket);
    if (wrong < 0 || (wrong == 1 && socket->in_len > 1))
        socket->ready |= IO_READ;
    if (wrong < 0)
        return wrong;
    if (socket->reset)
        return -ECONNRESET;
    if (!socket->in_len)
        return socket->in_end ? 0 : -EAGAIN;
    return (long)queue_take(sim, socket, at, wrong ? 1 : room);
}

static long sim_write(struct io *io, int fd, const struct iovec *parts, int count)
{
    struct io_sim *sim = sim_of(io);
    struct sim_socket *socket = socket_of(sim, fd), *peer = peer_of(sim, socket);
    int wrong = fault(sim, SIM_WRITE);
    size_t wrote = 0;
    if (wrong == -EAGAIN)
        socket->ready |= IO_WRITE;
    else if (wrong < 0)
        socket_reset(sim, socket);
    if (wrong < 0)
        return wrong;
    if (socket->reset || !peer || socket->out_end)
        return -EPIPE;
    for (int i = 0; i < count; i++) {
        size_t len = wrong ? 1 : parts[i].iov_len;
        size_t took = queue_put(sim, peer, parts[i].iov_base, len);
        wrote += took;
        if (wrong || took < len)
            break;
    }
    size_t all = 0;
    for (int i = 0; i < count; i++)
        all += parts[i].iov_len;
    if (wrong)
        socket->ready |= IO_WRITE;
    else if (wrote < all)
        socket->full = true;
    return wrote ? (long)wrote : -EAGAIN;
}

static void socket_end(struct io_sim *sim, struct sim_socket *socket)
{
    struct sim_socket *peer = peer_of(sim, socket);
    socket->out_end = true;
    if (!peer || peer->in_end)
        return;
    peer->in_end = true;
    peer->ready |= IO_READ | IO_END | (peer->out_end ? IO_GONE : 0u);
    if (peer->out_end)
        socket->ready |= IO_READ | IO_GONE | IO_END;
}

static void socket_close(struct io_sim *sim, struct sim_socket *socket)
{
    struct sim_socket *peer = peer_of(sim, socket);
    if (socket->in_len)
        socket_reset(sim, socket); /* as TCP does when bytes were left unread */
    else
        socket_end(sim, socket);
    if (peer)
        peer->peer = -1;
    socket_free(socket);
}

/* ---- connections ------------------------------------------------------------------ */

static int sim_accept(struct io *io, int fd, struct sockaddr_storage *peer)
{
    struct io_sim *sim = sim_of(io);
    int listener = fd - SIM_FIRST_FD;
    for (int i = 0; i < SIM_SOCKETS; i++) {
        struct sim_socket *socket = &sim->sockets[i];
        if (!socket->used || !socket->pending || socket->listener != listener)
            continue;
        int wrong = fault(sim, SIM_ACCEPT);
        if (wrong < 0 && wrong != -ECONNABORTED)
            return wrong; /* no new event: the queue was not empty before */
        socket->pending = false;
        if (wrong < 0) {
            socket_reset(sim, socket);
            socket_free(socket);
            return wrong;
        }
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4711)};
        inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
        memset(peer, 0, sizeof *peer);
        memcpy(peer, &in, sizeof in);
        return fd_of(sim, socket);
    }
    return -EAGAIN;
}

static enum sim_port_state port_state(const struct io_sim *sim, unsigned port)
{
    for (unsigned i = 0; i < sim->port_count; i++)
        if (sim->ports[i].port == port)
            return sim->ports[i].state;
    return SIM_REFUSES;
}

static unsigned port_of(const struct sockaddr *to)
{
    if (to->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)to)->sin_port);
    return ntohs(((const struct sockaddr_in6 *)(const void *)to)->sin6_port);
}

static void connect_done(struct io_sim *sim, struct sim_socket *socket, unsigned port)
{
    struct sim_socket *other = socket_new(sim);
    pair(sim, socket, other);
    other->pending = true;
    other->listener = (int)port;
    socket->connecting = false;
    socket->ready |= IO_WRITE;
}

static int sim_connect(struct io *io, const struct sockaddr *to, socklen_t len)
{
    struct io_sim *sim = sim_of(io);
    int wrong = fault(sim, SIM_CONNECT);
    (void)len;
    if (wrong < 0)
        return wrong;
    unsigned port = port_of(to);
    struct sim_socket *socket = socket_new(sim);
    socket->connecting = true;
    switch (port_state(sim, port)) {
    case SIM_HANGS:
        socket->listener = (int)port;
        return fd_of(sim, socket);
    case SIM_REFUSES:
        socket->connect_error = -ECONNREFUSED;
        socket->ready = IO_READ | IO_WRITE | IO_GONE | IO_END;
        return fd_of(sim, socket);
    case SIM_SERVES:
        break;
    }
    connect_done(sim, socket, port);
    return fd_of(sim, socket);
}

static int sim_connect_result(struct io *io, int fd)
{
    return socket_of(sim_of(io), fd)->connect_error;
}

/* Peers of this world do not go unnoticed. */
static void sim_patience(struct io *io, int fd, unsigned ms)
{
    (void)io, (void)fd, (void)ms;
}

static void sim_keepalive(struct io *io, int fd, const struct io_keepalive *how)
{
    socket_of(sim_of(io), fd)->keepalive = *how;
}

static void sim_end_write(struct io *io, int fd)
{
    struct io_sim *sim = sim_of(io);
    socket_end(sim, socket_of(sim, fd));
}

static void sim_io_close(struct io *io, int fd)
{
    struct io_sim *sim = sim_of(io);
    socket_close(sim, socket_of(sim, fd));
}

static void sim_local_name(struct io *io, int fd, struct sockaddr_storage *out)
{
    (void)io;
    (void)fd;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
    memset(out, 0, sizeof *out);
    memcpy(out, &in, sizeof in);
}

static int sim_add(struct io *io, int fd, void *tag)
{
    struct sim_socket *socket = socket_of(sim_of(io), fd);
    socket->tag = tag;
    socket->watched = true;
    if (!socket->connecting && !socket->listening)
        socket->ready |= IO_WRITE;
    if (socket->in_len || socket->in_end)
        socket->ready |= IO_READ;
    return 0;
}

static int sim_wait(struct io *io, struct io_event *events, int max, int timeout_ms)
{
    struct io_sim *sim = sim_of(io);
    int count = 0;
    for (int i = 0; i < SIM_SOCKETS && count < max; i++) {
        struct sim_socket *socket = &sim->sockets[i];
        if (!socket->used || !socket->watched || !socket->ready)
            continue;
        events[count++] = (struct io_event){socket->tag, socket->ready};
        socket->ready = 0;
    }
    sim->told = (unsigned)count;
    if (!count && timeout_ms > 0) {
        sim->now_ms += (uint64_t)timeout_ms;
        sim->wall_us += (int64_t)timeout_ms * 1000;
    }
    return count;
}

static uint64_t sim_now_ms(struct io *io)
{
    return sim_of(io)->now_ms;
}

static int64_t sim_wall_us(struct io *io)
{
    return sim_of(io)->wall_us;
}

static void sim_random(struct io *io, void *out, size_t size)
{
    struct io_sim *sim = sim_of(io);
    unsigned char *to = out;
    for (size_t i = 0; i < size; i++) {
        sim->chance = sim->chance * 6364136223846793005u + 1442695040888963407u;
        to[i] = (unsigned char)(sim->chance >> 56);
    }
}

static void sim_free(struct io *io)
{
    struct io_sim *sim = sim_of(io);
    for (int i = 0; i < SIM_SOCKETS; i++)
        if (sim->sockets[i].used)
            socket_free(&sim->sockets[i]);
    free(sim);
}

struct io_sim *io_sim_new(void)
{
    struct io_sim *sim = heap_new(struct io_sim);
    sim->io = (struct io){
        .read = sim_read,
        .write = sim_write,
        .accept = sim_accept,
        .connect = sim_connect,
        .connect_result = sim_connect_result,
        .keepalive = sim_keepalive,
        .end_write = sim_end_write,
        .patience = sim_patience,
        .close = sim_io_close,
        .local_name = sim_local_name,
        .add = sim_add,
        .wait = sim_wait,
        .now_ms = sim_now_ms,
        .wall_us = sim_wall_us,
        .random = sim_random,
        .free = sim_free,
    };
    sim->room = 64 * 1024;
    sim->now_ms = 1000;
    sim->wall_us = 1700000000 * (int64_t)1000000;
    sim->chance = 42;
    return sim;
}

/* ---- the test's side ------------------------------------------------------------------ */

int sim_listen(struct io_sim *sim)
{
    struct sim_socket *socket = socket_new(sim);
    socket->listening = true;
    return fd_of(sim, socket);
}

int sim_dial(struct io_sim *sim, int listener)
{
    struct sim_socket *mine = socket_new(sim), *theirs = socket_new(sim);
    pair(sim, mine, theirs);
    theirs->pending = true;
    theirs->listener = listener - SIM_FIRST_FD;
    socket_of(sim, listener)->ready |= IO_READ;
    return fd_of(sim, mine);
}

void sim_port(struct io_sim *sim, unsigned port, enum sim_port_state state)
{
    for (unsigned i = 0; i < sim->port_count; i++)
        if (sim->ports[i].port == port) {
            sim->ports[i].state = state;
            return;
        }
    if (sim->port_count == SIM_PORTS)
        abort();
    sim->ports[sim->port_count].port = port;
    sim->ports[sim->port_count++].state = state;
}

int sim_take(struct io_sim *sim, unsigned port)
{
    for (int i = 0; i < SIM_SOCKETS; i++) {
        struct sim_socket *socket = &sim->sockets[i];
        if (!socket->used || !socket->pending || socket->listener != (int)port)
            continue;
        socket->pending = false;
        return fd_of(sim, socket);
    }
    return -1;
}

void sim_relent(struct io_sim *sim, unsigned port)
{
    sim_port(sim, port, SIM_SERVES);
    for (int i = 0; i < SIM_SOCKETS; i++) {
        struct sim_socket *socket = &sim->sockets[i];
        if (socket->used && socket->connecting && socket->listener == (int)port)
            connect_done(sim, socket, port);
    }
}

unsigned sim_open(const struct io_sim *sim)
{
    unsigned count = 0;
    for (int i = 0; i < SIM_SOCKETS; i++)
        count += sim->sockets[i].used && sim->sockets[i].watched && !sim->sockets[i].listening;
    return count;
}

size_t sim_say(struct io_sim *sim, int fd, struct bytes bytes)
{
    struct sim_socket *peer = peer_of(sim, socket_of(sim, fd));
    return peer ? queue_put(sim, peer, bytes.at, bytes.len) : bytes.len;
}

size_t sim_hear(struct io_sim *sim, int fd, char *at, size_t room)
{
    return queue_take(sim, socket_of(sim, fd), at, room);
}

bool sim_ended(const struct io_sim *sim, int fd)
{
    const struct sim_socket *socket = &sim->sockets[fd - SIM_FIRST_FD];
    return !socket->in_len && (socket->in_end || socket->reset || socket->peer < 0);
}

void sim_end(struct io_sim *sim, int fd)
{
    socket_end(sim, socket_of(sim, fd));
}

void sim_reset(struct io_sim *sim, int fd)
{
    struct sim_socket *socket = socket_of(sim, fd);
    socket_reset(sim, socket);
    socket_free(socket);
}

void sim_close(struct io_sim *sim, int fd)
{
    socket_close(sim, socket_of(sim, fd));
}
