/* Unit tests of login_discovery: what a provider must say, and where it must not lead. */
#include "base/test.h"

#include "control/login_discovery.h"

#define ISSUER "https://i.example"
#define ENDS                                                                                                 \
    "\"authorization_endpoint\":\"https://i.example/auth\",\"token_endpoint\":\"https://i.example/token\""
#define DOCUMENT(more) "{\"issuer\":\"" ISSUER "\"," ENDS more "}"

static void what_is_said_is_read(void **state)
{
    (void)state;
    struct arena arena;
    struct login_provider out;
    struct fail why;
    arena_init(&arena);
    assert_true(login_discovery_read(BYTES(DOCUMENT("")), BYTES(ISSUER), &arena, &out, &why));
    assert_true(bytes_equal(out.token_endpoint, BYTES("https://i.example/token")));
    assert_true(out.takes_basic && !out.says_issuer);
    assert_int_equal(out.end_session_endpoint.len + out.revocation_endpoint.len, 0);
    assert_true(login_discovery_read(
        BYTES(DOCUMENT(
            ",\"end_session_endpoint\":\"https://i.example/end\",\"revocation_endpoint\":\"https://i.example/"
            "revoke\",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
            "\"authorization_response_iss_parameter_supported\":true,"
            "\"code_challenge_methods_supported\":[\"plain\",\"S256\"]")),
        BYTES(ISSUER), &arena, &out, &why));
    assert_true(!out.takes_basic && out.says_issuer);
    assert_true(bytes_equal(out.end_session_endpoint, BYTES("https://i.example/end")));
    arena_done(&arena);
}

static void what_leads_astray_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *why;
    } rows[] = {
        {"no JSON", "<html>", "the discovery document is not JSON"},
        {"neg_25 another issuer", "{\"issuer\":\"https://j.example\"," ENDS "}",
         "the discovery document is another issuer's"},
        {"no issuer", "{" ENDS "}", "the discovery document is another issuer's"},
        {"no token endpoint",
         "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://i.example/auth\"}",
         "the discovery document names no token_endpoint"},
        {"without TLS",
         "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://i.example/auth\","
         "\"token_endpoint\":\"http://i.example/token\"}",
         "the discovery document leads from https to a token_endpoint without TLS"},
        {"a script",
         "{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"javascript:alert(1)\","
         "\"token_endpoint\":\"https://i.example/token\"}",
         "the discovery document's authorization_endpoint is no address without user and fragment"},
        {"only plain PKCE", DOCUMENT(",\"code_challenge_methods_supported\":[\"plain\"]"),
         "the provider does not take PKCE with S256"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct login_provider out = {.says_issuer = true};
        struct fail why = {.text = ""};
        assert_false(login_discovery_read(bytes_of(rows[i].text), BYTES(ISSUER), &arena, &out, &why));
        assert_string_equal(why.text, rows[i].why);
        assert_true(out.says_issuer && !out.token_endpoint.len);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_read),
        cmocka_unit_test(what_leads_astray_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
