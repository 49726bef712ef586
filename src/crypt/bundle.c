#include "crypt/bundle.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "crypt/x509.h"

enum { KEYS_MAX = 1000, PEM_LINE = 64 };

struct reader {
    struct bundle bundle;
    struct text roots;
    json_t *jwt_keys;
};

static bool base64_only(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!ascii_is_alpha(b.at[i]) && !ascii_is_digit(b.at[i]) && !memchr("+/=", b.at[i], 3))
            return false;
    return b.len > 0;
}

static struct bytes text_of(const json_t *value)
{
    return bytes_make(json_string_value(value), json_string_length(value));
}

/* RFC 7517 4.7 without PEM's frame; SPIFFE wants exactly one. */
static bool read_root(struct reader *reader, const json_t *key, struct fail *why)
{
    const json_t *x5c = json_object_get(key, "x5c");
    struct bytes der = text_of(json_array_get(x5c, 0));
    if (json_array_size(x5c) != 1)
        return fail(why, FAIL_INPUT, "an x509-svid key has exactly one certificate in x5c, this has %zu",
                    json_array_size(x5c));
    if (!base64_only(der))
        return fail(why, FAIL_INPUT, "x5c is not base64");
    text_add_s(&reader->roots, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < der.len; at += PEM_LINE) {
        text_add(&reader->roots, bytes_part(der, at, at + PEM_LINE));
        text_add_c(&reader->roots, '\n');
    }
    text_add_s(&reader->roots, "-----END CERTIFICATE-----\n");
    reader->bundle.root_count++;
    return true;
}

static bool kid_check(const json_t *key, struct fail *why)
{
    return json_string_length(json_object_get(key, "kid")) > 0 ||
           fail(why, FAIL_INPUT, "kid is missing, and a key of tokens needs one");
}

static bool read_jwt(struct reader *reader, json_t *key, struct fail *why)
{
    if (!kid_check(key, why))
        return false;
    json_object_del(key, "use"); /* said by where it stands now; readers of key sets know "sig" only */
    json_array_append(reader->jwt_keys, key);
    reader->bundle.jwt_count++;
    return true;
}

static bool read_key(struct reader *reader, json_t *key, bool plain, struct fail *why)
{
    struct bytes use = text_of(json_object_get(key, "use"));
    if (!json_is_string(json_object_get(key, "kty")))
        return fail(why, FAIL_INPUT, "kty is missing");
    if (plain || bytes_equal(use, BYTES("jwt-svid")))
        return read_jwt(reader, key, why);
    if (bytes_equal(use, BYTES("x509-svid")))
        return read_root(reader, key, why);
    return !bytes_equal(use, BYTES("wit-svid")) || kid_check(key, why);
}

static bool no_key_says_use(const json_t *keys)
{
    size_t i;
    const json_t *key;
    json_array_foreach(keys, i, key) if (json_object_get(key, "use")) return false;
    return true;
}

static bool read_number(const json_t *root, const char *name, int64_t absent, int64_t *out, struct fail *why)
{
    const json_t *value = json_object_get(root, name);
    *out = value ? json_integer_value(value) : absent;
    return !value || (json_is_integer(value) && *out >= 0) ||
           fail(why, FAIL_INPUT, "%s is no whole number from 0 on", name);
}

static bool read_keys(struct reader *reader, const json_t *keys, struct fail *why)
{
    size_t i;
    json_t *key;
    if (!json_is_array(keys))
        return fail(why, FAIL_INPUT, "no array 'keys'");
    if (json_array_size(keys) > KEYS_MAX)
        return fail(why, FAIL_LIMIT, "%zu keys; at most %d are allowed", json_array_size(keys), KEYS_MAX);
    bool plain = no_key_says_use(keys);
    json_array_foreach(keys, i, key) if (!read_key(reader, key, plain, why)) return fail_in(why, "key %zu",
                                                                                            i + 1);
    return true;
}

static bool roots_check(struct bytes pem, struct fail *why)
{
    STACK_OF(X509) *all = pem.len ? x509_read_all(pem, KEYS_MAX, why) : sk_X509_new_null();
    bool good = all != NULL;
    x509_stack_free(all);
    return good || fail_in(why, "x5c");
}

static bool read_root_object(struct reader *reader, const json_t *root, struct fail *why)
{
    return read_number(root, "spiffe_refresh_hint", 0, &reader->bundle.refresh_hint_s, why) &&
           read_number(root, "spiffe_sequence", -1, &reader->bundle.sequence, why) &&
           read_keys(reader, json_object_get(root, "keys"), why) &&
           roots_check(text_bytes(&reader->roots), why);
}

static struct bytes write_keys(const json_t *keys, struct arena *arena)
{
    json_t *set = json_pack("{s:O}", "keys", keys);
    char *text = json_dumps(set, JSON_COMPACT);
    struct bytes out = arena_bytes(arena, bytes_of(text));
    free(text);
    json_decref(set);
    return out;
}

/* The text of a JSON error quotes what came in. */
static bool refuse_json(const json_error_t *error, struct fail *why)
{
    char shown[JSON_ERROR_TEXT_LENGTH];
    struct text text;
    text_init_fixed(&text, shown, sizeof shown);
    text_add_shown(&text, bytes_of(error->text), 100);
    return fail(why, FAIL_INPUT, "trust bundle: line %d: %s", error->line, shown);
}

bool bundle_read(struct bytes json, struct arena *arena, struct bundle *out, struct fail *why)
{
    json_error_t error;
    if (json.len > BUNDLE_BYTES_MAX)
        return fail(why, FAIL_LIMIT, "trust bundle: %zu bytes; at most %d are allowed", json.len,
                    BUNDLE_BYTES_MAX);
    json_t *root = json_loadb(json.len ? json.at : "", json.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return refuse_json(&error, why);
    struct reader reader = {.jwt_keys = json_array()};
    text_init_arena(&reader.roots, arena);
    bool good = read_root_object(&reader, root, why) || fail_in(why, "trust bundle");
    if (good) {
        *out = reader.bundle;
        out->roots = text_bytes(&reader.roots);
        out->jwt_keys = write_keys(reader.jwt_keys, arena);
    }
    json_decref(reader.jwt_keys);
    json_decref(root);
    return good;
}

static bool signers_check(STACK_OF(X509) * all, struct fail *why)
{
    for (int i = 0; i < sk_X509_num(all); i++)
        if (!x509_signer_check(sk_X509_value(all, i), why))
            return fail_in(why, "certificate %d", i + 1);
    return true;
}

/* Written anew: nothing but certificates gets any further. */
static bool pem_roots(struct bytes text, struct arena *arena, struct bytes *pem, struct fail *why)
{
    STACK_OF(X509) *all = x509_read_all(text, KEYS_MAX, why);
    bool good = all && signers_check(all, why);
    if (good)
        *pem = x509_pem(all, arena);
    x509_stack_free(all);
    return good;
}

bool bundle_roots(struct bytes text, struct arena *arena, struct bytes *pem, struct fail *why)
{
    struct bundle bundle;
    if (text.len > BUNDLE_BYTES_MAX)
        return fail(why, FAIL_LIMIT, "trust bundle: %zu bytes; at most %d are allowed", text.len,
                    BUNDLE_BYTES_MAX);
    if (!bytes_starts(bytes_trim(text), BYTES("{")))
        return pem_roots(text, arena, pem, why);
    if (!bundle_read(text, arena, &bundle, why))
        return false;
    if (!bundle.root_count)
        return fail(why, FAIL_INPUT, "trust bundle: no key of use x509-svid, thus no root");
    return pem_roots(bundle.roots, arena, pem, why);
}
