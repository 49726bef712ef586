/*
 * login_tokens: whether the claims of an ID token or a logout token, whose
 * signature is good, are what a login may stand on. OpenID Connect Core 1.0, 3.1.3.7
 * and 12.2; Back-Channel Logout 1.0, 2.6. Pure.
 */
#ifndef RULES_DECIDE_LOGIN_TOKENS_H
#define RULES_DECIDE_LOGIN_TOKENS_H

#include "base/fail.h"
#include "wire/json.h"

struct login_party {
    struct bytes issuer;
    struct bytes client_id;
};

/* An empty nonce: none was asked for (a refresh); then the token may have any or none. */
bool id_token_judge(const json_t *claims, const struct login_party *party, struct bytes nonce, int64_t now_s,
                    struct fail *why);

struct logout_token {
    struct bytes subject; /* one of the two may be empty */
    struct bytes session;
    struct bytes id;
};
#define LOGOUT_TOKEN_AGE_S 600
bool logout_token_judge(const json_t *claims, struct bytes typ, const struct login_party *party,
                        int64_t now_s, struct logout_token *out, struct fail *why);

#endif
