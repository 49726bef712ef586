/* Unit tests of id_token.c and jwt_svid.c: tokens that are no bearer tokens, each by its own rules. */
#include "base/test.h"

#include "rules/decide/id_token.h"
#include "rules/decide/jwt_svid.h"

#define NOW INT64_C(1700000000)
#define ID "{\"iss\":\"https://op\",\"sub\":\"joe\",\"exp\":1700000100"
#define SVID "{\"exp\":1700000100,\"aud\":[\"us\"],\"sub\":\""

static json_t *payload_of(const char *text)
{
    struct fail why;
    json_t *payload = json_read(bytes_of(text), 4096, &why);
    assert_non_null(payload);
    return payload;
}

static void id_tokens_are_for_this_client_and_this_login(void **state)
{
    (void)state;
    static const struct bytes friends[] = {BYTES_INIT("friend")};
    static const struct id_token_scope scope = {
        BYTES_INIT("https://op"), BYTES_INIT("me"), BYTES_INIT("n-1"), friends, ROWS(friends), false, false};
    static const struct {
        const char *payload;
        enum claims_fault fault;
        const char *sentence; /* NULL: good */
    } rows[] = {
        {ID ",\"aud\":\"me\",\"nonce\":\"n-1\"}", CLAIMS_GOOD, NULL},
        {ID ",\"aud\":[\"friend\",\"me\"],\"azp\":\"me\",\"nonce\":\"n-1\"}", CLAIMS_GOOD, NULL},
        {ID ",\"aud\":[\"stranger\",\"me\"],\"nonce\":\"n-1\"}", CLAIMS_AUDIENCE,
         "the ID token is for others too that are not trusted"},
        {ID ",\"aud\":[\"friend\"],\"nonce\":\"n-1\"}", CLAIMS_AUDIENCE, "Audiences in Jwt are not allowed"},
        {ID ",\"nonce\":\"n-1\"}", CLAIMS_AUDIENCE, "Audiences in Jwt are not allowed"},
        {ID ",\"aud\":\"me\",\"azp\":\"friend\",\"nonce\":\"n-1\"}", CLAIMS_AUDIENCE,
         "the ID token was made for another client (azp)"},
        {ID ",\"aud\":\"me\",\"azp\":1,\"nonce\":\"n-1\"}", CLAIMS_AUDIENCE,
         "the ID token was made for another client (azp)"},
        {ID ",\"aud\":\"me\",\"nonce\":\"n-2\"}", CLAIMS_KIND, "the ID token is of another login (nonce)"},
        {ID ",\"aud\":\"me\"}", CLAIMS_KIND, "the ID token is of another login (nonce)"},
        {ID ",\"aud\":\"me\",\"nonce\":\"n-1\",\"events\":{}}", CLAIMS_KIND,
         "Jwt is a logout token or a security event, not a bearer token"},
        {"{\"iss\":\"https://op\",\"sub\":\"joe\",\"aud\":\"me\",\"nonce\":\"n-1\"}", CLAIMS_MALFORMED,
         "Jwt payload [exp] field is required"},
        {"{\"iss\":\"https://op\",\"exp\":1700000100,\"aud\":\"me\",\"nonce\":\"n-1\"}", CLAIMS_MALFORMED,
         "the ID token names no subject"},
        {"{\"iss\":\"https://op/\",\"sub\":\"joe\",\"exp\":1700000100,\"aud\":\"me\"}", CLAIMS_ISSUER,
         "Jwt issuer is not configured"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        enum claims_fault fault = CLAIMS_FAULT_COUNT;
        json_t *payload = payload_of(rows[i].payload);
        assert_int_equal(id_token_judge(payload, &scope, NOW, &fault, &why), !rows[i].sentence);
        json_decref(payload);
        assert_int_equal(fault, rows[i].fault);
        assert_string_equal(why.text, rows[i].sentence ? rows[i].sentence : "");
    }
}

static void neg_45_jwt_svids_by_the_letter(void **state)
{
    (void)state;
    static const struct bytes us[] = {BYTES_INIT("us")};
    static const struct jwt_svid_scope scope = {BYTES_INIT("td"), us, ROWS(us)};
    static const struct {
        enum jws_alg alg;
        const char *kid, *typ, *payload;
        enum claims_fault fault;
        const char *sentence; /* NULL: good */
    } rows[] = {
        {JWS_ES256, "k", NULL, SVID "spiffe://td/a\"}", CLAIMS_GOOD, NULL},
        {JWS_PS512, "k", "JOSE", SVID "spiffe://td/a\"}", CLAIMS_GOOD, NULL},
        {JWS_EDDSA, "k", NULL, SVID "spiffe://td/a\"}", CLAIMS_KIND,
         "the JWT-SVID's alg is none of RS, ES and PS"},
        {JWS_NONE_KNOWN, "k", NULL, SVID "spiffe://td/a\"}", CLAIMS_KIND,
         "the JWT-SVID's alg is none of RS, ES and PS"},
        {JWS_ES256, NULL, NULL, SVID "spiffe://td/a\"}", CLAIMS_MALFORMED, "the JWT-SVID names no key (kid)"},
        {JWS_ES256, "", NULL, SVID "spiffe://td/a\"}", CLAIMS_MALFORMED, "the JWT-SVID names no key (kid)"},
        {JWS_ES256, "k", "at+jwt", SVID "spiffe://td/a\"}", CLAIMS_KIND,
         "the JWT-SVID's typ is neither JWT nor JOSE"},
        {JWS_ES256, "k", NULL, SVID "spiffe://other/a\"}", CLAIMS_ISSUER,
         "the JWT-SVID's sub is of another trust domain than its key"},
        {JWS_ES256, "k", NULL, SVID "joe\"}", CLAIMS_MALFORMED, "the JWT-SVID's sub is no SPIFFE ID"},
        {JWS_ES256, "k", NULL, "{\"exp\":1700000100,\"aud\":\"us\"}", CLAIMS_MALFORMED,
         "the JWT-SVID's sub is no SPIFFE ID"},
        {JWS_ES256, "k", NULL, "{\"aud\":\"us\",\"sub\":\"spiffe://td/a\"}", CLAIMS_MALFORMED,
         "Jwt payload [exp] field is required"},
        {JWS_ES256, "k", NULL, "{\"exp\":1700000100,\"sub\":\"spiffe://td/a\"}", CLAIMS_AUDIENCE,
         "Audiences in Jwt are not allowed"},
        {JWS_ES256, "k", NULL, "{\"exp\":1699999900,\"aud\":\"us\",\"sub\":\"spiffe://td/a\"}",
         CLAIMS_EXPIRED, "Jwt is expired"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct jws jws = {.alg = rows[i].alg, .kid = bytes_of(rows[i].kid), .typ = bytes_of(rows[i].typ)};
        struct fail why = {0};
        struct spiffe_id id = {.path = BYTES("untouched")};
        enum claims_fault fault = CLAIMS_FAULT_COUNT;
        json_t *payload = payload_of(rows[i].payload);
        assert_int_equal(jwt_svid_judge(&jws, payload, &scope, NOW, &id, &fault, &why), !rows[i].sentence);
        assert_int_equal(fault, rows[i].fault);
        assert_true(bytes_equal(id.path, rows[i].sentence ? BYTES("untouched") : BYTES("/a")));
        json_decref(payload);
        assert_string_equal(why.text, rows[i].sentence ? rows[i].sentence : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(id_tokens_are_for_this_client_and_this_login),
        cmocka_unit_test(neg_45_jwt_svids_by_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
