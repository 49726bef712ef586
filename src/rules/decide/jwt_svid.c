#include "rules/decide/jwt_svid.h"

static bool refuse(enum claims_fault *fault, enum claims_fault what, struct fail *why, const char *sentence)
{
    *fault = what;
    return fail(why, FAIL_DENIED, "%s", sentence);
}

/* 2.1: RS, ES and PS; EdDSA is none of them. */
static bool algorithm_allowed(enum jws_alg alg)
{
    return alg != JWS_NONE_KNOWN && alg != JWS_EDDSA;
}

/* 2.3: when there is a typ, it is one of these, as they are written here. */
static bool typ_allowed(struct bytes typ)
{
    return !typ.at || bytes_equal(typ, BYTES("JWT")) || bytes_equal(typ, BYTES("JOSE"));
}

static bool header_judge(const struct jws *jws, enum claims_fault *fault, struct fail *why)
{
    if (!algorithm_allowed(jws->alg))
        return refuse(fault, CLAIMS_KIND, why, "the JWT-SVID's alg is none of RS, ES and PS");
    if (!jws->kid.len)
        return refuse(fault, CLAIMS_MALFORMED, why, "the JWT-SVID names no key (kid)");
    if (!typ_allowed(jws->typ))
        return refuse(fault, CLAIMS_KIND, why, "the JWT-SVID's typ is neither JWT nor JOSE");
    return true;
}

bool jwt_svid_judge(const struct jws *jws, const json_t *payload, const struct jwt_svid_scope *scope,
                    int64_t now_s, struct spiffe_id *id, enum claims_fault *fault, struct fail *why)
{
    struct claims_profile profile = claims_profile_strict(NULL, scope->audiences, scope->audience_count);
    struct spiffe_id found;
    struct bytes subject;
    profile.any_issuer = true; /* 3: iss says nothing; whose key it is does */
    if (!header_judge(jws, fault, why) || !claims_judge(payload, &profile, now_s, fault, why))
        return false;
    if (!json_member_text(payload, "sub", &subject) || !spiffe_id_parse(subject, &found, why))
        return refuse(fault, CLAIMS_MALFORMED, why, "the JWT-SVID's sub is no SPIFFE ID");
    if (!bytes_equal(found.trust_domain, scope->trust_domain))
        return refuse(fault, CLAIMS_ISSUER, why,
                      "the JWT-SVID's sub is of another trust domain than its key");
    *id = found;
    return true;
}
