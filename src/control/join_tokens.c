#include "control/join_tokens.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/state_file.h"
#include "crypt/digest.h"
#include "wire/json.h"

enum { RECORD_MAX = 4096, DAY_S = 24 * 60 * 60 };

static const char *directory_of(struct bytes directory, struct arena *arena)
{
    return path_join(arena, directory, "join-tokens");
}

/* Names are digests: nobody finds a secret by comparing letters of it. */
static const char *path_of(struct bytes directory, const unsigned char secret[JOIN_SECRET_SIZE],
                           const char *end, struct arena *arena)
{
    struct digest digest = digest_of(bytes_make(secret, JOIN_SECRET_SIZE));
    struct text path;
    text_init_arena(&path, arena);
    text_add_s(&path, directory_of(directory, arena));
    text_add_c(&path, '/');
    text_add_hex(&path, bytes_make(digest.bytes, sizeof digest.bytes));
    text_add_s(&path, end);
    return path.at;
}

/* ---- records --------------------------------------------------------------------------- */

static struct bytes record_text(const struct join_grant *grant, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    text_add_s(&text, "{\"namespace\":");
    text_add_json(&text, grant->name_space);
    text_add_s(&text, ",\"account\":");
    text_add_json(&text, grant->account);
    text_format(&text, ",\"ends\":%lld}\n", (long long)grant->ends_s);
    return text_bytes(&text);
}

static bool record_read(const char *path, struct arena *arena, struct join_grant *out, struct fail *why)
{
    struct bytes content, name_space, account;
    if (!file_read(path, RECORD_MAX, arena, &content, why))
        return false;
    json_t *root = json_read(content, RECORD_MAX, why);
    if (!root)
        return false;
    const json_t *ends = json_object_get(root, "ends");
    bool good = (json_member_text(root, "namespace", &name_space) &&
                 json_member_text(root, "account", &account) && json_is_integer(ends)) ||
                fail(why, FAIL_SELF, "the token's record is spoiled");
    if (good)
        *out = (struct join_grant){arena_bytes(arena, name_space), arena_bytes(arena, account),
                                   json_integer_value(ends)};
    json_decref(root);
    return good;
}

/* ---- making ---------------------------------------------------------------------------- */

/* Those that ended a day ago go. Answers how many stay. */
static size_t old_remove(const char *directory, int64_t now_s)
{
    DIR *open = opendir(directory);
    struct dirent *entry;
    size_t count = 0;
    while (open && (entry = readdir(open))) {
        struct arena arena;
        struct join_grant grant;
        struct fail ignored;
        if (entry->d_name[0] == '.')
            continue;
        arena_init(&arena);
        const char *path = path_join(&arena, bytes_of(directory), entry->d_name);
        bool old = record_read(path, &arena, &grant, &ignored) && grant.ends_s + DAY_S < now_s;
        count += !old || unlink(path) != 0;
        arena_done(&arena);
    }
    if (open)
        closedir(open);
    return count;
}

bool join_tokens_make(struct bytes directory, const struct join_grant *grant, int64_t now_s,
                      unsigned char secret[JOIN_SECRET_SIZE], struct fail *why)
{
    struct arena arena;
    arena_init(&arena);
    const char *folder = directory_of(directory, &arena);
    bool made = directory_make(folder, 0700, why) &&
                (old_remove(folder, now_s) < JOIN_TOKENS_MAX ||
                 fail(why, FAIL_LIMIT, "there are %d join tokens already; they go a day after their end",
                      JOIN_TOKENS_MAX));
    if (made) {
        random_bytes(secret, JOIN_SECRET_SIZE);
        made = file_replace(path_of(directory, secret, "", &arena), record_text(grant, &arena), 0600, why);
    }
    arena_done(&arena);
    return made;
}

/* ---- using ----------------------------------------------------------------------------- */

bool join_tokens_find(struct bytes directory, const unsigned char secret[JOIN_SECRET_SIZE], int64_t now_s,
                      struct arena *arena, struct join_grant *out, struct fail *why)
{
    char when[CLOCK_TEXT_SIZE];
    struct join_grant grant;
    const char *path = path_of(directory, secret, "", arena);
    if (access(path_of(directory, secret, ".used", arena), F_OK) == 0)
        return fail(why, FAIL_DENIED, "the join token was used already; each is good for one machine");
    if (access(path, F_OK) != 0)
        return fail(why, FAIL_DENIED, "the join token is not known here");
    if (!record_read(path, arena, &grant, why))
        return false;
    if (grant.ends_s <= now_s) {
        clock_text(grant.ends_s * 1000000, when);
        return fail(why, FAIL_DENIED, "the join token ended at %s", when);
    }
    *out = grant;
    return true;
}

bool join_tokens_use(struct bytes directory, const unsigned char secret[JOIN_SECRET_SIZE], struct fail *why)
{
    struct arena arena;
    arena_init(&arena);
    bool used =
        rename(path_of(directory, secret, "", &arena), path_of(directory, secret, ".used", &arena)) == 0 ||
        fail(why, FAIL_DENIED, "the join token was used already; each is good for one machine");
    arena_done(&arena);
    return used;
}
