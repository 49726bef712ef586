/* Unit tests of signature: each algorithm there and back, and the numbered checklist's rows on keys. */
#include "base/test.h"

#include "crypt/test_sign.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base/heap.h"
#include "crypt/signature.h"
#include "crypt/weak_key.h"
#include "wire/base64.h"

#define INPUT BYTES("header.payload")
#define FAILS "Jwt verification fails"
#define NO_KEY "Jwks doesn't have key to match kid or alg from Jwt"

enum { TYPE_COUNT = JWK_ED25519 + 1 };

static struct arena arena;
static EVP_PKEY *pairs[TYPE_COUNT];
static struct jwk jwks[TYPE_COUNT];

static struct verifier *verifier_of(const struct jwk *key)
{
    struct fail why = {0};
    struct verifier *verifier = verifier_new(key, &why);
    if (!verifier)
        print_error("%s\n", why.text);
    assert_non_null(verifier);
    return verifier;
}

static void refuse(const struct verifier *verifier, enum jws_alg alg, struct bytes signature,
                   const char *sentence)
{
    struct fail why = {0};
    assert_false(verifier_check(verifier, alg, INPUT, signature, &why));
    assert_string_equal(why.text, sentence);
    assert_int_equal(why.kind, FAIL_DENIED);
    assert_int_equal(ERR_peek_error(), 0);
}

static void refuse_key(const struct jwk *key, const char *sentence)
{
    struct fail why = {0};
    assert_null(verifier_new(key, &why));
    assert_string_equal(why.text, sentence);
    assert_int_equal(ERR_peek_error(), 0);
}

static void each_algorithm_verifies_and_no_other_bit_does(void **state)
{
    (void)state;
    for (int type = 0; type < TYPE_COUNT; type++) {
        struct verifier *verifier = verifier_of(&jwks[type]);
        for (int i = 1; i < JWS_ALG_COUNT; i++) {
            enum jws_alg alg = (enum jws_alg)i;
            struct fail why;
            if (!jwk_fits((enum jwk_type)type, alg))
                continue;
            struct bytes good = test_sign(pairs[type], (enum jwk_type)type, alg, INPUT, &arena);
            assert_true(verifier_check(verifier, alg, INPUT, good, &why));
            assert_false(verifier_check(verifier, alg, BYTES("header.payloae"), good, &why));
            char *flipped = arena_raw(&arena, good.len);
            for (size_t at = 0; at < good.len; at += 7) {
                memcpy(flipped, good.at, good.len);
                flipped[at] = (char)(flipped[at] ^ 1);
                refuse(verifier, alg, bytes_make(flipped, good.len), FAILS);
            }
        }
        verifier_free(verifier);
    }
}

static void neg_03_the_algorithm_fits_the_key_and_its_name(void **state)
{
    (void)state;
    struct bytes rs256 = test_sign(pairs[JWK_RSA], JWK_RSA, JWS_RS256, INPUT, &arena);
    struct bytes ps256 = test_sign(pairs[JWK_RSA], JWK_RSA, JWS_PS256, INPUT, &arena);
    struct bytes es256 = test_sign(pairs[JWK_P256], JWK_P256, JWS_ES256, INPUT, &arena);
    struct verifier *rsa = verifier_of(&jwks[JWK_RSA]), *p384 = verifier_of(&jwks[JWK_P384]);
    refuse(rsa, JWS_ES256, es256, NO_KEY);
    refuse(rsa, JWS_NONE_KNOWN, rs256, NO_KEY);
    refuse(rsa, JWS_PS256, rs256, FAILS);
    refuse(rsa, JWS_RS256, ps256, FAILS);
    refuse(rsa, JWS_RS384, rs256, FAILS);
    refuse(p384, JWS_ES256, es256, NO_KEY);
    refuse(p384, JWS_ES384, es256, FAILS);
    refuse(p384, JWS_EDDSA, es256, NO_KEY);
    struct jwk pinned = jwks[JWK_RSA];
    pinned.alg = JWS_RS256;
    struct verifier *only = verifier_of(&pinned);
    struct fail why;
    assert_true(verifier_check(only, JWS_RS256, INPUT, rs256, &why));
    refuse(only, JWS_PS256, ps256, NO_KEY);
    verifier_free(only);
    verifier_free(rsa);
    verifier_free(p384);
    pinned.alg = JWS_ES256;
    refuse_key(&pinned, "[alg] ES256 does not fit the key's type");
}

static void neg_03_pss_salt_is_as_long_as_the_hash(void **state)
{
    (void)state;
    struct verifier *rsa = verifier_of(&jwks[JWK_RSA]);
    static const int salts[] = {0, 31, 33, RSA_PSS_SALTLEN_MAX};
    for (size_t i = 0; i < ROWS(salts); i++)
        refuse(rsa, JWS_PS256, test_signature(pairs[JWK_RSA], JWS_PS256, salts[i], INPUT, &arena), FAILS);
    verifier_free(rsa);
}

/* r or s replaced by a number of the same width. */
static struct bytes with_half(struct bytes raw, int half, struct bytes number)
{
    char *at = arena_raw(&arena, raw.len);
    memcpy(at, raw.at, raw.len);
    memcpy(at + (size_t)half * raw.len / 2, number.at, raw.len / 2);
    return bytes_make(at, raw.len);
}

static void neg_11_es_signatures_are_two_numbers_below_the_order(void **state)
{
    (void)state;
    static const char zero[66];
    for (int type = JWK_P256; type <= JWK_P521; type++) {
        enum jws_alg alg = (enum jws_alg)(JWS_ES256 + type - JWK_P256);
        size_t width = jwk_width((enum jwk_type)type);
        struct verifier *verifier = verifier_of(&jwks[type]);
        struct bytes der = test_signature(pairs[type], alg, 0, INPUT, &arena);
        struct bytes raw = test_raw(der, width, &arena);
        struct bytes n = test_number(pairs[type], OSSL_PKEY_PARAM_EC_ORDER, width, &arena);
        refuse(verifier, alg, der, FAILS);
        refuse(verifier, alg, bytes_part(raw, 0, raw.len - 1), FAILS);
        refuse(verifier, alg, bytes_part(raw, 1, raw.len), FAILS);
        refuse(verifier, alg, arena_format(&arena, "%.*s0", BYTES_FMT(raw)), FAILS);
        refuse(verifier, alg, BYTES(""), FAILS);
        for (int half = 0; half < 2; half++) {
            refuse(verifier, alg, with_half(raw, half, bytes_make(zero, width)), FAILS);
            refuse(verifier, alg, with_half(raw, half, n), FAILS);
        }
        char *wide = arena_alloc(&arena, 2 * width + 2);
        memcpy(wide + 1, raw.at, width);
        memcpy(wide + 2 + width, raw.at + width, width);
        refuse(verifier, alg, bytes_make(wide, 2 * width + 2), FAILS);
        verifier_free(verifier);
    }
}

static void neg_11_ed25519_has_no_trivial_key(void **state)
{
    (void)state;
    static const char *const points[] = {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA", "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
        "7P_______________________________________38",
    };
    for (size_t i = 0; i < ROWS(points); i++) {
        struct jwk key = {.type = JWK_ED25519};
        assert_true(base64url_decode(bytes_of(points[i]), &arena, &key.a));
        assert_int_equal(key.a.len, 32);
        refuse_key(&key, "the Ed25519 key is a point of small order");
    }
    struct jwk twice = {.type = JWK_ED25519};
    assert_true(base64url_decode(BYTES("7v_______________________________________38"), &arena, &twice.a));
    refuse_key(&twice, "the Ed25519 key is not in its shortest form");
    twice.a = bytes_part(jwks[JWK_ED25519].a, 0, 31);
    refuse_key(&twice, "the Ed25519 key has 31 bytes; it must have 32");
    struct verifier *verifier = verifier_of(&jwks[JWK_ED25519]);
    static const char zeros[64];
    refuse(verifier, JWS_EDDSA, bytes_make(zeros, 64), FAILS);
    refuse(verifier, JWS_EDDSA, bytes_make(zeros, 63), FAILS);
    verifier_free(verifier);
}

static void neg_11_ec_points_lie_on_their_curve(void **state)
{
    (void)state;
    for (int type = JWK_P256; type <= JWK_P521; type++) {
        struct jwk key = jwks[type];
        char *y = arena_raw(&arena, key.b.len);
        memcpy(y, key.b.at, key.b.len);
        y[key.b.len - 1] = (char)(y[key.b.len - 1] ^ 1);
        key.b = bytes_make(y, key.b.len);
        refuse_key(&key, "the EC key is not a point of its curve");
        memset(y, 0, key.b.len);
        key.a = key.b;
        refuse_key(&key, "the EC key is not a point of its curve");
        key.a = bytes_part(jwks[type].a, 1, jwks[type].a.len);
        refuse_key(&key, "the EC key is not a point of its curve");
    }
}

#define EXPONENT "the RSA exponent is not an odd number from 3 on"

static void neg_12_rsa_keys_that_others_can_use_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes e;
        const char *sentence;
    } rows[] = {
        {BYTES_INIT("\x01"), EXPONENT},
        {BYTES_INIT("\x02"), EXPONENT},
        {BYTES_INIT("\x01\x00\x00"), EXPONENT},
        {BYTES_INIT(""), "the RSA exponent has 0 bytes; 1 to 8 are used"},
        {BYTES_INIT("\x01\x00\x00\x00\x00\x00\x00\x00\x01"), "the RSA exponent has 9 bytes; 1 to 8 are used"},
    };
    struct jwk key = jwks[JWK_RSA];
    for (size_t i = 0; i < ROWS(rows); i++) {
        key.b = rows[i].e;
        refuse_key(&key, rows[i].sentence);
    }
    key.b = BYTES("\x03");
    verifier_free(verifier_of(&key));
    static char ones[1025];
    memset(ones, 0xff, sizeof ones);
    key.a = bytes_make(ones, 255);
    refuse_key(&key, "the RSA modulus has 2040 bits; 2048 to 8192 are used");
    key.a = bytes_make(ones, 1025);
    refuse_key(&key, "the RSA modulus has 8200 bits; 2048 to 8192 are used");
    key.a = bytes_make(ones, 128);
    refuse_key(&key, "the RSA modulus has 1024 bits; 2048 to 8192 are used");
    ones[255] = 2;
    key.a = bytes_make(ones, 256);
    refuse_key(&key, "the RSA modulus is even");
}

/* A modulus as the broken library makes it: a power of 65537 modulo the product of the first primes. */
static void neg_12_a_roca_modulus_is_refused(void **state)
{
    (void)state;
    static const BN_ULONG primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                      47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
    BN_CTX *work = BN_CTX_new();
    BIGNUM *product = BN_new(), *n = BN_new(), *base = BN_new(), *power = BN_new();
    BN_one(product);
    for (size_t i = 0; i < ROWS(primes); i++)
        BN_mul_word(product, primes[i]);
    BN_set_word(base, 65537);
    BN_set_word(power, 123456789);
    BN_mod_exp(n, base, power, product, work);
    if (!BN_is_odd(n))
        BN_add(n, n, product);
    BN_lshift(product, product, 2047 - BN_num_bits(product) + 1);
    BN_add(n, n, product);
    unsigned char *at = arena_alloc(&arena, 257);
    struct jwk key = {
        .type = JWK_RSA, .a = bytes_make(at, (size_t)BN_num_bytes(n)), .b = BYTES_INIT("\x01\x00\x01")};
    BN_bn2bin(n, at);
    refuse_key(&key, "the RSA modulus comes from a broken generator (CVE-2017-15361)");
    BN_free(product);
    BN_free(n);
    BN_free(base);
    BN_free(power);
    BN_CTX_free(work);
}

static void a_signer_signs_what_its_public_key_verifies(void **state)
{
    (void)state;
    struct fail why;
    uint8_t raw[SIGNER_SIGNATURE_SIZE], der[SIGNER_DER_MAX];
    size_t len;
    struct signer *signer = signer_new_p256(&why);
    struct jwk key = signer_public_jwk(signer, &arena);
    assert_true(bytes_equal(key.kid, jwk_thumbprint(&key, &arena)));
    struct verifier *verifier = verifier_of(&key);
    for (int i = 0; i < 50; i++) {
        assert_true(signer_sign(signer, INPUT, raw, &why));
        assert_true(verifier_check(verifier, JWS_ES256, INPUT, bytes_make(raw, sizeof raw), &why));
    }
    assert_true(signer_to_der(signer, der, &len, &why));
    struct signer *again = signer_from_der(bytes_make(der, len), &why);
    assert_non_null(again);
    assert_true(bytes_equal(signer_public_jwk(again, &arena).kid, key.kid));
    assert_true(signer_sign(again, INPUT, raw, &why));
    assert_true(verifier_check(verifier, JWS_ES256, INPUT, bytes_make(raw, sizeof raw), &why));
    heap_wipe(der, sizeof der);
    signer_free(again);
    signer_free(signer);
    signer_free(NULL);
    verifier_free(verifier);
    verifier_free(NULL);
}

static void refuse_der(struct bytes der)
{
    struct fail why = {0};
    assert_null(signer_from_der(der, &why));
    assert_string_equal(why.text, "the signing key is not the DER of a P-256 private key");
    assert_int_equal(ERR_peek_error(), 0);
}

static void a_signer_is_read_from_nothing_but_its_kind_of_key(void **state)
{
    (void)state;
    struct fail why;
    uint8_t der[SIGNER_DER_MAX + 1] = {0};
    size_t len;
    struct signer *signer = signer_new_p256(&why);
    assert_true(signer_to_der(signer, der, &len, &why));
    signer_free(signer);
    refuse_der(bytes_make(der, len + 1));
    refuse_der(bytes_make(der, len - 1));
    refuse_der(bytes_make(der, sizeof der));
    refuse_der(BYTES(""));
    refuse_der(BYTES("-----BEGIN PRIVATE KEY-----"));
    for (int type = 0; type < TYPE_COUNT; type++) {
        unsigned char *out = NULL;
        int size = i2d_PrivateKey(pairs[type], &out);
        if (type != JWK_P256)
            refuse_der(bytes_make(out, (size_t)size));
        OPENSSL_free(out);
    }
}

static int keys_make(void **state)
{
    (void)state;
    arena_init(&arena);
    for (int type = 0; type < TYPE_COUNT; type++) {
        pairs[type] = test_key((enum jwk_type)type);
        jwks[type] = test_jwk(pairs[type], (enum jwk_type)type, &arena);
    }
    return 0;
}

static int keys_free(void **state)
{
    (void)state;
    for (int type = 0; type < TYPE_COUNT; type++)
        EVP_PKEY_free(pairs[type]);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_verifies_and_no_other_bit_does),
        cmocka_unit_test(neg_03_the_algorithm_fits_the_key_and_its_name),
        cmocka_unit_test(neg_03_pss_salt_is_as_long_as_the_hash),
        cmocka_unit_test(neg_11_es_signatures_are_two_numbers_below_the_order),
        cmocka_unit_test(neg_11_ed25519_has_no_trivial_key),
        cmocka_unit_test(neg_11_ec_points_lie_on_their_curve),
        cmocka_unit_test(neg_12_rsa_keys_that_others_can_use_are_refused),
        cmocka_unit_test(neg_12_a_roca_modulus_is_refused),
        cmocka_unit_test(a_signer_signs_what_its_public_key_verifies),
        cmocka_unit_test(a_signer_is_read_from_nothing_but_its_kind_of_key),
    };
    return cmocka_run_group_tests(tests, keys_make, keys_free);
}
