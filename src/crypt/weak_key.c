#include "crypt/weak_key.h"

#include <openssl/bn.h>
#include <string.h>

/*
 * Keys from the broken library have primes k*M + (65537^a mod M) with M the
 * product of the first primes. So modulo each of these primes the modulus is a
 * power of 65537, which for a proper key happens once in 2^27 or rarer.
 */
static const BN_ULONG roca_primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                       79, 97, 103, 107, 109, 127, 151, 157};

static bool is_power_of_65537(BN_ULONG rest, BN_ULONG prime)
{
    BN_ULONG power = 1;
    do {
        if (power == rest)
            return true;
        power = power * 65537 % prime;
    } while (power != 1);
    return false;
}

static bool is_roca(const BIGNUM *n)
{
    for (size_t i = 0; i < sizeof roca_primes / sizeof roca_primes[0]; i++)
        if (!is_power_of_65537(BN_mod_word(n, roca_primes[i]), roca_primes[i]))
            return false;
    return true;
}

static bool modulus_judge(struct bytes number, struct fail *why)
{
    BIGNUM *n = BN_bin2bn((const unsigned char *)number.at, (int)number.len, NULL);
    if (!n)
        return fail(why, FAIL_SELF, "no memory for an RSA modulus");
    int bits = BN_num_bits(n);
    bool odd = BN_is_odd(n), roca = is_roca(n);
    BN_free(n);
    if (bits < JWK_RSA_BITS_MIN || bits > JWK_RSA_BITS_MAX)
        return fail(why, FAIL_DENIED, "the RSA modulus has %d bits; %d to %d are used", bits,
                    JWK_RSA_BITS_MIN, JWK_RSA_BITS_MAX);
    if (!odd)
        return fail(why, FAIL_DENIED, "the RSA modulus is even");
    return !roca || fail(why, FAIL_DENIED, "the RSA modulus comes from a broken generator (CVE-2017-15361)");
}

static bool rsa_judge(const struct jwk *key, struct fail *why)
{
    uint64_t e = 0;
    if (key->a.len > JWK_RSA_BITS_MAX / 8 + 1)
        return fail(why, FAIL_DENIED, "the RSA modulus has %zu bytes; at most %d are used", key->a.len,
                    JWK_RSA_BITS_MAX / 8);
    if (!key->b.len || key->b.len > sizeof e)
        return fail(why, FAIL_DENIED, "the RSA exponent has %zu bytes; 1 to %zu are used", key->b.len,
                    sizeof e);
    for (size_t i = 0; i < key->b.len; i++)
        e = e << 8 | (unsigned char)key->b.at[i];
    if (e < 3 || e % 2 == 0)
        return fail(why, FAIL_DENIED, "the RSA exponent is not an odd number from 3 on");
    return modulus_judge(key->a, why);
}

/* The y coordinates, little-endian and without the sign, of the points of order 1, 2, 4 and 8. */
static const unsigned char small_order[][32] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y >= 2^255 - 19: a second spelling of a smaller y. */
static bool is_unreduced(const unsigned char y[32])
{
    for (size_t i = 1; i < 31; i++)
        if (y[i] != 0xff)
            return false;
    return y[31] == 0x7f && y[0] >= 0xed;
}

static bool ed25519_judge(const struct jwk *key, struct fail *why)
{
    unsigned char y[32];
    if (key->a.len != sizeof y)
        return fail(why, FAIL_DENIED, "the Ed25519 key has %zu bytes; it must have %zu", key->a.len,
                    sizeof y);
    memcpy(y, key->a.at, sizeof y);
    y[31] &= 0x7f;
    if (is_unreduced(y))
        return fail(why, FAIL_DENIED, "the Ed25519 key is not in its shortest form");
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++)
        if (memcmp(y, small_order[i], sizeof y) == 0)
            return fail(why, FAIL_DENIED, "the Ed25519 key is a point of small order");
    return true;
}

bool weak_key_refuse(const struct jwk *key, struct fail *why)
{
    switch (key->type) {
    case JWK_RSA:
        return rsa_judge(key, why);
    case JWK_ED25519:
        return ed25519_judge(key, why);
    default:
        return true;
    }
}
