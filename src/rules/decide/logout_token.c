#include "rules/decide/logout_token.h"

#include "rules/decide/claims.h"

#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"

static bool audience_has(const json_t *audience, struct bytes client)
{
    const json_t *one;
    struct bytes text;
    size_t i;
    if (json_text(audience, &text))
        return bytes_equal(text, client);
    json_array_foreach(audience, i, one)
    {
        if (json_text(one, &text) && bytes_equal(text, client))
            return true;
    }
    return false;
}

static bool times_judge(const json_t *claims, int64_t now_s, struct fail *why)
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

static bool kind_judge(const json_t *claims, struct bytes typ, struct fail *why)
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

bool logout_token_judge(const json_t *claims, struct bytes typ, const struct logout_scope *scope,
                        int64_t now_s, struct logout_token *out, struct fail *why)
{
    struct logout_token token;
    struct bytes issuer;
    if (!json_member_text(claims, "iss", &issuer) || !bytes_equal(issuer, scope->issuer))
        return fail(why, FAIL_DENIED, "the logout token is another issuer's");
    if (!audience_has(json_object_get(claims, "aud"), scope->client_id))
        return fail(why, FAIL_DENIED, "the logout token is for somebody else");
    if (!kind_judge(claims, typ, why) || !times_judge(claims, now_s, why))
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
