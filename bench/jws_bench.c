/*
 * Verifications per second, the whole way of a bearer token: taking the JWS apart,
 * choosing the key, the signature, the claims' JSON; and of tokens that the cache
 * of a worker has. bench/micro puts `openssl speed` of the same core beside it.
 *
 *     build/bench/jws_bench [SECONDS]
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypt/key_set.h"
#include "proxy/token.h"
#include "proxy/worker.h"

static const struct bytes claims = BYTES_INIT(
    "{\"iss\":\"https://idp.example.com/realms/main\",\"sub\":\"0b5a2c1e-7d6f-4a6e-9a37-6d0f3a3e7f11\","
    "\"aud\":[\"https://edge.example.com\",\"orders\"],\"iat\":1700000000,\"exp\":1700000300,"
    "\"email\":\"alice@example.com\",\"groups\":[\"db-readers\",\"on-call\",\"payments\"],\"scope\":\"openid "
    "email\"}");

static void die(const char *what)
{
    fprintf(stderr, "jws_bench: %s\n", what);
    exit(1);
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct bytes number(const EVP_PKEY *key, const char *name, int width, struct arena *arena)
{
    BIGNUM *value = NULL;
    EVP_PKEY_get_bn_param(key, name, &value);
    int len = width ? width : BN_num_bytes(value);
    char *at = arena_raw(arena, (size_t)len);
    BN_bn2binpad(value, (unsigned char *)at, len);
    BN_free(value);
    return bytes_make(at, (size_t)len);
}

static struct jwk jwk_of(EVP_PKEY *key, enum jws_alg alg, struct arena *arena)
{
    struct jwk jwk = {.kid = BYTES_INIT("bench"), .alg = alg};
    size_t len = 32;
    if (alg == JWS_RS256) {
        jwk.type = JWK_RSA;
        jwk.a = number(key, OSSL_PKEY_PARAM_RSA_N, 0, arena);
        jwk.b = number(key, OSSL_PKEY_PARAM_RSA_E, 0, arena);
    } else if (alg == JWS_ES256) {
        jwk.type = JWK_P256;
        jwk.a = number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32, arena);
        jwk.b = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32, arena);
    } else {
        jwk.type = JWK_ED25519;
        char *at = arena_raw(arena, len);
        EVP_PKEY_get_raw_public_key(key, (unsigned char *)at, &len);
        jwk.a = bytes_make(at, len);
    }
    return jwk;
}

static struct bytes raw_of(const unsigned char *der, size_t len, struct arena *arena)
{
    char *at = arena_raw(arena, 64);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), (unsigned char *)at, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), (unsigned char *)at + 32, 32);
    ECDSA_SIG_free(pair);
    return bytes_make(at, 64);
}

static struct bytes token_of(EVP_PKEY *key, enum jws_alg alg, struct arena *arena)
{
    struct bytes header =
        arena_format(arena, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"bench\"}", jws_alg_name(alg));
    struct bytes input = jws_signing_input(header, claims, arena);
    unsigned char signature[512];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(context, NULL, alg == JWS_EDDSA ? NULL : EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &len, (const unsigned char *)input.at, input.len) != 1)
        die("cannot sign");
    EVP_MD_CTX_free(context);
    struct bytes raw = alg == JWS_ES256 ? raw_of(signature, len, arena) : bytes_make(signature, len);
    return jws_join(input, raw, arena);
}

static void verify_once(const struct key_set *set, struct bytes token, struct arena *arena)
{
    struct jws jws;
    struct fail why;
    if (!jws_read(token, arena, &jws, &why) || key_set_verify(set, &jws, &why) != KEY_SET_VERIFIED)
        die(why.text);
    json_t *payload = json_read(jws.payload, JWS_TOKEN_MAX, &why);
    if (!payload)
        die(why.text);
    json_decref(payload);
    arena_reset(arena);
}

static void measure(const char *name, EVP_PKEY *key, enum jws_alg alg, double seconds)
{
    struct arena keep, each;
    arena_init(&keep);
    arena_init(&each);
    if (!key)
        die("cannot make a key");
    struct jwk jwk = jwk_of(key, alg, &keep);
    struct jwk_set read = {.keys = &jwk, .count = 1};
    struct key_set *set = key_set_new(&read);
    struct bytes token = token_of(key, alg, &keep);
    double start = cpu_s(), end = start;
    unsigned long rounds = 0;
    for (; end - start < seconds; end = cpu_s())
        for (int i = 0; i < 100; i++, rounds++)
            verify_once(set, token, &each);
    printf("%-6s %4zu bytes %9.0f ops/s\n", name, token.len, (double)rounds / (end - start));
    key_set_free(set);
    EVP_PKEY_free(key);
    arena_done(&each);
    arena_done(&keep);
}

/* So many tokens in turn that no processor cache holds them all. */
enum { CACHED_TOKENS = 1000 };

static double cached_rounds(struct worker *worker, const struct keys_set *row, struct key_set *set,
                            const struct bytes *tokens, double seconds)
{
    struct arena arena;
    struct fail why;
    double start = cpu_s(), end = start;
    unsigned long rounds = 0;
    arena_init(&arena);
    for (; end - start < seconds; end = cpu_s())
        for (int i = 0; i < CACHED_TOKENS; i++, rounds++) {
            struct token *token;
            if (token_verify(worker, row, set, tokens[i], &arena, &token, &why) != TOKEN_GOOD)
                die(why.text);
            token_unref(token);
        }
    arena_done(&arena);
    return (double)rounds / (end - start);
}

static void measure_cached(double seconds)
{
    static struct bytes tokens[CACHED_TOKENS];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct worker worker = {.tokens = token_cache_new()};
    struct keys_set row = {.id = 1, .version = 1};
    struct arena keep;
    arena_init(&keep);
    struct jwk jwk = jwk_of(key, JWS_ES256, &keep);
    struct jwk_set read = {.keys = &jwk, .count = 1};
    struct key_set *set = key_set_new(&read);
    for (int i = 0; i < CACHED_TOKENS; i++)
        tokens[i] = token_of(key, JWS_ES256, &keep);
    cached_rounds(&worker, &row, set, tokens, 0.01); /* fills the cache */
    printf("%-6s %4zu bytes %9.0f ops/s\n", "cached", tokens[0].len,
           cached_rounds(&worker, &row, set, tokens, seconds));
    token_cache_free(worker.tokens);
    key_set_free(set);
    EVP_PKEY_free(key);
    arena_done(&keep);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    measure("RS256", EVP_RSA_gen(2048), JWS_RS256, seconds);
    measure("ES256", EVP_EC_gen("P-256"), JWS_ES256, seconds);
    measure("EdDSA", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), JWS_EDDSA, seconds);
    measure_cached(seconds);
    return 0;
}
