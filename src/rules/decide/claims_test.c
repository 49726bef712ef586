/* Unit tests of claims: the numbered checklist's rows, in both profiles. */
#include "base/test.h"

#include "rules/decide/claims.h"

#define NOW INT64_C(1700000000)

static const struct bytes issuer = BYTES_INIT("https://idp");
static const struct bytes audiences[] = {BYTES_INIT("https://edge.example/"), BYTES_INIT("orders")};

struct row {
    const char *payload;
    enum claims_fault fault;
    const char *sentence; /* NULL: good */
};

static void judge(const struct row *row, const struct claims_profile *profile)
{
    struct fail why = {0};
    enum claims_fault fault = CLAIMS_FAULT_COUNT;
    json_t *payload = json_read(bytes_of(row->payload), 4096, &why);
    assert_non_null(payload);
    bool ok = claims_judge(payload, profile, NOW, &fault, &why);
    json_decref(payload);
    if (ok != !row->sentence || fault != row->fault)
        print_error("%s: %s %s\n", row->payload, claims_fault_name(fault), why.text);
    assert_int_equal(ok, !row->sentence);
    assert_int_equal(fault, row->fault);
    if (row->sentence)
        assert_string_equal(why.text, row->sentence);
}

static void judge_all(const struct row *rows, size_t count, const struct claims_profile *profile)
{
    for (size_t i = 0; i < count; i++)
        judge(&rows[i], profile);
}

static struct claims_profile strict_time(void)
{
    struct claims_profile profile = claims_profile_strict(&issuer, audiences, 2);
    profile.any_issuer = profile.any_audience = true;
    profile.skew_s = 10;
    return profile;
}

static struct claims_profile istio_time(void)
{
    struct claims_profile profile = claims_profile_istio(&issuer, NULL, 0);
    profile.any_issuer = true;
    return profile;
}

#define EXP ",\"exp\":1700000100}"
#define NOT_INTEGER(name) "Jwt payload [" name "] field is not an integer"
#define NOT_TIME(name) "Jwt payload [" name "] field is not a time before the year 10000"
#define NOT_POSITIVE(name) "Jwt payload [" name "] field is not a positive 64 bit integer"

static void neg_14_strict_times(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"exp\":1700000100}", CLAIMS_GOOD, NULL},
        {"{}", CLAIMS_MALFORMED, "Jwt payload [exp] field is required"},
        {"{\"exp\":null}", CLAIMS_MALFORMED, NOT_INTEGER("exp")},
        {"{\"exp\":\"1700000100\"}", CLAIMS_MALFORMED, NOT_INTEGER("exp")},
        {"{\"exp\":1700000100.5}", CLAIMS_MALFORMED, NOT_INTEGER("exp")},
        {"{\"exp\":1e300}", CLAIMS_MALFORMED, NOT_INTEGER("exp")},
        {"{\"exp\":-1}", CLAIMS_MALFORMED, NOT_TIME("exp")},
        {"{\"exp\":0}", CLAIMS_MALFORMED, NOT_TIME("exp")},
        {"{\"exp\":9007199254740993}", CLAIMS_MALFORMED, NOT_TIME("exp")},
        {"{\"exp\":9223372036854775807}", CLAIMS_MALFORMED, NOT_TIME("exp")},
        {"{\"exp\":1700000100000}", CLAIMS_MALFORMED, NOT_TIME("exp")},
        {"{\"exp\":253402300799}", CLAIMS_GOOD, NULL},
        {"{\"exp\":1699999991}", CLAIMS_GOOD, NULL},
        {"{\"exp\":1699999990}", CLAIMS_EXPIRED, "Jwt is expired"},
        {"{\"exp\":1699999989}", CLAIMS_EXPIRED, "Jwt is expired"},
        {"{\"nbf\":1700000010" EXP, CLAIMS_GOOD, NULL},
        {"{\"nbf\":1700000011" EXP, CLAIMS_NOT_YET_VALID, "Jwt not yet valid"},
        {"{\"nbf\":-5" EXP, CLAIMS_MALFORMED, NOT_TIME("nbf")},
        {"{\"nbf\":true" EXP, CLAIMS_MALFORMED, NOT_INTEGER("nbf")},
        {"{\"iat\":1700000010" EXP, CLAIMS_GOOD, NULL},
        {"{\"iat\":1700000011" EXP, CLAIMS_NOT_YET_VALID, "Jwt payload [iat] field lies in the future"},
        {"{\"iat\":[]" EXP, CLAIMS_MALFORMED, NOT_INTEGER("iat")},
    };
    struct claims_profile profile = strict_time();
    judge_all(rows, ROWS(rows), &profile);
}

static void neg_14_istio_times(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", CLAIMS_GOOD, NULL},
        {"{\"exp\":0,\"nbf\":0}", CLAIMS_GOOD, NULL},
        {"{\"exp\":1699999940}", CLAIMS_GOOD, NULL},
        {"{\"exp\":1699999939}", CLAIMS_EXPIRED, "Jwt is expired"},
        {"{\"exp\":1699999940.9}", CLAIMS_GOOD, NULL},
        {"{\"nbf\":1700000060}", CLAIMS_GOOD, NULL},
        {"{\"nbf\":1700000061}", CLAIMS_NOT_YET_VALID, "Jwt not yet valid"},
        {"{\"iat\":4000000000.5}", CLAIMS_GOOD, NULL},
        {"{\"iat\":-12345}", CLAIMS_MALFORMED, NOT_POSITIVE("iat")},
        {"{\"exp\":1e300}", CLAIMS_MALFORMED, NOT_POSITIVE("exp")},
        {"{\"exp\":9223372036854775807}", CLAIMS_MALFORMED, NOT_POSITIVE("exp")},
        {"{\"exp\":9007199254740993}", CLAIMS_GOOD, NULL},
        {"{\"exp\":\"1\"}", CLAIMS_MALFORMED, NOT_INTEGER("exp")},
        {"{\"nbf\":null}", CLAIMS_MALFORMED, NOT_INTEGER("nbf")},
        {"{\"jti\":1}", CLAIMS_MALFORMED, "Jwt payload [jti] field is not a string"},
        {"{\"sub\":1}", CLAIMS_MALFORMED, "Jwt payload [sub] field is not a string"},
    };
    struct claims_profile profile = istio_time();
    judge_all(rows, ROWS(rows), &profile);
}

static void neg_14_age_is_bounded_when_asked(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"iat\":1699999890" EXP, CLAIMS_GOOD, NULL},
        {"{\"iat\":1699999889" EXP, CLAIMS_EXPIRED, "Jwt is older than is let in"},
        {"{\"exp\":1700000100}", CLAIMS_MALFORMED, "Jwt payload [iat] field is required"},
    };
    struct claims_profile profile = strict_time();
    profile.max_age_s = 100;
    judge_all(rows, ROWS(rows), &profile);
}

#define NOT_ALLOWED "Audiences in Jwt are not allowed"
#define NO_LIST "Jwt payload [aud] field is not a string or string list"

static void neg_15_strict_audience(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"aud\":\"orders\"" EXP, CLAIMS_GOOD, NULL},
        {"{\"aud\":[\"x\",\"https://edge.example/\"]" EXP, CLAIMS_GOOD, NULL},
        {"{\"exp\":1700000100}", CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":[]" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":\"\"" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":\"Orders\"" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":\"https://edge.example\"" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":\"orders/\"" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":[\"orders\",1]" EXP, CLAIMS_MALFORMED, NO_LIST},
        {"{\"aud\":{\"orders\":1}" EXP, CLAIMS_MALFORMED, NO_LIST},
        {"{\"aud\":null" EXP, CLAIMS_MALFORMED, NO_LIST},
    };
    struct claims_profile profile = claims_profile_strict(&issuer, audiences, 2);
    profile.any_issuer = true;
    judge_all(rows, ROWS(rows), &profile);
    profile.audience_count = 0;
    judge(&(struct row){"{\"aud\":\"orders\"" EXP, CLAIMS_AUDIENCE, NOT_ALLOWED}, &profile);
}

static void neg_15_istio_audience(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"aud\":\"http://edge.example\"}", CLAIMS_GOOD, NULL},
        {"{\"aud\":\"edge.example/\"}", CLAIMS_GOOD, NULL},
        {"{\"aud\":[\"https://orders/\"]}", CLAIMS_GOOD, NULL},
        {"{\"aud\":\"orders//\"}", CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":\"ORDERS\"}", CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{}", CLAIMS_AUDIENCE, NOT_ALLOWED},
        {"{\"aud\":[1,2]}", CLAIMS_MALFORMED, NO_LIST},
    };
    struct claims_profile profile = claims_profile_istio(&issuer, audiences, 2);
    profile.any_issuer = true;
    judge_all(rows, ROWS(rows), &profile);
    profile = istio_time();
    judge(&(struct row){"{}", CLAIMS_GOOD, NULL}, &profile);
    assert_int_equal(claims_fault_status(CLAIMS_AUDIENCE), 403);
    assert_int_equal(claims_fault_status(CLAIMS_EXPIRED), 401);
}

static void neg_16_issuer_is_exact(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"iss\":\"https://idp\"}", CLAIMS_GOOD, NULL},
        {"{\"iss\":\"https://idp/\"}", CLAIMS_ISSUER, "Jwt issuer is not configured"},
        {"{\"iss\":\"HTTPS://idp\"}", CLAIMS_ISSUER, "Jwt issuer is not configured"},
        {"{\"iss\":\"\"}", CLAIMS_ISSUER, "Jwt issuer is not configured"},
        {"{}", CLAIMS_ISSUER, "Jwt issuer is not configured"},
        {"{\"iss\":[\"https://idp\"]}", CLAIMS_MALFORMED, "Jwt payload [iss] field is not a string"},
    };
    struct claims_profile profile = claims_profile_istio(&issuer, NULL, 0);
    judge_all(rows, ROWS(rows), &profile);
}

static void neg_17_tokens_made_for_something_else(void **state)
{
    (void)state;
    struct claims_profile profile = strict_time();
    judge(&(struct row){"{\"nonce\":\"n\"" EXP, CLAIMS_GOOD, NULL}, &profile);
    profile.access_tokens_only = true;
    judge(&(struct row){"{\"nonce\":\"n\"" EXP, CLAIMS_KIND, "Jwt is an ID token, not an access token"},
          &profile);
    judge(&(struct row){"{\"at_hash\":\"n\"" EXP, CLAIMS_KIND, "Jwt is an ID token, not an access token"},
          &profile);
    judge(&(struct row){"{\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}" EXP,
                        CLAIMS_KIND, "Jwt is a logout token or a security event, not a bearer token"},
          &profile);
    static const struct {
        const char *typ;
        bool ok;
    } rows[] = {{"JWT", true},           {"jwt", true}, {"at+jwt", true},       {"application/at+jwt", true},
                {"JOSE", true},          {NULL, true},  {"logout+jwt", false},  {"dpop+jwt", false},
                {"secevent+jwt", false}, {"", false},   {"application/", false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why;
        enum claims_fault fault;
        struct bytes typ = bytes_of(rows[i].typ);
        if (!rows[i].typ)
            typ.at = NULL;
        assert_int_equal(claims_typ_judge(typ, &fault, &why), rows[i].ok);
        assert_int_equal(fault, rows[i].ok ? CLAIMS_GOOD : CLAIMS_KIND);
    }
}

#define ACT(more) "{\"iss\":\"https://idp\",\"sub\":\"joe\",\"aud\":\"orders\",\"act\":" more EXP

static void neg_48_actors_are_few_named_and_allowed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {ACT("{\"sub\":\"agent\"}"), CLAIMS_GOOD, NULL},
        {ACT("{\"sub\":\"joe\",\"iss\":\"https://other\"}"), CLAIMS_GOOD, NULL},
        {ACT("{\"sub\":\"agent\",\"act\":{\"sub\":\"b\"}},\"may_act\":{\"sub\":\"agent\"}"), CLAIMS_GOOD,
         NULL},
        {ACT("{\"sub\":\"agent\"},\"may_act\":{\"sub\":\"other\"}"), CLAIMS_KIND,
         "Jwt is used by an actor that it does not let act"},
        {ACT("{\"sub\":\"joe\"}"), CLAIMS_KIND, "Jwt has an actor that is its own subject"},
        {ACT("{\"sub\":\"a\",\"act\":{\"sub\":\"joe\"}}"), CLAIMS_KIND,
         "Jwt has an actor that is its own subject"},
        {ACT("{\"sub\":\"\"}"), CLAIMS_MALFORMED, "Jwt has an actor without a name"},
        {ACT("\"agent\""), CLAIMS_MALFORMED, "Jwt has an actor without a name"},
        {ACT("{\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{"
             "\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{\"sub\":\"a\",\"act\":{"
             "\"sub\":\"a\"}}}}}}}}}"),
         CLAIMS_MALFORMED, "Jwt has more than 8 actors"},
    };
    struct claims_profile profile = claims_profile_strict(&issuer, audiences, 2);
    judge_all(rows, ROWS(rows), &profile);
}

static void neg_49_a_token_for_another_resource_is_no_token_for_this(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{\"iss\":\"https://idp\",\"aud\":\"https://edge.example/\"" EXP, CLAIMS_GOOD, NULL},
        {"{\"iss\":\"https://idp\",\"aud\":\"https://mcp.other.example/\"" EXP, CLAIMS_AUDIENCE,
         "Audiences in Jwt are not allowed"},
        {"{\"iss\":\"https://idp\",\"aud\":\"https://edge.example/mcp\"" EXP, CLAIMS_AUDIENCE,
         "Audiences in Jwt are not allowed"},
        {"{\"iss\":\"https://idp\",\"aud\":[\"https://edge.example.evil/\"]" EXP, CLAIMS_AUDIENCE,
         "Audiences in Jwt are not allowed"},
    };
    struct claims_profile profile = claims_profile_strict(&issuer, audiences, 2);
    judge_all(rows, ROWS(rows), &profile);
}

static void neg_19_a_payload_that_is_no_object(void **state)
{
    (void)state;
    static const char *const rows[] = {"0", "\"a\"", "[]", "null", "true", "[{\"exp\":1700000100}]"};
    struct claims_profile strict = strict_time(), istio = istio_time();
    for (size_t i = 0; i < ROWS(rows); i++) {
        judge(&(struct row){rows[i], CLAIMS_MALFORMED, "Jwt payload is an invalid JSON"}, &strict);
        judge(&(struct row){rows[i], CLAIMS_MALFORMED, "Jwt payload is an invalid JSON"}, &istio);
    }
    struct fail why;
    enum claims_fault fault;
    assert_false(claims_judge(NULL, &istio, NOW, &fault, &why));
    assert_int_equal(fault, CLAIMS_MALFORMED);
}

static void a_profile_of_zeros_lets_nobody_in(void **state)
{
    (void)state;
    struct claims_profile none = {0};
    judge(&(struct row){"{\"iss\":\"\",\"aud\":\"\"}", CLAIMS_ISSUER, "Jwt issuer is not configured"}, &none);
    none.any_issuer = true;
    judge(&(struct row){"{\"aud\":\"\"}", CLAIMS_AUDIENCE, NOT_ALLOWED}, &none);
}

static void the_ends_of_time_do_not_overflow(void **state)
{
    (void)state;
    struct claims_profile profile = istio_time();
    enum claims_fault fault;
    struct fail why;
    json_t *payload = json_read(BYTES("{\"exp\":9007199254740993,\"nbf\":1}"), 100, &why);
    assert_false(claims_judge(payload, &profile, INT64_MAX, &fault, &why));
    assert_int_equal(fault, CLAIMS_EXPIRED);
    profile.skew_s = INT64_MAX;
    assert_true(claims_judge(payload, &profile, INT64_MAX, &fault, &why));
    assert_true(claims_judge(payload, &profile, 1, &fault, &why));
    json_decref(payload);
}

/* The judge is asked at each second around the limits: the term must say the same. */
static void a_term_is_as_long_as_the_judge_says_yes(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "{\"exp\":1000}",
        "{\"exp\":1000,\"nbf\":900}",
        "{\"exp\":1000,\"nbf\":900,\"iat\":950}",
        "{\"exp\":1000,\"nbf\":950,\"iat\":900}",
        "{\"exp\":1000,\"iat\":940}",
    };
    size_t good = 0;
    struct claims_profile profiles[] = {strict_time(), istio_time(), strict_time(), istio_time()};
    profiles[2].max_age_s = profiles[3].max_age_s = 20;
    for (size_t p = 0; p < ROWS(profiles); p++) {
        for (size_t i = 0; i < ROWS(payloads); i++) {
            struct fail why;
            enum claims_fault fault;
            json_t *payload = json_read(bytes_of(payloads[i]), 4096, &why);
            struct claims_term term = claims_term(payload, &profiles[p]);
            bool lacks_iat = profiles[p].max_age_s && !json_object_get(payload, "iat");
            for (int64_t now_s = 1; now_s < 1200 && !lacks_iat; now_s++) {
                bool judged = claims_judge(payload, &profiles[p], now_s, &fault, &why);
                assert_int_equal(judged, term.from_s <= now_s && now_s < term.until_s);
                good += judged;
            }
            json_decref(payload);
        }
    }
    assert_true(good > 1000);
    json_t *payload = json_pack("{s:s}", "exp", "tomorrow");
    struct claims_term term = claims_term(payload, &profiles[0]);
    assert_true(term.until_s <= term.from_s);
    json_decref(payload);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_14_strict_times),
        cmocka_unit_test(neg_14_istio_times),
        cmocka_unit_test(neg_14_age_is_bounded_when_asked),
        cmocka_unit_test(neg_15_strict_audience),
        cmocka_unit_test(neg_15_istio_audience),
        cmocka_unit_test(neg_16_issuer_is_exact),
        cmocka_unit_test(neg_48_actors_are_few_named_and_allowed),
        cmocka_unit_test(neg_49_a_token_for_another_resource_is_no_token_for_this),
        cmocka_unit_test(neg_17_tokens_made_for_something_else),
        cmocka_unit_test(neg_19_a_payload_that_is_no_object),
        cmocka_unit_test(a_profile_of_zeros_lets_nobody_in),
        cmocka_unit_test(the_ends_of_time_do_not_overflow),
        cmocka_unit_test(a_term_is_as_long_as_the_judge_says_yes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
