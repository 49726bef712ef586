#include "control/seal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/heap.h"
#include "control/state_file.h"

static bool key_read(const char *path, struct arena *arena, struct seal_key *out, struct fail *why)
{
    struct bytes content;
    if (!file_read(path, 1024, arena, &content, why))
        return false;
    bool read = seal_key_read(content, out, why) || fail_in(why, "%s", path);
    heap_wipe((char *)(uintptr_t)content.at, content.len);
    return read;
}

/* Linked into place, so that of two processes or threads that start at once one wins and both use its key. */
static bool key_make(const char *path, struct arena *arena, struct seal_key *out, struct fail *why)
{
    struct seal_key key;
    const char *beside = arena_format(arena, "%s.%d", path, (int)gettid()).at;
    if (!seal_key_new(&key, why))
        return false;
    bool made = file_replace(beside, bytes_make(key.bytes, sizeof key.bytes), 0600, why);
    heap_wipe(&key, sizeof key);
    if (!made)
        return false;
    made =
        link(beside, path) == 0 || errno == EEXIST || fail_errno(why, FAIL_SELF, "%s: cannot make it", path);
    unlink(beside);
    return made && key_read(path, arena, out, why);
}

static const char *credential_path(struct arena *arena)
{
    struct bytes directory = bytes_of(getenv("CREDENTIALS_DIRECTORY"));
    if (!directory.len)
        return NULL;
    const char *path = path_join(arena, directory, "seal-key");
    return access(path, F_OK) == 0 ? path : NULL;
}

bool seal_key_obtain(const struct settings *settings, struct bytes directory, struct seal_key *out,
                     struct fail *why)
{
    struct arena arena;
    arena_init(&arena);
    const char *path = settings->identity->seal_key_file.len
                           ? arena_text(&arena, settings->identity->seal_key_file)
                           : credential_path(&arena);
    bool done;
    if (path) {
        done = key_read(path, &arena, out, why);
    } else {
        path = path_join(&arena, directory, "seal.key");
        done = access(path, F_OK) == 0 ? key_read(path, &arena, out, why) : key_make(path, &arena, out, why);
    }
    arena_done(&arena);
    return done;
}

bool seal_file_write(const char *path, const struct seal_key *key, struct bytes purpose, struct bytes plain,
                     struct fail *why)
{
    struct arena arena;
    struct bytes sealed;
    arena_init(&arena);
    bool done =
        seal_close(key, purpose, plain, &arena, &sealed, why) && file_replace(path, sealed, 0600, why);
    arena_done(&arena);
    return done;
}

bool seal_file_read(const char *path, const struct seal_key *key, struct bytes purpose, size_t max,
                    struct arena *arena, struct bytes *out, struct fail *why)
{
    struct bytes sealed;
    return file_read(path, max, arena, &sealed, why) &&
           (seal_open(key, purpose, sealed, arena, out, why) || fail_in(why, "%s", path));
}

bool seal_state_write(const struct settings *settings, const char *name, struct bytes purpose,
                      struct bytes plain, struct fail *why)
{
    struct seal_key seal;
    struct arena arena;
    if (!seal_key_obtain(settings, settings->state, &seal, why))
        return false;
    arena_init(&arena);
    bool done = seal_file_write(path_join(&arena, settings->state, name), &seal, purpose, plain, why);
    arena_done(&arena);
    heap_wipe(&seal, sizeof seal);
    return done;
}

bool seal_state_read(const struct settings *settings, const char *name, struct bytes purpose, size_t max,
                     struct arena *arena, struct bytes *out, struct fail *why)
{
    struct seal_key seal;
    const char *path = path_join(arena, settings->state, name);
    *out = (struct bytes){0};
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return true;
    if (!seal_key_obtain(settings, settings->state, &seal, why))
        return false;
    bool done = seal_file_read(path, &seal, purpose, max, arena, out, why);
    heap_wipe(&seal, sizeof seal);
    return done;
}
