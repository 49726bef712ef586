/* Unit tests of login_tokens: what a login must not stand on. */
#include "base/test.h"

#include "rules/decide/login_tokens.h"

#define NOW 1000000
#define ID                                                                                                   \
    "{\"iss\":\"https://"                                                                                    \
    "i\",\"aud\":\"app\",\"sub\":\"alice\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\""
#define OUT                                                                                                  \
    "{\"iss\":\"https://i\",\"aud\":[\"app\"],\"iat\":999990,\"jti\":\"j\",\"sid\":\"s\","                   \
    "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"

static const struct login_party party = {BYTES_INIT("https://i"), BYTES_INIT("app")};

struct row {
    const char *name, *claims, *typ, *why; /* why NULL: good */
};

static void neg_34_id_tokens_of_other_logins_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"good", ID "}", NULL, NULL},
        {"several audiences and the party",
         "{\"iss\":\"https://i\",\"aud\":[\"app\",\"b\"],\"azp\":\"app\",\"sub\":"
         "\"a\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\"}",
         NULL, NULL},
        {"nonce mismatch",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"m\"}",
         NULL, "the ID token has another login's nonce"},
        {"nonce missing",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300}", NULL,
         "the ID token has another login's nonce"},
        {"nonce no text",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":1}",
         NULL, "the ID token has another login's nonce"},
        {"another issuer",
         "{\"iss\":\"https://i/\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"n\"}",
         NULL, "Jwt issuer is not configured"},
        {"another client",
         "{\"iss\":\"https://i\",\"aud\":\"App\",\"sub\":\"a\",\"iat\":999990,\"exp\":1000300,"
         "\"nonce\":\"n\"}",
         NULL, "Audiences in Jwt are not allowed"},
        {"another party", ID ",\"azp\":\"other\"}", NULL, "the ID token was made for another party"},
        {"several audiences, no party",
         "{\"iss\":\"https://i\",\"aud\":[\"app\",\"b\"],\"sub\":\"a\",\"iat\":999990,"
         "\"exp\":1000300,\"nonce\":\"n\"}",
         NULL, "the ID token was made for another party"},
        {"expired",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999000,\"exp\":999900,\"nonce\":"
         "\"n\"}",
         NULL, "Jwt is expired"},
        {"no exp", "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999000,\"nonce\":\"n\"}",
         NULL, "Jwt payload [exp] field is required"},
        {"no subject",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\"}", NULL,
         "the ID token names no subject"},
        {"no iat", "{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"exp\":1000300,\"nonce\":\"n\"}",
         NULL, "the ID token does not say when it was made"},
        {"neg_17 a logout token", ID ",\"events\":{}}", NULL,
         "Jwt is a logout token or a security event, not a bearer token"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {.text = ""};
        json_t *claims = json_read(bytes_of(rows[i].claims), 10000, &why);
        assert_non_null(claims);
        bool good = id_token_judge(claims, &party, BYTES("n"), NOW, &why);
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
    json_t *claims = json_read(BYTES("{\"iss\":\"https://i\",\"aud\":\"app\",\"sub\":\"a\",\"iat\":999990,"
                                     "\"exp\":1000300}"),
                               1000, &why);
    assert_true(id_token_judge(claims, &party, (struct bytes){0}, NOW, &why));
    json_decref(claims);
}

static void neg_39_logout_tokens_must_be_just_that(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"good", OUT "}", NULL, NULL},
        {"good by type", OUT "}", "logout+jwt", NULL},
        {"by subject",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"jti\":\"j\",\"sub\":\"s\",\"events\":{"
         "\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, NULL},
        {"another kind", OUT "}", "at+jwt", "the token is of another kind"},
        {"with nonce", OUT ",\"nonce\":\"n\"}", NULL, "a logout token has no nonce"},
        {"without iat",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"jti\":\"j\",\"sid\":\"s\",\"events\":{"
         "\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, "the logout token does not say when it was made"},
        {"old",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999399,\"jti\":\"j\",\"sid\":\"s\",\"events\":{"
         "\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, "the logout token was not made just now"},
        {"of tomorrow",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":1000031,\"jti\":\"j\",\"sid\":\"s\",\"events\""
         ":{\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, "the logout token was not made just now"},
        {"expired", OUT ",\"exp\":999970}", NULL, "the logout token is expired"},
        {"without jti",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"sid\":\"s\",\"events\":{"
         "\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, "the logout token has no id"},
        {"about nobody",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"jti\":\"j\",\"events\":{"
         "\"http://schemas.openid.net/event/backchannel-logout\":{}}}",
         NULL, "the logout token names neither a subject nor a session"},
        {"an ID token", ID "}", NULL, "the token speaks of no logout"},
        {"another event",
         "{\"iss\":\"https://i\",\"aud\":\"app\",\"iat\":999990,\"jti\":\"j\",\"sid\":\"s\",\"events\""
         ":{\"x\":{}}}",
         NULL, "the token speaks of no logout"},
        {"another issuer", "{\"iss\":\"https://j\",\"aud\":\"app\"}", NULL,
         "the logout token is another issuer's"},
        {"another client", "{\"iss\":\"https://i\",\"aud\":[\"b\"]}", NULL,
         "the logout token is for somebody else"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {.text = ""};
        struct logout_token out = {.id = BYTES("untouched")};
        json_t *claims = json_read(bytes_of(rows[i].claims), 10000, &why);
        assert_non_null(claims);
        bool good = logout_token_judge(claims, bytes_of(rows[i].typ), &party, NOW, &out, &why);
        if (good != !rows[i].why)
            print_error("%s: %s\n", rows[i].name, why.text);
        assert_int_equal(good, rows[i].why == NULL);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
        assert_int_equal(bytes_equal(out.id, BYTES("untouched")), rows[i].why != NULL);
        json_decref(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_34_id_tokens_of_other_logins_are_refused),
        cmocka_unit_test(after_a_refresh_there_need_be_no_nonce),
        cmocka_unit_test(neg_39_logout_tokens_must_be_just_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
