/*
 * tls: TLS 1.2 and 1.3 sessions over bytes that somebody else moves.
 *
 * A context holds what many sessions share (certificate, trust, ALPN) and is
 * made off the event loop; a session belongs to one connection and one thread.
 * The session never sees a socket: it asks for bytes through tls_io, so the
 * data path keeps its own sockets (and tests their failures).
 */
#ifndef CRYPT_TLS_H
#define CRYPT_TLS_H

#include "base/arena.h"
#include "base/fail.h"
#include "crypt/certificate.h"

enum tls_verify {
    TLS_VERIFY_NONE,     /* no peer certificate wanted */
    TLS_VERIFY_OPTIONAL, /* asked for; when sent it must be good */
    TLS_VERIFY_REQUIRED,
};

struct tls_settings {
    struct bytes chain; /* PEM: the own certificate first; empty: none (clients) */
    struct bytes key;   /* PEM (PKCS 8 or classic); wiped by the caller */
    struct bytes trust; /* PEM bundle; empty with TLS_VERIFY_REQUIRED on a client means the system's roots */
    enum tls_verify verify;
    bool mesh;               /* peers are judged by peer_judge (SPIFFE rules), not by host name */
    int min_version;         /* 12 or 13; 0 means 12, or 13 when mesh */
    int max_version;         /* 0 means the newest */
    const char *const *alpn; /* NULL-terminated, in order of preference; NULL: none */
    struct bytes host;       /* clients, not mesh: verify this name (or IP); empty: not verified */
};

struct tls_context; /* shared by reference; atomically counted */
struct tls_context *tls_context_new_server(const struct tls_settings *settings, struct fail *why);
struct tls_context *tls_context_new_client(const struct tls_settings *settings, struct fail *why);
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

/* How a session gets at its bytes. Both answer >0 bytes moved, 0 end of file (read), -1 try later, -2 broken.
 */
struct tls_io {
    long (*read)(void *owner, char *at, size_t room);
    long (*write)(void *owner, const char *at, size_t len);
    void *owner;
};

/* Called with the client's SNI (empty when none): which context serves it; NULL refuses with
 * unrecognized_name. Borrowed. */
typedef struct tls_context *tls_choose(void *owner, struct bytes sni);

struct tls_session;
struct tls_session *tls_session_new_server(struct tls_context *first, tls_choose *choose,
                                           const struct tls_io *io);
/* `sni` may be empty. */
struct tls_session *tls_session_new_client(struct tls_context *context, struct bytes sni,
                                           const struct tls_io *io);
void tls_session_free(struct tls_session *session);

enum tls_turn {
    TLS_DONE,
    TLS_WANT_READ,
    TLS_WANT_WRITE,
    TLS_CLOSED, /* the peer said close_notify (or, before any byte, simply left) */
    TLS_BROKEN, /* *why says what; the connection is of no more use */
};
enum tls_turn tls_handshake(struct tls_session *session, struct fail *why);
/* *len in: room or bytes; out: bytes moved. A read may be DONE with less than asked. */
enum tls_turn tls_read(struct tls_session *session, char *at, size_t *len, struct fail *why);
enum tls_turn tls_write(struct tls_session *session, const char *at, size_t *len, struct fail *why);
/* Bytes already decrypted, or records already read, that no socket event will announce. */
bool tls_pending(const struct tls_session *session);
/* Sends close_notify if it can without waiting. */
void tls_close(struct tls_session *session);

/* After the handshake; all borrowed from the session. */
struct bytes tls_alpn(const struct tls_session *session);
struct bytes tls_sni(const struct tls_session *session);
const char *tls_version(const struct tls_session *session); /* "TLSv1.3" */
/* The peer's certificate facts, or NULL when it sent none. */
const struct peer *tls_peer(const struct tls_session *session);

/* Before the worker's file system goes away: loads all that OpenSSL would load lazily. */
void tls_warm_up(void);

#endif
