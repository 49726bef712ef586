#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "crypt/signature.h"

enum { HALF = SIGNER_SIGNATURE_SIZE / 2, DER_SIGNATURE_MAX = 72 };

struct signer {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ready; /* copied for each signature */
    EVP_MD *sha256;
    unsigned char x[HALF];
    unsigned char y[HALF];
};

static bool coordinate_read(const EVP_PKEY *key, const char *name, unsigned char out[HALF])
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &number) && BN_bn2binpad(number, out, HALF) == HALF;
    BN_free(number);
    return ok;
}

static bool signer_fill(struct signer *signer, EVP_PKEY *key)
{
    signer->key = key;
    signer->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    signer->ready = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    return signer->sha256 && signer->ready && EVP_PKEY_sign_init(signer->ready) > 0 &&
           EVP_PKEY_CTX_set_signature_md(signer->ready, signer->sha256) > 0 &&
           coordinate_read(key, OSSL_PKEY_PARAM_EC_PUB_X, signer->x) &&
           coordinate_read(key, OSSL_PKEY_PARAM_EC_PUB_Y, signer->y);
}

/* Takes the key. */
static struct signer *signer_of(EVP_PKEY *key, struct fail *why)
{
    struct signer *signer = heap_new(struct signer);
    if (signer_fill(signer, key))
        return signer;
    signer_free(signer);
    fail(why, FAIL_SELF, "OpenSSL cannot make an ES256 signer");
    return NULL;
}

struct signer *signer_new_p256(struct fail *why)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key)
        return signer_of(key, why);
    fail(why, FAIL_SELF, "OpenSSL cannot make a P-256 key pair");
    return NULL;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[40];
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group, sizeof group, NULL) && strcmp(group, "prime256v1") == 0;
}

static bool pair_check(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = context && EVP_PKEY_pairwise_check(context) > 0;
    EVP_PKEY_CTX_free(context);
    return ok;
}

struct signer *signer_from_der(struct bytes der, struct fail *why)
{
    const unsigned char *at = (const unsigned char *)der.at, *end = at + der.len;
    ERR_set_mark();
    EVP_PKEY *key =
        der.len <= SIGNER_DER_MAX ? d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, NULL, NULL) : NULL;
    bool ok = key && at == end && is_p256(key) && pair_check(key);
    ERR_pop_to_mark();
    if (ok)
        return signer_of(key, why);
    EVP_PKEY_free(key);
    fail(why, FAIL_INPUT, "the signing key is not the DER of a P-256 private key");
    return NULL;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_CTX_free(signer->ready);
    EVP_PKEY_free(signer->key);
    EVP_MD_free(signer->sha256);
    free(signer);
}

bool signer_to_der(const struct signer *signer, uint8_t out[SIGNER_DER_MAX], size_t *len, struct fail *why)
{
    unsigned char *at = out;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(signer->key);
    int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
    bool ok = size > 0 && size <= SIGNER_DER_MAX && i2d_PKCS8_PRIV_KEY_INFO(info, &at) == size;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (!ok)
        return fail(why, FAIL_SELF, "OpenSSL cannot write the signing key");
    *len = (size_t)size;
    return true;
}

struct jwk signer_public_jwk(const struct signer *signer, struct arena *arena)
{
    struct jwk key = {.type = JWK_P256, .alg = JWS_ES256};
    key.a = arena_bytes(arena, bytes_make(signer->x, HALF));
    key.b = arena_bytes(arena, bytes_make(signer->y, HALF));
    key.kid = jwk_thumbprint(&key, arena);
    return key;
}

static bool der_split(const unsigned char *der, size_t len, uint8_t out[SIGNER_SIGNATURE_SIZE])
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, HALF) == HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + HALF, HALF) == HALF;
    ECDSA_SIG_free(pair);
    return ok;
}

bool signer_sign(const struct signer *signer, struct bytes input, uint8_t out[SIGNER_SIGNATURE_SIZE],
                 struct fail *why)
{
    unsigned char digest[EVP_MAX_MD_SIZE], der[DER_SIGNATURE_MAX];
    unsigned digest_len;
    size_t len = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(signer->ready);
    bool ok = context && EVP_Digest(input.at, input.len, digest, &digest_len, signer->sha256, NULL) &&
              EVP_PKEY_sign(context, der, &len, digest, digest_len) == 1 && der_split(der, len, out);
    EVP_PKEY_CTX_free(context);
    return ok || fail(why, FAIL_SELF, "OpenSSL cannot sign");
}
