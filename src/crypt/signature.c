#include "crypt/signature.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "crypt/p256.h"
#include "crypt/weak_key.h"

enum { COORDINATE_MAX = 66, DER_MAX = 2 * (COORDINATE_MAX + 3) + 3 };

struct verifier {
    enum jwk_type type;
    enum jws_alg alg;      /* the one the JWK names, or JWS_NONE_KNOWN */
    size_t signature_size; /* every good signature has it */
    EVP_PKEY *key;
    /* One per algorithm the key may verify: looking up an implementation costs OpenSSL 3 more than copying a
     * prepared context. NULL for Ed25519, which hashes by itself. */
    EVP_PKEY_CTX *ready[JWS_ALG_COUNT];
    unsigned char order[COORDINATE_MAX]; /* EC: n, as wide as a coordinate */
    struct p256 *quick;                  /* or NULL: then OpenSSL's own way is gone */
};

/* What a digest's name costs to look up is paid once per process. */
static EVP_MD *sha256, *sha384, *sha512;
static pthread_once_t digests_once = PTHREAD_ONCE_INIT;

static const struct {
    EVP_MD **digest;
    bool pss;
} algs[JWS_ALG_COUNT] = {
    [JWS_RS256] = {&sha256, false}, [JWS_RS384] = {&sha384, false}, [JWS_RS512] = {&sha512, false},
    [JWS_PS256] = {&sha256, true},  [JWS_PS384] = {&sha384, true},  [JWS_PS512] = {&sha512, true},
    [JWS_ES256] = {&sha256, false}, [JWS_ES384] = {&sha384, false}, [JWS_ES512] = {&sha512, false},
};

static const char *const groups[] = {[JWK_P256] = "P-256", [JWK_P384] = "P-384", [JWK_P521] = "P-521"};

static void digests_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
}

static bool is_ec(enum jwk_type type)
{
    return type == JWK_P256 || type == JWK_P384 || type == JWK_P521;
}

static EVP_PKEY *key_from(const char *name, OSSL_PARAM *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
    if (context && EVP_PKEY_fromdata_init(context) > 0 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *rsa_open(const struct jwk *jwk)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn((const unsigned char *)jwk->a.at, (int)jwk->a.len, NULL);
    BIGNUM *e = BN_bin2bn((const unsigned char *)jwk->b.at, (int)jwk->b.len, NULL);
    if (build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) && (params = OSSL_PARAM_BLD_to_param(build)))
        key = key_from("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

static bool ec_check(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = context && EVP_PKEY_public_check(context) > 0;
    EVP_PKEY_CTX_free(context);
    return ok;
}

static EVP_PKEY *ec_open(const struct jwk *jwk)
{
    size_t width = jwk_width(jwk->type);
    unsigned char point[1 + 2 * COORDINATE_MAX] = {4} /* uncompressed */;
    char group[8];
    if (jwk->a.len != width || jwk->b.len != width)
        return NULL;
    memcpy(point + 1, jwk->a.at, width);
    memcpy(point + 1 + width, jwk->b.at, width);
    memcpy(group, groups[jwk->type], strlen(groups[jwk->type]) + 1);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * width),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = key_from("EC", params);
    if (key && ec_check(key))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *key_open(const struct jwk *jwk)
{
    if (jwk->type == JWK_RSA)
        return rsa_open(jwk);
    if (jwk->type == JWK_ED25519)
        return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)jwk->a.at,
                                              jwk->a.len);
    return ec_open(jwk);
}

static bool context_ready(EVP_PKEY_CTX *context, enum jws_alg alg, bool rsa)
{
    const EVP_MD *digest = *algs[alg].digest;
    if (EVP_PKEY_verify_init(context) <= 0 || EVP_PKEY_CTX_set_signature_md(context, digest) <= 0)
        return false;
    if (!rsa)
        return true;
    if (!algs[alg].pss)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool contexts_make(struct verifier *verifier)
{
    for (int i = 0; i < JWS_ALG_COUNT; i++) {
        enum jws_alg alg = (enum jws_alg)i;
        if (!algs[i].digest || !verifier_fits(verifier, alg))
            continue;
        verifier->ready[i] = EVP_PKEY_CTX_new_from_pkey(NULL, verifier->key, NULL);
        if (!verifier->ready[i] || !*algs[i].digest ||
            !context_ready(verifier->ready[i], alg, verifier->type == JWK_RSA))
            return false;
    }
    return true;
}

static bool order_read(struct verifier *verifier)
{
    BIGNUM *order = NULL;
    bool ok = EVP_PKEY_get_bn_param(verifier->key, OSSL_PKEY_PARAM_EC_ORDER, &order) &&
              BN_bn2binpad(order, verifier->order, (int)jwk_width(verifier->type)) > 0;
    BN_free(order);
    return ok;
}

static bool verifier_fill(struct verifier *verifier, const struct jwk *jwk)
{
    verifier->type = jwk->type;
    verifier->alg = jwk->alg;
    verifier->key = key_open(jwk);
    if (!verifier->key)
        return false;
    verifier->signature_size =
        jwk->type == JWK_RSA ? (size_t)EVP_PKEY_get_size(verifier->key) : 2 * jwk_width(jwk->type);
    return contexts_make(verifier) && (!is_ec(jwk->type) || order_read(verifier));
}

struct verifier *verifier_new(const struct jwk *key, struct fail *why)
{
    pthread_once(&digests_once, digests_fetch);
    if (!weak_key_refuse(key, why))
        return NULL;
    if (key->alg != JWS_NONE_KNOWN && !jwk_fits(key->type, key->alg)) {
        fail(why, FAIL_INPUT, "[alg] %s does not fit the key's type", jws_alg_name(key->alg));
        return NULL;
    }
    struct verifier *verifier = heap_new(struct verifier);
    ERR_set_mark();
    bool ok = verifier_fill(verifier, key);
    ERR_pop_to_mark();
    if (ok)
        return verifier;
    verifier_free(verifier);
    fail(why, FAIL_INPUT, "%s",
         is_ec(key->type) ? "the EC key is not a point of its curve" : "OpenSSL refuses the key");
    return NULL;
}

void verifier_free(struct verifier *verifier)
{
    if (!verifier)
        return;
    for (int i = 0; i < JWS_ALG_COUNT; i++)
        EVP_PKEY_CTX_free(verifier->ready[i]);
    EVP_PKEY_free(verifier->key);
    p256_free(verifier->quick);
    free(verifier);
}

bool verifier_quicken(struct verifier *verifier, const struct jwk *key)
{
    if (verifier->type != JWK_P256)
        return false;
    ERR_set_mark();
    verifier->quick = p256_new((const unsigned char *)key->a.at, (const unsigned char *)key->b.at);
    ERR_pop_to_mark();
    return verifier->quick != NULL;
}

bool verifier_fits(const struct verifier *verifier, enum jws_alg alg)
{
    return jwk_fits(verifier->type, alg) && (verifier->alg == JWS_NONE_KNOWN || verifier->alg == alg);
}

/* 1 <= number < order, as RFC 6979 and FIPS 186 want; both `width` bytes. */
static bool in_order(const unsigned char *number, const unsigned char *order, size_t width)
{
    static const unsigned char zero[COORDINATE_MAX];
    return memcmp(number, zero, width) != 0 && memcmp(number, order, width) < 0;
}

/* A DER INTEGER; answers its end. */
static unsigned char *integer_write(unsigned char *at, const unsigned char *number, size_t width)
{
    while (width > 1 && !*number)
        number++, width--;
    bool negative = *number & 0x80;
    *at++ = 2;
    *at++ = (unsigned char)(width + negative);
    if (negative)
        *at++ = 0;
    memcpy(at, number, width);
    return at + width;
}

/* r and s as an ECDSA-Sig-Value, which is what OpenSSL verifies; answers its length, 0 when out of range. */
static size_t ecdsa_der(const struct verifier *verifier, const unsigned char *raw, unsigned char out[DER_MAX])
{
    size_t width = jwk_width(verifier->type);
    unsigned char body[DER_MAX], *end, *at = out;
    if (!in_order(raw, verifier->order, width) || !in_order(raw + width, verifier->order, width))
        return 0;
    end = integer_write(integer_write(body, raw, width), raw + width, width);
    size_t len = (size_t)(end - body);
    *at++ = 0x30;
    if (len > 127)
        *at++ = 0x81;
    *at++ = (unsigned char)len;
    memcpy(at, body, len);
    return (size_t)(at - out) + len;
}

static bool digest_check(const struct verifier *verifier, enum jws_alg alg, struct bytes part,
                         const unsigned char *signature, size_t signature_len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    if (!EVP_Digest(part.at, part.len, digest, &digest_len, *algs[alg].digest, NULL))
        return false;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(verifier->ready[alg]);
    bool ok = context && EVP_PKEY_verify(context, signature, signature_len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(context);
    return ok;
}

static bool quick_check(const struct verifier *verifier, enum jws_alg alg, struct bytes part,
                        const unsigned char *signature)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    return EVP_Digest(part.at, part.len, digest, &len, *algs[alg].digest, NULL) && len == P256_WIDTH &&
           p256_check(verifier->quick, digest, signature, signature + P256_WIDTH);
}

static bool ed25519_check(const struct verifier *verifier, struct bytes part, const unsigned char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, verifier->key, NULL) == 1 &&
              EVP_DigestVerify(context, signature, verifier->signature_size, (const unsigned char *)part.at,
                               part.len) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static bool signature_check(const struct verifier *verifier, enum jws_alg alg, struct bytes part,
                            struct bytes signature)
{
    const unsigned char *raw = (const unsigned char *)signature.at;
    unsigned char der[DER_MAX];
    if (signature.len != verifier->signature_size)
        return false;
    if (verifier->type == JWK_ED25519)
        return ed25519_check(verifier, part, raw);
    if (verifier->type == JWK_RSA)
        return digest_check(verifier, alg, part, raw, signature.len);
    if (verifier->quick)
        return quick_check(verifier, alg, part, raw);
    size_t len = ecdsa_der(verifier, raw, der);
    return len && digest_check(verifier, alg, part, der, len);
}

bool verifier_check(const struct verifier *verifier, enum jws_alg alg, struct bytes signed_part,
                    struct bytes signature, struct fail *why)
{
    if (!verifier_fits(verifier, alg))
        return fail(why, FAIL_DENIED, "Jwks doesn't have key to match kid or alg from Jwt");
    ERR_set_mark();
    bool ok = signature_check(verifier, alg, signed_part, signature);
    ERR_pop_to_mark();
    return ok || fail(why, FAIL_DENIED, "Jwt verification fails");
}
