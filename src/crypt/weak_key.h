/*
 * weak_key: public keys whose private half, or whose signatures, others can
 * make. Judged on the bare numbers (big-endian; Ed25519: the 32 bytes).
 */
#ifndef CRYPT_WEAK_KEY_H
#define CRYPT_WEAK_KEY_H

#include "base/fail.h"
#include "wire/jwk.h"

/* RSA: size, odd modulus, odd exponent from 3 to below 2^64, no ROCA modulus (CVE-2017-15361). Ed25519: no
 * point of small order, no second spelling of a point. EC keys are judged by OpenSSL when they are made. */
bool weak_key_refuse(const struct jwk *key, struct fail *why);

#endif
