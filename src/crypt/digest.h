/*
 * digest: SHA-256 and random bytes.
 */
#ifndef CRYPT_DIGEST_H
#define CRYPT_DIGEST_H

#include "base/bytes.h"

#define DIGEST_SIZE 32

struct digest {
    unsigned char bytes[DIGEST_SIZE];
};

struct digest digest_of(struct bytes b);

/* In pieces. */
struct digest_work;
struct digest_work *digest_start(void);
void digest_more(struct digest_work *work, struct bytes b);
struct digest digest_end(struct digest_work *work); /* frees the work */
/* Of these bytes alone; the work can be used again. For whoever makes many: nothing is allocated. */
struct digest digest_again(struct digest_work *work, struct bytes b);
void digest_free(struct digest_work *work);

/* Broken for proofs; WebSocket's handshake (RFC 6455 4.2.2) wants it. */
#define SHA1_SIZE 20
void sha1_of(struct bytes b, unsigned char out[SHA1_SIZE]);

/* From OpenSSL's generator; ends the process when there is no randomness. */
void random_bytes(void *out, size_t size);

#endif
