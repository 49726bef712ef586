/*
 * p256: ES256 signatures of one key that will be asked often, in half the time.
 *
 * OpenSSL keeps multiples of the curve's base point at hand, but of a public key
 * it has none, and most of a verification goes into finding them. Here they are
 * found beforehand, once for the key, by the same code of OpenSSL's that serves
 * base points: 20 ms and 150 KiB. What is left is the equation of FIPS 186-5
 * 6.4.2, in OpenSSL's numbers and points. All of it is public, so nothing has to
 * take the same time. May be shared by threads.
 */
#ifndef CRYPT_P256_H
#define CRYPT_P256_H

#include <stdbool.h>

#define P256_WIDTH 32 /* bytes of a coordinate, a half of a signature, and a SHA-256 */

struct p256;

/* A point of the curve, both coordinates. NULL when it is none, or OpenSSL does not find multiples
 * beforehand. */
struct p256 *p256_new(const unsigned char x[P256_WIDTH], const unsigned char y[P256_WIDTH]);
void p256_free(struct p256 *key);
bool p256_check(const struct p256 *key, const unsigned char digest[P256_WIDTH],
                const unsigned char r[P256_WIDTH], const unsigned char s[P256_WIDTH]);

#endif
