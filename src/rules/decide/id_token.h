/*
 * id_token: is this ID token for us, and of the login that we began? OpenID
 * Connect Core 3.1.3.7. Pure; the signature is another's question
 * (crypt/key_set), and so is whether the issuer is the one that was asked.
 */
#ifndef RULES_DECIDE_ID_TOKEN_H
#define RULES_DECIDE_ID_TOKEN_H

#include "rules/decide/claims.h"

struct id_token_scope {
    struct bytes issuer;
    struct bytes client_id;
    struct bytes nonce; /* sent with the login; empty: none was */
    /* Who else may stand in aud beside the client; nobody when zeroed. */
    const struct bytes *trusted;
    size_t trusted_count;
    bool trusts_all;
    bool needs_no_exp; /* only for judging what others made */
    bool needs_iat;
};

bool id_token_judge(const json_t *payload, const struct id_token_scope *scope, int64_t now_s,
                    enum claims_fault *fault, struct fail *why);

#endif
