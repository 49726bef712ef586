/*
 * test_sign: key pairs of every type and tokens signed with them, for tests
 * only. Includes base/test.h, so include it first.
 */
#ifndef CRYPT_TEST_SIGN_H
#define CRYPT_TEST_SIGN_H

#include "base/test.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "wire/jwk.h"
#include "wire/jws.h"

static inline EVP_PKEY *test_key(enum jwk_type type)
{
    static const char *const groups[] = {[JWK_P256] = "P-256", [JWK_P384] = "P-384", [JWK_P521] = "P-521"};
    if (type == JWK_RSA)
        return EVP_RSA_gen(2048);
    return type == JWK_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen(groups[type]);
}

static inline struct bytes test_number(const EVP_PKEY *key, const char *name, size_t width,
                                       struct arena *arena)
{
    BIGNUM *number = NULL;
    assert_true(EVP_PKEY_get_bn_param(key, name, &number));
    size_t len = width ? width : (size_t)BN_num_bytes(number);
    unsigned char *at = arena_alloc(arena, len);
    assert_int_equal(BN_bn2binpad(number, at, (int)len), len);
    BN_free(number);
    return bytes_make(at, len);
}

static inline struct jwk test_jwk(const EVP_PKEY *key, enum jwk_type type, struct arena *arena)
{
    struct jwk jwk = {.type = type};
    size_t len = 32;
    if (type == JWK_ED25519) {
        unsigned char *at = arena_alloc(arena, len);
        assert_true(EVP_PKEY_get_raw_public_key(key, at, &len));
        jwk.a = bytes_make(at, len);
        return jwk;
    }
    bool rsa = type == JWK_RSA;
    jwk.a = test_number(key, rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, jwk_width(type), arena);
    jwk.b = test_number(key, rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y, jwk_width(type), arena);
    return jwk;
}

/* r and s from a DER signature, each `width` bytes. */
static inline struct bytes test_raw(struct bytes der, size_t width, struct arena *arena)
{
    const unsigned char *at = (const unsigned char *)der.at;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    unsigned char *raw = arena_alloc(arena, 2 * width);
    assert_non_null(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)width);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + width, (int)width);
    ECDSA_SIG_free(pair);
    return bytes_make(raw, 2 * width);
}

/* As OpenSSL makes it: DER for EC keys. `salt` is that of PSS, RSA_PSS_SALTLEN_DIGEST being the right one. */
static inline struct bytes test_signature(EVP_PKEY *key, enum jws_alg alg, int salt, struct bytes input,
                                          struct arena *arena)
{
    static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
    const char *digest = alg == JWS_EDDSA ? NULL : digests[(alg - 1) % 3];
    unsigned char *out = arena_alloc(arena, 1100);
    size_t len = 1100;
    EVP_PKEY_CTX *how;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(context, &how, digest, NULL, NULL, key, NULL), 1);
    if (alg >= JWS_PS256 && alg <= JWS_PS512) {
        EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt);
    }
    assert_int_equal(EVP_DigestSign(context, out, &len, (const unsigned char *)input.at, input.len), 1);
    EVP_MD_CTX_free(context);
    return bytes_make(out, len);
}

/* As a JWS has it. */
static inline struct bytes test_sign(EVP_PKEY *key, enum jwk_type type, enum jws_alg alg, struct bytes input,
                                     struct arena *arena)
{
    struct bytes signature = test_signature(key, alg, RSA_PSS_SALTLEN_DIGEST, input, arena);
    bool der = type != JWK_RSA && type != JWK_ED25519;
    return der ? test_raw(signature, jwk_width(type), arena) : signature;
}

#endif
