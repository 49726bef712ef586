#include "wire/jwk_pem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* Never asks at a terminal; a public key needs no password. */
static int on_password(char *buffer, int size, int writing, void *unused)
{
    (void)buffer, (void)size, (void)writing, (void)unused;
    return -1;
}

static EVP_PKEY *certificate_key(BIO *bio)
{
    X509 *certificate = PEM_read_bio_X509(bio, NULL, on_password, NULL);
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

static EVP_PKEY *key_open(struct bytes pem)
{
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    if (!bio)
        return NULL;
    EVP_PKEY *key = bytes_starts(pem, BYTES("-----BEGIN CERTIFICATE-----"))
                        ? certificate_key(bio)
                        : PEM_read_bio_PUBKEY(bio, NULL, on_password, NULL);
    BIO_free(bio);
    return key;
}

/* `width` 0: as many bytes as the number needs. */
static bool number_read(const EVP_PKEY *key, const char *name, size_t width, struct arena *arena,
                        struct bytes *out)
{
    BIGNUM *number = NULL;
    if (!EVP_PKEY_get_bn_param(key, name, &number))
        return false;
    size_t len = width ? width : (size_t)BN_num_bytes(number);
    char *at = arena_raw(arena, len + 1);
    bool ok = BN_bn2binpad(number, (unsigned char *)at, (int)len) >= 0;
    BN_free(number);
    *out = bytes_make(at, len);
    return ok;
}

static bool rsa_read(const EVP_PKEY *key, struct arena *arena, struct jwk *out)
{
    out->type = JWK_RSA;
    return number_read(key, OSSL_PKEY_PARAM_RSA_N, 0, arena, &out->a) &&
           number_read(key, OSSL_PKEY_PARAM_RSA_E, 0, arena, &out->b);
}

static bool ec_read(const EVP_PKEY *key, struct arena *arena, struct jwk *out)
{
    static const struct {
        const char *group;
        enum jwk_type type;
    } groups[] = {{"prime256v1", JWK_P256}, {"secp384r1", JWK_P384}, {"secp521r1", JWK_P521}};
    char name[40];
    if (!EVP_PKEY_get_group_name(key, name, sizeof name, NULL))
        return false;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (strcmp(name, groups[i].group) != 0)
            continue;
        out->type = groups[i].type;
        size_t width = jwk_width(out->type);
        return number_read(key, OSSL_PKEY_PARAM_EC_PUB_X, width, arena, &out->a) &&
               number_read(key, OSSL_PKEY_PARAM_EC_PUB_Y, width, arena, &out->b);
    }
    return false;
}

static bool ed25519_read(const EVP_PKEY *key, struct arena *arena, struct jwk *out)
{
    size_t len = jwk_width(JWK_ED25519);
    char *at = arena_raw(arena, len);
    out->type = JWK_ED25519;
    out->a = bytes_make(at, len);
    return EVP_PKEY_get_raw_public_key(key, (unsigned char *)at, &len) && len == out->a.len;
}

static bool key_read(const EVP_PKEY *key, struct arena *arena, struct jwk *out)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return rsa_read(key, arena, out);
    case EVP_PKEY_EC:
        return ec_read(key, arena, out);
    case EVP_PKEY_ED25519:
        return ed25519_read(key, arena, out);
    default:
        return false;
    }
}

bool jwk_pem_read(struct bytes pem, struct arena *arena, struct jwk *out, struct fail *why)
{
    if (pem.len > JWK_SET_BYTES_MAX)
        return fail(why, FAIL_LIMIT, "the PEM text has %zu bytes; at most %d are read", pem.len,
                    JWK_SET_BYTES_MAX);
    ERR_set_mark();
    EVP_PKEY *key = key_open(pem);
    struct jwk jwk = {.kid = out->kid, .alg = out->alg};
    bool known = key && key_read(key, arena, &jwk), opened = key != NULL;
    EVP_PKEY_free(key);
    ERR_pop_to_mark();
    if (!opened)
        return fail(why, FAIL_INPUT, "the PEM text holds no public key and no certificate that can be read");
    if (!known)
        return fail(why, FAIL_INPUT, "the PEM key is none of RSA, P-256, P-384, P-521, Ed25519");
    *out = jwk;
    return true;
}
