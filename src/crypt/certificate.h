/*
 * certificate: X.509 made, read and judged: the node's own authority, the
 * workload certificates (X509-SVID.md), the peers met over mutual TLS.
 */
#ifndef CRYPT_CERTIFICATE_H
#define CRYPT_CERTIFICATE_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/spiffe_id.h"

/* What is known of the certificate a peer showed. Its chain was verified by the handshake already. */
struct peer {
    struct bytes uri;    /* its one URI SAN, or empty */
    unsigned uri_count;  /* all URI SANs */
    struct spiffe_id id; /* of uri, when it is a SPIFFE id */
    bool spiffe;
    unsigned char sha256[32]; /* of the DER: cnf's x5t#S256 (RFC 8705 3.1) */
    struct bytes subject;     /* RFC 2253 text, for XFCC and logs */
    struct bytes dns;         /* its first DNS SAN, or empty */
    int64_t not_after_s;
};

/*
 * Mesh rules for a peer: exactly one URI SAN, a SPIFFE id, of one of the trust
 * domains, CA false, digitalSignature where key usage is present (no keyCertSign,
 * no cRLSign), and, when `expected_count` is not 0, one of the expected ids.
 * `der` judging of the leaf's shape happens in tls.c by certificate_shape_check.
 */
bool peer_judge(const struct peer *peer, const struct bytes *trust_domains, size_t trust_domain_count,
                const struct bytes *expected, size_t expected_count, struct fail *why);

/* X509-SVID.md 4 and 5 on the PEM's first certificate (leaf) and the others (intermediates). */
bool certificate_shape_check(struct bytes pem, struct fail *why);

struct certificate_facts {
    struct bytes subject;
    struct bytes uri;    /* first URI SAN or empty */
    struct bytes serial; /* hex */
    int64_t not_before_s;
    int64_t not_after_s;
    bool is_ca;
};
/* Of the PEM's first certificate. */
bool certificate_facts(struct bytes pem, struct arena *arena, struct certificate_facts *out,
                       struct fail *why);
/* Whether the key belongs to the PEM's first certificate. */
bool certificate_key_matches(struct bytes chain_pem, struct bytes key_pem, struct fail *why);

/* An authority that signs: root or intermediate. */
struct authority;
/* A new self-signed P-256 root: CN "Selvage mesh root", O = trust domain, URI SAN spiffe://TD, path length
 * unbounded. */
struct authority *authority_new_root(struct bytes trust_domain, int64_t days, struct fail *why);
/* An intermediate signed by `parent` (for tests, the demo and cacerts folders). */
struct authority *authority_new_intermediate(const struct authority *parent, struct bytes name, int64_t days,
                                             struct fail *why);
/* From PEM: the certificate, its key, the chain above it up to but without the root (may be empty), the roots
 * peers shall trust. Checks that key, certificate and chain fit, that it is a CA, that it is in force. */
struct authority *authority_open(struct bytes cert, struct bytes key, struct bytes chain, struct bytes roots,
                                 struct fail *why);
void authority_free(struct authority *authority);
/* PEM texts, in the arena. key: PKCS 8; seal it before it reaches a disk. */
struct bytes authority_cert_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_key_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_chain_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_roots_pem(const struct authority *authority, struct arena *arena);

struct identity_pem {
    struct bytes chain; /* leaf, then intermediates */
    struct bytes key;
    struct bytes roots;
};
/* A fresh P-256 key and a leaf for the SPIFFE id: serverAuth and clientAuth, digitalSignature, not CA, valid
 * from a minute ago for `seconds` (24 h at most, never beyond the issuer's). `dns` names may be added for
 * edges' TLS in the demo. */
bool authority_issue(const struct authority *authority, struct bytes spiffe_uri, const struct bytes *dns,
                     size_t dns_count, int64_t seconds, struct arena *arena, struct identity_pem *out,
                     struct fail *why);

#endif
