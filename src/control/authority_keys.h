/*
 * authority_keys: which root and which intermediate of the embedded authority is
 * in use when, as a function of time.
 *
 *   root          published        signs intermediates       trusted still
 *                 |---- ahead ----|------- root_every -------|-- leaves --|
 *   intermediate                  |- every -|- every -| ...
 *
 * A root is in everybody's bundle before anything is signed by it, and stays there
 * until the last leaf below it has ended. Intermediates travel with their leaves,
 * so they need neither. The very first root cannot be published ahead. Private
 * keys go as soon as they sign no more. Times are wall seconds.
 */
#ifndef CONTROL_AUTHORITY_KEYS_H
#define CONTROL_AUTHORITY_KEYS_H

#include "crypt/authority.h"

#define AUTHORITY_KEYS_MAX 64

struct authority_plan {
    struct bytes trust_domain;
    int64_t root_every_s;
    int64_t ahead_s; /* how long a root is published before it signs */
    int64_t every_s; /* intermediates */
};

struct authority_key {
    char cert[2048]; /* PEM */
    char key[512];   /* PEM; empty: it signs no more */
    char serial[48];
    int64_t made_s;
    int64_t from_s;
    int64_t until_s;
    int64_t leaves_s; /* when the last leaf below it ends */
    int64_t ends_s;   /* of the certificate */
};

/* Sorted by from_s. */
struct authority_level {
    struct authority_key at[AUTHORITY_KEYS_MAX];
    size_t count;
};

struct authority_keys {
    struct authority_level roots;
    struct authority_level intermediates;
};

void authority_keys_wipe(struct authority_keys *keys);
/* Makes what is due, forgets what nobody can need. False: the keys serve on as they are. *changed: something
 * was done. */
bool authority_keys_step(struct authority_keys *keys, const struct authority_plan *plan, int64_t now_s,
                         bool *changed, struct fail *why);
/* On command. A root gives way once its successor was published for long enough; nothing happens when one is
 * published already. */
void authority_keys_rotate_root(struct authority_keys *keys, int64_t now_s);
void authority_keys_rotate_intermediate(struct authority_keys *keys, int64_t now_s);
/* When step has something to do next. */
int64_t authority_keys_next(const struct authority_keys *keys, const struct authority_plan *plan,
                            int64_t now_s);
const struct authority_key *authority_keys_root(const struct authority_keys *keys, int64_t now_s);
/* A leaf with that end was issued by the intermediate in use. */
void authority_keys_issued(struct authority_keys *keys, int64_t now_s, int64_t not_after_s);
/* Until when a root is in the bundle. */
int64_t authority_key_forget_s(const struct authority_key *key);

/* PEM of all roots, the one in use first. */
struct bytes authority_keys_bundle(const struct authority_keys *keys, int64_t now_s, struct arena *arena);
/* Whoever signs leaves now. NULL with *why. */
struct authority *authority_keys_open(const struct authority_keys *keys, int64_t now_s, struct fail *why);
/* An authority of before there were several: its root is in use from now on. */
bool authority_keys_adopt(struct authority_keys *keys, struct bytes cert, struct bytes key,
                          const struct authority_plan *plan, int64_t now_s, struct fail *why);

/* JSON for the disk: seal it. The text is secret. */
struct bytes authority_keys_write(const struct authority_keys *keys, struct arena *arena);
bool authority_keys_read(struct bytes text, struct arena *arena, struct authority_keys *out,
                         struct fail *why);

#endif
