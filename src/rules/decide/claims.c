#include "rules/decide/claims.h"

#include <math.h>
#include <string.h>

/* 9999-12-31T23:59:59Z: beyond it lie milliseconds taken for seconds and plays with overflow. */
#define STRICT_TIME_MAX INT64_C(253402300799)

struct reason {
    enum claims_fault *fault;
    struct fail *why;
};

static const struct {
    const char *name;
    int status;
} faults[CLAIMS_FAULT_COUNT] = {
    [CLAIMS_GOOD] = {"good", 200},       [CLAIMS_MALFORMED] = {"malformed", 401},
    [CLAIMS_EXPIRED] = {"expired", 401}, [CLAIMS_NOT_YET_VALID] = {"not yet valid", 401},
    [CLAIMS_ISSUER] = {"issuer", 401},   [CLAIMS_AUDIENCE] = {"audience", 403},
    [CLAIMS_KIND] = {"kind", 401},
};

int claims_fault_status(enum claims_fault fault)
{
    return faults[fault].status;
}

const char *claims_fault_name(enum claims_fault fault)
{
    return faults[fault].name;
}

struct claims_profile claims_profile_istio(const struct bytes *issuer, const struct bytes *audiences,
                                           size_t audience_count)
{
    return (struct claims_profile){.any_audience = audience_count == 0,
                                   .issuers = issuer,
                                   .issuer_count = 1,
                                   .audiences = audiences,
                                   .audience_count = audience_count,
                                   .skew_s = CLAIMS_ISTIO_SKEW_S};
}

struct claims_profile claims_profile_strict(const struct bytes *issuer, const struct bytes *audiences,
                                            size_t audience_count)
{
    return (struct claims_profile){.strict = true,
                                   .require_exp = true,
                                   .issuers = issuer,
                                   .issuer_count = 1,
                                   .audiences = audiences,
                                   .audience_count = audience_count,
                                   .skew_s = CLAIMS_STRICT_SKEW_S};
}

#define REFUSE(reason, what, ...) (*(reason).fault = (what), fail((reason).why, FAIL_DENIED, __VA_ARGS__))

static bool text_judge(const json_t *payload, const char *name, struct reason reason)
{
    const json_t *value = json_object_get(payload, name);
    return !value || json_is_string(value) ||
           REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [%s] field is not a string", name);
}

static bool audience_shape_judge(const json_t *audience, struct reason reason)
{
    size_t i;
    const json_t *one;
    if (!audience || json_is_string(audience))
        return true;
    if (!json_is_array(audience))
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [aud] field is not a string or string list");
    if (json_array_size(audience) > CLAIMS_AUDIENCES_MAX)
        return REFUSE(reason, CLAIMS_MALFORMED,
                      "Jwt payload [aud] field has %zu members; at most %d are read",
                      json_array_size(audience), CLAIMS_AUDIENCES_MAX);
    json_array_foreach(audience, i, one)
    {
        if (!json_is_string(one))
            return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [aud] field is not a string or string list");
    }
    return true;
}

/* Any number from 0 on, its fraction dropped; 0 counts as absent. */
static bool time_istio(const json_t *value, const char *name, int64_t *out, struct reason reason)
{
    if (!json_is_number(value))
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [%s] field is not an integer", name);
    double number = json_number_value(value);
    if (!(number >= 0 && number < 9223372036854775808.0))
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [%s] field is not a positive 64 bit integer",
                      name);
    *out = json_is_integer(value) ? (int64_t)json_integer_value(value) : (int64_t)trunc(number);
    return true;
}

static bool time_strict(const json_t *value, const char *name, int64_t *out, struct reason reason)
{
    if (!json_is_integer(value))
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [%s] field is not an integer", name);
    int64_t number = json_integer_value(value);
    if (number < 1 || number > STRICT_TIME_MAX)
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [%s] field is not a time before the year 10000",
                      name);
    *out = number;
    return true;
}

/* *out is 0 when the claim is absent. */
static bool time_read(const json_t *payload, const char *name, bool strict, int64_t *out,
                      struct reason reason)
{
    const json_t *value = json_object_get(payload, name);
    *out = 0;
    if (!value)
        return true;
    return strict ? time_strict(value, name, out, reason) : time_istio(value, name, out, reason);
}

struct times {
    int64_t iat, nbf, exp;
};

static bool shape_judge(const json_t *payload, bool strict, struct times *times, struct reason reason)
{
    if (!json_is_object(payload))
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload is an invalid JSON");
    return text_judge(payload, "iss", reason) && text_judge(payload, "sub", reason) &&
           time_read(payload, "iat", strict, &times->iat, reason) &&
           time_read(payload, "nbf", strict, &times->nbf, reason) &&
           time_read(payload, "exp", strict, &times->exp, reason) && text_judge(payload, "jti", reason) &&
           audience_shape_judge(json_object_get(payload, "aud"), reason);
}

bool claims_shape_judge(const json_t *payload, bool strict, enum claims_fault *fault, struct fail *why)
{
    struct times times = {0};
    enum claims_fault found = CLAIMS_GOOD;
    bool ok = shape_judge(payload, strict, &times, (struct reason){&found, why});
    *fault = found;
    return ok;
}

static bool issuer_judge(const json_t *payload, const struct claims_profile *profile, struct reason reason)
{
    struct bytes issuer;
    bool named = json_member_text(payload, "iss", &issuer);
    if (profile->any_issuer)
        return true;
    for (size_t i = 0; named && i < profile->issuer_count; i++)
        if (bytes_equal(issuer, profile->issuers[i]))
            return true;
    return REFUSE(reason, CLAIMS_ISSUER, "Jwt issuer is not configured");
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static bool istio_times_judge(const struct times *times, const struct claims_profile *profile, int64_t now_s,
                              struct reason reason)
{
    if (times->nbf && plus(now_s, profile->skew_s) < times->nbf)
        return REFUSE(reason, CLAIMS_NOT_YET_VALID, "Jwt not yet valid");
    if (times->exp && now_s > plus(times->exp, profile->skew_s))
        return REFUSE(reason, CLAIMS_EXPIRED, "Jwt is expired");
    return true;
}

/* RFC 7519 4.1.4: valid before exp, no more at it. */
static bool strict_times_judge(const struct times *times, const struct claims_profile *profile, int64_t now_s,
                               struct reason reason)
{
    int64_t latest = plus(now_s, profile->skew_s);
    if (times->nbf > latest)
        return REFUSE(reason, CLAIMS_NOT_YET_VALID, "Jwt not yet valid");
    if (times->iat > latest)
        return REFUSE(reason, CLAIMS_NOT_YET_VALID, "Jwt payload [iat] field lies in the future");
    if (times->exp && now_s >= plus(times->exp, profile->skew_s))
        return REFUSE(reason, CLAIMS_EXPIRED, "Jwt is expired");
    return true;
}

static bool presence_judge(const struct times *times, const struct claims_profile *profile,
                           struct reason reason)
{
    if (profile->require_exp && !times->exp)
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [exp] field is required");
    if (profile->max_age_s && !times->iat)
        return REFUSE(reason, CLAIMS_MALFORMED, "Jwt payload [iat] field is required");
    return true;
}

static bool times_judge(const struct times *times, const struct claims_profile *profile, int64_t now_s,
                        struct reason reason)
{
    bool ok = presence_judge(times, profile, reason) &&
              (profile->strict ? strict_times_judge(times, profile, now_s, reason)
                               : istio_times_judge(times, profile, now_s, reason));
    if (!ok)
        return false;
    if (profile->max_age_s && now_s > plus(plus(times->iat, profile->max_age_s), profile->skew_s))
        return REFUSE(reason, CLAIMS_EXPIRED, "Jwt is older than is let in");
    return true;
}

/* Claims that only tokens of another kind carry: OIDC core 2 and back-channel logout 2.4. */
static bool kind_judge(const json_t *payload, const struct claims_profile *profile, struct reason reason)
{
    static const char *const id_token[] = {"nonce", "at_hash", "c_hash", "s_hash"};
    if (!profile->strict)
        return true;
    if (json_object_get(payload, "events"))
        return REFUSE(reason, CLAIMS_KIND, "Jwt is a logout token or a security event, not a bearer token");
    for (size_t i = 0; profile->access_tokens_only && i < sizeof id_token / sizeof id_token[0]; i++)
        if (json_object_get(payload, id_token[i]))
            return REFUSE(reason, CLAIMS_KIND, "Jwt is an ID token, not an access token");
    return true;
}

/* Istio's comparison: without the scheme and without one slash at the end. */
static struct bytes audience_core(struct bytes audience)
{
    static const struct bytes schemes[] = {BYTES_INIT("http://"), BYTES_INIT("https://")};
    for (size_t i = 0; i < 2; i++) {
        if (!bytes_starts(audience, schemes[i]))
            continue;
        audience = bytes_part(audience, schemes[i].len, audience.len);
        break;
    }
    return bytes_ends(audience, BYTES("/")) ? bytes_part(audience, 0, audience.len - 1) : audience;
}

static bool audience_listed(const json_t *value, const struct claims_profile *profile)
{
    struct bytes audience;
    json_text(value, &audience);
    if (!profile->strict)
        audience = audience_core(audience);
    for (size_t i = 0; i < profile->audience_count; i++) {
        struct bytes wanted = profile->audiences[i];
        if (bytes_equal(audience, profile->strict ? wanted : audience_core(wanted)))
            return true;
    }
    return false;
}

static bool audience_judge(const json_t *payload, const struct claims_profile *profile, struct reason reason)
{
    const json_t *value = json_object_get(payload, "aud"), *one;
    size_t i;
    if (profile->any_audience)
        return true;
    if (json_is_string(value) && audience_listed(value, profile))
        return true;
    json_array_foreach(value, i, one)
    {
        if (audience_listed(one, profile))
            return true;
    }
    return REFUSE(reason, CLAIMS_AUDIENCE, "Audiences in Jwt are not allowed");
}

static bool same_subject(const json_t *a, const json_t *b)
{
    struct bytes x = {0}, y = {0}, one = {0}, other = {0};
    bool named = json_member_text(a, "sub", &x) && json_member_text(b, "sub", &y);
    /* without an issuer of its own an actor is the token's issuer's */
    bool apart =
        json_member_text(a, "iss", &one) && json_member_text(b, "iss", &other) && !bytes_equal(one, other);
    return named && bytes_equal(x, y) && !apart;
}

static bool actors_judge(const json_t *payload, const struct claims_profile *profile, struct reason reason)
{
    const json_t *actor = json_object_get(payload, "act"), *may = json_object_get(payload, "may_act");
    unsigned depth = 0;
    struct bytes subject;
    if (!profile->strict || !actor)
        return true;
    if (may && !same_subject(may, actor))
        return REFUSE(reason, CLAIMS_KIND, "Jwt is used by an actor that it does not let act");
    for (; actor; actor = json_object_get(actor, "act")) {
        if (++depth > CLAIMS_ACTORS_MAX)
            return REFUSE(reason, CLAIMS_MALFORMED, "Jwt has more than %d actors", CLAIMS_ACTORS_MAX);
        if (!json_member_text(actor, "sub", &subject) || !subject.len)
            return REFUSE(reason, CLAIMS_MALFORMED, "Jwt has an actor without a name");
        if (same_subject(actor, payload))
            return REFUSE(reason, CLAIMS_KIND, "Jwt has an actor that is its own subject");
    }
    return true;
}

bool claims_judge(const json_t *payload, const struct claims_profile *profile, int64_t now_s,
                  enum claims_fault *fault, struct fail *why)
{
    struct times times = {0};
    enum claims_fault found = CLAIMS_GOOD;
    struct reason reason = {&found, why};
    bool ok = shape_judge(payload, profile->strict, &times, reason) &&
              issuer_judge(payload, profile, reason) && times_judge(&times, profile, now_s, reason) &&
              kind_judge(payload, profile, reason) && audience_judge(payload, profile, reason) &&
              actors_judge(payload, profile, reason);
    *fault = found;
    return ok;
}

struct claims_term claims_term(const json_t *payload, const struct claims_profile *profile)
{
    struct claims_term term = {INT64_MIN, INT64_MAX};
    struct times times = {0};
    struct fail why;
    enum claims_fault fault;
    int64_t skew_s = profile->skew_s, last_s = INT64_MAX;
    if (!shape_judge(payload, profile->strict, &times, (struct reason){&fault, &why}))
        return (struct claims_term){0, 0};
    int64_t begins_s = profile->strict && times.iat > times.nbf ? times.iat : times.nbf;
    if (begins_s)
        term.from_s = plus(begins_s, -skew_s);
    if (times.exp)
        last_s = plus(times.exp, profile->strict ? skew_s - 1 : skew_s);
    if (profile->max_age_s && plus(plus(times.iat, profile->max_age_s), skew_s) < last_s)
        last_s = plus(plus(times.iat, profile->max_age_s), skew_s);
    term.until_s = plus(last_s, 1);
    return term;
}

bool claims_typ_judge(struct bytes typ, enum claims_fault *fault, struct fail *why)
{
    static const struct bytes good[] = {BYTES_INIT("JWT"), BYTES_INIT("JOSE"), BYTES_INIT("at+jwt")};
    *fault = CLAIMS_GOOD;
    if (!typ.at)
        return true;
    if (bytes_starts_nocase(typ, BYTES("application/"))) /* RFC 7515 4.1.9: may be left out */
        typ = bytes_part(typ, sizeof "application/" - 1, typ.len);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (bytes_equal_nocase(typ, good[i]))
            return true;
    *fault = CLAIMS_KIND;
    return fail(why, FAIL_DENIED, "Jwt header [typ] is none of JWT, JOSE, at+jwt");
}
