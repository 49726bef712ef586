/*
 * x509: what the files of crypt/ share about OpenSSL's objects. Only they
 * include it.
 */
#ifndef CRYPT_X509_H
#define CRYPT_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

#define X509_PEM_MAX (4 * 1024 * 1024) /* bytes of PEM in one text: every root of the web is 0.25 MB */
#define X509_CHAIN_MAX 16              /* certificates that one peer shows */
#define X509_BUNDLE_MAX 4096           /* certificates in a trust bundle */

/* "FORMAT: what OpenSSL's queue says" in one line; empties the queue. Answers false. */
bool x509_fail(struct fail *why, enum fail_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All certificates in the PEM, in order; NULL when there is none, too many or a bad one. */
STACK_OF(X509) * x509_read_all(struct bytes pem, size_t max, struct fail *why);
/* The first private key in the PEM. One under a pass phrase is refused. */
EVP_PKEY *x509_key_read(struct bytes pem, struct fail *why);
void x509_stack_free(STACK_OF(X509) * certs); /* and the certificates */

/* A store that trusts these; what it holds is an end of a chain, self-signed or not. */
X509_STORE *x509_store_new(STACK_OF(X509) * roots);

struct bytes x509_pem(STACK_OF(X509) * certs, struct arena *arena);
struct bytes x509_key_pem(EVP_PKEY *key, struct arena *arena); /* PKCS 8 */
struct bytes x509_subject(X509 *cert, struct arena *arena);    /* RFC 2253 */
struct bytes x509_serial(X509 *cert, struct arena *arena);     /* lower-case hex */
bool x509_self_signed(X509 *cert);
int64_t x509_seconds(const ASN1_TIME *time);

/* The subject alternative names that matter here. */
struct x509_names {
    struct bytes uri; /* the first, or empty */
    struct bytes dns; /* the first, or empty */
    unsigned uri_count;
};
/* Refuses what OpenSSL cannot read, two such extensions, and text beyond printable ASCII. */
bool x509_names_read(X509 *cert, struct arena *arena, struct x509_names *out, struct fail *why);

/* X509-SVID.md 4 and 5 on one leaf, given its names. */
bool x509_leaf_check(X509 *leaf, const struct x509_names *names, struct fail *why);
/* The same on what stands above a leaf. */
bool x509_signer_check(X509 *signer, struct fail *why);

#endif
