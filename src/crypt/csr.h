/*
 * csr: certificate requests (RFC 2986): made with a fresh key, and answered.
 *
 * Of a request only the public key counts, after its signature has shown that
 * whoever asks holds the private one: names in it are passed over.
 */
#ifndef CRYPT_CSR_H
#define CRYPT_CSR_H

#include "crypt/authority.h"

#define CSR_BYTES_MAX (8 * 1024)

/* A P-256 key and a request without names; PEM in the arena. */
bool csr_make(struct arena *arena, struct bytes *csr, struct bytes *key, struct fail *why);
/* Whether it could be answered: its form, its key, and the proof. */
bool csr_check(struct bytes csr, struct fail *why);
/* A leaf with that SPIFFE id for the request's key, as authority_issue makes them; out->key stays empty. */
bool csr_answer(const struct authority *authority, struct bytes csr, struct bytes spiffe_uri, int64_t seconds,
                struct arena *arena, struct identity_pem *out, struct fail *why);

/* A certificate of its own (self-signed, for ten years), by which an endpoint is known to those who were
 * given its SHA-256. */
bool csr_endpoint(struct arena *arena, struct bytes *cert, struct bytes *key, struct fail *why);
/* SHA-256 of the DER of the PEM's first certificate. */
bool certificate_pin(struct bytes pem, unsigned char pin[32], struct fail *why);

#endif
