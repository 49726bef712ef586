/*
 * envelope: what we give to others to keep for us: sealed with a key that has a
 * number, as text for cookies and addresses.
 *
 *   base64url( key's id, 8 bytes | seal )
 *
 * The seal is crypt/seal's (AES-256-GCM). Purpose, owner and the key's id are in its associated
 * data: a session is no login state, one host's is not another's. The newest key seals; it and those before
 * it, while they are kept, open.
 */
#ifndef CRYPT_ENVELOPE_H
#define CRYPT_ENVELOPE_H

#include "crypt/seal.h"

#define ENVELOPE_KEYS_MAX 3
#define ENVELOPE_MAX (24 * 1024) /* of text */

struct envelope_key {
    uint64_t id;
    struct seal_key key;
};

/* The one that seals first. Wipe it when it goes. */
struct envelope_keys {
    struct envelope_key at[ENVELOPE_KEYS_MAX];
    size_t count;
};

/* What it is and for whom: neither has a NUL in it. */
struct envelope_use {
    struct bytes purpose;
    struct bytes owner;
};

/* HKDF (RFC 5869) with SHA-256: the key of that id, from the one that guards everything. */
void envelope_key_derive(const struct seal_key *from, struct envelope_key *key);
/* Whether it was sealed by the key that seals now, or by a later one (ids count up), which somebody else had
 * first: to seal it again by ours would put it nearer to its end. Whether it opens is not asked. */
bool envelope_is_current(const struct envelope_keys *keys, struct bytes text, struct arena *arena);
bool envelope_close(const struct envelope_keys *keys, const struct envelope_use *use, struct bytes plain,
                    struct arena *arena, struct bytes *out, struct fail *why);
bool envelope_open(const struct envelope_keys *keys, const struct envelope_use *use, struct bytes text,
                   struct arena *arena, struct bytes *out, struct fail *why);

#endif
