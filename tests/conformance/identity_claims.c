/*
 * Plays identity/claims: are a payload's registered claims good here and now?
 * Bearer tokens, ID tokens and JWT-SVIDs, each by its own rules.
 */
#include <stdio.h>

#include "made_keys.h"
#include "rows.h"
#include "rules/decide/id_token.h"
#include "rules/decide/jwt_svid.h"

enum { NAMES_MAX = 32, PAYLOAD_MAX = 64 * 1024 };

struct names {
    struct bytes at[NAMES_MAX];
    size_t count;
};

static void names_read(const json_t *array, struct names *out)
{
    size_t i;
    const json_t *value;
    out->count = 0;
    json_array_foreach(array, i, value)
    {
        if (out->count < NAMES_MAX && json_text(value, &out->at[out->count]))
            out->count++;
    }
}

static int64_t seconds(const json_t *value, int64_t otherwise)
{
    double number = json_number_value(value);
    if (!value)
        return otherwise;
    if (json_is_integer(value))
        return json_integer_value(value);
    return number >= 9223372036854775807.0 ? INT64_MAX : (int64_t)number;
}

/* An absent list is not judged. An empty one allows all, but for jose's library, where it allows none. */
static bool allows_any(const json_t *list, bool exclusive)
{
    return !list || (json_array_size(list) == 0 && !exclusive);
}

/* The sources' libraries do not ask for exp unless told to. */
static struct claims_profile profile_of(const json_t *row, struct names *issuers, struct names *audiences)
{
    bool istio = row_says(row, "profile", "istio"), exclusive = row_says(row, "profile", "strict-exclusive");
    const json_t *issuer_list = json_object_get(row, "issuers"),
                 *audience_list = json_object_get(row, "audiences");
    names_read(issuer_list, issuers);
    names_read(audience_list, audiences);
    struct claims_profile profile = istio
                                        ? claims_profile_istio(issuers->at, audiences->at, audiences->count)
                                        : claims_profile_strict(issuers->at, audiences->at, audiences->count);
    profile.issuer_count = issuers->count;
    profile.any_issuer = allows_any(issuer_list, exclusive);
    profile.any_audience = allows_any(audience_list, exclusive);
    profile.require_exp = json_is_true(json_object_get(row, "require_exp"));
    profile.max_age_s = seconds(json_object_get(row, "max_age"), 0);
    profile.skew_s = seconds(json_object_get(row, "leeway"), exclusive ? 0 : profile.skew_s);
    return profile;
}

static bool types_only(const json_t *row)
{
    struct bytes note;
    return json_member_text(row, "note", &note) && bytes_starts(note, BYTES("types only"));
}

static bool typ_good(const json_t *row, bool strict, struct fail *why)
{
    struct bytes typ;
    enum claims_fault fault;
    json_member_text(json_object_get(row, "header"), "typ", &typ);
    return !strict || claims_typ_judge(typ, &fault, why);
}

static bool is_good(const json_t *row, struct arena *arena, struct fail *why)
{
    struct names issuers, audiences;
    enum claims_fault fault;
    const json_t *as_text = json_object_get(row, "payload_text");
    struct bytes text = row_text(as_text ? as_text : json_object_get(row, "payload"), arena);
    json_t *payload = json_read(text, PAYLOAD_MAX, why);
    if (!payload)
        return false;
    struct claims_profile profile = profile_of(row, &issuers, &audiences);
    bool ok = types_only(row)
                  ? claims_shape_judge(payload, profile.strict, &fault, why)
                  : typ_good(row, profile.strict, why) &&
                        claims_judge(payload, &profile, seconds(json_object_get(row, "now"), 0), &fault, why);
    json_decref(payload);
    return ok;
}

/* ---- ID tokens ---------------------------------------------------------- */

static bool id_token_good(const json_t *row, struct arena *arena, struct fail *why)
{
    struct names issuers, trusted;
    enum claims_fault fault;
    struct id_token_scope scope = {.needs_no_exp = true, .trusts_all = true};
    const json_t *list = json_object_get(row, "trusted_audiences");
    names_read(json_object_get(row, "issuers"), &issuers);
    names_read(list, &trusted);
    scope.issuer = issuers.count ? issuers.at[0] : (struct bytes){0};
    json_member_text(row, "client_id", &scope.client_id);
    json_member_text(row, "nonce", &scope.nonce);
    if (list) {
        scope.trusted = trusted.at;
        scope.trusted_count = trusted.count;
        scope.trusts_all = false;
    }
    json_t *payload = json_read(row_text(json_object_get(row, "payload"), arena), PAYLOAD_MAX, why);
    bool ok =
        payload && id_token_judge(payload, &scope, seconds(json_object_get(row, "now"), 0), &fault, why);
    json_decref(payload);
    return ok;
}

/* ---- JWT-SVIDs ---------------------------------------------------------- */

static bool jwt_svid_good(const json_t *row, struct arena *arena, struct fail *why)
{
    struct names audiences;
    enum claims_fault fault;
    struct spiffe_id id;
    struct jws jws;
    struct bytes token;
    struct key_set *keys = made_keys(row, arena, &token);
    struct jwt_svid_scope scope = {.audiences = audiences.at};
    names_read(json_object_get(row, "audiences"), &audiences);
    scope.audience_count = audiences.count;
    json_member_text(json_object_get(row, "bundle"), "trust_domain", &scope.trust_domain);
    bool ok = jws_read(token, arena, &jws, why) && key_set_verify(keys, &jws, why) == KEY_SET_VERIFIED;
    json_t *payload = ok ? json_read(jws.payload, PAYLOAD_MAX, why) : NULL;
    ok = payload &&
         jwt_svid_judge(&jws, payload, &scope, seconds(json_object_get(row, "now"), 0), &id, &fault, why);
    json_decref(payload);
    key_set_free(keys);
    return ok;
}

static enum row_verdict judge(const json_t *row, struct arena *arena, struct fail *why)
{
    static const struct {
        const char *profile;
        bool (*good)(const json_t *, struct arena *, struct fail *);
    } judges[] = {{"istio", is_good},
                  {"strict", is_good},
                  {"strict-exclusive", is_good},
                  {"id-token", id_token_good},
                  {"jwt-svid", jwt_svid_good}};
    bool (*good)(const json_t *, struct arena *, struct fail *) = NULL;
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++)
        if (row_says(row, "profile", judges[i].profile))
            good = judges[i].good;
    if (!good) {
        fail(why, FAIL_SELF, "an exp that is now is not valid here (RFC 7519 4.1.4)");
        return row_says(row, "profile", "inclusive-boundary") ? ROW_SKIPPED : ROW_FAILED;
    }
    bool wanted = row_says(row, "expect", "valid"), got = good(row, arena, why);
    if (wanted == got)
        return ROW_PASSED;
    if (got)
        fail(why, FAIL_SELF, "is accepted, must be refused");
    else
        fail_in(why, "is refused, must be accepted");
    return ROW_FAILED;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return rows_play("identity/claims", argv[1], judge);
}
