#include "crypt/csr.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "crypt/authority_inside.h"
#include "crypt/draft.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, ENDPOINT_S = 10 * 366 * 24 * 60 * 60 };

static struct bytes request_pem(X509_REQ *request, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    PEM_write_bio_X509_REQ(bio, request);
    long len = BIO_get_mem_data(bio, &at);
    struct bytes pem = arena_bytes(arena, bytes_make(at, len > 0 ? (size_t)len : 0));
    BIO_free(bio);
    return pem;
}

bool csr_make(struct arena *arena, struct bytes *csr, struct bytes *key, struct fail *why)
{
    EVP_PKEY *fresh = draft_key_new(why);
    X509_REQ *request = X509_REQ_new();
    bool made =
        fresh && X509_REQ_set_pubkey(request, fresh) == 1 && X509_REQ_sign(request, fresh, EVP_sha256()) > 0;
    if (made) {
        *csr = request_pem(request, arena);
        *key = x509_key_pem(fresh, arena);
    } else if (fresh) {
        x509_fail(why, FAIL_SELF, "OpenSSL makes no certificate request");
    }
    X509_REQ_free(request);
    EVP_PKEY_free(fresh);
    return made;
}

static bool key_judge(EVP_PKEY *key, struct fail *why)
{
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "EC") && (bits == 256 || bits == 384))
        return true;
    if (EVP_PKEY_is_a(key, "RSA") && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
        return true;
    return fail(why, FAIL_INPUT,
                "the certificate request's key is none of ECDSA P-256, P-384 and RSA of %d to %d bits",
                RSA_BITS_MIN, RSA_BITS_MAX);
}

/* A reference of the caller's. */
static EVP_PKEY *request_key(struct bytes pem, struct fail *why)
{
    if (pem.len > CSR_BYTES_MAX) {
        fail(why, FAIL_LIMIT, "a certificate request of %zu bytes; at most %d are read", pem.len,
             CSR_BYTES_MAX);
        return NULL;
    }
    ERR_clear_error();
    BIO *bio = BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len);
    X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = request ? X509_REQ_get_pubkey(request) : NULL;
    if (!key)
        fail(why, FAIL_INPUT, "no certificate request: PEM with BEGIN CERTIFICATE REQUEST is expected");
    bool good = key && key_judge(key, why) &&
                (X509_REQ_verify(request, key) == 1 ||
                 fail(why, FAIL_DENIED, "the certificate request is not signed by its own key"));
    ERR_clear_error();
    X509_REQ_free(request);
    BIO_free(bio);
    if (good)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

bool csr_check(struct bytes csr, struct fail *why)
{
    EVP_PKEY *key = request_key(csr, why);
    EVP_PKEY_free(key);
    return key != NULL;
}

bool csr_answer(const struct authority *authority, struct bytes csr, struct bytes spiffe_uri, int64_t seconds,
                struct arena *arena, struct identity_pem *out, struct fail *why)
{
    EVP_PKEY *key = request_key(csr, why);
    bool answered = key && authority_certify(authority, key, spiffe_uri, seconds, arena, out, why);
    EVP_PKEY_free(key);
    return answered;
}

bool csr_endpoint(struct arena *arena, struct bytes *cert, struct bytes *key, struct fail *why)
{
    struct draft draft = {
        .common_name = BYTES("Selvage join endpoint"),
        .key_usage = KU_DIGITAL_SIGNATURE,
        .not_before_s = clock_wall_s() - 60,
        .not_after_s = clock_wall_s() + ENDPOINT_S,
    };
    EVP_PKEY *fresh = draft_key_new(why);
    X509 *made = fresh ? draft_sign(&draft, fresh, NULL, NULL, why) : NULL;
    if (made) {
        STACK_OF(X509) *one = sk_X509_new_null();
        sk_X509_push(one, made);
        *cert = x509_pem(one, arena);
        *key = x509_key_pem(fresh, arena);
        sk_X509_free(one);
    }
    X509_free(made);
    EVP_PKEY_free(fresh);
    return made != NULL;
}

bool certificate_pin(struct bytes pem, unsigned char pin[32], struct fail *why)
{
    STACK_OF(X509) *all = x509_read_all(pem, X509_CHAIN_MAX, why);
    unsigned len = 32;
    if (!all)
        return false;
    bool done = X509_digest(sk_X509_value(all, 0), EVP_sha256(), pin, &len) == 1 ||
                x509_fail(why, FAIL_SELF, "the certificate cannot be hashed");
    x509_stack_free(all);
    return done;
}
