#include <string.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/heap.h"
#include "crypt/roots.h"
#include "crypt/tls_inside.h"
#include "crypt/x509.h"

enum {
    CHAIN_DEPTH_MAX = 8,
    CLIENT_NAMES_MAX = 16, /* more roots than this are not listed in a certificate request */
    SECURITY_LEVEL = 2,    /* 112 bits: RSA 2048, no SHA-1, whatever openssl.cnf says */
};

static const char ciphers_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

int tls_context_verify_mode(const struct tls_context *context)
{
    if (context->verify == TLS_VERIFY_NONE)
        return SSL_VERIFY_NONE;
    if (context->server && context->verify == TLS_VERIFY_OPTIONAL)
        return SSL_VERIFY_PEER;
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->ssl);
    ticket_keys_unref(context->tickets);
    tls_kept_free(context->kept);
    tls_hosts_done(&context->hosts);
    tls_vouch_done(&context->vouch);
    free(context);
}

/* 12, 13 or 0 for `otherwise`. */
static bool version_of(int number, int otherwise, int *out, struct fail *why)
{
    switch (number) {
    case 0:
        *out = otherwise;
        return true;
    case 12:
        *out = TLS1_2_VERSION;
        return true;
    case 13:
        *out = TLS1_3_VERSION;
        return true;
    default:
        return fail(why, FAIL_INPUT, "TLS version %d is none of 12 and 13", number);
    }
}

static bool set_versions(struct tls_context *context, const struct tls_settings *settings, struct fail *why)
{
    if (!version_of(settings->min_version, settings->mesh ? TLS1_3_VERSION : TLS1_2_VERSION,
                    &context->min_version, why) ||
        !version_of(settings->max_version, TLS1_3_VERSION, &context->max_version, why))
        return false;
    if (context->min_version > context->max_version)
        return fail(why, FAIL_INPUT, "the least TLS version (%s) is above the greatest (%s)",
                    context->min_version == TLS1_3_VERSION ? "1.3" : "1.2",
                    context->max_version == TLS1_3_VERSION ? "1.3" : "1.2");
    return true;
}

static bool set_alpn(struct tls_context *context, const char *const *names, struct fail *why)
{
    for (; names && *names; names++) {
        size_t len = strlen(*names);
        if (!len || context->alpn_len + len + 1 > TLS_ALPN_MAX)
            return fail(why, FAIL_INPUT, "ALPN: '%.40s' is empty or one too many", *names);
        context->alpn[context->alpn_len++] = (unsigned char)len;
        memcpy(context->alpn + context->alpn_len, *names, len);
        context->alpn_len += (unsigned)len;
    }
    return true;
}

/* What holds for every context, whatever its settings. */
static bool set_ground(struct tls_context *context, struct fail *why)
{
    SSL_CTX *ssl = context->ssl;
    char groups[] = "X25519:P-256"; /* OpenSSL's macro casts const away */
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ssl, 1); /* one read() fetches a record's head and body */
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify_depth(ssl, CHAIN_DEPTH_MAX);
    if (SSL_CTX_set_min_proto_version(ssl, context->min_version) == 1 &&
        SSL_CTX_set_max_proto_version(ssl, context->max_version) == 1 &&
        SSL_CTX_set_cipher_list(ssl, ciphers_12) == 1 && SSL_CTX_set_ciphersuites(ssl, ciphers_13) == 1 &&
        SSL_CTX_set1_groups_list(ssl, groups) == 1)
        return true;
    return x509_fail(why, FAIL_SELF, "OpenSSL lacks what TLS needs");
}

static bool use_identity(SSL_CTX *ssl, STACK_OF(X509) * all, EVP_PKEY *key, struct fail *why)
{
    X509 *own = sk_X509_value(all, 0);
    if (X509_check_private_key(own, key) != 1) {
        ERR_clear_error();
        return fail(why, FAIL_INPUT, "the private key does not belong to the certificate");
    }
    STACK_OF(X509) *above = sk_X509_dup(all);
    sk_X509_shift(above);
    bool good = SSL_CTX_use_cert_and_key(ssl, own, key, above, 1) == 1;
    sk_X509_free(above);
    return good || x509_fail(why, FAIL_INPUT, "the certificate cannot be used");
}

static bool set_identity(struct tls_context *context, const struct tls_settings *settings, struct fail *why)
{
    if (!settings->chain.len && !context->server)
        return true;
    if (!settings->chain.len)
        return fail(why, FAIL_INPUT, "a TLS server needs a certificate");
    STACK_OF(X509) *all = x509_read_all(settings->chain, X509_CHAIN_MAX, why);
    if (!all)
        return fail_in(why, "certificate");
    EVP_PKEY *key = x509_key_read(settings->key, why);
    bool good = key && use_identity(context->ssl, all, key, why);
    EVP_PKEY_free(key);
    x509_stack_free(all);
    return good;
}

static void push(X509 *root, void *self)
{
    sk_X509_push(self, root);
}

/* Tells clients which of their certificates could do. */
static void list_names(struct tls_context *context, STACK_OF(X509) * roots)
{
    STACK_OF(X509) *all = sk_X509_dup(roots);
    tls_vouch_each(&context->vouch, push, all);
    for (int i = 0; sk_X509_num(all) <= CLIENT_NAMES_MAX && i < sk_X509_num(all); i++)
        SSL_CTX_add_client_CA(context->ssl, sk_X509_value(all, i));
    sk_X509_free(all);
}

static X509_STORE *open_trust(struct tls_context *context, const struct tls_settings *settings,
                              struct fail *why)
{
    if (!settings->trust.len && !context->server && !context->mesh)
        return roots_store(why);
    if (!settings->trust.len) {
        fail(why, FAIL_INPUT, "verifying %s needs a trust bundle",
             context->server ? "clients" : "mesh servers");
        return NULL;
    }
    STACK_OF(X509) *roots = x509_read_all(settings->trust, X509_BUNDLE_MAX, why);
    if (!roots) {
        fail_in(why, "trust bundle");
        return NULL;
    }
    X509_STORE *store = x509_store_new(roots);
    if (context->server)
        list_names(context, roots);
    x509_stack_free(roots);
    return store;
}

static bool set_hosts(struct tls_context *context, const struct tls_settings *settings, struct fail *why)
{
    bool fine = !settings->host.len || tls_hosts_add(&context->hosts, settings->host, why);
    for (size_t i = 0; i < settings->more_host_count; i++)
        fine = fine && tls_hosts_add(&context->hosts, settings->more_hosts[i], why);
    return fine;
}

static bool set_pin(struct tls_context *context, struct bytes pin, struct fail *why)
{
    if (pin.len != sizeof context->pin.bytes)
        return fail(why, FAIL_INPUT, "a pin of %zu bytes; %zu are right", pin.len, sizeof context->pin.bytes);
    memcpy(context->pin.bytes, pin.at, pin.len);
    context->pinned = true;
    SSL_CTX_set_cert_verify_callback(context->ssl, tls_on_certificate, NULL);
    return true;
}

static bool set_trust(struct tls_context *context, const struct tls_settings *settings, struct fail *why)
{
    SSL_CTX_set_verify(context->ssl, tls_context_verify_mode(context), NULL);
    if (context->verify == TLS_VERIFY_NONE)
        return true;
    if (!tls_vouch_init(&context->vouch, settings, why))
        return false;
    if (settings->pin.len)
        return set_pin(context, settings->pin, why);
    X509_STORE *store = open_trust(context, settings, why);
    if (!store)
        return false;
    SSL_CTX_set_cert_store(context->ssl, store);
    SSL_CTX_set_cert_verify_callback(context->ssl, tls_on_certificate, NULL);
    return context->server || context->mesh || set_hosts(context, settings, why);
}

/* Length before content, so that no two different settings run together to the same bytes. */
static void add_part(struct digest_work *work, const void *at, size_t len)
{
    uint64_t size = len;
    digest_more(work, bytes_make(&size, sizeof size));
    digest_more(work, bytes_make(at, len));
}

/* Who the certificate says we are: it may be renewed, and sessions go on. */
static void add_own_names(struct digest_work *work, const struct tls_context *context)
{
    const X509 *own = SSL_CTX_get0_certificate(context->ssl);
    int at = own ? X509_get_ext_by_NID(own, NID_subject_alt_name, -1) : -1;
    const ASN1_OCTET_STRING *names = at >= 0 ? X509_EXTENSION_get_data(X509_get_ext(own, at)) : NULL;
    add_part(work, names ? (const char *)ASN1_STRING_get0_data(names) : "",
             names ? (size_t)ASN1_STRING_length(names) : 0);
}

static struct digest identity_of(const struct tls_context *context, const struct tls_settings *settings)
{
    struct digest_work *work = digest_start();
    int numbers[] = {(int)context->verify, context->mesh, context->min_version, context->max_version};
    add_part(work, numbers, sizeof numbers);
    add_own_names(work, context);
    add_part(work, settings->trust.at, settings->trust.len);
    add_part(work, context->pin.bytes, sizeof context->pin.bytes);
    tls_vouch_feed(&context->vouch, work);
    add_part(work, context->alpn, context->alpn_len);
    return digest_end(work);
}

/*
 * A ticket is good where it would have been given: it is bound to the SNI and to
 * the context's identity, thus to the trust bundle and to what is demanded of
 * clients (CVE-2025-23419, CVE-2022-21654). A client's certificate lies in it, and
 * when the chain that vouched for it ends; it is judged anew each time.
 */
static void set_server(struct tls_context *context, struct ticket_keys *tickets)
{
    SSL_CTX *ssl = context->ssl;
    context->tickets = tickets ? ticket_keys_ref(tickets) : NULL;
    SSL_CTX_set_timeout(ssl, TICKET_LIFE_S);
    SSL_CTX_set_max_early_data(ssl, 0); /* replayed requests are worse than a round trip */
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, tls_on_ticket);
    SSL_CTX_set_session_ticket_cb(ssl, tls_on_ticket_made, tls_on_ticket_opened, NULL);
    SSL_CTX_set_client_hello_cb(ssl, tls_on_client_hello, NULL);
    SSL_CTX_set_session_id_context(ssl, context->identity.bytes, DIGEST_SIZE);
    if (context->alpn_len)
        SSL_CTX_set_alpn_select_cb(ssl, tls_on_alpn, context);
}

static void set_client(struct tls_context *context)
{
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context->ssl, tls_on_session);
    if (context->alpn_len)
        SSL_CTX_set_alpn_protos(context->ssl, context->alpn, context->alpn_len);
}

static bool fill(struct tls_context *context, const struct tls_settings *settings, struct fail *why)
{
    if (!set_versions(context, settings, why) || !set_alpn(context, settings->alpn, why))
        return false;
    ERR_clear_error();
    context->ssl = SSL_CTX_new(context->server ? TLS_server_method() : TLS_client_method());
    if (!context->ssl)
        return x509_fail(why, FAIL_SELF, "OpenSSL gives no TLS context");
    if (!set_ground(context, why) || !set_identity(context, settings, why) ||
        !set_trust(context, settings, why))
        return false;
    context->identity = identity_of(context, settings);
    if (context->server)
        set_server(context, settings->tickets);
    else
        set_client(context);
    return true;
}

static struct tls_context *context_new(bool server, const struct tls_settings *settings, struct fail *why)
{
    struct tls_context *context = heap_new(struct tls_context);
    atomic_init(&context->refs, 1);
    context->server = server;
    context->mesh = settings->mesh;
    context->verify = settings->verify;
    if (fill(context, settings, why))
        return context;
    tls_context_unref(context);
    return NULL;
}

struct tls_context *tls_context_new_server(const struct tls_settings *settings, struct fail *why)
{
    return context_new(true, settings, why);
}

struct tls_context *tls_context_new_client(const struct tls_settings *settings, struct fail *why)
{
    return context_new(false, settings, why);
}
