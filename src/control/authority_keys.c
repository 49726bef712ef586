#include "control/authority_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/text.h"
#include "crypt/certificate.h"
#include "wire/json.h"

#define TEXT_MAX ((size_t)1 << 20)

enum {
    DAY_S = 24 * 60 * 60,
    SKEW_S = 60, /* clocks of peers run behind a little */
};

void authority_keys_wipe(struct authority_keys *keys)
{
    heap_wipe(keys, sizeof *keys);
}

/* ---- which ----------------------------------------------------------------------------- */

static struct authority_key *level_last(struct authority_level *level)
{
    return level->count ? &level->at[level->count - 1] : NULL;
}

static const struct authority_key *level_current(const struct authority_level *level, int64_t now_s)
{
    const struct authority_key *current = level->count ? &level->at[0] : NULL;
    for (size_t i = 1; i < level->count; i++)
        if (level->at[i].from_s <= now_s)
            current = &level->at[i];
    return current;
}

const struct authority_key *authority_keys_root(const struct authority_keys *keys, int64_t now_s)
{
    return level_current(&keys->roots, now_s);
}

int64_t authority_key_forget_s(const struct authority_key *key)
{
    return (key->leaves_s > key->until_s ? key->leaves_s : key->until_s) + SKEW_S;
}

/* ---- making ---------------------------------------------------------------------------- */

static bool text_put(char *to, size_t size, struct bytes from)
{
    if (from.len >= size)
        return false;
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    return true;
}

static bool key_fill(struct authority_key *key, struct bytes cert, struct bytes secret, struct arena *arena,
                     struct fail *why)
{
    struct certificate_facts facts;
    if (!certificate_facts(cert, arena, &facts, why))
        return false;
    key->ends_s = facts.not_after_s;
    return (text_put(key->cert, sizeof key->cert, cert) && text_put(key->key, sizeof key->key, secret) &&
            text_put(key->serial, sizeof key->serial, facts.serial)) ||
           fail(why, FAIL_LIMIT, "a certificate of the authority is too long");
}

/* Takes the authority. */
static bool level_add(struct authority_level *level, const struct authority_key *times,
                      struct authority *authority, struct fail *why)
{
    struct authority_key key = *times;
    struct arena arena;
    if (!authority)
        return false;
    arena_init(&arena);
    struct bytes secret = authority_key_pem(authority, &arena);
    bool added = key_fill(&key, authority_cert_pem(authority, &arena), secret, &arena, why);
    heap_wipe((char *)(uintptr_t)secret.at, secret.len);
    arena_done(&arena);
    authority_free(authority);
    if (added)
        level->at[level->count++] = key;
    heap_wipe(&key, sizeof key);
    return added;
}

/* Long enough for its time, for a node that slept over its end, and for a leaf made in its last moment. */
static int64_t days_for(int64_t seconds)
{
    return (2 * seconds + AUTHORITY_SECONDS_MAX) / DAY_S + 2;
}

static bool root_make(struct authority_keys *keys, const struct authority_plan *plan, int64_t now_s,
                      int64_t from_s, struct fail *why)
{
    struct authority_key times = {.made_s = now_s, .from_s = from_s, .until_s = from_s + plan->root_every_s};
    if (keys->roots.count == AUTHORITY_KEYS_MAX)
        return fail(why, FAIL_LIMIT,
                    "there are %d roots that certificates hang on; the next one is made when one has ended",
                    AUTHORITY_KEYS_MAX);
    return level_add(
        &keys->roots, &times,
        authority_new_root(plan->trust_domain, days_for(plan->root_every_s + plan->ahead_s), why), why);
}

static void level_drop(struct authority_level *level, size_t index)
{
    memmove(&level->at[index], &level->at[index + 1], (level->count - index - 1) * sizeof level->at[0]);
    heap_wipe(&level->at[--level->count], sizeof level->at[0]);
}

static bool intermediate_make(struct authority_keys *keys, const struct authority_plan *plan, int64_t now_s,
                              struct fail *why)
{
    const struct authority_key *root = level_current(&keys->roots, now_s);
    struct authority_key times = {.made_s = now_s, .from_s = now_s, .until_s = now_s + plan->every_s};
    if (root->until_s < times.until_s && root->until_s > now_s)
        times.until_s = root->until_s;
    struct bytes cert = bytes_of(root->cert);
    struct authority *above = authority_open(cert, bytes_of(root->key), (struct bytes){0}, cert, why);
    if (!above)
        return false;
    if (keys->intermediates.count == AUTHORITY_KEYS_MAX)
        level_drop(&keys->intermediates, 0); /* nobody has to know of it: it is shown, no more */
    struct authority *made =
        authority_new_intermediate(above, BYTES("Selvage mesh intermediate"), days_for(plan->every_s), why);
    authority_free(above);
    return level_add(&keys->intermediates, &times, made, why);
}

/* ---- time ------------------------------------------------------------------------------ */

/* All but the last go when their time has come; one whose certificate has ended is of no use at all. */
static bool level_forget(struct authority_level *level, int64_t now_s)
{
    size_t before = level->count;
    for (size_t i = level->count; i-- > 0;) {
        bool past = i + 1 < level->count && authority_key_forget_s(&level->at[i]) <= now_s;
        if (past || level->at[i].ends_s <= now_s)
            level_drop(level, i);
    }
    return level->count != before;
}

static void level_retire(struct authority_level *level, int64_t now_s)
{
    const struct authority_key *current = level_current(level, now_s);
    for (size_t i = 0; &level->at[i] < current; i++)
        heap_wipe(level->at[i].key, sizeof level->at[i].key);
}

static bool roots_step(struct authority_keys *keys, const struct authority_plan *plan, int64_t now_s,
                       bool *changed, struct fail *why)
{
    struct authority_key *last = level_last(&keys->roots);
    if (!last) {
        *changed = true;
        return root_make(keys, plan, now_s, now_s, why);
    }
    if (last->until_s > last->from_s + plan->root_every_s)
        last->until_s = last->from_s + plan->root_every_s; /* a plan that became shorter */
    if (now_s < last->until_s - plan->ahead_s)
        return true;
    /* After a long sleep the old one has to serve on until the new one was seen by all. */
    int64_t from_s = last->until_s > now_s + plan->ahead_s ? last->until_s : now_s + plan->ahead_s;
    if (!root_make(keys, plan, now_s, from_s, why))
        return false;
    last->until_s = from_s;
    *changed = true;
    return true;
}

/* It is below the root in use exactly when it was made in that root's time. */
static bool intermediate_serves(const struct authority_keys *keys, int64_t now_s)
{
    const struct authority_level *level = &keys->intermediates;
    const struct authority_key *root = level_current(&keys->roots, now_s);
    const struct authority_key *last = level->count ? &level->at[level->count - 1] : NULL;
    return last && last->key[0] && now_s < last->until_s && last->from_s >= root->from_s;
}

bool authority_keys_step(struct authority_keys *keys, const struct authority_plan *plan, int64_t now_s,
                         bool *changed, struct fail *why)
{
    *changed = level_forget(&keys->roots, now_s);
    *changed |= level_forget(&keys->intermediates, now_s);
    bool stepped = roots_step(keys, plan, now_s, changed, why);
    if (!keys->roots.count)
        return false;
    if (!intermediate_serves(keys, now_s)) {
        struct authority_key *before = level_last(&keys->intermediates);
        *changed = true;
        if (before && before->until_s > now_s)
            before->until_s = now_s;
        if (!intermediate_make(keys, plan, now_s, why))
            return false;
    }
    level_retire(&keys->roots, now_s);
    level_retire(&keys->intermediates, now_s);
    return stepped;
}

void authority_keys_rotate_root(struct authority_keys *keys, int64_t now_s)
{
    struct authority_key *last = level_last(&keys->roots);
    if (last && last->from_s <= now_s && last->until_s > now_s)
        last->until_s = now_s; /* step lets it serve until the next one may */
}

void authority_keys_rotate_intermediate(struct authority_keys *keys, int64_t now_s)
{
    struct authority_key *last = level_last(&keys->intermediates);
    if (last && last->until_s > now_s)
        last->until_s = now_s;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t authority_keys_next(const struct authority_keys *keys, const struct authority_plan *plan,
                            int64_t now_s)
{
    const struct authority_level *roots = &keys->roots, *below = &keys->intermediates;
    if (!roots->count || !below->count)
        return now_s;
    int64_t next =
        sooner(roots->at[roots->count - 1].until_s - plan->ahead_s, below->at[below->count - 1].until_s);
    for (size_t i = 0; i < roots->count; i++) {
        if (i + 1 < roots->count)
            next = sooner(next, authority_key_forget_s(&roots->at[i]));
        if (roots->at[i].from_s > now_s)
            next = sooner(next, roots->at[i].from_s);
    }
    return next;
}

static void leaves_note(struct authority_key *key, int64_t not_after_s)
{
    if (key && key->leaves_s < not_after_s)
        key->leaves_s = not_after_s;
}

void authority_keys_issued(struct authority_keys *keys, int64_t now_s, int64_t not_after_s)
{
    const struct authority_key *root = level_current(&keys->roots, now_s);
    for (size_t i = 0; i < keys->roots.count; i++)
        if (&keys->roots.at[i] == root)
            leaves_note(&keys->roots.at[i], not_after_s);
    leaves_note(level_last(&keys->intermediates), not_after_s);
}

/* ---- using ----------------------------------------------------------------------------- */

struct bytes authority_keys_bundle(const struct authority_keys *keys, int64_t now_s, struct arena *arena)
{
    const struct authority_key *current = level_current(&keys->roots, now_s);
    struct text text;
    text_init_arena(&text, arena);
    text_add_s(&text, current ? current->cert : "");
    for (size_t i = 0; i < keys->roots.count; i++)
        if (&keys->roots.at[i] != current)
            text_add_s(&text, keys->roots.at[i].cert);
    return text_bytes(&text);
}

struct authority *authority_keys_open(const struct authority_keys *keys, int64_t now_s, struct fail *why)
{
    const struct authority_level *level = &keys->intermediates;
    if (!level->count || !keys->roots.count) {
        fail(why, FAIL_SELF, "the authority has no key");
        return NULL;
    }
    const struct authority_key *last = &level->at[level->count - 1];
    struct arena arena;
    arena_init(&arena);
    struct authority *authority = authority_open(bytes_of(last->cert), bytes_of(last->key), (struct bytes){0},
                                                 authority_keys_bundle(keys, now_s, &arena), why);
    arena_done(&arena);
    return authority;
}

bool authority_keys_adopt(struct authority_keys *keys, struct bytes cert, struct bytes key,
                          const struct authority_plan *plan, int64_t now_s, struct fail *why)
{
    struct authority *authority = authority_open(cert, key, (struct bytes){0}, cert, why);
    struct authority_key times = {.made_s = now_s, .from_s = now_s, .until_s = now_s + plan->root_every_s};
    times.leaves_s = now_s + AUTHORITY_SECONDS_MAX; /* nobody wrote down what it issued */
    return level_add(&keys->roots, &times, authority, why);
}

/* ---- at rest --------------------------------------------------------------------------- */

static void level_write(struct text *out, const char *name, const struct authority_level *level)
{
    text_format(out, "\"%s\":[", name);
    for (size_t i = 0; i < level->count; i++) {
        const struct authority_key *key = &level->at[i];
        text_add_s(out, i ? ",{\"cert\":" : "{\"cert\":");
        text_add_json(out, bytes_of(key->cert));
        text_add_s(out, ",\"key\":");
        text_add_json(out, bytes_of(key->key));
        text_format(out, ",\"made\":%lld,\"from\":%lld,\"until\":%lld,\"leaves\":%lld}",
                    (long long)key->made_s, (long long)key->from_s, (long long)key->until_s,
                    (long long)key->leaves_s);
    }
    text_add_c(out, ']');
}

struct bytes authority_keys_write(const struct authority_keys *keys, struct arena *arena)
{
    struct text text;
    /* at once: what a text has grown out of would be left unwiped */
    text_init_fixed(&text, arena_raw(arena, TEXT_MAX), TEXT_MAX);
    text_add_c(&text, '{');
    level_write(&text, "roots", &keys->roots);
    text_add_c(&text, ',');
    level_write(&text, "intermediates", &keys->intermediates);
    text_add_c(&text, '}');
    return text_bytes(&text);
}

static bool time_read(const json_t *entry, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(entry, name);
    *out = json_integer_value(value);
    return json_is_integer(value);
}

static bool key_read(const json_t *entry, struct arena *arena, struct authority_key *key, struct fail *why)
{
    struct bytes cert, secret;
    if (!json_member_text(entry, "cert", &cert) || !json_member_text(entry, "key", &secret) ||
        !time_read(entry, "made", &key->made_s) || !time_read(entry, "from", &key->from_s) ||
        !time_read(entry, "until", &key->until_s) || !time_read(entry, "leaves", &key->leaves_s))
        return fail(why, FAIL_INPUT, "a key of the authority lacks cert, key, made, from, until or leaves");
    return key_fill(key, cert, secret, arena, why);
}

static bool level_read(const json_t *list, struct arena *arena, struct authority_level *level,
                       struct fail *why)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > AUTHORITY_KEYS_MAX)
        return fail(why, FAIL_INPUT, "%zu keys of the authority where 1 to %d are possible", count,
                    AUTHORITY_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct authority_key *key = &level->at[level->count];
        if (!key_read(json_array_get(list, i), arena, key, why))
            return false;
        if (i > 0 && key->from_s < level->at[i - 1].from_s)
            return fail(why, FAIL_INPUT, "keys of the authority are out of order");
        level->count++;
    }
    return true;
}

bool authority_keys_read(struct bytes text, struct arena *arena, struct authority_keys *out, struct fail *why)
{
    json_t *root = json_read(text, TEXT_MAX, why);
    if (!root)
        return false;
    struct authority_keys *keys = heap_new(struct authority_keys);
    bool read = level_read(json_object_get(root, "roots"), arena, &keys->roots, why) &&
                level_read(json_object_get(root, "intermediates"), arena, &keys->intermediates, why);
    if (read)
        *out = *keys;
    authority_keys_wipe(keys);
    free(keys);
    json_decref(root);
    return read;
}
