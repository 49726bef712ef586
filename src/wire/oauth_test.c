/* Unit tests of oauth.c. */
#include "base/test.h"

#include "wire/oauth.h"

#define ISSUER BYTES("https://op")

static struct arena arena;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void issuers_have_tls(void **state)
{
    (void)state;
    static const char *const good[] = {"https://op", "https://op:8443/realms/a?b", "http://127.0.0.1:80/",
                                       "http://localhost", "http://[::1]:1"};
    static const char *const bad[] = {"",
                                      "op",
                                      "http://op",
                                      "http://127.0.0.2",
                                      "http://127.0.0.1.evil",
                                      "https://a@op",
                                      "https://op#f",
                                      "https://",
                                      "https://o p",
                                      "ftp://op",
                                      "http://localhost@evil/"};
    struct fail why;
    for (size_t i = 0; i < ROWS(good); i++)
        assert_true(oauth_issuer_check(bytes_of(good[i]), &why));
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_false(oauth_issuer_check(bytes_of(bad[i]), &why));
    assert_string_equal(why.text,
                        "the issuer must be an https URL such as https://login.example.com (http only "
                        "on this machine)");
}

static void metadata_is_of_the_issuer_and_has_tls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"[]", "the provider's metadata is no JSON object"},
        {"<html>", "the provider's metadata is no JSON object"},
        {"{\"issuer\":\"https://op/\"}", "the provider's metadata is not that of this issuer"},
        {"{\"issuer\":\"https://op\"}", "the provider's metadata names no token_endpoint"},
        {"{\"issuer\":\"https://op\",\"token_endpoint\":\"http://127.0.0.1/\"}",
         "the provider's token_endpoint is no address with TLS"},
        {"{\"issuer\":\"https://op\",\"token_endpoint\":\"https://op/t\",\"revocation_endpoint\":1}",
         "the provider's revocation_endpoint is no address with TLS"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct oauth_provider out = {.token_endpoint = BYTES("untouched")};
        struct fail why;
        assert_false(oauth_provider_read(bytes_of(rows[i].text), ISSUER, &arena, &out, &why));
        assert_string_equal(why.text, rows[i].sentence);
        assert_true(bytes_equal(out.token_endpoint, BYTES("untouched")));
    }
    struct oauth_provider out;
    struct fail why;
    assert_true(oauth_provider_read(BYTES("{\"issuer\":\"https://op\",\"token_endpoint\":\"https://t/\"}"),
                                    ISSUER, &arena, &out, &why));
    assert_true(bytes_equal(out.token_endpoint, BYTES("https://t/")) && !out.device_endpoint.len);
}

#define DEVICE(more) "{\"device_code\":\"d\",\"user_code\":\"AB-CD\"," more "}"
#define URI "\"verification_uri\":\"https://op/d\""

static void device_codes_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t lifetime_s, interval_s;
        const char *sentence; /* NULL: good */
    } rows[] = {
        {DEVICE(URI), 3600, 5, NULL},
        {DEVICE(URI ",\"expires_in\":600,\"interval\":1"), 600, 1, NULL},
        {DEVICE(URI ",\"expires_in\":1e300,\"interval\":-1"), 3600, 1, NULL},
        {DEVICE(URI ",\"interval\":9999"), 3600, 60, NULL},
        {DEVICE("\"verification_uri\":\"http://op/d\""), 0, 0,
         "the provider's verification_uri is no address with TLS"},
        {DEVICE("\"verification_uri\":\"https://op/\\u001b[2J\""), 0, 0,
         "the provider's answer has no verification_uri that could be used"},
        {"{\"device_code\":\"d\",\"user_code\":\"A\\nB\"," URI "}", 0, 0,
         "the provider's answer has no user_code that could be used"},
        {"{\"user_code\":\"A\"," URI "}", 0, 0,
         "the provider's answer has no device_code that could be used"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct oauth_device out = {.interval_s = 7};
        struct fail why;
        bool ok = oauth_device_read(bytes_of(rows[i].text), ISSUER, &arena, &out, &why);
        assert_int_equal(ok, !rows[i].sentence);
        assert_int_equal(out.interval_s, ok ? rows[i].interval_s : 7);
        if (ok)
            assert_int_equal(out.lifetime_s, rows[i].lifetime_s);
        else
            assert_string_equal(why.text, rows[i].sentence);
    }
}

static void tokens_are_bearer_tokens(void **state)
{
    (void)state;
    struct oauth_tokens out = {.lifetime_s = 7};
    struct fail why;
    assert_false(oauth_tokens_read(BYTES("{\"access_token\":\"a\"}"), &arena, &out, &why));
    assert_string_equal(why.text, "the provider gave a token that is no Bearer token");
    assert_false(
        oauth_tokens_read(BYTES("{\"token_type\":\"DPoP\",\"access_token\":\"a\"}"), &arena, &out, &why));
    assert_false(oauth_tokens_read(BYTES("{\"token_type\":\"bearer\"}"), &arena, &out, &why));
    assert_string_equal(why.text, "the provider's answer has no access_token that could be used");
    assert_false(
        oauth_tokens_read(BYTES("{\"token_type\":\"bearer\",\"access_token\":\"a b\"}"), &arena, &out, &why));
    assert_int_equal(out.lifetime_s, 7);
    assert_true(oauth_tokens_read(
        BYTES("{\"token_type\":\"bearer\",\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":60}"),
        &arena, &out, &why));
    assert_true(bytes_equal(out.refresh_token, BYTES("r")) && out.lifetime_s == 60 && !out.id_token.len);
}

static void errors_have_sentences(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum oauth_error error;
        const char *sentence;
    } rows[] = {
        {"{\"error\":\"authorization_pending\"}", OAUTH_PENDING, "nobody has confirmed the sign-in yet"},
        {"{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, "the provider wants to be asked less often"},
        {"{\"error\":\"access_denied\"}", OAUTH_DENIED, "the sign-in was refused"},
        {"{\"error\":\"expired_token\"}", OAUTH_EXPIRED, "the code was not entered in time"},
        {"{\"error\":\"invalid_grant\"}", OAUTH_INVALID_GRANT,
         "the provider does not know this sign-in any more"},
        {"{\"error\":\"x\\u001b[2J\"}", OAUTH_OTHER, "the provider refuses: x\\x1b[2J"},
        {"{\"error\":1}", OAUTH_OTHER, "the provider refuses"},
        {"oops", OAUTH_OTHER, "the provider's answer is no JSON object"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why;
        assert_int_equal(oauth_error_read(bytes_of(rows[i].text), &why), rows[i].error);
        assert_string_equal(why.text, rows[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issuers_have_tls),         cmocka_unit_test(metadata_is_of_the_issuer_and_has_tls),
        cmocka_unit_test(device_codes_are_bounded), cmocka_unit_test(tokens_are_bearer_tokens),
        cmocka_unit_test(errors_have_sentences),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
