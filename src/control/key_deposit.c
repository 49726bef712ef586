#include "control/key_deposit.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "control/state_file.h"
#include "wire/json.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024)

enum { KEYS_MAX = 1024 };

struct listed {
    struct bytes kid;
    struct bytes jwk;
};

struct listing {
    struct arena *arena;
    struct listed at[KEYS_MAX];
    size_t count;
};

bool key_deposit_write(struct bytes directory, struct bytes node, const struct signing_keys *keys,
                       const struct signing_plan *plan, struct fail *why)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    text_add_s(&text, "{\"keys\":[");
    for (size_t i = 0; i < keys->count; i++)
        text_format(&text, "%s{\"jwk\":%s,\"until\":%lld}", i ? "," : "", keys->at[i].jwk,
                    (long long)signing_key_forget_s(&keys->at[i], plan));
    text_add_s(&text, "]}\n");
    const char *name = arena_format(&arena, "%.*s.json", BYTES_FMT(node)).at;
    bool done = directory_make(arena_text(&arena, directory), 0755, why) &&
                file_replace(path_join(&arena, directory, name), text_bytes(&text), 0644, why);
    arena_done(&arena);
    return done;
}

static void key_list(struct listing *listing, struct bytes kid, struct bytes jwk)
{
    for (size_t i = 0; i < listing->count; i++)
        if (bytes_equal(listing->at[i].kid, kid))
            return;
    if (listing->count < KEYS_MAX)
        listing->at[listing->count++] = (struct listed){kid, jwk};
}

/* Through the strict reader and written anew: nothing but a public key of our own kind gets any further. */
static bool jwk_list(struct listing *listing, const json_t *jwk, struct fail *why)
{
    struct text set, out;
    struct jwk_set keys;
    text_init_arena(&set, listing->arena);
    text_init_arena(&out, listing->arena);
    text_add_s(&set, "{\"keys\":[");
    json_write(&set, jwk);
    text_add_s(&set, "]}");
    if (!jwk_set_read(text_bytes(&set), listing->arena, &keys, why))
        return false;
    if (keys.count != 1 || keys.keys[0].type != JWK_P256 || !keys.keys[0].kid.len)
        return fail(why, FAIL_INPUT, "a key is no P-256 public key with a kid");
    jwk_write(&out, &keys.keys[0]);
    key_list(listing, keys.keys[0].kid, text_bytes(&out));
    return true;
}

static bool entries_list(struct listing *listing, const json_t *root, int64_t now_s, struct fail *why)
{
    const json_t *list = json_object_get(root, "keys");
    if (!json_is_array(list) || json_array_size(list) > SIGNING_KEYS_MAX)
        return fail(why, FAIL_INPUT, "it holds no list of at most %d keys", SIGNING_KEYS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *until = json_object_get(entry, "until");
        if (!json_is_integer(until))
            return fail(why, FAIL_INPUT, "a key lacks until");
        if (json_integer_value(until) > now_s && !jwk_list(listing, json_object_get(entry, "jwk"), why))
            return false;
    }
    return true;
}

static void file_list(struct listing *listing, const char *path, int64_t now_s)
{
    struct bytes text;
    struct fail why;
    json_t *root = NULL;
    bool listed = file_read(path, FILE_MAX_BYTES, listing->arena, &text, &why) &&
                  (root = json_read(text, FILE_MAX_BYTES, &why)) != NULL &&
                  entries_list(listing, root, now_s, &why);
    if (!listed)
        log_warning("keys of another node are not published: %s: %s", path, why.text);
    json_decref(root);
}

static void directory_list(struct listing *listing, struct bytes directory, int64_t now_s)
{
    DIR *open = directory.len ? opendir(arena_text(listing->arena, directory)) : NULL;
    struct dirent *entry;
    size_t files = 0;
    while (open && files < DEPOSIT_FILES_MAX && (entry = readdir(open))) {
        struct bytes name = bytes_of(entry->d_name);
        if (name.at[0] == '.' || !bytes_ends(name, BYTES(".json")))
            continue;
        files++;
        file_list(listing, path_join(listing->arena, directory, entry->d_name), now_s);
    }
    if (open)
        closedir(open);
}

static int by_kid(const void *a, const void *b)
{
    return bytes_compare(((const struct listed *)a)->kid, ((const struct listed *)b)->kid);
}

struct bytes key_deposit_union(struct bytes directory, const struct signing_keys *ours, int64_t now_s,
                               struct arena *arena)
{
    struct listing *listing = arena_new(arena, struct listing);
    struct text text;
    listing->arena = arena;
    for (size_t i = 0; i < ours->count; i++)
        key_list(listing, bytes_of(ours->at[i].kid), bytes_of(ours->at[i].jwk));
    directory_list(listing, directory, now_s);
    qsort(listing->at, listing->count, sizeof listing->at[0], by_kid);
    text_init_arena(&text, arena);
    text_add_s(&text, "{\"keys\":[");
    for (size_t i = 0; i < listing->count; i++) {
        text_add_s(&text, i ? "," : "");
        text_add(&text, listing->at[i].jwk);
    }
    text_add_s(&text, "]}");
    return text_bytes(&text);
}
