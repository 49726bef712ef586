#include "rules/decide/id_token.h"

static bool refuse(enum claims_fault *fault, enum claims_fault what, struct fail *why, const char *sentence)
{
    *fault = what;
    return fail(why, FAIL_DENIED, "%s", sentence);
}

static bool trusted(const struct id_token_scope *scope, struct bytes audience)
{
    if (scope->trusts_all || bytes_equal(audience, scope->client_id))
        return true;
    for (size_t i = 0; i < scope->trusted_count; i++)
        if (bytes_equal(audience, scope->trusted[i]))
            return true;
    return false;
}

/* 3.1.3.7, 3: no audience beside the client that the client does not trust. */
static bool others_trusted(const json_t *audience, const struct id_token_scope *scope)
{
    size_t i;
    const json_t *one;
    struct bytes text;
    json_array_foreach(audience, i, one)
    {
        if (!json_text(one, &text) || !trusted(scope, text))
            return false;
    }
    return true;
}

/* 3.1.3.7, 4 and 5: whom the token was made for, when it says so. */
static bool party_is_client(const json_t *payload, const struct id_token_scope *scope)
{
    const json_t *party = json_object_get(payload, "azp");
    struct bytes text;
    return !party || (json_text(party, &text) && bytes_equal(text, scope->client_id));
}

/* 3.1.3.7, 11: a token with another login's nonce was put under ours. */
static bool nonce_is_ours(const json_t *payload, const struct id_token_scope *scope)
{
    struct bytes nonce;
    return !scope->nonce.len ||
           (json_member_text(payload, "nonce", &nonce) && bytes_equal_secret(nonce, scope->nonce));
}

bool id_token_judge(const json_t *payload, const struct id_token_scope *scope, int64_t now_s,
                    enum claims_fault *fault, struct fail *why)
{
    struct claims_profile profile = claims_profile_strict(&scope->issuer, &scope->client_id, 1);
    struct bytes subject;
    profile.require_exp = !scope->needs_no_exp;
    if (!claims_judge(payload, &profile, now_s, fault, why))
        return false;
    if (!json_member_text(payload, "sub", &subject) || !subject.len)
        return refuse(fault, CLAIMS_MALFORMED, why, "the ID token names no subject");
    if (!others_trusted(json_object_get(payload, "aud"), scope))
        return refuse(fault, CLAIMS_AUDIENCE, why, "the ID token is for others too that are not trusted");
    if (!party_is_client(payload, scope))
        return refuse(fault, CLAIMS_AUDIENCE, why, "the ID token was made for another client (azp)");
    if (!nonce_is_ours(payload, scope))
        return refuse(fault, CLAIMS_KIND, why, "the ID token is of another login (nonce)");
    if (scope->needs_iat && !json_object_get(payload, "iat"))
        return refuse(fault, CLAIMS_MALFORMED, why, "the ID token does not say when it was made (iat)");
    return true;
}
