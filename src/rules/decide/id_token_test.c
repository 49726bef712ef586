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
    static const struct id_token_scope scope = {BYTES_INIT("https://op"),
                                                BYTES_INIT("me"),
                                                BYTES_INIT("n-1"),
                                                friends,
                                                ROWS(friends),
                                                false,
                                                false,
                                                false};
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

/* ---- as a login wants them --------------------------------------------------------------- */

#define LOGIN_NOW 1000000
#define LOGIN                                                                                                \
    "{\"iss\":\"https://"                                                                                    \
    "i\",\"aud\":\"app\",\"sub\":\"alice\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\""

static const struct id_token_scope login = {.issuer = BYTES_INIT("https://i"),
                                            .client_id = BYTES_INIT("app"),
                                            .nonce = BYTES_INIT("n"),
                                            .needs_iat = true};

static void neg_34_id_tokens_of_other_logins_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *claims, *why; /* why NULL: good */
    } rows[] = {
        {"good", LOGIN "}", NULL},
        {"another audience, whatever the party",
         "{\"iss\":\"https://i\",\"aud\":[\"app\",\"b\"],\"azp\":\"app\",\"sub\":"
         "\"a\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\"}",
         "the ID token is for others too that are not trusted"},
        {"nonce mismatch",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"m\"}",
         "the ID token is of another login (nonce)"},
        {"nonce missing",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300}",
         "the ID token is of another login (nonce)"},
        {"nonce no text",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":1}",
         "the ID token is of another login (nonce)"},
        {"another issuer",
         "{\"iss\":\"https://i/\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"n\"}",
         "Jwt issuer is not configured"},
        {"another client",
         "{\"iss\":\"https://i\",\"aud\":\"App\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"n\"}",
         "Audiences in Jwt are not allowed"},
        {"another party", LOGIN ",\"azp\":\"other\"}", "the ID token was made for another client (azp)"},
        {"expired",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999000,\"exp\":999900,\"nonce\":"
         "\"n\"}",
         "Jwt is expired"},
        {"no exp", "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999000,\"nonce\":\"n\"}",
         "Jwt payload [exp] field is required"},
        {"no subject",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\"}",
         "the ID token names no subject"},
        {"no iat", "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"exp\":1000300,\"nonce\":\"n\"}",
         "the ID token does not say when it was made (iat)"},
        {"neg_17 a logout token", LOGIN ",\"events\":{}}",
         "Jwt is a logout token or a security event, not a bearer token"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {.text = ""};
        enum claims_fault fault;
        json_t *claims = json_read(bytes_of(rows[i].claims), 10000, &why);
        assert_non_null(claims);
        bool good = id_token_judge(claims, &login, LOGIN_NOW, &fault, &why);
        if (good != !rows[i].why)
            print_error("%s\n", rows[i].name);
        assert_int_equal(good, rows[i].why == NULL);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
        json_decref(claims);
    }
}

static void after_a_refresh_there_need_be_no_nonce(void **state)
{
    (void)state;
    struct fail why;
    enum claims_fault fault;
    struct id_token_scope refresh = login;
    refresh.nonce = (struct bytes){0};
    json_t *claims = json_read(BYTES("{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,"
                                     "\"exp\":1000300}"),
                               1000, &why);
    assert_true(id_token_judge(claims, &refresh, LOGIN_NOW, &fault, &why));
    json_decref(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_34_id_tokens_of_other_logins_are_refused),
        cmocka_unit_test(after_a_refresh_there_need_be_no_nonce),
        cmocka_unit_test(id_tokens_are_for_this_client_and_this_login),
        cmocka_unit_test(neg_45_jwt_svids_by_the_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
