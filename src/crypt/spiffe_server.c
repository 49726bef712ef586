#include "crypt/spiffe_server.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/heap.h"
#include "crypt/x509.h"

struct spiffe_server {
    X509_STORE *store;
    char *id;
};

struct spiffe_server *spiffe_server_new(struct bytes roots, struct bytes id, struct fail *why)
{
    STACK_OF(X509) *all = x509_read_all(roots, X509_BUNDLE_MAX, why);
    if (!all)
        return NULL;
    struct spiffe_server *server = heap_new(struct spiffe_server);
    server->store = x509_store_new(all);
    server->id = heap_text(id);
    x509_stack_free(all);
    return server;
}

void spiffe_server_free(struct spiffe_server *server)
{
    if (!server)
        return;
    X509_STORE_free(server->store);
    free(server->id);
    free(server);
}

static bool leaf_is(X509 *leaf, struct bytes id)
{
    struct arena arena;
    struct x509_names names;
    struct fail ignored;
    arena_init(&arena);
    bool is = x509_names_read(leaf, &arena, &names, &ignored) && x509_leaf_check(leaf, &names, &ignored) &&
              bytes_equal(names.uri, id);
    arena_done(&arena);
    return is;
}

static int on_certificate(X509_STORE_CTX *work, void *owner)
{
    const struct spiffe_server *server = owner;
    if (X509_verify_cert(work) != 1)
        return 0;
    if (leaf_is(X509_STORE_CTX_get0_cert(work), bytes_of(server->id)))
        return 1;
    X509_STORE_CTX_set_error(work, X509_V_ERR_CERT_REJECTED);
    return 0;
}

void spiffe_server_demand(const struct spiffe_server *server, void *ssl_context)
{
    SSL_CTX *ssl = ssl_context;
    SSL_CTX_set1_cert_store(ssl, server->store);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, on_certificate, (void *)(uintptr_t)server);
}
