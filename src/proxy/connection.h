/*
 * connection: one socket, plain or TLS, as both sides of the proxy use it.
 *
 * Reading is the owner's: on_readable says that there may be something, the owner
 * reads until it gets CONNECTION_LATER. Writing is gathered: what is put out
 * during a loop's turn leaves in one go at its end. The handshake happens inside;
 * the owner hears of on_open once. It knows no HTTP.
 */
#ifndef PROXY_CONNECTION_H
#define PROXY_CONNECTION_H

#include "crypt/tls.h"
#include "loop/loop.h"
#include "proxy/sealed.h"
#include "proxy/slices.h"

struct connection;

struct connection_ops {
    /* Connected, and the handshake (if any) is done. */
    void (*on_open)(struct connection *connection);
    void (*on_readable)(struct connection *connection);
    /* Bytes are about to leave: what can be put now is put now. NULL: everything is put as it comes. */
    void (*fill)(struct connection *connection);
    /* Some bytes left; `wrote` counts payload. Ask the pump for as much more. 0: none could leave, the peer
     * reads too slowly. */
    void (*on_written)(struct connection *connection, size_t wrote);
    /* It broke (connection_why says how); nothing more will come. Called once, never from inside a call of
     * the owner's into the connection. */
    void (*on_broken)(struct connection *connection);
    /* Only for a server's TLS: which context for that SNI. */
    tls_choose *choose;
};

struct connection {
    struct watch watch;
    struct loop *loop;
    const struct connection_ops *ops;
    void *owner;
    int fd;
    bool connecting;
    bool handshaking;
    bool open;
    bool readable; /* the socket may have bytes */
    bool writable;
    bool ended;   /* the peer will send no more, but may still listen */
    bool lost;    /* reset, or ended by both: once the end was read, reading would not tell */
    bool answers; /* the owner's: what came counts even when writing has failed */
    bool mute;    /* it has: nothing leaves any more, and the end follows what came */
    bool broken;
    bool write_end; /* half close once everything is written */
    bool gone;      /* told on_broken, or closed by the owner */
    struct tls_session *tls;
    struct tls_context *tls_context;
    struct slices out;
    struct sealed sealed; /* of what `out` begins with */
    struct task flush;
    struct task wake; /* on_readable without an event: bytes left in TLS, or credit came */
    struct task fall; /* on_broken from a clean stack */
    struct task grave;
    struct fail *why;     /* what went wrong, once something has; see connection_why */
    struct bytes first;   /* see connection_first */
    struct block *unread; /* given back by connection_unread */
    size_t unread_at;
    uint64_t bytes_in;
    uint64_t bytes_out;
    void (*on_buried)(struct connection *connection); /* its memory may go now */
};

enum { CONNECTION_END = 0, CONNECTION_LATER = -1, CONNECTION_BROKEN = -2 };

/* Takes fd. Plain text, until connection_start_tls. */
void connection_open_server(struct connection *connection, struct loop *loop, int fd,
                            const struct connection_ops *ops, void *owner);
/* `connecting`: the socket's connect is under way. */
void connection_open_client(struct connection *connection, struct loop *loop, int fd, bool connecting,
                            struct tls_context *context, struct bytes sni, struct bytes place,
                            const struct connection_ops *ops, void *owner);
/* Leaves before anything else, also before TLS. Lies with the owner until the connection is open. */
void connection_first(struct connection *connection, struct bytes bytes);
/* Turns a plain server connection into a TLS one. `context` is the first (see choose), borrowed. */
void connection_start_tls(struct connection *connection, struct tls_context *context);
/* Gives back what was read too early, from `at` on: it is read again first. Takes the block. */
void connection_unread(struct connection *connection, struct block *block, size_t at);

/* What broke it; an empty text before anything has. */
const struct fail *connection_why(const struct connection *connection);

/* Bytes read, or CONNECTION_END, _LATER, _BROKEN. */
long connection_read(struct connection *connection, char *at, size_t room);
/* on_readable will be called from a clean stack. */
void connection_wake(struct connection *connection);

/* Copies: for heads and other small things. */
void connection_put(struct connection *connection, struct bytes bytes);
/* By reference: for bodies. Small ones are copied behind what is there, to leave together. */
void connection_put_block(struct connection *connection, struct block *block, struct bytes bytes);
/* There is something to fill with. */
void connection_write_later(struct connection *connection);
/* After the last byte: half close, so that the peer sees the end but may go on sending. */
void connection_end_write(struct connection *connection);
/* Now. on_broken is not called. The memory may go in on_buried. */
void connection_close(struct connection *connection);

#endif
