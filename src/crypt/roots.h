/*
 * roots: the certificates the system trusts.
 *
 * The file is read once, early: processes that lose their file system must ask
 * for roots_load before that. Parsed when first needed.
 */
#ifndef CRYPT_ROOTS_H
#define CRYPT_ROOTS_H

#include <openssl/x509.h>

#include "base/fail.h"

void roots_load(void);
/* A reference of the caller's, or NULL when the system has no roots. */
X509_STORE *roots_store(struct fail *why);

#endif
