/*
 * authority_inside: issuing for a key that is there already; for csr.c.
 */
#ifndef CRYPT_AUTHORITY_INSIDE_H
#define CRYPT_AUTHORITY_INSIDE_H

#include <openssl/evp.h>

#include "crypt/authority.h"

/* As authority_issue; out->key stays empty. */
bool authority_certify(const struct authority *authority, EVP_PKEY *key, struct bytes spiffe_uri,
                       int64_t seconds, struct arena *arena, struct identity_pem *out, struct fail *why);

#endif
