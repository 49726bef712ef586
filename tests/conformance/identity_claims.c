/*
 * Plays identity/claims: are a payload's registered claims good here and now?
 */
#include <stdio.h>

#include "rows.h"
#include "rules/decide/claims.h"

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

static enum row_verdict judge(const json_t *row, struct arena *arena, struct fail *why)
{
    static const char *const judged[] = {"istio", "strict", "strict-exclusive"};
    bool known = false;
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++)
        known = known || row_says(row, "profile", judged[i]);
    if (!known) {
        fail(why, FAIL_SELF,
             "JWT-SVIDs and ID tokens have rules of their own; an exp that is now is not valid here");
        return ROW_SKIPPED;
    }
    bool wanted = row_says(row, "expect", "valid"), got = is_good(row, arena, why);
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
