/* EC_GROUP_precompute_mult is deprecated, since nobody used it with a base point of his own. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypt/p256.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "base/heap.h"

struct p256 {
    EC_GROUP *base; /* the curve */
    EC_GROUP *own;  /* the same with the key in place of the base point, and its multiples */
};

static bool point_read(EC_GROUP *group, EC_POINT *out, const unsigned char *x, const unsigned char *y)
{
    BIGNUM *a = BN_bin2bn(x, P256_WIDTH, NULL), *b = BN_bin2bn(y, P256_WIDTH, NULL);
    bool ok = a && b && EC_POINT_set_affine_coordinates(group, out, a, b, NULL) == 1;
    BN_free(a);
    BN_free(b);
    return ok;
}

static bool key_fill(struct p256 *key, const unsigned char *x, const unsigned char *y)
{
    key->base = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    key->own = key->base ? EC_GROUP_dup(key->base) : NULL;
    EC_POINT *point = key->own ? EC_POINT_new(key->own) : NULL;
    bool ok = point && point_read(key->own, point, x, y) &&
              EC_GROUP_set_generator(key->own, point, EC_GROUP_get0_order(key->base),
                                     EC_GROUP_get0_cofactor(key->base)) == 1 &&
              EC_GROUP_precompute_mult(key->own, NULL) == 1 && EC_GROUP_have_precompute_mult(key->own) == 1;
    EC_POINT_free(point);
    return ok;
}

struct p256 *p256_new(const unsigned char x[P256_WIDTH], const unsigned char y[P256_WIDTH])
{
    struct p256 *key = heap_new(struct p256);
    if (key_fill(key, x, y))
        return key;
    p256_free(key);
    return NULL;
}

void p256_free(struct p256 *key)
{
    if (!key)
        return;
    EC_GROUP_free(key->base);
    EC_GROUP_free(key->own);
    free(key);
}

/* x of a times the base point plus b times the key, modulo the order; false when the sum is no such point. */
static bool sum_x(const struct p256 *key, const BIGNUM *a, const BIGNUM *b, BIGNUM *x, BN_CTX *work)
{
    EC_POINT *left = EC_POINT_new(key->base), *right = EC_POINT_new(key->own);
    bool ok = left && right && EC_POINT_mul(key->base, left, a, NULL, NULL, work) == 1 &&
              EC_POINT_mul(key->own, right, b, NULL, NULL, work) == 1 &&
              EC_POINT_add(key->base, left, left, right, work) == 1 &&
              !EC_POINT_is_at_infinity(key->base, left) &&
              EC_POINT_get_affine_coordinates(key->base, left, x, NULL, work) == 1 &&
              BN_nnmod(x, x, EC_GROUP_get0_order(key->base), work) == 1;
    EC_POINT_free(left);
    EC_POINT_free(right);
    return ok;
}

/* FIPS 186-5 6.4.2: r and s are in 1..n-1, and x of (e/s)G + (r/s)Q is r. */
static bool equation_holds(const struct p256 *key, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s,
                           BN_CTX *work)
{
    const BIGNUM *order = EC_GROUP_get0_order(key->base);
    BIGNUM *inverse = BN_CTX_get(work), *a = BN_CTX_get(work), *b = BN_CTX_get(work), *x = BN_CTX_get(work);
    return x && !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, order) < 0 && BN_cmp(s, order) < 0 &&
           BN_mod_inverse(inverse, s, order, work) && BN_mod_mul(a, e, inverse, order, work) == 1 &&
           BN_mod_mul(b, r, inverse, order, work) == 1 && sum_x(key, a, b, x, work) && BN_cmp(x, r) == 0;
}

bool p256_check(const struct p256 *key, const unsigned char digest[P256_WIDTH],
                const unsigned char r[P256_WIDTH], const unsigned char s[P256_WIDTH])
{
    BN_CTX *work = BN_CTX_new();
    if (!work)
        return false;
    BN_CTX_start(work);
    BIGNUM *e = BN_CTX_get(work), *first = BN_CTX_get(work), *second = BN_CTX_get(work);
    bool ok = second && BN_bin2bn(digest, P256_WIDTH, e) && BN_bin2bn(r, P256_WIDTH, first) &&
              BN_bin2bn(s, P256_WIDTH, second) && equation_holds(key, e, first, second, work);
    BN_CTX_end(work);
    BN_CTX_free(work);
    return ok;
}
