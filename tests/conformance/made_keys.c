#include "crypt/test_sign.h"

#include "made_keys.h"
#include "rows.h"

enum { MADE_MAX = 8 };

struct made {
    const char *name;
    enum jwk_type type;
    EVP_PKEY *key;
};

static enum jwk_type type_of(const char *text)
{
    static const struct {
        const char *text;
        enum jwk_type type;
    } types[] = {{"P-256", JWK_P256}, {"P-384", JWK_P384}, {"P-521", JWK_P521}, {"Ed25519", JWK_ED25519}};
    for (size_t i = 0; text && i < ROWS(types); i++)
        if (strcmp(text, types[i].text) == 0)
            return types[i].type;
    return JWK_RSA;
}

/* The algorithm that the header names, or one that the key can sign with. */
static enum jws_alg alg_of(const json_t *header, enum jwk_type type)
{
    static const enum jws_alg own[] = {JWS_RS256, JWS_ES256, JWS_ES384, JWS_ES512, JWS_EDDSA};
    struct bytes name;
    json_member_text(header, "alg", &name);
    enum jws_alg alg = jws_alg_find(name);
    return alg != JWS_NONE_KNOWN && jwk_fits(type, alg) ? alg : own[type];
}

static struct bytes token_made(const json_t *row, struct made *by, struct arena *arena)
{
    const json_t *header = json_object_get(row, "header");
    struct bytes input =
        jws_signing_input(row_text(header, arena), row_text(json_object_get(row, "payload"), arena), arena);
    struct bytes signature = test_sign(by->key, by->type, alg_of(header, by->type), input, arena);
    return jws_join(input, signature, arena);
}

struct key_set *made_keys(const json_t *row, struct arena *arena, struct bytes *token)
{
    json_t *names = json_object_get(json_object_get(row, "bundle"), "keys"), *kind;
    struct made keys[MADE_MAX + 1] = {{"", JWK_P256, test_key(JWK_P256)}}, *by = &keys[0];
    struct jwk read[MADE_MAX + 1];
    struct jwk_set set = {.keys = read};
    const char *name;
    size_t count = 1;
    json_object_foreach(names, name, kind)
    {
        assert_true(count <= MADE_MAX);
        struct made *made = &keys[count++];
        *made = (struct made){name, type_of(json_string_value(kind)), NULL};
        made->key = test_key(made->type);
        read[set.count] = test_jwk(made->key, made->type, arena);
        read[set.count++].kid = bytes_of(name);
        if (row_says(row, "signed_by", name))
            by = made;
    }
    *token = token_made(row, by, arena);
    struct key_set *verifiers = key_set_new(&set);
    while (count)
        EVP_PKEY_free(keys[--count].key);
    return verifiers;
}
