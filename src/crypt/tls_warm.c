#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "base/heap.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "crypt/roots.h"
#include "crypt/ticket.h"
#include "crypt/tls_memory.h"

static void must(bool good, const struct fail *why)
{
    if (good)
        return;
    log_error("OpenSSL is not usable: %s", why->text);
    abort();
}

/* Client and server by turns until both are done or one is broken. */
static bool meet(struct tls_session *client, struct tls_session *server, struct fail *why)
{
    enum tls_turn turn[2] = {TLS_WANT_READ, TLS_WANT_READ};
    for (int round = 0; round < 20 && (turn[0] != TLS_DONE || turn[1] != TLS_DONE); round++) {
        turn[0] = tls_handshake(client, why);
        turn[1] = turn[0] == TLS_BROKEN ? TLS_BROKEN : tls_handshake(server, why);
        if (turn[1] == TLS_BROKEN)
            return false;
    }
    return turn[0] == TLS_DONE && turn[1] == TLS_DONE;
}

static bool exchange(struct tls_session *client, struct tls_session *server, struct fail *why)
{
    char byte = 'x';
    size_t len = 1;
    if (!meet(client, server, why) || tls_write(client, &byte, &len, why) != TLS_DONE)
        return false;
    len = 1;
    (void)tls_read(client, &byte, &len, why); /* takes in a ticket */
    len = 1;
    return tls_read(server, &byte, &len, why) == TLS_DONE;
}

static bool try_settings(const struct tls_settings *settings, struct fail *why)
{
    struct tls_context *server_context = tls_context_new_server(settings, why);
    struct tls_context *client_context = server_context ? tls_context_new_client(settings, why) : NULL;
    bool good = false;
    /* Twice: the second resumes, where there are tickets. */
    for (int i = 0; client_context && i < 2; i++) {
        struct tls_memory *ways = heap_alloc_array(2, sizeof *ways);
        struct tls_memory_end ends[2] = {{&ways[0], &ways[1]}, {&ways[1], &ways[0]}};
        struct tls_io client_io = tls_memory_io(&ends[0]);
        struct tls_io server_io = tls_memory_io(&ends[1]);
        struct tls_session *client =
            tls_session_new_client(client_context, BYTES("warm.up"), BYTES("warm"), &client_io);
        struct tls_session *server = tls_session_new_server(server_context, NULL, &server_io);
        good = exchange(client, server, why);
        tls_session_free(client);
        tls_session_free(server);
        free(ways);
    }
    tls_context_unref(client_context);
    tls_context_unref(server_context);
    return good;
}

/* Each way a session may go later: mesh, plain 1.3 with a ticket, 1.2, and one that fails. */
static void try_all(const struct identity_pem *identity, const struct identity_pem *stranger)
{
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    struct fail why = {.text = "a handshake in memory did not end"};
    char random[TICKET_KEY_SIZE];
    const struct bytes key = bytes_make(random, sizeof random);
    struct ticket_keys *tickets = ticket_keys_new();
    random_bytes(random, sizeof random);
    ticket_keys_set(tickets, &key, 1);
    struct tls_settings settings = {
        .chain = identity->chain,
        .key = identity->key,
        .trust = identity->roots,
        .verify = TLS_VERIFY_REQUIRED,
        .mesh = true,
        .alpn = alpn,
        .tickets = tickets,
    };
    must(try_settings(&settings, &why), &why);
    settings.trust = stranger->roots;
    must(!try_settings(&settings, &why), &why);
    settings.mesh = false;
    settings.verify = TLS_VERIFY_NONE;
    must(try_settings(&settings, &why), &why);
    settings.max_version = 12;
    must(try_settings(&settings, &why), &why);
    ticket_keys_unref(tickets);
}

static void issue(struct arena *arena, struct identity_pem *out)
{
    struct fail why;
    struct authority *root = authority_new_root(BYTES("warm.up"), 1, &why);
    must(root != NULL, &why);
    must(authority_issue(root, BYTES("spiffe://warm.up/ns/a/sa/b"), NULL, 0, 60, arena, out, &why), &why);
    authority_free(root);
}

void tls_warm_up(void)
{
    OPENSSL_init_ssl(
        OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_LOAD_CONFIG, NULL);
    roots_load();
    struct arena arena;
    struct identity_pem identity;
    struct identity_pem stranger;
    arena_init(&arena);
    issue(&arena, &identity);
    issue(&arena, &stranger);
    try_all(&identity, &stranger);
    arena_done(&arena);
}
