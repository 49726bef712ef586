/*
 * signature: JWS signatures checked and made with OpenSSL. RFC 7518 3, RFC 8037.
 *
 * A verifier is a public key made ready once and asked often; it may be shared
 * by threads, since a check works on a copy of what was made ready. Keys that
 * others could sign with (short RSA, e = 1, ROCA, points of small order or off
 * the curve) never become a verifier. A signer is an ES256 key pair.
 */
#ifndef CRYPT_SIGNATURE_H
#define CRYPT_SIGNATURE_H

#include "base/fail.h"
#include "wire/jwk.h"
#include "wire/jws.h"

struct verifier;

/* Keeps nothing of `key`. NULL with *why when the key must not be used. */
struct verifier *verifier_new(const struct jwk *key, struct fail *why);
void verifier_free(struct verifier *verifier);
/* For a P-256 key that will be asked often, once and before it is shared: 20 ms now make each check cost half
 * (p256.h). `key` is the one that it was made from. False: it stays as it was. */
bool verifier_quicken(struct verifier *verifier, const struct jwk *key);
/* Whether the key is of the algorithm's type and, when its JWK names an algorithm, it is that one. */
bool verifier_fits(const struct verifier *verifier, enum jws_alg alg);
/* `signature` as in a JWS: raw, for ES256.. r and s one after the other, each as long as the curve's order.
 */
bool verifier_check(const struct verifier *verifier, enum jws_alg alg, struct bytes signed_part,
                    struct bytes signature, struct fail *why);

#define SIGNER_SIGNATURE_SIZE 64
#define SIGNER_DER_MAX 256

struct signer;

struct signer *signer_new_p256(struct fail *why);
/* PKCS 8 or SEC 1, P-256 only, nothing behind it. */
struct signer *signer_from_der(struct bytes der, struct fail *why);
void signer_free(struct signer *signer);
/* The private key as PKCS 8: seal it, then heap_wipe it. *len is set to the bytes used. */
bool signer_to_der(const struct signer *signer, uint8_t out[SIGNER_DER_MAX], size_t *len, struct fail *why);
/* alg ES256, kid the RFC 7638 thumbprint; in the arena. */
struct jwk signer_public_jwk(const struct signer *signer, struct arena *arena);
/* ES256 over `input`: r and s, 32 bytes each. */
bool signer_sign(const struct signer *signer, struct bytes input, uint8_t out[SIGNER_SIGNATURE_SIZE],
                 struct fail *why);

#endif
