/* Unit tests of jwk: RFC 7638's and 8037's examples, and what a set loses. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/jwk.h"

#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\""
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define RSA                                                                                                  \
    "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"                                                                  \
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86z"                                     \
    "wu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-" \
    "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQ"  \
    "FhsmSyHFF\""

static struct arena arena;

static struct jwk_set read_good(const char *text)
{
    struct jwk_set set = {0};
    struct fail why = {0};
    bool ok = jwk_set_read(bytes_of(text), &arena, &set, &why);
    if (!ok)
        print_error("%s: %s\n", text, why.text);
    assert_true(ok);
    return set;
}

/* One key in a set: read, or left out with the reason. */
static void key_judge(const char *key, const char *reason)
{
    struct bytes text = arena_format(&arena, "{\"keys\":[{%s}]}", key);
    struct jwk_set set = read_good(text.at);
    assert_int_equal(set.count, reason ? 0 : 1);
    assert_int_equal(set.left_out, reason ? 1 : 0);
    struct bytes remark = reason ? arena_format(&arena, "key 0 is left out: %s", reason) : BYTES("");
    assert_string_equal(arena_text(&arena, set.remark), remark.at);
}

static void keys_are_read_with_what_they_say(void **state)
{
    (void)state;
    struct jwk_set set = read_good("{\"keys\":[{" EC ",\"kid\":\"a\",\"alg\":\"ES256\",\"use\":\"sig\"},{" ED
                                   "},{" RSA ",\"key_ops\":[\"verify\"]}],\"more\":1}");
    assert_int_equal(set.count, 3);
    assert_int_equal(set.left_out, 0);
    assert_int_equal(set.keys[0].type, JWK_P256);
    assert_int_equal(set.keys[0].alg, JWS_ES256);
    assert_true(bytes_equal(set.keys[0].kid, BYTES("a")));
    assert_int_equal(set.keys[0].b.len, 32);
    assert_int_equal(set.keys[1].type, JWK_ED25519);
    assert_int_equal(set.keys[1].alg, JWS_NONE_KNOWN);
    assert_int_equal(set.keys[1].kid.len, 0);
    assert_int_equal(set.keys[2].type, JWK_RSA);
    assert_true(bytes_equal(set.keys[2].b, BYTES("\x01\x00\x01")));
}

static void thumbprints_are_those_of_the_rfcs(void **state)
{
    (void)state;
    struct jwk_set ed = read_good("{\"keys\":[{" ED "}]}");
    assert_true(bytes_equal(jwk_thumbprint(&ed.keys[0], &arena),
                            BYTES("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")));
    struct jwk_set ec = read_good("{\"keys\":[{" EC "}]}");
    assert_int_equal(jwk_thumbprint(&ec.keys[0], &arena).len, 43);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    static const char *const keys[] = {EC ",\"alg\":\"ES256\",\"kid\":\"\\\"q\\\"\"", ED, RSA};
    for (size_t i = 0; i < ROWS(keys); i++) {
        struct text text;
        struct jwk_set set = read_good(arena_format(&arena, "{\"keys\":[{%s}]}", keys[i]).at);
        text_init_arena(&text, &arena);
        text_add_s(&text, "{\"keys\":[");
        jwk_write(&text, &set.keys[0]);
        text_add_s(&text, "]}");
        struct jwk_set again = read_good(text.at);
        assert_int_equal(again.count, 1);
        assert_int_equal(again.keys[0].type, set.keys[0].type);
        assert_int_equal(again.keys[0].alg, set.keys[0].alg);
        assert_true(bytes_equal(again.keys[0].a, set.keys[0].a));
        assert_true(bytes_equal(again.keys[0].b, set.keys[0].b));
        struct bytes kid = set.keys[0].kid;
        assert_true(bytes_equal(again.keys[0].kid, kid.len ? kid : jwk_thumbprint(&set.keys[0], &arena)));
    }
}

static void neg_03_alg_must_fit_the_type(void **state)
{
    (void)state;
    key_judge(EC ",\"alg\":\"ES256\"", NULL);
    key_judge(EC ",\"alg\":\"ES384\"", "[alg] ES384 does not fit its type");
    key_judge(EC ",\"alg\":\"RS256\"", "[alg] RS256 does not fit its type");
    key_judge(RSA ",\"alg\":\"PS512\"", NULL);
    key_judge(RSA ",\"alg\":\"EdDSA\"", "[alg] EdDSA does not fit its type");
    key_judge(RSA ",\"alg\":\"HS256\"", "[alg] is none that is verified here");
    key_judge(RSA ",\"alg\":\"RSA-OAEP\"", "[alg] is none that is verified here");
    key_judge(ED ",\"alg\":\"EdDSA\"", NULL);
    key_judge(ED ",\"alg\":1", "[alg] is none that is verified here");
}

static void neg_07_a_doubled_member_loses_the_set(void **state)
{
    (void)state;
    struct jwk_set set = {.count = 7};
    struct fail why;
    assert_false(
        jwk_set_read(BYTES("{\"keys\":[{" EC ",\"kid\":\"a\",\"k\\u0069d\":\"b\"}]}"), &arena, &set, &why));
    assert_non_null(strstr(why.text, "Jwks is an invalid JSON: not JSON at line 1, column "));
    assert_non_null(strstr(why.text, "an object names a member twice"));
    assert_int_equal(set.count, 7);
}

static void neg_11_numbers_have_the_size_of_the_curve(void **state)
{
    (void)state;
#define TYPE "\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" Y "\""
    key_judge(TYPE ",\"x\":\"AA\"", NULL);
    key_judge(TYPE ",\"x\":\"\"", "[x] has 0 bytes; the curve has 32");
    key_judge(TYPE ",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
              "[x] has 33 bytes; the curve has 32");
    key_judge(TYPE ",\"x\":\"" X "=\"", "[x] is not base64url without padding");
    key_judge(TYPE, "[x] is missing or not a string");
    key_judge("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"", "[x] is not base64url of 32 bytes");
    key_judge("\"kty\":\"EC\",\"x\":\"" X "\",\"y\":\"" Y "\"", NULL);
    key_judge("\"kty\":\"EC\",\"alg\":\"ES384\",\"x\":\"" X "\",\"y\":\"" Y "\"", NULL);
}

static void neg_12_rsa_numbers_are_bounded(void **state)
{
    (void)state;
    static char n[2000];
    memset(n, 'B', 1368);
    key_judge(arena_format(&arena, "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"", n).at,
              "[n] has 1026 bytes; at most 1024 are read");
    key_judge("\"kty\":\"RSA\",\"e\":\"AQAAAAAAAAAB\",\"n\":\"BBBB\"", "[e] has 9 bytes; at most 8 are read");
    key_judge("\"kty\":\"RSA\",\"e\":\"AA\",\"n\":\"BBBB\"", "[e] is zero");
    key_judge("\"kty\":\"RSA\",\"n\":\"BBBB\"", "[e] is missing or not a string");
    key_judge("\"kty\":\"RSA\",\"e\":65537,\"n\":\"BBBB\"", "[e] is missing or not a string");
}

static void neg_13_one_bad_key_does_not_lose_the_good_ones(void **state)
{
    (void)state;
    struct jwk_set set =
        read_good("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},{" EC ",\"d\":\"AA\"},7,{" EC
                  ",\"use\":\"enc\"},{\"kty\":\"AKP\"},{" EC ",\"kid\":\"a\"},{" ED ",\"kid\":\"a\"}]}");
    assert_int_equal(set.count, 2);
    assert_int_equal(set.left_out, 5);
    assert_string_equal(arena_text(&arena, set.remark),
                        "key 0 is left out: it is a private or symmetric key: it has [k]");
    key_judge(EC ",\"d\":\"AA\"", "it is a private or symmetric key: it has [d]");
    key_judge(RSA ",\"p\":\"AA\"", "it is a private or symmetric key: it has [p]");
    key_judge(EC ",\"use\":\"enc\"", "[use] is not \"sig\"");
    key_judge(EC ",\"use\":[\"sig\"]", "[use] is not \"sig\"");
    key_judge(EC ",\"key_ops\":[\"sign\",\"deriveKey\"]", "[key_ops] does not hold \"verify\"");
    key_judge(EC ",\"key_ops\":\"verify\"", "[key_ops] does not hold \"verify\"");
    key_judge(EC ",\"key_ops\":[\"sign\",\"verify\"]", NULL);
    key_judge(EC ",\"kid\":1", "[kid] is not a string");
    key_judge("\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"",
              "its type is none of RSA, EC with P-256, P-384 or P-521, OKP with Ed25519");
    key_judge("\"kty\":\"EC\",\"crv\":\"secp256k1\"",
              "its type is none of RSA, EC with P-256, P-384 or P-521, OKP with Ed25519");
    key_judge("\"kty\":\"EC\",\"crv\":1", "[crv] is not a string");
    key_judge("\"kty\":1", "[kty] is missing or not a string");
}

static void neg_13_what_is_no_set_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"<html>Login</html>", "Jwks is an invalid JSON: not JSON at line 1, column 1: the syntax is wrong"},
        {"", "Jwks is an invalid JSON: not JSON at line 1, column 0: the text ends too early"},
        {"[]", "Jwks is not a JSON object"},
        {"{}", "Jwks does not have [keys] field"},
        {"{" EC "}", "Jwks does not have [keys] field"},
        {"{\"keys\":{}}", "[keys] in Jwks is not an array"},
        {"{\"a\":\"pubkey\"}", "Jwks does not have [keys] field"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "the PEM text holds no public key and no certificate that can be read"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "the PEM text holds no public key and no certificate that can be read"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct jwk_set set = {.count = 7};
        struct fail why = {0};
        assert_false(jwk_set_read(bytes_of(rows[i].text), &arena, &set, &why));
        assert_string_equal(why.text, rows[i].sentence);
        assert_int_equal(set.count, 7);
    }
    assert_int_equal(read_good("{\"keys\":[]}").count, 0);
}

static void neg_13_sets_are_bounded(void **state)
{
    (void)state;
    struct text text;
    struct fail why;
    struct jwk_set set;
    text_init_arena(&text, &arena);
    text_add_s(&text, "{\"keys\":[{}");
    for (int i = 1; i < 10000; i++)
        text_add_s(&text, ",{}");
    text_add_s(&text, "]}");
    assert_false(jwk_set_read(text_bytes(&text), &arena, &set, &why));
    assert_string_equal(why.text, "Jwks has 10000 keys; at most 100 are read");
    char *big = calloc(1, JWK_SET_BYTES_MAX + 1);
    memset(big, ' ', JWK_SET_BYTES_MAX + 1);
    assert_false(jwk_set_read(bytes_make(big, JWK_SET_BYTES_MAX + 1), &arena, &set, &why));
    assert_string_equal(why.text,
                        "Jwks is an invalid JSON: the JSON has 1048577 bytes; at most 1048576 are read");
    free(big);
}

static void a_bare_pem_key_is_a_set_of_one(void **state)
{
    (void)state;
    struct jwk_set set = read_good(
        "\n-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAvWNRcLk4e4v62xnQqR+EksR7CHYdLQhFfFJibL1gYGA=\n"
        "-----END PUBLIC KEY-----\n");
    assert_int_equal(set.count, 1);
    assert_int_equal(set.keys[0].type, JWK_ED25519);
    assert_int_equal(set.keys[0].a.len, 32);
    assert_int_equal(set.keys[0].kid.len, 0);
}

static int arena_open(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int arena_close(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, arena_open, arena_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(keys_are_read_with_what_they_say),      TEST(thumbprints_are_those_of_the_rfcs),
        TEST(what_is_written_reads_the_same),        TEST(neg_03_alg_must_fit_the_type),
        TEST(neg_07_a_doubled_member_loses_the_set), TEST(neg_11_numbers_have_the_size_of_the_curve),
        TEST(neg_12_rsa_numbers_are_bounded),        TEST(neg_13_one_bad_key_does_not_lose_the_good_ones),
        TEST(neg_13_what_is_no_set_is_refused),      TEST(neg_13_sets_are_bounded),
        TEST(a_bare_pem_key_is_a_set_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
