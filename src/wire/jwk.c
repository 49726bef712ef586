#include "wire/jwk.h"

#include <openssl/sha.h>
#include <string.h>

#include "wire/base64.h"
#include "wire/jwk_pem.h"

static const struct {
    const char *kty;
    const char *crv; /* NULL: none */
    size_t width;
    enum jws_alg first, last; /* the algorithms such a key may verify */
} types[] = {
    [JWK_RSA] = {"RSA", NULL, 0, JWS_RS256, JWS_PS512},
    [JWK_P256] = {"EC", "P-256", 32, JWS_ES256, JWS_ES256},
    [JWK_P384] = {"EC", "P-384", 48, JWS_ES384, JWS_ES384},
    [JWK_P521] = {"EC", "P-521", 66, JWS_ES512, JWS_ES512},
    [JWK_ED25519] = {"OKP", "Ed25519", 32, JWS_EDDSA, JWS_EDDSA},
};

enum { TYPE_COUNT = sizeof types / sizeof types[0] };

bool jwk_fits(enum jwk_type type, enum jws_alg alg)
{
    return alg >= types[type].first && alg <= types[type].last;
}

size_t jwk_width(enum jwk_type type)
{
    return types[type].width;
}

static struct bytes without_zeros(struct bytes number)
{
    while (number.len && number.at[0] == 0)
        number = bytes_part(number, 1, number.len);
    return number;
}

/* Base64urlUInt of RFC 7518 2; zeros in front, which some providers send, change no number. */
static bool number_read(const json_t *key, const char *name, size_t max, struct arena *arena,
                        struct bytes *out, struct fail *why)
{
    struct bytes text, raw;
    if (!json_member_text(key, name, &text))
        return fail(why, FAIL_INPUT, "[%s] is missing or not a string", name);
    if (!base64url_decode(text, arena, &raw))
        return fail(why, FAIL_INPUT, "[%s] is not base64url without padding", name);
    *out = without_zeros(raw);
    if (!out->len)
        return fail(why, FAIL_INPUT, "[%s] is zero", name);
    if (out->len > max)
        return fail(why, FAIL_LIMIT, "[%s] has %zu bytes; at most %zu are read", name, out->len, max);
    return true;
}

/* A coordinate: as many bytes as the field has. Shorter ones are filled up in front (RFC 7518 6.2.1.2 forbids
 * them, but they exist in the wild and mean one number only); longer ones are refused, whatever they begin
 * with. */
static bool coordinate_read(const json_t *key, const char *name, size_t width, struct arena *arena,
                            struct bytes *out, struct fail *why)
{
    struct bytes text, raw;
    if (!json_member_text(key, name, &text))
        return fail(why, FAIL_INPUT, "[%s] is missing or not a string", name);
    if (!base64url_decode(text, arena, &raw))
        return fail(why, FAIL_INPUT, "[%s] is not base64url without padding", name);
    if (!raw.len || raw.len > width)
        return fail(why, FAIL_INPUT, "[%s] has %zu bytes; the curve has %zu", name, raw.len, width);
    char *at = arena_alloc(arena, width);
    memcpy(at + width - raw.len, raw.at, raw.len);
    *out = bytes_make(at, width);
    return true;
}

static bool material_read(const json_t *key, struct arena *arena, struct jwk *out, struct fail *why)
{
    size_t width = jwk_width(out->type);
    struct bytes text;
    switch (out->type) {
    case JWK_RSA:
        return number_read(key, "n", JWK_RSA_BITS_MAX / 8, arena, &out->a, why) &&
               number_read(key, "e", 8, arena, &out->b, why);
    case JWK_ED25519:
        if (!json_member_text(key, "x", &text) || !base64url_decode(text, arena, &out->a) ||
            out->a.len != width)
            return fail(why, FAIL_INPUT, "[x] is not base64url of %zu bytes", width);
        return true;
    default:
        return coordinate_read(key, "x", width, arena, &out->a, why) &&
               coordinate_read(key, "y", width, arena, &out->b, why);
    }
}

/* An EC key without a curve takes it from its algorithm, else P-256, as Istio's proxies do. */
static const char *curve_guess(struct bytes kty, enum jws_alg alg)
{
    if (!bytes_equal(kty, BYTES("EC")))
        return "";
    for (int i = 0; i < TYPE_COUNT; i++)
        if (alg != JWS_NONE_KNOWN && types[i].crv && jwk_fits((enum jwk_type)i, alg))
            return types[i].crv;
    return "P-256";
}

static bool type_read(const json_t *key, struct jwk *out, struct fail *why)
{
    struct bytes kty, crv;
    const json_t *curve = json_object_get(key, "crv");
    if (!json_member_text(key, "kty", &kty))
        return fail(why, FAIL_INPUT, "[kty] is missing or not a string");
    if (!json_text(curve, &crv)) {
        if (curve)
            return fail(why, FAIL_INPUT, "[crv] is not a string");
        crv = bytes_of(curve_guess(kty, out->alg));
    }
    for (int i = 0; i < TYPE_COUNT; i++) {
        if (!bytes_equal(kty, bytes_of(types[i].kty)) ||
            (types[i].crv && !bytes_equal(crv, bytes_of(types[i].crv))))
            continue;
        out->type = (enum jwk_type)i;
        return true;
    }
    return fail(why, FAIL_INPUT, "its type is none of RSA, EC with P-256, P-384 or P-521, OKP with Ed25519");
}

static bool private_refuse(const json_t *key, struct fail *why)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_object_get(key, names[i]))
            return fail(why, FAIL_DENIED, "it is a private or symmetric key: it has [%s]", names[i]);
    return true;
}

/* RFC 7517 4.2 and 4.3: what the key is not meant for it does not do. */
static bool purpose_judge(const json_t *key, struct fail *why)
{
    const json_t *use = json_object_get(key, "use"), *ops = json_object_get(key, "key_ops"), *op;
    struct bytes text;
    size_t i;
    if (use && (!json_text(use, &text) || !bytes_equal(text, BYTES("sig"))))
        return fail(why, FAIL_DENIED, "[use] is not \"sig\"");
    if (!ops)
        return true;
    json_array_foreach(ops, i,
                       op) if (json_text(op, &text) && bytes_equal(text, BYTES("verify"))) return true;
    return fail(why, FAIL_DENIED, "[key_ops] does not hold \"verify\"");
}

static bool kid_read(const json_t *key, struct arena *arena, struct jwk *out, struct fail *why)
{
    const json_t *kid = json_object_get(key, "kid");
    struct bytes text;
    if (!kid)
        return true;
    if (!json_text(kid, &text))
        return fail(why, FAIL_INPUT, "[kid] is not a string");
    out->kid = arena_bytes(arena, text);
    return true;
}

static bool alg_read(const json_t *key, struct jwk *out, struct fail *why)
{
    const json_t *alg = json_object_get(key, "alg");
    struct bytes name;
    if (!alg)
        return true;
    if (!json_text(alg, &name) || (out->alg = jws_alg_find(name)) == JWS_NONE_KNOWN)
        return fail(why, FAIL_INPUT, "[alg] is none that is verified here");
    return true;
}

static bool key_read(const json_t *value, struct arena *arena, struct jwk *out, struct fail *why)
{
    struct jwk key = {.alg = JWS_NONE_KNOWN};
    if (!json_is_object(value))
        return fail(why, FAIL_INPUT, "it is not an object");
    if (!private_refuse(value, why) || !purpose_judge(value, why) || !kid_read(value, arena, &key, why) ||
        !alg_read(value, &key, why) || !type_read(value, &key, why))
        return false;
    if (key.alg != JWS_NONE_KNOWN && !jwk_fits(key.type, key.alg))
        return fail(why, FAIL_INPUT, "[alg] %s does not fit its type", jws_alg_name(key.alg));
    if (!material_read(value, arena, &key, why))
        return false;
    *out = key;
    return true;
}

static void leave_out(struct jwk_set *set, size_t index, struct arena *arena, const struct fail *why)
{
    if (!set->left_out++)
        set->remark = arena_format(arena, "key %zu is left out: %s", index, why->text);
}

static bool count_judge(size_t count, struct fail *why)
{
    return count <= JWK_SET_KEYS_MAX ||
           fail(why, FAIL_LIMIT, "Jwks has %zu keys; at most %d are read", count, JWK_SET_KEYS_MAX);
}

static bool keys_read(const json_t *keys, struct arena *arena, struct jwk_set *set, struct fail *why)
{
    size_t i;
    const json_t *value;
    struct fail detail;
    if (!json_is_array(keys))
        return fail(why, FAIL_INPUT, "[keys] in Jwks is not an array");
    if (!count_judge(json_array_size(keys), why))
        return false;
    set->keys = arena_array(arena, struct jwk, json_array_size(keys) + 1);
    json_array_foreach(keys, i, value)
    {
        if (key_read(value, arena, &set->keys[set->count], &detail))
            set->count++;
        else
            leave_out(set, i, arena, &detail);
    }
    return true;
}

static bool is_certificate(const json_t *value)
{
    struct bytes text;
    if (!json_text(value, &text))
        return false;
    while (text.len && text.at[text.len - 1] == '\n')
        text.len--;
    return bytes_starts(text, BYTES("-----BEGIN CERTIFICATE-----")) &&
           bytes_ends(text, BYTES("-----END CERTIFICATE-----"));
}

/* Google's x509 form: {"kid": "-----BEGIN CERTIFICATE-----...", ...} and nothing else. */
static bool certificates_read(json_t *object, struct arena *arena, struct jwk_set *set, struct fail *why)
{
    const char *kid;
    json_t *value;
    struct fail detail;
    struct bytes pem;
    size_t i = 0;
    if (!json_object_size(object))
        return fail(why, FAIL_INPUT, "Jwks does not have [keys] field");
    json_object_foreach(object, kid, value) if (!is_certificate(value)) return fail(
        why, FAIL_INPUT, "Jwks does not have [keys] field");
    if (!count_judge(json_object_size(object), why))
        return false;
    set->keys = arena_array(arena, struct jwk, json_object_size(object));
    json_object_foreach(object, kid, value)
    {
        struct jwk *key = &set->keys[set->count];
        key->kid = arena_bytes(arena, bytes_of(kid));
        json_text(value, &pem);
        if (jwk_pem_read(pem, arena, key, &detail))
            set->count++;
        else
            leave_out(set, i, arena, &detail);
        i++;
    }
    return true;
}

static bool pem_read(struct bytes pem, struct arena *arena, struct jwk_set *set, struct fail *why)
{
    set->keys = arena_array(arena, struct jwk, 1);
    set->count = 1;
    return jwk_pem_read(pem, arena, set->keys, why);
}

static bool object_read(json_t *object, struct arena *arena, struct jwk_set *set, struct fail *why)
{
    const json_t *keys = json_object_get(object, "keys");
    if (!json_is_object(object))
        return fail(why, FAIL_INPUT, "Jwks is not a JSON object");
    return keys ? keys_read(keys, arena, set, why) : certificates_read(object, arena, set, why);
}

static bool json_set_read(struct bytes text, struct arena *arena, struct jwk_set *set, struct fail *why)
{
    json_t *object = json_read(text, JWK_SET_BYTES_MAX, why);
    if (!object)
        return fail_in(why, "Jwks is an invalid JSON");
    bool ok = object_read(object, arena, set, why);
    json_decref(object);
    return ok;
}

static struct bytes space_skip(struct bytes text)
{
    while (text.len && strchr(" \t\r\n", text.at[0]) && text.at[0])
        text = bytes_part(text, 1, text.len);
    return text;
}

bool jwk_set_read(struct bytes text, struct arena *arena, struct jwk_set *out, struct fail *why)
{
    struct jwk_set set = {0};
    struct bytes start = space_skip(text);
    bool ok = bytes_starts(start, BYTES("-----BEGIN ")) ? pem_read(start, arena, &set, why)
                                                        : json_set_read(text, arena, &set, why);
    if (ok)
        *out = set;
    return ok;
}

static void member_add(struct text *out, const char *name, struct bytes raw, struct arena *arena)
{
    text_format(out, ",\"%s\":\"", name);
    text_add(out, base64url_encode(raw, arena));
    text_add_c(out, '"');
}

void jwk_write(struct text *out, const struct jwk *key)
{
    struct arena arena;
    arena_init(&arena);
    text_format(out, "{\"kty\":\"%s\",\"kid\":", types[key->type].kty);
    text_add_json(out, key->kid.len ? key->kid : jwk_thumbprint(key, &arena));
    text_add_s(out, ",\"use\":\"sig\"");
    if (key->alg != JWS_NONE_KNOWN)
        text_format(out, ",\"alg\":\"%s\"", jws_alg_name(key->alg));
    if (types[key->type].crv)
        text_format(out, ",\"crv\":\"%s\"", types[key->type].crv);
    member_add(out, key->type == JWK_RSA ? "n" : "x", key->a, &arena);
    if (key->b.len)
        member_add(out, key->type == JWK_RSA ? "e" : "y", key->b, &arena);
    text_add_c(out, '}');
    arena_done(&arena);
}

struct bytes jwk_thumbprint(const struct jwk *key, struct arena *arena)
{
    struct bytes a = base64url_encode(key->a, arena), b = base64url_encode(key->b, arena), text;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (key->type == JWK_RSA)
        text = arena_format(arena, "{\"e\":\"%.*s\",\"kty\":\"RSA\",\"n\":\"%.*s\"}", BYTES_FMT(b),
                            BYTES_FMT(a));
    else if (key->type == JWK_ED25519)
        text = arena_format(arena, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%.*s\"}", BYTES_FMT(a));
    else
        text = arena_format(arena, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                            types[key->type].crv, BYTES_FMT(a), BYTES_FMT(b));
    SHA256((const unsigned char *)text.at, text.len, digest);
    return base64url_encode(bytes_make(digest, sizeof digest), arena);
}
