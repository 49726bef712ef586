/*
 * authority: who signs workload certificates. A root of our own, an
 * intermediate below one, or what lies in an Istio cacerts folder.
 *
 * Keys made here are P-256; keys opened may be of any kind that OpenSSL signs
 * with. Read-only after it was made, so threads may share it.
 */
#ifndef CRYPT_AUTHORITY_H
#define CRYPT_AUTHORITY_H

#include "base/arena.h"
#include "base/fail.h"

struct authority;
/* A new self-signed P-256 root: CN "Selvage mesh root", O = trust domain, URI SAN spiffe://TD, path length
 * unbounded. */
struct authority *authority_new_root(struct bytes trust_domain, int64_t days, struct fail *why);
/* An intermediate signed by `parent` (for tests, the demo and cacerts folders). It signs leaves only: path
 * length 0. */
struct authority *authority_new_intermediate(const struct authority *parent, struct bytes name, int64_t days,
                                             struct fail *why);
/*
 * From PEM: the certificate, its key, the chain above it (may be empty; the
 * certificate itself and roots in it, as Istio's cert-chain.pem has them, are
 * passed over), the roots peers shall trust. Checks that key, certificate and
 * chain fit, that it is a CA, that it is in force; *why names the part.
 */
struct authority *authority_open(struct bytes cert, struct bytes key, struct bytes chain, struct bytes roots,
                                 struct fail *why);
void authority_free(struct authority *authority);
/* PEM texts, in the arena. key: PKCS 8; seal it before it reaches a disk. */
struct bytes authority_cert_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_key_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_chain_pem(const struct authority *authority, struct arena *arena);
struct bytes authority_roots_pem(const struct authority *authority, struct arena *arena);

#define AUTHORITY_SECONDS_MAX (24 * 60 * 60) /* the longest life of a workload's certificate */

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
