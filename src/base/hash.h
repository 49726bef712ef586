/*
 * hash: short hashes for tables, never for proofs.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

/* SipHash-1-3 under a key drawn once per process: for keys that an attacker may choose. */
uint64_t hash_keyed(struct bytes b);
/* FNV-1a with a final mix; the same everywhere and for ever: for ids that lie in images. */
uint64_t hash_stable(struct bytes b);

#endif
