/*
 * key_set: the verifiers of one issuer, and which of them a token means.
 *
 * A key is a candidate when its kid is the token's (compared only when both have
 * one), its type is that of the token's algorithm, and its JWK's alg, if any, is
 * the token's. Every candidate is tried, up to KEY_SET_TRIES_MAX. Immutable once
 * made; may be shared by threads.
 */
#ifndef CRYPT_KEY_SET_H
#define CRYPT_KEY_SET_H

#include "crypt/signature.h"

#define KEY_SET_TRIES_MAX 16
/* So many of a set's P-256 keys get their multiples beforehand: those of an edge, of today and yesterday. */
#define KEY_SET_QUICK_MAX 4

enum key_set_answer {
    KEY_SET_VERIFIED,
    KEY_SET_UNKNOWN_KID, /* no key has the kid the token names: newer keys may have it */
    KEY_SET_REFUSED,
};

struct key_set;

/* Never fails: keys that must not be used are left out and counted. Keeps nothing of `set`. */
struct key_set *key_set_new(const struct jwk_set *set);
void key_set_free(struct key_set *set);
uint32_t key_set_count(const struct key_set *set);
uint32_t key_set_left_out(const struct key_set *set);   /* those the jwk_set had left out included */
struct bytes key_set_remark(const struct key_set *set); /* why the first of them was, or empty */

/* *why is filled in unless VERIFIED. */
enum key_set_answer key_set_verify(const struct key_set *set, const struct jws *jws, struct fail *why);

#endif
