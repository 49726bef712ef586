/*
 * tls_inside: what a TLS context holds, for tls_context.c and tls_session.c.
 */
#ifndef CRYPT_TLS_INSIDE_H
#define CRYPT_TLS_INSIDE_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "crypt/digest.h"
#include "crypt/ticket.h"
#include "crypt/tls.h"
#include "crypt/tls_hosts.h"
#include "crypt/tls_kept.h"
#include "crypt/tls_vouch.h"

#define TLS_ALPN_MAX 255

struct tls_context {
    atomic_uint refs;
    SSL_CTX *ssl;
    bool server;
    bool mesh;
    enum tls_verify verify;
    int min_version; /* OpenSSL's numbers */
    int max_version;
    unsigned char alpn[TLS_ALPN_MAX]; /* as on the wire */
    unsigned alpn_len;
    struct digest identity; /* of all that decides whether a session of one context is good for another */
    struct ticket_keys *tickets; /* servers'; NULL: no session is resumed */
    struct tls_kept *kept;       /* clients'; NULL: none yet */
    struct digest pin;           /* of the only certificate that counts */
    bool pinned;
    struct tls_vouch vouch;
    struct tls_hosts hosts; /* clients': who the server may be */
};

/* OpenSSL's SSL_VERIFY_* for servers and clients. */
int tls_context_verify_mode(const struct tls_context *context);

/* Callbacks of tls_session.c that every context carries. */
int tls_on_client_hello(SSL *ssl, int *alert, void *owner);
int tls_on_certificate(X509_STORE_CTX *work, void *owner);
int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                unsigned in_len, void *owner);
int tls_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                  int seal);
int tls_on_ticket_made(SSL *ssl, void *owner);
SSL_TICKET_RETURN tls_on_ticket_opened(SSL *ssl, SSL_SESSION *old, const unsigned char *name, size_t name_len,
                                       SSL_TICKET_STATUS status, void *owner);
int tls_on_session(SSL *ssl, SSL_SESSION *session);

#endif
