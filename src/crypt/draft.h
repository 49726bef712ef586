/*
 * draft: a certificate being written, before it is signed. Only authority.c
 * and the tests of crypt/ (which need wrong ones) include it.
 */
#ifndef CRYPT_DRAFT_H
#define CRYPT_DRAFT_H

#include "crypt/x509.h"

struct draft {
    struct bytes common_name; /* with the organization: the subject; both may be empty */
    struct bytes organization;
    const struct bytes *uris;
    size_t uri_count;
    const struct bytes *dns;
    size_t dns_count;
    bool is_ca;
    int path_length;     /* of a CA; -1: unbounded */
    uint32_t key_usage;  /* KU_DIGITAL_SIGNATURE | ...; 0: no such extension */
    const int *purposes; /* NIDs of extended key usages, ended by 0; NULL: no such extension */
    int64_t not_before_s;
    int64_t not_after_s;
};

/* Signs `key`'s public half by the issuer, or by itself when issuer is NULL. */
X509 *draft_sign(const struct draft *draft, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                 struct fail *why);
EVP_PKEY *draft_key_new(struct fail *why); /* P-256 */

#endif
