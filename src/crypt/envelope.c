#include "crypt/envelope.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/text.h"
#include "wire/base64.h"

enum { ID_SIZE = 8, PLAIN_MAX = ENVELOPE_MAX / 4 * 3 - 64 };

static void id_write(uint64_t id, char out[ID_SIZE])
{
    for (int i = 0; i < ID_SIZE; i++)
        out[i] = (char)(unsigned char)(id >> (56 - 8 * i));
}

static uint64_t id_read(const char *at)
{
    uint64_t id = 0;
    for (int i = 0; i < ID_SIZE; i++)
        id = id << 8 | (unsigned char)at[i];
    return id;
}

/* The lengths cannot be moved from one part to the next: none of them has a NUL, and the id's is fixed. */
static struct bytes bound_of(const struct envelope_use *use, const char id[ID_SIZE], struct arena *arena)
{
    const struct bytes parts[] = {use->purpose, bytes_make("", 1), use->owner, bytes_make("", 1),
                                  bytes_make(id, ID_SIZE)};
    return arena_join(arena, parts, 5);
}

static bool hkdf(const struct seal_key *from, struct bytes info, struct seal_key *out)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)from->bytes, SEAL_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.at, info.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *work = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = work && EVP_KDF_derive(work, out->bytes, SEAL_KEY_SIZE, params) == 1;
    EVP_KDF_CTX_free(work);
    EVP_KDF_free(kdf);
    return done;
}

void envelope_key_derive(const struct seal_key *from, struct envelope_key *key)
{
    static const char purpose[] = "selvage session-key 1"; /* and its NUL */
    char info[sizeof purpose + ID_SIZE];
    memcpy(info, purpose, sizeof purpose);
    id_write(key->id, info + sizeof purpose);
    if (!hkdf(from, bytes_make(info, sizeof info), &key->key))
        abort(); /* OpenSSL without HKDF is not the one that this was built with */
}

bool envelope_is_current(const struct envelope_keys *keys, struct bytes text, struct arena *arena)
{
    struct bytes raw;
    return keys->count && base64url_decode(bytes_part(text, 0, 16), arena, &raw) && raw.len >= ID_SIZE &&
           id_read(raw.at) >= keys->at[0].id;
}

bool envelope_close(const struct envelope_keys *keys, const struct envelope_use *use, struct bytes plain,
                    struct arena *arena, struct bytes *out, struct fail *why)
{
    char id[ID_SIZE];
    struct bytes sealed;
    if (!keys->count)
        return fail(why, FAIL_SELF, "there is no key to seal with yet");
    if (plain.len > PLAIN_MAX)
        return fail(why, FAIL_LIMIT, "%zu bytes are too many for an envelope; at most %d are allowed",
                    plain.len, PLAIN_MAX);
    id_write(keys->at[0].id, id);
    if (!seal_close(&keys->at[0].key, bound_of(use, id, arena), plain, arena, &sealed, why))
        return false;
    const struct bytes parts[] = {bytes_make(id, ID_SIZE), sealed};
    *out = base64url_encode(arena_join(arena, parts, 2), arena);
    return true;
}

bool envelope_open(const struct envelope_keys *keys, const struct envelope_use *use, struct bytes text,
                   struct arena *arena, struct bytes *out, struct fail *why)
{
    struct bytes raw;
    if (text.len > ENVELOPE_MAX)
        return fail(why, FAIL_LIMIT, "an envelope of %zu bytes; at most %d are allowed", text.len,
                    ENVELOPE_MAX);
    if (!base64url_decode(text, arena, &raw) || raw.len < ID_SIZE)
        return fail(why, FAIL_INPUT, "this is no envelope");
    uint64_t id = id_read(raw.at);
    for (size_t i = 0; i < keys->count; i++)
        if (keys->at[i].id == id)
            return seal_open(&keys->at[i].key, bound_of(use, raw.at, arena),
                             bytes_part(raw, ID_SIZE, raw.len), arena, out, why);
    return fail(why, FAIL_DENIED, "sealed with a key that is not known, or no more");
}
