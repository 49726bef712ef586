#include "proxy/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum { IOV_MAX_HERE = 16 };

static void on_event(struct watch *watch, unsigned ready);
static void flush_run(struct task *task);
static void wake_run(struct task *task);
static void fall_run(struct task *task);
static void grave_run(struct task *task);

/* ---- bytes from and to the socket ------------------------------------------------------ */

static void unread_drop(struct connection *c)
{
    block_unref(c->unread);
    c->unread = NULL;
}

static long unread_take(struct connection *c, char *at, size_t room)
{
    size_t len = c->unread->used - c->unread_at;
    len = len < room ? len : room;
    memcpy(at, c->unread->data + c->unread_at, len);
    c->unread_at += len;
    if (c->unread_at == c->unread->used)
        unread_drop(c);
    return (long)len;
}

/* Few connections need it, and there may be very many of them. */
static struct fail *why_room(struct connection *c)
{
    if (!c->why)
        c->why = heap_new(struct fail);
    return c->why;
}

const struct fail *connection_why(const struct connection *c)
{
    static const struct fail nothing;
    return c->why ? c->why : &nothing;
}

/* -errno of a read or write: nothing now (an event will tell), or lost. */
static long socket_failed(struct connection *c, long error, bool *ready)
{
    if (error == -EAGAIN) {
        *ready = false;
        return CONNECTION_LATER;
    }
    errno = (int)-error;
    fail_errno(why_room(c), FAIL_PEER, "the connection was lost");
    return CONNECTION_BROKEN;
}

static long socket_read(struct connection *c, char *at, size_t room)
{
    if (c->unread)
        return unread_take(c, at, room);
    if (!c->readable)
        return CONNECTION_LATER;
    long n = c->loop->io->read(c->loop->io, c->fd, at, room);
    if (n < 0)
        return socket_failed(c, n, &c->readable);
    if ((size_t)n < room && !c->ended)
        c->readable = false; /* edge-triggered: more will be told */
    if (n == 0)
        c->ended = true;
    c->bytes_in += (uint64_t)n;
    return n;
}

static long socket_write(struct connection *c, const struct iovec *parts, int count)
{
    if (!c->writable)
        return CONNECTION_LATER;
    long n = c->loop->io->write(c->loop->io, c->fd, parts, count);
    if (n < 0)
        return socket_failed(c, n, &c->writable);
    c->bytes_out += (uint64_t)n;
    return n;
}

static long tls_io_read(void *owner, char *at, size_t room)
{
    return socket_read(owner, at, room);
}

static long tls_io_write(void *owner, const char *at, size_t len)
{
    struct connection *c = owner;
    const struct iovec part = {(void *)(uintptr_t)at, len};
    if (c->sealed.making) {
        slices_put(&c->sealed.records, bytes_make(at, len));
        return (long)len;
    }
    if (c->sealed.records.count) /* one of them may be half sent */
        return CONNECTION_LATER;
    return socket_write(c, &part, 1);
}

/* ---- beginnings and ends ------------------------------------------------- */

static void connection_init(struct connection *c, struct loop *loop, int fd, const struct connection_ops *ops,
                            void *owner)
{
    *c = (struct connection){.loop = loop, .fd = fd, .ops = ops, .owner = owner};
    c->watch.on_ready = on_event;
    c->flush.run = flush_run;
    c->wake.run = wake_run;
    c->fall.run = fall_run;
    c->grave.run = grave_run;
}

static void connection_break(struct connection *c)
{
    if (c->broken || c->gone)
        return;
    c->broken = true;
    loop_soon(c->loop, &c->fall);
}

static void connection_watch(struct connection *c)
{
    int error = loop_watch(c->loop, c->fd, &c->watch);
    if (error < 0) {
        errno = -error;
        fail_errno(why_room(c), FAIL_SELF, "the socket could not be watched");
        connection_break(c);
    }
}

static void tls_begin(struct connection *c, struct tls_session *session, struct tls_context *context)
{
    c->tls = session;
    c->tls_context = tls_context_ref(context);
    c->handshaking = true;
}

static struct tls_io tls_io_of(struct connection *c)
{
    return (struct tls_io){tls_io_read, tls_io_write, c};
}

static struct tls_context *choose_forward(void *owner, struct bytes sni)
{
    struct connection *c = owner;
    return c->ops->choose(c, sni);
}

void connection_unread(struct connection *c, struct block *block, size_t at)
{
    assert(!c->unread);
    c->unread = block;
    c->unread_at = at;
    if (at == block->used)
        unread_drop(c);
}

void connection_start_tls(struct connection *c, struct tls_context *context)
{
    struct tls_io io = tls_io_of(c);
    tls_begin(c, tls_session_new_server(context, c->ops->choose ? choose_forward : NULL, &io), context);
    connection_wake(c);
}

void connection_open_server(struct connection *c, struct loop *loop, int fd, const struct connection_ops *ops,
                            void *owner)
{
    connection_init(c, loop, fd, ops, owner);
    c->open = true;
    c->readable = true;
    c->writable = true;
    connection_watch(c);
}

void connection_open_client(struct connection *c, struct loop *loop, int fd, bool connecting,
                            struct tls_context *context, struct bytes sni, struct bytes place,
                            const struct connection_ops *ops, void *owner)
{
    connection_init(c, loop, fd, ops, owner);
    c->connecting = connecting;
    c->writable = !connecting;
    if (context) {
        struct tls_io io = tls_io_of(c);
        tls_begin(c, tls_session_new_client(context, sni, place, &io), context);
    }
    connection_watch(c);
    if (!connecting)
        connection_wake(c);
}

void connection_first(struct connection *c, struct bytes bytes)
{
    c->first = bytes;
}

void connection_close(struct connection *c)
{
    if (c->gone)
        return;
    c->gone = true;
    task_cancel(&c->flush);
    task_cancel(&c->wake);
    task_cancel(&c->fall);
    if (c->tls && !c->broken && !c->mute && !c->handshaking)
        tls_close(c->tls);
    slices_drop(&c->out);
    sealed_drop(&c->sealed);
    c->loop->io->close(c->loop->io, c->fd);
    loop_bury(c->loop, &c->grave);
}

static void grave_run(struct task *task)
{
    struct connection *c = container_of(task, struct connection, grave);
    tls_session_free(c->tls);
    tls_context_unref(c->tls_context);
    c->tls = NULL;
    block_unref(c->unread);
    free(c->why);
    if (c->on_buried)
        c->on_buried(c);
}

static void fall_run(struct task *task)
{
    struct connection *c = container_of(task, struct connection, fall);
    c->ops->on_broken(c);
}

/* ---- events -------------------------------------------------------------- */

/* True when the handshake is over (or there is none). */
static bool handshake_step(struct connection *c)
{
    if (!c->handshaking)
        return true;
    struct fail why;
    switch (tls_handshake(c->tls, &why)) {
    case TLS_DONE:
        c->handshaking = false;
        return true;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return false;
    case TLS_CLOSED:
        fail(&why, FAIL_PEER, "the peer left during the TLS handshake");
        break;
    case TLS_BROKEN:
        break;
    }
    *why_room(c) = why;
    connection_break(c);
    return false;
}

static bool connect_step(struct connection *c)
{
    if (!c->connecting)
        return true;
    int result = c->loop->io->connect_result(c->loop->io, c->fd);
    if (result < 0) {
        errno = -result;
        fail_errno(why_room(c), FAIL_PEER, "connecting failed");
        connection_break(c);
        return false;
    }
    if (!c->writable)
        return false;
    c->connecting = false;
    return true;
}

/* True when what leaves before all else has left. */
static bool first_step(struct connection *c)
{
    while (c->first.len) {
        const struct iovec part = {(void *)(uintptr_t)c->first.at, c->first.len};
        long n = socket_write(c, &part, 1);
        if (n == CONNECTION_BROKEN)
            connection_break(c);
        if (n < 0)
            return false;
        c->first = bytes_part(c->first, (size_t)n, c->first.len);
    }
    return true;
}

/* `woken`: whoever took interest may have something buffered already. */
static void step(struct connection *c, bool woken)
{
    if (c->gone || c->broken)
        return;
    bool was_open = c->open && !c->handshaking;
    if (!connect_step(c) || !first_step(c) || !handshake_step(c))
        return;
    if (!was_open) {
        c->open = true;
        c->ops->on_open(c);
        if (c->gone)
            return;
    }
    if (c->out.count || c->write_end)
        loop_late(c->loop, &c->flush);
    if (woken || c->readable || c->ended || (c->tls && tls_pending(c->tls)))
        c->ops->on_readable(c);
}

static void on_event(struct watch *watch, unsigned ready)
{
    struct connection *c = container_of(watch, struct connection, watch);
    if (c->gone)
        return;
    if (ready & IO_READ)
        c->readable = true;
    if (ready & IO_WRITE)
        c->writable = true;
    if (ready & IO_END)
        c->ended = true;
    if (ready & IO_GONE)
        c->lost = true;
    step(c, false);
}

static void wake_run(struct task *task)
{
    step(container_of(task, struct connection, wake), true);
}

void connection_wake(struct connection *c)
{
    if (!c->gone)
        loop_soon(c->loop, &c->wake);
}

/* ---- reading -------------------------------------------------------------- */

/* Neither does the socket have anything, nor does OpenSSL: asking it would cost half of what a record does.
 */
static bool tls_is_dry(const struct connection *c)
{
    return !c->readable && !c->unread && !c->ended && !tls_pending(c->tls);
}

static long tls_read_some(struct connection *c, char *at, size_t room)
{
    size_t len = room;
    struct fail why;
    if (tls_is_dry(c))
        return CONNECTION_LATER;
    switch (tls_read(c->tls, at, &len, &why)) {
    case TLS_DONE:
        return (long)len;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return CONNECTION_LATER;
    case TLS_CLOSED:
        c->ended = true;
        return CONNECTION_END;
    case TLS_BROKEN:
        break;
    }
    *why_room(c) = why;
    return CONNECTION_BROKEN;
}

long connection_read(struct connection *c, char *at, size_t room)
{
    if (c->gone || c->broken)
        return CONNECTION_BROKEN;
    if (!c->open || c->handshaking)
        return CONNECTION_LATER;
    long n = c->tls ? tls_read_some(c, at, room) : socket_read(c, at, room);
    if (n == CONNECTION_LATER && c->mute) /* all that came was read */
        n = CONNECTION_BROKEN;
    if (n == CONNECTION_BROKEN)
        connection_break(c);
    return n;
}

/* ---- writing --------------------------------------------------------------- */

void connection_put(struct connection *c, struct bytes bytes)
{
    if (c->gone || c->mute)
        return;
    slices_put(&c->out, bytes);
    loop_late(c->loop, &c->flush);
}

void connection_put_block(struct connection *c, struct block *block, struct bytes bytes)
{
    if (c->gone || c->mute)
        return;
    slices_put_block(&c->out, block, bytes);
    loop_late(c->loop, &c->flush);
}

void connection_write_later(struct connection *c)
{
    if (!c->gone)
        loop_late(c->loop, &c->flush);
}

void connection_end_write(struct connection *c)
{
    c->write_end = true;
    loop_late(c->loop, &c->flush);
}

static long socket_write_slices(struct connection *c, const struct slices *slices)
{
    struct iovec parts[IOV_MAX_HERE];
    int count = 0;
    for (uint32_t i = 0; i < slices->count && count < IOV_MAX_HERE; i++) {
        const struct slice *slice = slices_at(slices, i);
        parts[count++] = (struct iovec){(void *)(uintptr_t)slice->at, slice->len};
    }
    return socket_write(c, parts, count);
}

static long seal(struct connection *c)
{
    struct fail why;
    switch (sealed_make(&c->sealed, c->tls, &c->out, &why)) {
    case TLS_DONE:
        return (long)c->sealed.plain;
    case TLS_WANT_READ:
    case TLS_WANT_WRITE:
        return CONNECTION_LATER;
    case TLS_CLOSED:
        fail(&why, FAIL_PEER, "the peer closed the TLS session");
        break;
    case TLS_BROKEN:
        break;
    }
    *why_room(c) = why;
    return CONNECTION_BROKEN;
}

static long write_tls(struct connection *c)
{
    struct slices *records = &c->sealed.records;
    long n = records->count ? 1 : seal(c);
    while (n > 0 && records->count) {
        n = socket_write_slices(c, records);
        if (n > 0)
            slices_used(records, (size_t)n);
    }
    return n < 0 ? n : (long)sealed_gone(&c->sealed);
}

static void all_written(struct connection *c)
{
    if (!c->write_end)
        return;
    c->write_end = false;
    if (c->tls)
        tls_close(c->tls);
    c->loop->io->end_write(c->loop->io, c->fd);
}

/*
 * A peer may answer and close without having read everything (RFC 9112 9.6): its
 * reset makes our next write fail while its answer waits here.
 */
static void write_lost(struct connection *c)
{
    if (!c->answers) {
        connection_break(c);
        return;
    }
    c->mute = true;
    c->readable = true;
    slices_drop(&c->out);
    sealed_drop(&c->sealed);
    connection_wake(c);
}

/* False: it broke. */
static bool write_some(struct connection *c, size_t *wrote)
{
    while (c->out.count && c->writable) {
        long n = c->tls ? write_tls(c) : socket_write_slices(c, &c->out);
        if (n == CONNECTION_BROKEN) {
            write_lost(c);
            return false;
        }
        if (n < 0)
            break;
        slices_used(&c->out, (size_t)n);
        *wrote += (size_t)n;
    }
    return true;
}

static void flush_run(struct task *task)
{
    struct connection *c = container_of(task, struct connection, flush);
    size_t wrote = 0, before;
    if (c->gone || c->broken || c->mute || !c->open || c->handshaking)
        return;
    do {
        before = wrote;
        if (c->ops->fill)
            c->ops->fill(c);
        if (c->gone || !write_some(c, &wrote))
            return;
    } while (c->ops->fill && !c->out.count && wrote > before);
    task_cancel(&c->flush);
    if (!c->out.count)
        all_written(c);
    if ((wrote || c->out.count) && !c->gone)
        c->ops->on_written(c, wrote);
}
