/*
 * jwk: JSON Web Keys and sets of them, public halves only. RFC 7517, 7518 6,
 * 8037.
 *
 * One bad key in a set does not lose the good ones; what was left out is told.
 * A set with a private member anywhere loses that key. oct keys are never read.
 */
#ifndef WIRE_JWK_H
#define WIRE_JWK_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/jws.h"

enum jwk_type { JWK_RSA, JWK_P256, JWK_P384, JWK_P521, JWK_ED25519 };

struct jwk {
    enum jwk_type type;
    struct bytes kid; /* empty when absent */
    enum jws_alg alg; /* JWS_NONE_KNOWN when the key names none */
    struct bytes a;   /* RSA: n; EC: x; OKP: x. Raw big-endian bytes */
    struct bytes b;   /* RSA: e; EC: y; OKP: empty */
};

#define JWK_RSA_BITS_MIN 2048
#define JWK_RSA_BITS_MAX 8192
#define JWK_SET_BYTES_MAX (1024 * 1024)
#define JWK_SET_KEYS_MAX 100

struct jwk_set {
    struct jwk *keys;
    uint32_t count;
    uint32_t left_out;   /* keys not usable for verifying */
    struct bytes remark; /* why the first of them was left out, or empty */
};

/* Everything in *out lies in the arena. Fails when it is no key set at all; a set without a usable key is
 * read with count 0. Also reads an object of kid -> PEM certificate (Google's x509 form) and one bare PEM
 * key. */
bool jwk_set_read(struct bytes text, struct arena *arena, struct jwk_set *out, struct fail *why);
/* Bytes of a coordinate (EC) or of the key (Ed25519); 0 for RSA. */
size_t jwk_width(enum jwk_type type);
/* {"kty":...} with kid, use and alg; the RFC 7638 thumbprint when kid is empty. */
void jwk_write(struct text *out, const struct jwk *key);
/* RFC 7638: base64url of SHA-256 over the required members in order. */
struct bytes jwk_thumbprint(const struct jwk *key, struct arena *arena);
/* Whether a key of that type may verify that algorithm. */
bool jwk_fits(enum jwk_type type, enum jws_alg alg);

#endif
