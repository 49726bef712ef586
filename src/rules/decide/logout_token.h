/*
 * logout_token: whether the claims of a logout token, whose signature is good, end
 * sessions. OpenID Connect Back-Channel Logout 1.0, 2.6. Pure.
 */
#ifndef RULES_DECIDE_LOGOUT_TOKEN_H
#define RULES_DECIDE_LOGOUT_TOKEN_H

#include "base/fail.h"
#include "wire/json.h"

struct login_party {
    struct bytes issuer;
    struct bytes client_id;
};

struct logout_token {
    struct bytes subject; /* one of the two may be empty */
    struct bytes session;
    struct bytes id;
};
#define LOGOUT_TOKEN_AGE_S 600
bool logout_token_judge(const json_t *claims, struct bytes typ, const struct login_party *party,
                        int64_t now_s, struct logout_token *out, struct fail *why);

#endif
