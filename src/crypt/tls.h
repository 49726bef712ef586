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
    TLS_VERIFY_OPTIONAL, /* servers: asked for; when sent it must be good. Clients: as REQUIRED */
    TLS_VERIFY_REQUIRED,
};

/* Names that a client takes a server for. */
#define TLS_HOSTS_MAX 64

struct ticket_keys; /* ticket.h */

/* A trust domain that is not ours, and the roots that vouch for its peers and for nobody else. */
struct tls_domain {
    struct bytes name;
    struct bytes roots; /* PEM */
};

struct tls_settings {
    struct bytes chain; /* PEM: the own certificate first; empty: none (clients) */
    struct bytes key;   /* PEM (PKCS 8 or classic); wiped by the caller */
    struct bytes trust; /* PEM bundle; empty on a verifying client that is not mesh: the system's roots */
    enum tls_verify verify;
    bool mesh;               /* peers are judged by peer_judge (SPIFFE rules), not by host name */
    int min_version;         /* 12 or 13; 0 means 12, or 13 when mesh */
    int max_version;         /* 0 means the newest */
    const char *const *alpn; /* NULL-terminated, in order of preference; NULL: none. A server takes the first
                                of its own that the client offers; offers that all miss end the handshake with
                                no_application_protocol (RFC 7301 3.2); a client that offers none goes on */
    struct bytes host;       /* clients, not mesh: verify this name (or IP); empty: not verified */
    const struct bytes *more_hosts; /* names as good as `host`, TLS_HOSTS_MAX at most; URIs go too */
    size_t more_host_count;
    struct bytes pin; /* SHA-256 of the one certificate that the peer may show, and nothing else is asked of
                         it; empty: verified as usual */
    const struct tls_domain *domains; /* mesh: other trust domains whose peers are let in */
    size_t domain_count;
    const struct bytes *revoked; /* serials, lower-case hex: chains that hold one are refused */
    size_t revoked_count;
    struct ticket_keys *tickets; /* servers; a reference is taken. NULL: no session is resumed */
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

/* Called with the client's SNI in lower case (empty when none): which context serves it; NULL refuses with
 * unrecognized_name. Borrowed. Called before anything is negotiated or resumed, once per handshake.
 * `owner` is tls_io's. */
typedef struct tls_context *tls_choose(void *owner, struct bytes sni);

struct tls_session;
/* A session keeps a reference of its context. `choose` may be NULL: `first` serves everybody. */
struct tls_session *tls_session_new_server(struct tls_context *first, tls_choose *choose,
                                           const struct tls_io *io);
/*
 * `sni` may be empty; an IP address is never sent as one (RFC 6066 3). `place`
 * tells servers of one name apart: a session that was kept from the same place is
 * offered for resuming; empty: none is kept. Contexts of clients belong to one
 * thread for that.
 */
struct tls_session *tls_session_new_client(struct tls_context *context, struct bytes sni, struct bytes place,
                                           const struct tls_io *io);
void tls_session_free(struct tls_session *session);

enum tls_turn {
    TLS_DONE,
    TLS_WANT_READ,
    TLS_WANT_WRITE,
    TLS_CLOSED, /* the peer said close_notify (or, before any byte of a handshake, simply left) */
    TLS_BROKEN, /* *why says what; the connection is of no more use */
};
enum tls_turn tls_handshake(struct tls_session *session, struct fail *why);
/*
 * *len in: room or bytes; out: bytes moved (0 unless DONE). A read may be DONE
 * with less than asked. So may a write, and what it did not take must be
 * offered again unchanged (at any address, more may follow): a record of it may
 * be half sent.
 */
enum tls_turn tls_read(struct tls_session *session, char *at, size_t *len, struct fail *why);
enum tls_turn tls_write(struct tls_session *session, const char *at, size_t *len, struct fail *why);
/* Bytes already decrypted, or records already read, that no socket event will announce. False once tls_read
 * said WANT_READ. */
bool tls_pending(const struct tls_session *session);
/* Sends close_notify if it can without waiting. */
void tls_close(struct tls_session *session);

/* After the handshake; all borrowed from the session. */
struct bytes tls_alpn(const struct tls_session *session);
struct bytes tls_sni(const struct tls_session *session);
const char *tls_version(const struct tls_session *session); /* "TLSv1.3" */
bool tls_resumed(const struct tls_session *session);
/* The facts of the peer's certificate; NULL when it sent none, none was verified (TLS_VERIFY_NONE), or the
 * handshake is not done. */
const struct peer *tls_peer(const struct tls_session *session);

/* Before the worker's file system goes away: loads all that OpenSSL would load lazily, the system's roots
 * included. Ends the process when OpenSSL is not usable. */
void tls_warm_up(void);

#endif
