/* Unit tests of jws: the numbered checklist's rows on tokens that need no key. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/base64.h"
#include "wire/jws.h"

#define FORM "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"
#define HEADER_BASE64 "Jwt header is an invalid Base64url encoded"
#define HEADER_JSON "Jwt header is an invalid JSON"

/* Refused with the sentence, and *out left alone. */
static void refuse(struct bytes token, const char *sentence)
{
    struct arena arena;
    struct fail why = {0};
    struct jws out;
    memset(&out, 0x5a, sizeof out);
    struct jws before = out;
    arena_init(&arena);
    assert_false(jws_read(token, &arena, &out, &why));
    assert_string_equal(why.text, sentence);
    assert_memory_equal(&out, &before, sizeof out);
    arena_done(&arena);
}

static struct bytes with_header(struct bytes header, struct arena *arena)
{
    return jws_join(jws_signing_input(header, BYTES("{}"), arena), BYTES("sig"), arena);
}

static void refuse_header(struct bytes header, const char *sentence)
{
    struct arena arena;
    arena_init(&arena);
    refuse(with_header(header, &arena), sentence);
    arena_done(&arena);
}

static void a_token_is_taken_apart(void **state)
{
    (void)state;
    struct arena arena;
    struct jws jws;
    struct fail why;
    arena_init(&arena);
    struct bytes token = with_header(BYTES("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k\"}\n"), &arena);
    assert_true(jws_read(token, &arena, &jws, &why));
    assert_int_equal(jws.alg, JWS_ES256);
    assert_true(bytes_equal(jws.kid, BYTES("k")));
    assert_true(bytes_equal(jws.typ, BYTES("at+jwt")));
    assert_true(bytes_equal(jws.payload, BYTES("{}")));
    assert_true(bytes_equal(jws.signature, BYTES("sig")));
    assert_true(bytes_equal(jws_join(jws.signed_part, jws.signature, &arena), token));
    assert_true(jws_read(with_header(BYTES("{\"alg\":\"EdDSA\"}"), &arena), &arena, &jws, &why));
    assert_null(jws.kid.at);
    assert_null(jws.typ.at);
    assert_true(jws_read(BYTES("eyJhbGciOiJSUzI1NiJ9..c2ln"), &arena, &jws, &why));
    assert_int_equal(jws.payload.len, 0);
    arena_done(&arena);
}

static void names_of_algorithms_go_both_ways_and_are_exact(void **state)
{
    (void)state;
    for (int i = JWS_NONE_KNOWN + 1; i < JWS_ALG_COUNT; i++)
        assert_int_equal(jws_alg_find(bytes_of(jws_alg_name((enum jws_alg)i))), i);
    static const char *const none[] = {"",       "none",  "HS256",   "rs256",      "RS256 ",  "RS1",
                                       "ES256K", "EDDSA", "ED25519", "none known", "RSA-OAEP"};
    for (size_t i = 0; i < ROWS(none); i++)
        assert_int_equal(jws_alg_find(bytes_of(none[i])), JWS_NONE_KNOWN);
    assert_int_equal(jws_alg_find(BYTES("Ed25519")), JWS_EDDSA);
    assert_string_equal(jws_alg_name((enum jws_alg)99), "none known");
}

static void neg_01_alg_none_in_any_spelling(void **state)
{
    (void)state;
    static const char *const names[] = {"none",  "None",  "nOnE",  "NONE", "",
                                        " none", "HS256", "HS384", "HS512"};
    for (size_t i = 0; i < ROWS(names); i++) {
        char header[100];
        snprintf(header, sizeof header, "{\"alg\":\"%s\"}", names[i]);
        refuse_header(bytes_of(header), "Jwt header [alg] is not supported");
    }
    refuse(BYTES("eyJhbGciOiJub25lIn0.e30."), FORM);
    refuse_header(BYTES("{}"), "Jwt header [alg] field is required and must be a string");
    refuse_header(BYTES("{\"alg\":256}"), "Jwt header [alg] field is required and must be a string");
    refuse_header(BYTES("{\"alg\":[\"RS256\"]}"), "Jwt header [alg] field is required and must be a string");
    refuse_header(BYTES("{\"alg\":null}"), "Jwt header [alg] field is required and must be a string");
}

static void neg_04_kid_is_a_string_of_any_content(void **state)
{
    (void)state;
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":1}"), "Jwt header [kid] field is not a string");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":null}"), "Jwt header [kid] field is not a string");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":[\"a\"]}"), "Jwt header [kid] field is not a string");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"typ\":7}"), "Jwt header [typ] field is not a string");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":\"a\\u0000b\"}"), HEADER_JSON);
    static const char *const good[] = {"../../etc/passwd", "x' OR '1'='1", "https://evil.example/keys", ""};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(good); i++) {
        struct jws jws;
        struct fail why;
        struct bytes header = arena_format(&arena, "{\"alg\":\"RS256\",\"kid\":\"%s\"}", good[i]);
        assert_true(jws_read(with_header(header, &arena), &arena, &jws, &why));
        assert_non_null(jws.kid.at);
        assert_true(bytes_equal(jws.kid, bytes_of(good[i])));
    }
    arena_done(&arena);
}

static void neg_05_keys_in_the_header_change_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct jws jws;
    struct fail why;
    arena_init(&arena);
    struct bytes header =
        BYTES("{\"alg\":\"RS256\",\"jku\":\"https://evil.example\",\"x5u\":\"https://evil.example\","
              "\"jwk\":{\"kty\":\"oct\",\"k\":\"\"},\"x5c\":[\"MIIB\"]}");
    assert_true(jws_read(with_header(header, &arena), &arena, &jws, &why));
    assert_null(jws.kid.at);
    arena_done(&arena);
}

static void neg_06_crit_and_b64_are_refused(void **state)
{
    (void)state;
    refuse_header(BYTES("{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}"),
                  "Jwt header [crit] is not supported");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"crit\":[]}"), "Jwt header [crit] is not supported");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"crit\":null}"), "Jwt header [crit] is not supported");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"b64\":false}"), "Jwt header [b64] is not supported");
    refuse_header(BYTES("{\"alg\":\"RS256\",\"b64\":true}"), "Jwt header [b64] is not supported");
}

static void neg_07_header_members_come_once(void **state)
{
    (void)state;
    refuse_header(BYTES("{\"alg\":\"none\",\"alg\":\"RS256\"}"), HEADER_JSON);
    refuse_header(BYTES("{\"alg\":\"RS256\",\"\\u0061lg\":\"ES256\"}"), HEADER_JSON);
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":\"a\",\"kid\":\"b\"}"), HEADER_JSON);
}

static void neg_08_header_is_unicode(void **state)
{
    (void)state;
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":\"\xff\"}"), HEADER_JSON);
    refuse_header(BYTES("{\"alg\":\"RS256\",\"kid\":\"\\udc00\"}"), HEADER_JSON);
    refuse_header(BYTES("[\"RS256\"]"), HEADER_JSON);
    refuse_header(BYTES("\"RS256\""), HEADER_JSON);
    refuse_header(BYTES("{\"alg\":\"RS256\"} x"), HEADER_JSON);
    refuse_header(BYTES("{\"alg\":\"RS256\""), HEADER_JSON);
}

static void neg_09_parts_are_base64url_in_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *token, *sentence;
    } rows[] = {
        {"eyJhbGciOiJSUzI1NiJ9=.e30.c2ln", HEADER_BASE64},
        {"eyJhbGciOiJSUzI1NiJ9 .e30.c2ln", HEADER_BASE64},
        {" eyJhbGciOiJSUzI1NiJ9.e30.c2ln", HEADER_BASE64},
        {"eyJhbGciOiJSUzI1NiJ.e30.c2ln", HEADER_BASE64},
        {"eyJhbGciOiJSUzI1NiJ9.e30=.c2ln", "Jwt payload is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e31.c2ln", "Jwt payload is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e.c2ln", "Jwt payload is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e30.c2lnMQ==", "Jwt signature is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e30.c2lnMR", "Jwt signature is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e30.+/+/", "Jwt signature is an invalid Base64url encoded"},
        {"eyJhbGciOiJSUzI1NiJ9.e30.c2ln\n", "Jwt signature is an invalid Base64url encoded"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        refuse(bytes_of(rows[i].token), rows[i].sentence);
}

static void neg_10_three_parts_and_no_other_serialization(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        ".a.b.c",
        "a.b.c.",
        "a.b.",
        ".b.c",
        "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d",
        "{\"payload\":\"e30\",\"protected\":\"eyJhbGciOiJSUzI1NiJ9\",\"signature\":\"c2ln\"}",
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        refuse(bytes_of(rows[i]), FORM);
    refuse(BYTES(""), "Jwt is missing");
    refuse(BYTES("Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), HEADER_BASE64);
}

static void neg_18_size_is_bounded(void **state)
{
    (void)state;
    enum { BIG = 1024 * 1024 };
    char *token = malloc(BIG);
    memset(token, 'A', BIG);
    refuse(bytes_make(token, BIG), "Jwt has 1048576 bytes; at most 16384 are read");
    refuse(bytes_make(token, JWS_TOKEN_MAX + 1), "Jwt has 16385 bytes; at most 16384 are read");
    refuse(bytes_make(token, JWS_TOKEN_MAX), FORM);
    memset(token, '[', 9000);
    refuse_header(bytes_make(token, 9000), HEADER_JSON);
    free(token);
}

static void padding_is_read_only_where_it_is_asked_for(void **state)
{
    (void)state;
    struct arena arena;
    struct jws jws;
    struct fail why;
    arena_init(&arena);
    assert_true(jws_read_padded(BYTES("eyJhbGciOiJSUzI1NiJ9.e30=.c2lnMQ=="), &arena, &jws, &why));
    assert_true(bytes_equal(jws.signed_part, BYTES("eyJhbGciOiJSUzI1NiJ9.e30=")));
    assert_true(bytes_equal(jws.signature, BYTES("sig1")));
    assert_false(jws_read_padded(BYTES("eyJhbGciOiJSUzI1NiJ9.e30=.c2lnMQ="), &arena, &jws, &why));
    assert_string_equal(why.text, "Jwt signature is an invalid Base64url encoded");
    assert_false(jws_read_padded(BYTES("eyJhbGciOiJSUzI1NiJ9.e30.===="), &arena, &jws, &why));
    arena_done(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_taken_apart),
        cmocka_unit_test(names_of_algorithms_go_both_ways_and_are_exact),
        cmocka_unit_test(neg_01_alg_none_in_any_spelling),
        cmocka_unit_test(neg_04_kid_is_a_string_of_any_content),
        cmocka_unit_test(neg_05_keys_in_the_header_change_nothing),
        cmocka_unit_test(neg_06_crit_and_b64_are_refused),
        cmocka_unit_test(neg_07_header_members_come_once),
        cmocka_unit_test(neg_08_header_is_unicode),
        cmocka_unit_test(neg_09_parts_are_base64url_in_one_spelling),
        cmocka_unit_test(neg_10_three_parts_and_no_other_serialization),
        cmocka_unit_test(neg_18_size_is_bounded),
        cmocka_unit_test(padding_is_read_only_where_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
