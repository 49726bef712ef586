/*
 * Plays identity/jws: does a token verify with a key set, does it parse, does a
 * key set load? Rows of the istio profile are read the way Istio's policies are
 * enforced, all others the way the edge reads bearer tokens: what is a good JWS
 * but no bearer token (`profile_bearer`) must be refused.
 */
#include <stdio.h>

#include "crypt/key_set.h"
#include "rows.h"
#include "rules/decide/claims.h"

static enum row_verdict verdict(bool wanted, bool got, struct fail *why)
{
    if (wanted == got)
        return ROW_PASSED;
    if (got)
        fail(why, FAIL_SELF, "is accepted, must be refused");
    else
        fail_in(why, "is refused, must be accepted");
    return ROW_FAILED;
}

static enum row_verdict set_judge(const json_t *row, struct arena *arena, struct fail *why)
{
    struct jwk_set read = {0};
    struct bytes text = row_text(json_object_get(row, "keyset"), arena);
    const json_t *usable = json_object_get(row, "usable_keys");
    bool ok = jwk_set_read(text, arena, &read, why);
    struct key_set *set = key_set_new(&read);
    uint32_t count = key_set_count(set);
    if (ok && !count)
        fail(why, FAIL_INPUT, "no usable key: %.*s", BYTES_FMT(key_set_remark(set)));
    key_set_free(set);
    enum row_verdict found = verdict(row_says(row, "expect", "valid"), ok && count > 0, why);
    if (found == ROW_PASSED && usable && json_integer_value(usable) != count) {
        fail(why, FAIL_SELF, "%u keys are usable, must be %lld", count,
             (long long)json_integer_value(usable));
        return ROW_FAILED;
    }
    return found;
}

/* What jwt_verify_lib calls parsing: the parts, the header, and the types of the payload's claims. */
static bool parses(struct bytes token, struct arena *arena, struct fail *why)
{
    struct jws jws;
    enum claims_fault fault;
    if (!jws_read_padded(token, arena, &jws, why))
        return false;
    json_t *payload = json_read(jws.payload, JWS_TOKEN_MAX, why);
    bool ok = payload && claims_shape_judge(payload, false, &fault, why);
    json_decref(payload);
    return ok;
}

static struct bytes keys_text(const json_t *row, struct arena *arena)
{
    static const char *const whole[] = {"jwks", "pem", "x509_map"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (json_object_get(row, whole[i]))
            return row_text(json_object_get(row, whole[i]), arena);
    struct bytes key = row_text(json_object_get(row, "jwk"), arena);
    return arena_format(arena, "{\"keys\":[%.*s]}", BYTES_FMT(key));
}

/* Rows with a PEM may pin its algorithm beside it; one that is not known leaves no key. */
static void algorithm_pin(const json_t *row, struct jwk_set *set)
{
    struct bytes name;
    if (!json_member_text(json_object_get(row, "pem_alg"), "alg", &name) || !set->count)
        return;
    set->keys[0].alg = jws_alg_find(name);
    set->count = set->keys[0].alg != JWS_NONE_KNOWN;
}

static bool verifies(const json_t *row, struct bytes token, struct arena *arena, struct fail *why)
{
    struct jwk_set read;
    struct jws jws;
    bool istio = row_says(row, "profile", "istio");
    if (!jwk_set_read(keys_text(row, arena), arena, &read, why))
        return false;
    algorithm_pin(row, &read);
    if (!(istio ? jws_read_padded : jws_read)(token, arena, &jws, why))
        return false;
    struct key_set *set = key_set_new(&read);
    enum key_set_answer answer = key_set_verify(set, &jws, why);
    key_set_free(set);
    return answer == KEY_SET_VERIFIED;
}

static bool only_parsed(const json_t *row)
{
    struct bytes why = {0};
    json_member_text(row, "why", &why);
    return row_says(row, "expect", "parses") ||
           bytes_find_text(why, BYTES("only the parse step is judged")) < why.len;
}

static enum row_verdict judge(const json_t *row, struct arena *arena, struct fail *why)
{
    bool good = row_says(row, "expect", "valid") || row_says(row, "expect", "parses");
    if (json_object_get(row, "keyset"))
        return set_judge(row, arena, why);
    if (!json_object_get(row, "token")) {
        fail(why, FAIL_INPUT, "the row has neither a token nor a key set");
        return ROW_FAILED;
    }
    struct bytes token = row_text(json_object_get(row, "token"), arena);
    if (only_parsed(row))
        return verdict(good, parses(token, arena, why), why);
    if (json_object_get(row, "profile_bearer"))
        good = row_says(row, "profile_bearer", "valid");
    return verdict(good, verifies(row, token, arena, why), why);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    return rows_play("identity/jws", argv[1], judge);
}
