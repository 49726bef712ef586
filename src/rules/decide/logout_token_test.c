/* Unit tests of logout_token: what no session may end by. */
#include "base/test.h"

#include "rules/decide/logout_token.h"

#define NOW 1000000
#define ID                                                                                                   \
    "{\"iss\":\"https://"                                                                                    \
    "i\",\"aud\":\"app\",\"sub\":\"alice\",\"iat\":999990,\"exp\":1000300,\"nonce\":\"n\""
#define OUT                                                                                                  \
    "{\"iss\":\"https://i\",\"aud\":[\"app\"],\"iat\":999990,\"jti\":\"j\",\"sid\":\"s\","                   \
    "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"

static const struct logout_scope party = {BYTES_INIT("https://i"), BYTES_INIT("app")};

struct row {
    const char *name, *claims, *typ, *why; /* why NULL: good */
};

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
        cmocka_unit_test(neg_39_logout_tokens_must_be_just_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
