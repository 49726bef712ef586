/*
 * peer: who is at the other end of a TLS connection, by the certificate it
 * showed. The chain was verified in the handshake; whether this peer is wanted
 * here is judged by the rules of the place.
 */
#ifndef CRYPT_PEER_H
#define CRYPT_PEER_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/spiffe_id.h"

struct peer {
    struct bytes uri;    /* its first URI SAN, or empty */
    unsigned uri_count;  /* all URI SANs */
    struct spiffe_id id; /* of uri, when it is a SPIFFE id */
    bool spiffe;
    unsigned char sha256[32]; /* of the DER: cnf's x5t#S256 (RFC 8705 3.1) */
    struct bytes subject;     /* RFC 2253 text, for XFCC and logs */
    struct bytes dns;         /* its first DNS SAN, or empty */
    struct bytes serials;     /* lower-case hex: its own, and, unless the session was resumed, a space before
                                 each of those above it */
    int64_t not_after_s;
};

/*
 * Mesh rules for a peer: exactly one URI SAN, a SPIFFE id, of one of the trust
 * domains and, when `expected_count` is not 0, one of the expected ids. The
 * leaf's shape (CA, key usage) was judged in the handshake of a mesh context.
 * Without trust domains nobody is let in.
 */
bool peer_judge(const struct peer *peer, const struct bytes *trust_domains, size_t trust_domain_count,
                const struct bytes *expected, size_t expected_count, struct fail *why);

/* The facts of a leaf (OpenSSL's X509), with texts in the arena. */
struct x509_st;
bool peer_read(struct x509_st *leaf, struct arena *arena, struct peer *out, struct fail *why);

#endif
