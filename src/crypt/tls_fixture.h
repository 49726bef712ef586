/*
 * tls_fixture: two sessions that meet in memory, for the tests of TLS.
 */
#ifndef CRYPT_TLS_FIXTURE_H
#define CRYPT_TLS_FIXTURE_H

#include "base/test.h"

#include <openssl/ssl.h>

#include "crypt/draft.h"
#include "crypt/tls_memory.h"

#define CLIENT_ID "spiffe://td/ns/a/sa/client"
#define SERVER_ID "spiffe://td/ns/a/sa/server"

struct meeting {
    struct tls_memory ways[2];
    struct tls_memory_end ends[2];
    struct tls_session *client;
    struct tls_session *server;
    enum tls_turn client_turn;
    enum tls_turn server_turn;
    struct fail client_why;
    struct fail server_why;
};

/* Process-wide pieces, made by fixture_begin. */
extern struct arena fixture_arena;
extern struct authority *fixture_root;
extern struct authority *fixture_other;

void fixture_begin(void);
void fixture_end(void);
struct identity_pem fixture_identity(const char *uri);
/* An identity that no authority would issue, signed by `root` (its PEM roots in .roots). */
struct identity_pem fixture_odd(const struct authority *root, const struct draft *draft);
/* What a draft needs to be a good leaf. */
struct draft fixture_draft(const struct bytes *uri);

struct tls_settings fixture_settings(const struct identity_pem *identity, bool mesh, enum tls_verify verify);
struct tls_context *fixture_server(const struct tls_settings *settings);
struct tls_context *fixture_client(const struct tls_settings *settings);

/* Consumes both references. Handshakes until nothing moves any more. */
struct meeting *meeting_new(struct tls_context *client, const char *sni, struct tls_context *server);
void meeting_go(struct meeting *meeting);
void meeting_free(struct meeting *meeting);
/* The server's end alone, with no client yet. */
struct meeting *meeting_new_server(struct tls_context *server);
/* The server's end reads what was put here. */
void meeting_feed_server(struct meeting *meeting, struct bytes b);
void meeting_feed_client(struct meeting *meeting, struct bytes b);

/* OpenSSL's own client against our server, for what our client does not do. */
struct raw_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;
    BIO *out;
    bool done;
};
void raw_begin(struct raw_client *raw, SSL_SESSION *session, const char *sni, int version);
void raw_meet(struct raw_client *raw, struct meeting *meeting);
void raw_end(struct raw_client *raw);

#endif
