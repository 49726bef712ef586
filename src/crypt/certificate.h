/*
 * certificate: X.509 in PEM, read and judged. See peer.h for who is at the
 * other end of a connection and authority.h for making certificates.
 */
#ifndef CRYPT_CERTIFICATE_H
#define CRYPT_CERTIFICATE_H

#include "base/arena.h"
#include "base/fail.h"
#include "crypt/authority.h"
#include "crypt/peer.h"

/* X509-SVID.md 4 and 5 on the PEM's first certificate (leaf) and the others (intermediates). Neither
 * signatures nor times are judged. */
bool certificate_shape_check(struct bytes pem, struct fail *why);

struct certificate_facts {
    struct bytes subject;
    struct bytes uri;       /* first URI SAN or empty */
    struct bytes serial;    /* lower-case hex */
    struct bytes algorithm; /* of its key: "ECDSA P-256", "RSA 2048", "Ed25519" */
    int64_t not_before_s;
    int64_t not_after_s;
    bool is_ca;
};
/* Of the PEM's first certificate. */
bool certificate_facts(struct bytes pem, struct arena *arena, struct certificate_facts *out,
                       struct fail *why);
/* Whether the key belongs to the PEM's first certificate. */
bool certificate_key_matches(struct bytes chain_pem, struct bytes key_pem, struct fail *why);

#endif
