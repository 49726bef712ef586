/*
 * seal: secrets at rest. AES-256-GCM, a fresh 96-bit nonce each, the purpose in
 * the associated data so that one kind of sealed thing is never taken for
 * another.
 */
#ifndef CRYPT_SEAL_H
#define CRYPT_SEAL_H

#include "base/arena.h"
#include "base/fail.h"

#define SEAL_KEY_SIZE 32

struct seal_key {
    unsigned char bytes[SEAL_KEY_SIZE];
};

/* From a file of 32 raw bytes or 64 hex digits (and a newline); anything else is refused with its place. */
bool seal_key_read(struct bytes content, struct seal_key *out, struct fail *why);
bool seal_key_new(struct seal_key *out, struct fail *why);
/* Layout: "SLV1", nonce, ciphertext, tag. */
bool seal_close(const struct seal_key *key, struct bytes purpose, struct bytes plain, struct arena *arena,
                struct bytes *out, struct fail *why);
bool seal_open(const struct seal_key *key, struct bytes purpose, struct bytes sealed, struct arena *arena,
               struct bytes *out, struct fail *why);

#endif
