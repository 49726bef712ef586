#include "rules/decide/login_tokens.h"

#include "rules/decide/claims.h"

#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"

static bool audience_has(const json_t *audience, struct bytes client, bool *alone)
{
    const json_t *one;
    struct bytes text;
    size_t i;
    *alone = !json_is_array(audience) || json_array_size(audience) == 1;
    if (json_text(audience, &text))
        return bytes_equal(text, client);
    json_array_foreach(audience, i, one)
    {
        if (json_text(one, &text) && bytes_equal(text, client))
            return true;
    }
    return false;
}

/* Core 3.1.3.7, 4 and 5: who is not its only audience has to be its authorized party. */
static bool party_judge(const json_t *claims, const struct login_party *party, struct fail *why)
{
    struct bytes authorized;
    bool alone;
    audience_has(json_object_get(claims, "aud"), party->client_id, &alone);
    bool named = json_member_text(claims, "azp", &authorized);
    if (named ? !bytes_equal(authorized, party->client_id) : !alone)
        return fail(why, FAIL_DENIED, "the ID token was made for another party");
    return true;
}

static bool nonce_judge(const json_t *claims, struct bytes nonce, struct fail *why)
{
    struct bytes said;
    if (!nonce.len)
        return true;
    if (!json_member_text(claims, "nonce", &said) || !bytes_equal_secret(said, nonce))
        return fail(why, FAIL_DENIED, "the ID token has another login's nonce");
    return true;
}

bool id_token_judge(const json_t *claims, const struct login_party *party, struct bytes nonce, int64_t now_s,
                    struct fail *why)
{
    struct claims_profile profile = claims_profile_strict(&party->issuer, &party->client_id, 1);
    enum claims_fault fault;
    struct bytes subject;
    if (!claims_judge(claims, &profile, now_s, &fault, why) || !nonce_judge(claims, nonce, why) ||
        !party_judge(claims, party, why))
        return false;
    if (!json_member_text(claims, "sub", &subject) || !subject.len)
        return fail(why, FAIL_DENIED, "the ID token names no subject");
    if (!json_object_get(claims, "iat"))
        return fail(why, FAIL_DENIED, "the ID token does not say when it was made");
    return true;
}

static bool logout_times_judge(const json_t *claims, int64_t now_s, struct fail *why)
{
    const json_t *made = json_object_get(claims, "iat"), *until = json_object_get(claims, "exp");
    if (!json_is_integer(made))
        return fail(why, FAIL_DENIED, "the logout token does not say when it was made");
    int64_t made_s = json_integer_value(made);
    if (made_s > now_s + CLAIMS_STRICT_SKEW_S || made_s < now_s - LOGOUT_TOKEN_AGE_S)
        return fail(why, FAIL_DENIED, "the logout token was not made just now");
    if (until && (!json_is_integer(until) || json_integer_value(until) + CLAIMS_STRICT_SKEW_S <= now_s))
        return fail(why, FAIL_DENIED, "the logout token is expired");
    return true;
}

static bool logout_kind_judge(const json_t *claims, struct bytes typ, struct fail *why)
{
    if (typ.len && !bytes_equal_nocase(typ, BYTES("logout+jwt")) &&
        !bytes_equal_nocase(typ, BYTES("application/logout+jwt")) && !bytes_equal_nocase(typ, BYTES("JWT")))
        return fail(why, FAIL_DENIED, "the token is of another kind");
    if (!json_is_object(json_object_get(json_object_get(claims, "events"), LOGOUT_EVENT)))
        return fail(why, FAIL_DENIED, "the token speaks of no logout");
    if (json_object_get(claims, "nonce"))
        return fail(why, FAIL_DENIED, "a logout token has no nonce");
    return true;
}

bool logout_token_judge(const json_t *claims, struct bytes typ, const struct login_party *party,
                        int64_t now_s, struct logout_token *out, struct fail *why)
{
    struct logout_token token;
    struct bytes issuer;
    bool alone;
    if (!json_member_text(claims, "iss", &issuer) || !bytes_equal(issuer, party->issuer))
        return fail(why, FAIL_DENIED, "the logout token is another issuer's");
    if (!audience_has(json_object_get(claims, "aud"), party->client_id, &alone))
        return fail(why, FAIL_DENIED, "the logout token is for somebody else");
    if (!logout_kind_judge(claims, typ, why) || !logout_times_judge(claims, now_s, why))
        return false;
    if (!json_member_text(claims, "jti", &token.id) || !token.id.len)
        return fail(why, FAIL_DENIED, "the logout token has no id");
    json_member_text(claims, "sub", &token.subject);
    json_member_text(claims, "sid", &token.session);
    if (!token.subject.len && !token.session.len)
        return fail(why, FAIL_DENIED, "the logout token names neither a subject nor a session");
    *out = token;
    return true;
}
