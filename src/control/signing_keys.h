/*
 * signing_keys: which signing key is in use when, as a pure function of time.
 *
 *   published           in use              published still
 *   |---- ahead ----|------ every ------|---- linger ----|
 *
 * The very first key cannot be published ahead. `ahead` may be longer than `every`:
 * several keys wait for their turn then. Times are wall seconds.
 */
#ifndef CONTROL_SIGNING_KEYS_H
#define CONTROL_SIGNING_KEYS_H

#include "base/arena.h"
#include "base/fail.h"
#include "crypt/signature.h"

#define SIGNING_KEYS_MAX 64

struct signing_plan {
    int64_t every_s;
    int64_t ahead_s;
    int64_t lifetime_s; /* of a token */
    int64_t linger_s;   /* after its last token has ended: verifiers still have it in their key sets */
};

struct signing_key {
    char kid[64];
    uint8_t der[SIGNER_DER_MAX];
    size_t der_len;
    char jwk[512]; /* the public half as JSON */
    int64_t made_s;
    int64_t from_s;
    int64_t until_s;
};

/* Sorted by from_s. */
struct signing_keys {
    struct signing_key at[SIGNING_KEYS_MAX];
    size_t count;
};

void signing_keys_wipe(struct signing_keys *keys);
/* Makes the next key when its time has come, forgets those nobody can need. *changed: something was done. */
bool signing_keys_step(struct signing_keys *keys, const struct signing_plan *plan, int64_t now_s,
                       bool *changed, struct fail *why);
/* On command: the key in use gives way as soon as its successor was published for long enough. Nothing
 * happens when one is published already. */
void signing_keys_rotate(struct signing_keys *keys, int64_t now_s);
/* When step has something to do next, or another key comes into use. */
int64_t signing_keys_next(const struct signing_keys *keys, const struct signing_plan *plan, int64_t now_s);
/* The key in use; NULL when there is none. */
const struct signing_key *signing_keys_current(const struct signing_keys *keys, int64_t now_s);
/* Until when its public half must be published. */
int64_t signing_key_forget_s(const struct signing_key *key, const struct signing_plan *plan);

/* JSON for the disk: seal it. The text is secret. */
struct bytes signing_keys_write(const struct signing_keys *keys, struct arena *arena);
bool signing_keys_read(struct bytes text, struct arena *arena, struct signing_keys *out, struct fail *why);

#endif
