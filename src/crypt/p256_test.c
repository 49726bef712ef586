/* Unit tests of p256: it says what OpenSSL's own verification says, also where sums of points are special. */
#include "base/test.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "crypt/p256.h"

enum { W = P256_WIDTH };

struct pair {
    EVP_PKEY *key;
    BIGNUM *secret;
    struct p256 *p256;
};

static EC_GROUP *curve;
static const BIGNUM *order;
static BN_CTX *work;

static void coordinate(const struct pair *pair, const char *name, unsigned char out[W])
{
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(pair->key, name, &number), 1);
    assert_int_equal(BN_bn2binpad(number, out, W), W);
    BN_free(number);
}

static struct pair pair_make(void)
{
    struct pair pair = {.key = EVP_EC_gen("P-256")};
    unsigned char x[W], y[W];
    coordinate(&pair, OSSL_PKEY_PARAM_EC_PUB_X, x);
    coordinate(&pair, OSSL_PKEY_PARAM_EC_PUB_Y, y);
    assert_int_equal(EVP_PKEY_get_bn_param(pair.key, OSSL_PKEY_PARAM_PRIV_KEY, &pair.secret), 1);
    pair.p256 = p256_new(x, y);
    assert_non_null(pair.p256);
    y[W - 1] ^= 1; /* off the curve */
    assert_null(p256_new(x, y));
    return pair;
}

static void pair_drop(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    BN_free(pair->secret);
    p256_free(pair->p256);
}

/* OpenSSL's own answer. */
static bool reference(const struct pair *pair, const unsigned char digest[W], const unsigned char rs[2 * W])
{
    unsigned char *der = NULL;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    ECDSA_SIG_set0(signature, BN_bin2bn(rs, W, NULL), BN_bin2bn(rs + W, W, NULL));
    int len = i2d_ECDSA_SIG(signature, &der);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    bool good = EVP_PKEY_verify(context, der, (size_t)len, digest, W) == 1;
    EVP_PKEY_CTX_free(context);
    ECDSA_SIG_free(signature);
    OPENSSL_free(der);
    return good;
}

static void sign(const struct pair *pair, const unsigned char digest[W], unsigned char out[2 * W])
{
    unsigned char der[80];
    const unsigned char *at = der;
    size_t len = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_sign(context, der, &len, digest, W), 1);
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, W);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + W, W);
    ECDSA_SIG_free(signature);
    EVP_PKEY_CTX_free(context);
}

static bool check(const struct pair *pair, const unsigned char digest[W], const unsigned char rs[2 * W])
{
    bool good = p256_check(pair->p256, digest, rs, rs + W);
    assert_int_equal(good, reference(pair, digest, rs));
    return good;
}

static void what_was_signed_is_good_and_one_bit_beside_it_is_not(void **state)
{
    (void)state;
    struct pair pair = pair_make(), other = pair_make();
    for (unsigned round = 0; round < 64; round++) {
        unsigned char digest[W], rs[2 * W];
        for (size_t i = 0; i < W; i++)
            digest[i] =
                (unsigned char)(round < 4 ? round * 85 : (unsigned)rand()); /* also all zero, all one */
        sign(&pair, digest, rs);
        assert_true(check(&pair, digest, rs));
        assert_false(check(&other, digest, rs));
        rs[round] ^= (unsigned char)(1U << round % 8);
        assert_false(check(&pair, digest, rs));
        rs[round] ^= (unsigned char)(1U << round % 8);
        digest[round % W] ^= 16;
        assert_false(check(&pair, digest, rs));
    }
    pair_drop(&pair);
    pair_drop(&other);
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    struct pair pair = pair_make();
    const unsigned char digest[W] = {1};
    unsigned char good[2 * W], bad[2 * W], limit[W], most[W];
    BN_bn2binpad(order, limit, W);
    memset(most, 0xFF, W);
    sign(&pair, digest, good);
    const unsigned char *const wrong[] = {(const unsigned char[W]){0}, limit, most};
    for (size_t i = 0; i < ROWS(wrong); i++) {
        for (size_t half = 0; half < 2; half++) {
            memcpy(bad, good, sizeof bad);
            memcpy(bad + half * W, wrong[i], W);
            assert_false(check(&pair, digest, bad));
        }
    }
    /* s and n - s are both good: ECDSA has always had two forms. */
    BIGNUM *s = BN_bin2bn(good + W, W, NULL);
    BN_sub(s, order, s);
    BN_bn2binpad(s, good + W, W);
    assert_true(check(&pair, digest, good));
    BN_free(s);
    pair_drop(&pair);
}

/* With e = r d both halves of the sum are the same point; with e = -r d they cancel out. */
static void halves_that_are_equal_or_opposite(void **state)
{
    (void)state;
    struct pair pair = pair_make();
    unsigned char digest[W], rs[2 * W];
    BIGNUM *k = BN_new(), *r = BN_new(), *s = BN_new(), *e = BN_new();
    EC_POINT *point = EC_POINT_new(curve);
    BN_rand_range(k, order);
    EC_POINT_mul(curve, point, k, NULL, NULL, work);
    EC_POINT_get_affine_coordinates(curve, point, r, NULL, work);
    BN_nnmod(r, r, order, work);
    BN_mod_mul(e, r, pair.secret, order, work); /* s = 2 r d / k */
    BN_mod_inverse(s, k, order, work);
    BN_mod_mul(s, s, e, order, work);
    BN_mod_lshift1(s, s, order, work);
    BN_bn2binpad(e, digest, W);
    BN_bn2binpad(r, rs, W);
    BN_bn2binpad(s, rs + W, W);
    assert_true(check(&pair, digest, rs));
    BN_sub(e, order, e);
    BN_bn2binpad(e, digest, W);
    assert_false(check(&pair, digest, rs));
    BN_free(k);
    BN_free(r);
    BN_free(s);
    BN_free(e);
    EC_POINT_free(point);
    pair_drop(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_is_good_and_one_bit_beside_it_is_not),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(halves_that_are_equal_or_opposite),
    };
    curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    order = EC_GROUP_get0_order(curve);
    work = BN_CTX_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    BN_CTX_free(work);
    EC_GROUP_free(curve);
    return failed;
}
