#include "crypt/tls_fixture.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/heap.h"

struct arena fixture_arena;
struct authority *fixture_root;
struct authority *fixture_other;

void fixture_begin(void)
{
    struct fail why;
    arena_init(&fixture_arena);
    fixture_root = authority_new_root(BYTES("td"), 10, &why);
    fixture_other = authority_new_root(BYTES("td"), 10, &why);
    assert_non_null(fixture_root);
    assert_non_null(fixture_other);
}

void fixture_end(void)
{
    authority_free(fixture_root);
    authority_free(fixture_other);
    arena_done(&fixture_arena);
    arena_stock_drop();
}

struct identity_pem fixture_identity(const char *uri)
{
    struct identity_pem out;
    struct fail why;
    const struct bytes dns = BYTES("server.test");
    assert_true(authority_issue(fixture_root, bytes_of(uri), &dns, 1, 3600, &fixture_arena, &out, &why));
    return out;
}

struct draft fixture_draft(const struct bytes *uri)
{
    static const int purposes[] = {NID_server_auth, NID_client_auth, 0};
    return (struct draft){
        .uris = uri,
        .uri_count = 1,
        .path_length = -1,
        .key_usage = KU_DIGITAL_SIGNATURE,
        .purposes = purposes,
        .not_before_s = clock_wall_s() - 60,
        .not_after_s = clock_wall_s() + 3600,
    };
}

static struct bytes pem_of(X509 *cert)
{
    STACK_OF(X509) *one = sk_X509_new_null();
    sk_X509_push(one, cert);
    struct bytes pem = x509_pem(one, &fixture_arena);
    sk_X509_free(one);
    return pem;
}

struct identity_pem fixture_odd(const struct authority *root, const struct draft *draft)
{
    struct fail why;
    STACK_OF(X509) *certs = x509_read_all(authority_cert_pem(root, &fixture_arena), 1, &why);
    EVP_PKEY *root_key = x509_key_read(authority_key_pem(root, &fixture_arena), &why);
    EVP_PKEY *key = draft_key_new(&why);
    X509 *leaf = draft_sign(draft, key, sk_X509_value(certs, 0), root_key, &why);
    assert_non_null(leaf);
    struct identity_pem out = {
        .chain = pem_of(leaf),
        .key = x509_key_pem(key, &fixture_arena),
        .roots = authority_roots_pem(fixture_root, &fixture_arena),
    };
    X509_free(leaf);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
    x509_stack_free(certs);
    return out;
}

struct tls_settings fixture_settings(const struct identity_pem *identity, bool mesh, enum tls_verify verify)
{
    return (struct tls_settings){
        .chain = identity->chain,
        .key = identity->key,
        .trust = identity->roots,
        .verify = verify,
        .mesh = mesh,
    };
}

struct tls_context *fixture_server(const struct tls_settings *settings)
{
    struct fail why = {0};
    struct tls_context *context = tls_context_new_server(settings, &why);
    if (!context)
        assert_string_equal(why.text, "");
    return context;
}

struct tls_context *fixture_client(const struct tls_settings *settings)
{
    struct fail why = {0};
    struct tls_context *context = tls_context_new_client(settings, &why);
    if (!context)
        assert_string_equal(why.text, "");
    return context;
}

struct meeting *meeting_new_server(struct tls_context *server)
{
    struct meeting *meeting = heap_new(struct meeting);
    meeting->ends[0] = (struct tls_memory_end){&meeting->ways[0], &meeting->ways[1]};
    meeting->ends[1] = (struct tls_memory_end){&meeting->ways[1], &meeting->ways[0]};
    meeting->client_turn = TLS_WANT_READ;
    meeting->server_turn = TLS_WANT_READ;
    struct tls_io io = tls_memory_io(&meeting->ends[1]);
    meeting->server = tls_session_new_server(server, NULL, &io);
    tls_context_unref(server);
    return meeting;
}

struct meeting *meeting_new(struct tls_context *client, const char *sni, struct tls_context *server)
{
    struct meeting *meeting = meeting_new_server(server);
    struct tls_io io = tls_memory_io(&meeting->ends[0]);
    meeting->client = tls_session_new_client(client, bytes_of(sni), BYTES("place"), &io);
    tls_context_unref(client);
    return meeting;
}

static void turn(struct tls_session *session, enum tls_turn *last, struct fail *why)
{
    if (*last == TLS_WANT_READ || *last == TLS_WANT_WRITE)
        *last = tls_handshake(session, why);
}

/* A client of TLS 1.3 is done before the server judged its certificate, so it reads once more. */
static void listen_once(struct meeting *meeting)
{
    char byte;
    size_t len = 1;
    if (meeting->client_turn == TLS_DONE && meeting->server_turn == TLS_BROKEN)
        meeting->client_turn = tls_read(meeting->client, &byte, &len, &meeting->client_why);
}

void meeting_go(struct meeting *meeting)
{
    for (int round = 0; round < 10000; round++) {
        turn(meeting->client, &meeting->client_turn, &meeting->client_why);
        turn(meeting->server, &meeting->server_turn, &meeting->server_why);
    }
    listen_once(meeting);
}

void meeting_free(struct meeting *meeting)
{
    tls_session_free(meeting->client);
    tls_session_free(meeting->server);
    free(meeting);
}

static void feed(struct tls_memory *memory, struct bytes b)
{
    assert_true(memory->to + b.len <= sizeof memory->at);
    memcpy(memory->at + memory->to, b.at, b.len);
    memory->to += b.len;
}

void meeting_feed_server(struct meeting *meeting, struct bytes b)
{
    feed(&meeting->ways[1], b);
}

void meeting_feed_client(struct meeting *meeting, struct bytes b)
{
    feed(&meeting->ways[0], b);
}

void raw_begin(struct raw_client *raw, SSL_SESSION *session, const char *sni, int version)
{
    char *name = heap_text(bytes_of(sni)); /* OpenSSL wants it writable */
    *raw = (struct raw_client){.context = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_security_level(raw->context, 0);
    SSL_CTX_set_min_proto_version(raw->context, version);
    SSL_CTX_set_max_proto_version(raw->context, version);
    SSL_CTX_set_cipher_list(raw->context, "ALL:@SECLEVEL=0");
    raw->ssl = SSL_new(raw->context);
    raw->in = BIO_new(BIO_s_mem());
    raw->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(raw->in, -1);
    SSL_set_bio(raw->ssl, raw->in, raw->out);
    SSL_ctrl(raw->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
    free(name);
    if (session)
        SSL_set_session(raw->ssl, session);
    SSL_set_connect_state(raw->ssl);
}

/* Moves bytes of the raw client to and from the server's end. */
static void carry(struct raw_client *raw, struct meeting *meeting)
{
    char buffer[32 * 1024];
    struct tls_io io = tls_memory_io(&meeting->ends[0]);
    int len;
    while ((len = BIO_read(raw->out, buffer, sizeof buffer)) > 0)
        io.write(io.owner, buffer, (size_t)len);
    turn(meeting->server, &meeting->server_turn, &meeting->server_why);
    long got;
    while ((got = io.read(io.owner, buffer, sizeof buffer)) > 0)
        BIO_write(raw->in, buffer, (int)got);
}

void raw_meet(struct raw_client *raw, struct meeting *meeting)
{
    char byte;
    for (int round = 0; round < 10; round++) {
        raw->done = SSL_do_handshake(raw->ssl) == 1;
        carry(raw, meeting);
    }
    if (raw->done)
        SSL_read(raw->ssl, &byte, 1); /* takes in tickets */
    ERR_clear_error();
}

void raw_end(struct raw_client *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->context);
}
