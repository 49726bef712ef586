/*
 * bundle: the trust bundle of a SPIFFE trust domain, as its bundle endpoint
 * serves it (SPIFFE_Trust_Domain_and_Bundle.md 4): authorities of certificates
 * and of tokens, never mixed.
 *
 * A set in which no key says its use is a bundle of token keys alone.
 */
#ifndef CRYPT_BUNDLE_H
#define CRYPT_BUNDLE_H

#include "base/arena.h"
#include "base/fail.h"

#define BUNDLE_BYTES_MAX (1024 * 1024)

struct bundle {
    struct bytes roots;    /* PEM of the x509-svid keys' certificates; may be empty */
    struct bytes jwt_keys; /* a key set (JSON) of the jwt-svid keys alone, each with a kid */
    unsigned root_count;
    unsigned jwt_count;
    int64_t refresh_hint_s; /* 0: none */
    int64_t sequence;       /* -1: none */
};

/* Texts lie in the arena. Keys of other uses are passed over. */
bool bundle_read(struct bytes json, struct arena *arena, struct bundle *out, struct fail *why);

/*
 * The roots of a trust domain from what its operator gave: PEM, or a bundle as
 * above with at least one x509-svid key. Every one may sign (CA, keyCertSign).
 */
bool bundle_roots(struct bytes text, struct arena *arena, struct bytes *pem, struct fail *why);

#endif
