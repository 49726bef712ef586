#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <openssl/err.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/heap.h"
#include "crypt/tls_inside.h"
#include "crypt/tls_tell.h"
#include "crypt/x509.h"

struct tls_session {
    SSL *ssl;
    struct tls_io io;
    tls_choose *choose;
    struct tls_context *first;   /* whose callbacks are used */
    struct tls_context *context; /* that serves */
    struct tls_story story;
    struct arena arena; /* the peer's texts */
    struct peer peer;
    char *sni;       /* NULL until a ClientHello was read */
    uint64_t server; /* clients: under which its sessions are kept; 0: not at all */
    int64_t
        until_s; /* when the first certificate of the peer's chain ends; of a resumed session: that chain's */
    bool has_peer;
    bool handshaken;
    bool drained; /* the last read found no whole record */
    bool broken;
};

/* The BIO between OpenSSL and the owner's bytes. */

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static int bio_read(BIO *bio, char *at, int room)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    long got = session->io.read(session->io.owner, at, (size_t)room);
    if (got == -1)
        BIO_set_retry_read(bio);
    if (got > 0)
        tls_story_hear(&session->story, at, (size_t)got);
    session->story.ended |= got == 0;
    session->story.cut |= got < -1;
    return got < 0 ? -1 : (int)got;
}

static int bio_write(BIO *bio, const char *at, int len)
{
    struct tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    long put = session->io.write(session->io.owner, at, (size_t)len);
    if (put == -1 || put == 0)
        BIO_set_retry_write(bio);
    session->story.cut |= put < -1;
    return put <= 0 ? -1 : (int)put;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const struct tls_session *session = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF)
        return session->story.ended;
    return command == BIO_CTRL_FLUSH;
}

static void bio_make(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "selvage");
    if (!bio_method)
        abort();
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static BIO *bio_new(struct tls_session *session)
{
    pthread_once(&bio_once, bio_make);
    BIO *bio = BIO_new(bio_method);
    if (!bio)
        abort();
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    return bio;
}

/* What OpenSSL asks during a handshake. */

/* SSL_get_error judges by the queue. It is nearly always empty, and to clear it costs more than to look. */
static void errors_drop(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

static bool read_sni(SSL *ssl, struct bytes *out)
{
    const unsigned char *at;
    size_t len;
    *out = BYTES("");
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) != 1)
        return true;
    /* RFC 6066 3: a list of one, type 0, a name; each with its length before it. */
    if (len < 6 || (size_t)(at[0] << 8 | at[1]) != len - 2 || at[2] != 0 ||
        (size_t)(at[3] << 8 | at[4]) != len - 5 || len - 5 > 255)
        return false;
    *out = bytes_make(at + 5, len - 5);
    for (size_t i = 0; i < out->len; i++)
        if (out->at[i] < 0x21 || out->at[i] > 0x7e)
            return false;
    return true;
}

static char *lower_text(struct bytes b)
{
    char *text = heap_text(b);
    for (char *c = text; *c; c++)
        *c = ascii_lower(*c);
    return text;
}

/* Resumption only where context and name are the same. */
static void bind_resumption(struct tls_session *session)
{
    struct digest_work *work = digest_start();
    digest_more(work, bytes_make(session->context->identity.bytes, DIGEST_SIZE));
    digest_more(work, bytes_of(session->sni));
    struct digest bound = digest_end(work);
    SSL_set_session_id_context(session->ssl, bound.bytes, DIGEST_SIZE);
}

/* SSL_set_SSL_CTX brings certificate, trust and ALPN over, and nothing else. */
static void serve_by(struct tls_session *session, struct tls_context *context)
{
    SSL *ssl = session->ssl;
    if (context != session->context) {
        SSL_set_SSL_CTX(ssl, context->ssl);
        tls_context_unref(session->context);
        session->context = tls_context_ref(context);
    }
    SSL_set_verify(ssl, tls_context_verify_mode(context), NULL);
    SSL_set_min_proto_version(ssl, context->min_version);
    SSL_set_max_proto_version(ssl, context->max_version);
    bool tickets = context->tickets && ticket_keys_any(context->tickets);
    SSL_set_num_tickets(ssl, tickets ? 1 : 0);
    if (tickets)
        SSL_clear_options(ssl, SSL_OP_NO_TICKET);
    else
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
    bind_resumption(session);
}

static int refuse_hello(struct tls_session *session, int *alert, int description, const char *sentence)
{
    struct fail why;
    *alert = description;
    fail(&why, FAIL_PEER, "%s", sentence);
    tls_story_refuse(&session->story, &why);
    return SSL_CLIENT_HELLO_ERROR;
}

int tls_on_client_hello(SSL *ssl, int *alert, void *owner)
{
    (void)owner;
    struct tls_session *session = SSL_get_app_data(ssl);
    struct bytes sni;
    if (!read_sni(ssl, &sni))
        return refuse_hello(session, alert, SSL_AD_DECODE_ERROR,
                            "the client's server name (SNI) is malformed");
    if (session->sni) /* the second ClientHello, after a retry: nothing is chosen again */
        return bytes_equal_nocase(sni, bytes_of(session->sni))
                   ? SSL_CLIENT_HELLO_SUCCESS
                   : refuse_hello(session, alert, SSL_AD_ILLEGAL_PARAMETER,
                                  "the client changed its server name (SNI) within one handshake");
    session->sni = lower_text(sni);
    struct tls_context *context =
        session->choose ? session->choose(session->io.owner, bytes_of(session->sni)) : session->first;
    if (!context)
        return refuse_hello(session, alert, SSL_AD_UNRECOGNIZED_NAME,
                            "nothing is served here under the client's server name (SNI)");
    serve_by(session, context);
    return SSL_CLIENT_HELLO_SUCCESS;
}

int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                unsigned in_len, void *owner)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    const struct tls_context *context = owner;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, context->alpn, context->alpn_len, in, in_len) ==
        OPENSSL_NPN_NEGOTIATED) {
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
    }
    struct fail why;
    fail(&why, FAIL_PEER, "the client offers no application protocol (ALPN) that is spoken here");
    tls_story_refuse(&session->story, &why);
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                  int seal)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    struct ticket_keys *keys = session->context->tickets;
    if (!keys)
        return seal ? -1 : 0;
    return ticket_keys_use(keys, name, iv, cipher, mac, seal);
}

/* A ticket that is given for a ticket ends no later than the first one would have. */
int tls_on_ticket_made(SSL *ssl, void *owner)
{
    const struct tls_session *session = SSL_get_app_data(ssl);
    (void)owner;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &session->until_s, sizeof session->until_s);
}

/* Whether who comes back would be let in by a full handshake too; if not, or if that cannot be known, it is
 * one. */
SSL_TICKET_RETURN tls_on_ticket_opened(SSL *ssl, SSL_SESSION *old, const unsigned char *name, size_t name_len,
                                       SSL_TICKET_STATUS status, void *owner)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    void *until = NULL;
    size_t len = 0;
    (void)name;
    (void)name_len;
    (void)owner;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (SSL_SESSION_get0_ticket_appdata(old, &until, &len) != 1 || len != sizeof session->until_s)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    memcpy(&session->until_s, until, sizeof session->until_s);
    bool missing = session->context->verify == TLS_VERIFY_REQUIRED && !SSL_SESSION_get0_peer(old);
    if (session->until_s > clock_wall_s() && !missing)
        return SSL_TICKET_RETURN_USE_RENEW;
    session->until_s = INT64_MAX;
    return SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* A server gave us a ticket. A copy is kept: the session itself ends with the connection. */
int tls_on_session(SSL *ssl, SSL_SESSION *got)
{
    struct tls_session *session = SSL_get_app_data(ssl);
    SSL_SESSION *copy = session->server ? SSL_SESSION_dup(got) : NULL;
    if (copy)
        tls_kept_put(&session->context->kept, session->server, copy, session->until_s);
    errors_drop();
    return 0;
}

/* From the leaf up. */
static struct bytes chain_serials(STACK_OF(X509) * chain, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        text_add_s(&text, i ? " " : "");
        text_add(&text, x509_serial(sk_X509_value(chain, i), arena));
    }
    return text_bytes(&text);
}

static bool judge_leaf(struct tls_session *session, X509 *leaf, struct fail *why)
{
    struct peer peer;
    if (!peer_read(leaf, &session->arena, &peer, why))
        return false;
    struct x509_names names = {.uri = peer.uri, .uri_count = peer.uri_count};
    if (session->context->mesh && !x509_leaf_check(leaf, &names, why))
        return false;
    if (!tls_hosts_check(&session->context->hosts, leaf, why))
        return false;
    session->peer = peer;
    session->has_peer = true;
    return true;
}

static int64_t chain_end_s(const X509_STORE_CTX *work)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(work);
    int64_t end_s = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct tm tm;
        bool known = ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &tm) == 1;
        int64_t at_s = known ? timegm(&tm) : 0;
        end_s = at_s < end_s ? at_s : end_s;
    }
    return end_s;
}

/* The handshake has shown that the peer holds the key of what it shows. */
static bool pin_check(const struct tls_context *context, X509 *leaf, struct fail *why)
{
    struct digest digest;
    unsigned len = sizeof digest.bytes;
    return (X509_digest(leaf, EVP_sha256(), digest.bytes, &len) == 1 &&
            CRYPTO_memcmp(digest.bytes, context->pin.bytes, sizeof digest.bytes) == 0) ||
           fail(why, FAIL_PEER, "the server shows another certificate than the one that was pinned");
}

int tls_on_certificate(X509_STORE_CTX *work, void *owner)
{
    (void)owner;
    SSL *ssl = X509_STORE_CTX_get_ex_data(work, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_session *session = SSL_get_app_data(ssl);
    struct fail why;
    if (session->context->pinned) {
        if (pin_check(session->context, X509_STORE_CTX_get0_cert(work), &why))
            return 1;
        tls_story_refuse(&session->story, &why);
        X509_STORE_CTX_set_error(work, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    STACK_OF(X509) *others = tls_vouch_roots(&session->context->vouch, X509_STORE_CTX_get0_cert(work));
    if (others)
        X509_STORE_CTX_set0_trusted_stack(work, others);
    if (X509_verify_cert(work) != 1) {
        tls_tell_chain(X509_STORE_CTX_get_error(work), X509_STORE_CTX_get_error_depth(work), &why);
        tls_story_refuse(&session->story, &why);
        return 0;
    }
    session->until_s = chain_end_s(work);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(work);
    if (tls_vouch_check(&session->context->vouch, chain, &why) &&
        judge_leaf(session, X509_STORE_CTX_get0_cert(work), &why)) {
        session->peer.serials = chain_serials(chain, &session->arena);
        return 1;
    }
    fail_in(&why, "the peer's certificate is refused");
    tls_story_refuse(&session->story, &why);
    X509_STORE_CTX_set_error(work, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* Life of a session. */

/* What OpenSSL 3.0 holds for a session at rest, measured (docs/reliability.md): it counts nothing itself. */
enum { SESSION_COST = 14 * 1024 };

static struct tls_session *session_new(struct tls_context *context, const struct tls_io *io)
{
    struct tls_session *session = heap_new(struct tls_session);
    heap_count(SESSION_COST);
    session->io = *io;
    session->first = tls_context_ref(context);
    session->context = tls_context_ref(context);
    session->until_s = INT64_MAX;
    arena_init(&session->arena);
    errors_drop();
    session->ssl = SSL_new(context->ssl);
    if (!session->ssl)
        abort(); /* out of memory is its only reason */
    SSL_set_app_data(session->ssl, session);
    BIO *bio = bio_new(session);
    SSL_set_bio(session->ssl, bio, bio);
    return session;
}

struct tls_session *tls_session_new_server(struct tls_context *first, tls_choose *choose,
                                           const struct tls_io *io)
{
    struct tls_session *session = session_new(first, io);
    session->choose = choose;
    session->story.server = true;
    SSL_set_accept_state(session->ssl);
    return session;
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

/* The name with its length, so that no name and place look like two others. */
static uint64_t server_of(struct bytes sni, struct bytes place)
{
    uint64_t name = hash_stable(sni), both[] = {name, hash_stable(place)};
    return hash_stable(bytes_make(both, sizeof both));
}

static void resume(struct tls_session *session)
{
    SSL_SESSION *old =
        tls_kept_get(session->context->kept, session->server, clock_wall_s(), &session->until_s);
    if (old)
        SSL_set_session(session->ssl, old);
    SSL_SESSION_free(old);
}

struct tls_session *tls_session_new_client(struct tls_context *context, struct bytes sni, struct bytes place,
                                           const struct tls_io *io)
{
    struct tls_session *session = session_new(context, io);
    session->sni = lower_text(sni);
    SSL_set_connect_state(session->ssl);
    if (sni.len && !is_address(session->sni))
        SSL_set_tlsext_host_name(session->ssl, session->sni);
    if (place.len) {
        session->server = server_of(bytes_of(session->sni), place);
        resume(session);
    }
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    tls_context_unref(session->context);
    tls_context_unref(session->first);
    tls_story_done(&session->story);
    arena_done(&session->arena);
    free(session->sni);
    heap_uncount(SESSION_COST);
    free(session);
}

/* Bytes. */

static enum tls_turn turn_of(struct tls_session *session, int result, struct fail *why)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_NONE:
        return TLS_DONE;
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CLOSED;
    default:
        session->broken = true;
        return tls_story_tell(&session->story, session->handshaken, why);
    }
}

static enum tls_turn again(struct fail *why)
{
    fail(why, FAIL_PEER, "the TLS session broke before");
    return TLS_BROKEN;
}

/* No certificate was shown: the one of the session stands for it, and is judged as if it had been. */
static bool resumed_judge(struct tls_session *session, struct fail *why)
{
    if (!SSL_session_reused(session->ssl) || session->context->verify == TLS_VERIFY_NONE)
        return true;
    X509 *leaf = SSL_get0_peer_certificate(session->ssl);
    if (leaf)
        return judge_leaf(session, leaf, why) || fail_in(why, "the peer's certificate is refused");
    return session->context->server && session->context->verify == TLS_VERIFY_OPTIONAL
               ? true
               : fail(why, FAIL_DENIED, "the resumed session has no certificate of the peer");
}

enum tls_turn tls_handshake(struct tls_session *session, struct fail *why)
{
    if (session->broken)
        return again(why);
    if (session->handshaken)
        return TLS_DONE;
    errors_drop();
    enum tls_turn turn = turn_of(session, SSL_do_handshake(session->ssl), why);
    if (turn != TLS_DONE)
        return turn;
    if (!resumed_judge(session, why)) {
        session->broken = true;
        return TLS_BROKEN;
    }
    session->handshaken = true;
    return TLS_DONE;
}

enum tls_turn tls_read(struct tls_session *session, char *at, size_t *len, struct fail *why)
{
    size_t room = *len;
    *len = 0;
    enum tls_turn turn = tls_handshake(session, why);
    if (turn != TLS_DONE || !room)
        return turn;
    errors_drop();
    turn = turn_of(session, SSL_read_ex(session->ssl, at, room, len), why);
    session->drained = turn == TLS_WANT_READ;
    return turn;
}

enum tls_turn tls_write(struct tls_session *session, const char *at, size_t *len, struct fail *why)
{
    size_t left = *len;
    *len = 0;
    enum tls_turn turn = tls_handshake(session, why);
    while (turn == TLS_DONE && left) {
        size_t put = 0;
        errors_drop();
        turn = turn_of(session, SSL_write_ex(session->ssl, at, left, &put), why);
        at += put;
        left -= put;
        *len += put;
    }
    return turn != TLS_BROKEN && *len ? TLS_DONE : turn;
}

bool tls_pending(const struct tls_session *session)
{
    return !session->drained && !session->broken && SSL_has_pending(session->ssl);
}

void tls_close(struct tls_session *session)
{
    if (session->broken || !session->handshaken)
        return;
    errors_drop();
    SSL_shutdown(session->ssl);
    errors_drop();
}

/* Facts. */

struct bytes tls_alpn(const struct tls_session *session)
{
    const unsigned char *at;
    unsigned len;
    SSL_get0_alpn_selected(session->ssl, &at, &len);
    return bytes_make(at, len);
}

struct bytes tls_sni(const struct tls_session *session)
{
    return bytes_of(session->sni);
}

const char *tls_version(const struct tls_session *session)
{
    return SSL_get_version(session->ssl);
}

bool tls_resumed(const struct tls_session *session)
{
    return session->handshaken && SSL_session_reused(session->ssl) == 1;
}

const struct peer *tls_peer(const struct tls_session *session)
{
    return session->has_peer && session->handshaken ? &session->peer : NULL;
}
