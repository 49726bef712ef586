/*
 * logout_token: whether the claims of a logout token, whose signature is good, are
 * what a provider may end sessions with. OpenID Connect Back-Channel Logout 1.0, 2.6.
 * Pure.
 */
#ifndef RULES_DECIDE_LOGOUT_TOKEN_H
#define RULES_DECIDE_LOGOUT_TOKEN_H

#include "base/fail.h"
#include "wire/json.h"

struct logout_scope {
    struct bytes issuer;
    struct bytes client_id;
};

struct logout_token {
    struct bytes subject; /* one of the two may be empty */
    struct bytes session;
    struct bytes id;
};
#define LOGOUT_TOKEN_AGE_S 600
/* `typ` is the header's; at NULL: nothing. */
bool logout_token_judge(const json_t *claims, struct bytes typ, const struct logout_scope *scope,
                        int64_t now_s, struct logout_token *out, struct fail *why);

#endif
