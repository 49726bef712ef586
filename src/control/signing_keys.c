#include "control/signing_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/text.h"
#include "wire/base64.h"
#include "wire/json.h"

#define TEXT_MAX ((size_t)256 * 1024)

void signing_keys_wipe(struct signing_keys *keys)
{
    heap_wipe(keys, sizeof *keys);
}

static bool key_fill(struct signing_key *key, const struct signer *signer, struct fail *why)
{
    struct arena arena;
    struct text text;
    if (!signer_to_der(signer, key->der, &key->der_len, why))
        return false;
    arena_init(&arena);
    struct jwk jwk = signer_public_jwk(signer, &arena);
    text_init_fixed(&text, key->jwk, sizeof key->jwk);
    jwk_write(&text, &jwk);
    bool fits = !text.cut && jwk.kid.len < sizeof key->kid;
    if (fits)
        memcpy(key->kid, jwk.kid.at, jwk.kid.len);
    arena_done(&arena);
    return fits || fail(why, FAIL_SELF, "a signing key's public half is too long");
}

static bool key_make(struct signing_keys *keys, int64_t now_s, int64_t from_s, int64_t every_s,
                     struct fail *why)
{
    struct signing_key key = {.made_s = now_s, .from_s = from_s, .until_s = from_s + every_s};
    if (keys->count == SIGNING_KEYS_MAX)
        return fail(why, FAIL_LIMIT, "there are %d signing keys already: rotateEvery is too short",
                    SIGNING_KEYS_MAX);
    struct signer *signer = signer_new_p256(why);
    bool made = signer && key_fill(&key, signer, why);
    signer_free(signer);
    if (made)
        keys->at[keys->count++] = key;
    heap_wipe(&key, sizeof key);
    return made;
}

int64_t signing_key_forget_s(const struct signing_key *key, const struct signing_plan *plan)
{
    return key->until_s + plan->lifetime_s + plan->linger_s;
}

static bool old_forget(struct signing_keys *keys, const struct signing_plan *plan, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (i + 1 == keys->count || signing_key_forget_s(&keys->at[i], plan) > now_s)
            keys->at[kept++] = keys->at[i];
    bool forgot = kept != keys->count;
    heap_wipe(&keys->at[kept], (keys->count - kept) * sizeof keys->at[0]);
    keys->count = kept;
    return forgot;
}

/* A plan that became shorter also holds for the key in use. */
static void last_shorten(struct signing_key *last, const struct signing_plan *plan)
{
    if (last->until_s > last->from_s + plan->every_s)
        last->until_s = last->from_s + plan->every_s;
}

bool signing_keys_step(struct signing_keys *keys, const struct signing_plan *plan, int64_t now_s,
                       bool *changed, struct fail *why)
{
    *changed = old_forget(keys, plan, now_s);
    if (!keys->count) {
        *changed = true;
        return key_make(keys, now_s, now_s, plan->every_s, why);
    }
    struct signing_key *last = &keys->at[keys->count - 1];
    last_shorten(last, plan);
    if (now_s < last->until_s - plan->ahead_s)
        return true;
    /* After a long sleep the old key has to serve on until the new one was seen by all. */
    int64_t from_s = last->until_s > now_s + plan->ahead_s ? last->until_s : now_s + plan->ahead_s;
    if (!key_make(keys, now_s, from_s, plan->every_s, why))
        return false;
    last->until_s = from_s;
    *changed = true;
    return true;
}

void signing_keys_rotate(struct signing_keys *keys, int64_t now_s)
{
    struct signing_key *last = keys->count ? &keys->at[keys->count - 1] : NULL;
    if (last && last->from_s <= now_s && last->until_s > now_s)
        last->until_s = now_s; /* step lets it serve until the next one may */
}

int64_t signing_keys_next(const struct signing_keys *keys, const struct signing_plan *plan, int64_t now_s)
{
    if (!keys->count)
        return now_s;
    int64_t next = keys->at[keys->count - 1].until_s - plan->ahead_s;
    for (size_t i = 0; i < keys->count; i++) {
        int64_t forget_s = signing_key_forget_s(&keys->at[i], plan), from_s = keys->at[i].from_s;
        if (i + 1 < keys->count && forget_s < next)
            next = forget_s;
        if (from_s > now_s && from_s < next)
            next = from_s;
    }
    return next;
}

const struct signing_key *signing_keys_current(const struct signing_keys *keys, int64_t now_s)
{
    const struct signing_key *current = keys->count ? &keys->at[0] : NULL;
    for (size_t i = 1; i < keys->count; i++)
        if (keys->at[i].from_s <= now_s)
            current = &keys->at[i];
    return current;
}

struct bytes signing_keys_write(const struct signing_keys *keys, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    text_add_s(&text, "{\"keys\":[");
    for (size_t i = 0; i < keys->count; i++) {
        const struct signing_key *key = &keys->at[i];
        struct bytes der = base64url_encode(bytes_make(key->der, key->der_len), arena);
        text_format(&text, "%s{\"der\":\"%.*s\",\"made\":%lld,\"from\":%lld,\"until\":%lld}", i ? "," : "",
                    BYTES_FMT(der), (long long)key->made_s, (long long)key->from_s, (long long)key->until_s);
        heap_wipe((char *)(uintptr_t)der.at, der.len);
    }
    text_add_s(&text, "]}");
    return text_bytes(&text);
}

static bool key_read(const json_t *entry, struct arena *arena, struct signing_key *key, struct fail *why)
{
    struct bytes text, der;
    const json_t *from = json_object_get(entry, "from"), *until = json_object_get(entry, "until");
    const json_t *made = json_object_get(entry, "made");
    if (!json_member_text(entry, "der", &text) || !base64url_decode(text, arena, &der) ||
        !json_is_integer(from) || !json_is_integer(until))
        return fail(why, FAIL_INPUT, "a signing key lacks der, from or until");
    struct signer *signer = signer_from_der(der, why);
    heap_wipe((char *)(uintptr_t)der.at, der.len);
    *key = (struct signing_key){.made_s = json_integer_value(made ? made : from),
                                .from_s = json_integer_value(from),
                                .until_s = json_integer_value(until)};
    bool filled = signer && key_fill(key, signer, why);
    signer_free(signer);
    return filled;
}

static bool keys_fill(const json_t *list, struct arena *arena, struct signing_keys *out, struct fail *why)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > SIGNING_KEYS_MAX)
        return fail(why, FAIL_INPUT, "%zu signing keys where 1 to %d are possible", count, SIGNING_KEYS_MAX);
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct signing_key *key = &out->at[i];
        if (!key_read(json_array_get(list, i), arena, key, why))
            return false;
        if (key->until_s < key->from_s || (i > 0 && key->from_s < out->at[i - 1].from_s))
            return fail(why, FAIL_INPUT, "signing keys are out of order");
        out->count++;
    }
    return true;
}

bool signing_keys_read(struct bytes text, struct arena *arena, struct signing_keys *out, struct fail *why)
{
    json_t *root = json_read(text, TEXT_MAX, why);
    if (!root)
        return false;
    struct signing_keys *keys = heap_new(struct signing_keys);
    bool read = keys_fill(json_object_get(root, "keys"), arena, keys, why);
    if (read)
        *out = *keys;
    signing_keys_wipe(keys);
    free(keys);
    json_decref(root);
    return read;
}
