/*
 * join_tokens: the tokens by which machines may join, in the authority's directory:
 * a file each, named by the SHA-256 of the secret, which itself is nowhere. Used
 * ones are renamed, which can be done once only, and kept for a day, so that who
 * comes again is told so.
 */
#ifndef CONTROL_JOIN_TOKENS_H
#define CONTROL_JOIN_TOKENS_H

#include "base/arena.h"
#include "base/fail.h"
#include "wire/join.h"

#define JOIN_TOKENS_MAX 1000

/* What a token lets its bearer become. */
struct join_grant {
    struct bytes name_space;
    struct bytes account;
    int64_t ends_s;
};

/* `directory` is the authority's. Fresh random bytes become the token's secret. */
bool join_tokens_make(struct bytes directory, const struct join_grant *grant, int64_t now_s,
                      unsigned char secret[JOIN_SECRET_SIZE], struct fail *why);
/* Whether it is good now; use it up before anything is given for it. */
bool join_tokens_find(struct bytes directory, const unsigned char secret[JOIN_SECRET_SIZE], int64_t now_s,
                      struct arena *arena, struct join_grant *out, struct fail *why);
bool join_tokens_use(struct bytes directory, const unsigned char secret[JOIN_SECRET_SIZE], struct fail *why);

#endif
