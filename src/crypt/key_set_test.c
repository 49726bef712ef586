/* Unit tests of key_set: which key a token means, and tokens forged with what is public. */
#include "base/test.h"

#include "crypt/test_sign.h"

#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "crypt/key_set.h"

#define FAILS "Jwt verification fails"
#define NO_KEY "Jwks doesn't have key to match kid or alg from Jwt"

static struct arena arena;
static EVP_PKEY *rsa, *ec;
static struct jwk rsa_jwk, ec_jwk;

static struct bytes token_of(EVP_PKEY *key, enum jwk_type type, const char *header)
{
    struct jws jws;
    struct fail why;
    struct bytes input = jws_signing_input(bytes_of(header), BYTES("{\"iss\":\"i\"}"), &arena);
    /* The algorithm the header names, read by the reader itself. */
    assert_true(jws_read(jws_join(input, BYTES("x"), &arena), &arena, &jws, &why));
    return jws_join(input, test_sign(key, type, jws.alg, input, &arena), &arena);
}

static enum key_set_answer ask(const struct jwk *keys, uint32_t count, struct bytes token, struct fail *why)
{
    struct jwk_set read = {.count = count};
    struct jws jws;
    read.keys = arena_array(&arena, struct jwk, count + 1);
    for (uint32_t i = 0; i < count; i++)
        read.keys[i] = keys[i];
    struct key_set *set = key_set_new(&read);
    why->text[0] = '\0';
    assert_true(jws_read(token, &arena, &jws, why));
    enum key_set_answer answer = key_set_verify(set, &jws, why);
    key_set_free(set);
    return answer;
}

static struct jwk named(struct jwk key, const char *kid)
{
    key.kid = bytes_of(kid);
    return key;
}

static void judge(const struct jwk *keys, uint32_t count, struct bytes token, enum key_set_answer wanted,
                  const char *sentence)
{
    struct fail why;
    assert_int_equal(ask(keys, count, token, &why), wanted);
    if (wanted != KEY_SET_VERIFIED)
        assert_string_equal(why.text, sentence);
}

static void neg_04_kid_chooses_the_key(void **state)
{
    (void)state;
    struct bytes plain = token_of(ec, JWK_P256, "{\"alg\":\"ES256\"}");
    struct bytes a = token_of(ec, JWK_P256, "{\"alg\":\"ES256\",\"kid\":\"a\"}");
    struct bytes path = token_of(ec, JWK_P256, "{\"alg\":\"ES256\",\"kid\":\"../../etc/passwd\"}");
    struct bytes empty = token_of(ec, JWK_P256, "{\"alg\":\"ES256\",\"kid\":\"\"}");
    struct jwk keys[] = {named(rsa_jwk, "r"), named(ec_jwk, "a")}, other = named(ec_jwk, "b");
    judge(keys, 2, a, KEY_SET_VERIFIED, NULL);
    judge(keys, 2, plain, KEY_SET_VERIFIED, NULL);
    judge(keys, 2, empty, KEY_SET_VERIFIED, NULL);
    judge(&ec_jwk, 1, a, KEY_SET_VERIFIED, NULL);
    judge(&other, 1, a, KEY_SET_UNKNOWN_KID, NO_KEY);
    judge(keys, 2, path, KEY_SET_UNKNOWN_KID, NO_KEY);
    judge(keys, 0, a, KEY_SET_UNKNOWN_KID, NO_KEY);
    judge(keys, 0, plain, KEY_SET_REFUSED, NO_KEY);
    struct jwk wrong = named(rsa_jwk, "a");
    judge(&wrong, 1, a, KEY_SET_REFUSED, NO_KEY);
}

static void neg_13_every_key_of_the_same_kid_is_tried(void **state)
{
    (void)state;
    EVP_PKEY *second = test_key(JWK_P256);
    struct jwk keys[] = {named(ec_jwk, "a"), named(test_jwk(second, JWK_P256, &arena), "a")};
    struct bytes token = token_of(second, JWK_P256, "{\"alg\":\"ES256\",\"kid\":\"a\"}");
    judge(keys, 2, token, KEY_SET_VERIFIED, NULL);
    judge(keys, 1, token, KEY_SET_REFUSED, FAILS);
    struct jwk nameless = ec_jwk;
    judge(&nameless, 1, token, KEY_SET_UNKNOWN_KID, FAILS);
    EVP_PKEY_free(second);
}

static void neg_13_tries_are_bounded_but_the_named_key_comes_first(void **state)
{
    (void)state;
    EVP_PKEY *last = test_key(JWK_P256);
    struct jwk keys[KEY_SET_TRIES_MAX + 1];
    for (int i = 0; i < KEY_SET_TRIES_MAX; i++)
        keys[i] = ec_jwk;
    keys[KEY_SET_TRIES_MAX] = test_jwk(last, JWK_P256, &arena);
    struct bytes token = token_of(last, JWK_P256, "{\"alg\":\"ES256\",\"kid\":\"z\"}");
    judge(keys, KEY_SET_TRIES_MAX + 1, token, KEY_SET_UNKNOWN_KID, FAILS);
    keys[KEY_SET_TRIES_MAX].kid = BYTES("z");
    judge(keys, KEY_SET_TRIES_MAX + 1, token, KEY_SET_VERIFIED, NULL);
    EVP_PKEY_free(last);
}

static void neg_03_the_names_of_key_and_token_must_agree(void **state)
{
    (void)state;
    struct bytes rs512 = token_of(rsa, JWK_RSA, "{\"alg\":\"RS512\"}");
    struct bytes ps256 = token_of(rsa, JWK_RSA, "{\"alg\":\"PS256\"}");
    struct jwk pinned = rsa_jwk;
    pinned.alg = JWS_RS256;
    judge(&rsa_jwk, 1, rs512, KEY_SET_VERIFIED, NULL);
    judge(&pinned, 1, rs512, KEY_SET_REFUSED, NO_KEY);
    judge(&pinned, 1, ps256, KEY_SET_REFUSED, NO_KEY);
    judge(&ec_jwk, 1, rs512, KEY_SET_REFUSED, NO_KEY);
}

/* HS256 over the public key's text, and over nothing: never reaches a key at all. */
static void neg_02_public_keys_are_no_secrets(void **state)
{
    (void)state;
    struct text jwk;
    unsigned char *der = NULL, mac[32];
    char *pem;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, rsa);
    size_t pem_len = (size_t)BIO_get_mem_data(bio, &pem);
    size_t der_len = (size_t)i2d_PUBKEY(rsa, &der);
    text_init_arena(&jwk, &arena);
    jwk_write(&jwk, &rsa_jwk);
    struct bytes secrets[] = {bytes_make(pem, pem_len), bytes_make(der, der_len), text_bytes(&jwk),
                              BYTES("")};
    for (size_t i = 0; i < ROWS(secrets); i++) {
        unsigned len;
        struct jws jws;
        struct fail why;
        struct bytes input = jws_signing_input(BYTES("{\"alg\":\"HS256\"}"), BYTES("{}"), &arena);
        HMAC(EVP_sha256(), secrets[i].at, (int)secrets[i].len, (const unsigned char *)input.at, input.len,
             mac, &len);
        struct bytes token = jws_join(input, bytes_make(mac, len), &arena);
        assert_false(jws_read(token, &arena, &jws, &why));
        assert_string_equal(why.text, "Jwt header [alg] is not supported");
    }
    OPENSSL_free(der);
    BIO_free(bio);
}

static void neg_12_weak_keys_are_left_out_and_counted(void **state)
{
    (void)state;
    struct jwk weak = rsa_jwk;
    weak.b = BYTES("\x01");
    struct jwk keys[] = {weak, ec_jwk};
    struct jwk_set read = {.keys = keys, .count = 2, .left_out = 3};
    struct key_set *set = key_set_new(&read);
    assert_int_equal(key_set_count(set), 1);
    assert_int_equal(key_set_left_out(set), 4);
    assert_true(bytes_equal(key_set_remark(set),
                            BYTES("key 0 is left out: the RSA exponent is not an odd number from 3 on")));
    key_set_free(set);
    read.remark = BYTES("key 9 is left out: first");
    set = key_set_new(&read);
    assert_true(bytes_equal(key_set_remark(set), read.remark));
    key_set_free(set);
    key_set_free(NULL);
    read = (struct jwk_set){0};
    set = key_set_new(&read);
    assert_int_equal(key_set_remark(set).len, 0);
    key_set_free(set);
}

static int keys_make(void **state)
{
    (void)state;
    arena_init(&arena);
    rsa = test_key(JWK_RSA);
    ec = test_key(JWK_P256);
    rsa_jwk = test_jwk(rsa, JWK_RSA, &arena);
    ec_jwk = test_jwk(ec, JWK_P256, &arena);
    return 0;
}

static int keys_free(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_02_public_keys_are_no_secrets),
        cmocka_unit_test(neg_03_the_names_of_key_and_token_must_agree),
        cmocka_unit_test(neg_04_kid_chooses_the_key),
        cmocka_unit_test(neg_12_weak_keys_are_left_out_and_counted),
        cmocka_unit_test(neg_13_every_key_of_the_same_kid_is_tried),
        cmocka_unit_test(neg_13_tries_are_bounded_but_the_named_key_comes_first),
    };
    return cmocka_run_group_tests(tests, keys_make, keys_free);
}
