#include "cli/person.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/state_file.h"
#include "wire/json.h"

#define FILE_MAX ((size_t)256 * 1024)

/* ---- the place ------------------------------------------------------------- */

static const char *directory_of(const char *given, struct arena *arena, struct fail *why)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (given)
        return given;
    if (state && state[0] == '/')
        return path_join(arena, bytes_of(state), "selvage");
    if (home && home[0] == '/')
        return path_join(arena, bytes_of(home), ".local/state/selvage");
    fail(why, FAIL_INPUT, "there is no home directory to keep a sign-in in; --state names another");
    return NULL;
}

/* Whoever else could write there could put a sign-in of their own under ours. */
static bool owner_judge(const char *path, const struct stat *about, mode_t forbidden, struct fail *why)
{
    if (about->st_uid != geteuid())
        return fail(why, FAIL_DENIED, "%s belongs to another user", path);
    if (about->st_mode & forbidden)
        return fail(why, FAIL_DENIED, "%s can be %s by others; `chmod go-rwx` it", path,
                    forbidden == 022 ? "written" : "read");
    return true;
}

static bool directory_judge(const char *path, struct fail *why)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return fail_errno(why, FAIL_SELF, "%s", path);
    if (!S_ISDIR(about.st_mode))
        return fail(why, FAIL_DENIED, "%s is no directory", path);
    return owner_judge(path, &about, 022, why);
}

bool person_open(const char *given, struct arena *arena, struct person_store *out, struct fail *why)
{
    const char *directory = directory_of(given, arena, why);
    if (!directory || !directory_make(directory, 0700, why) || !directory_judge(directory, why))
        return false;
    const char *lock = path_join(arena, bytes_of(directory), "login.lock");
    int fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(why, FAIL_SELF, "%s", lock);
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            close(fd);
            return fail_errno(why, FAIL_SELF, "%s", lock);
        }
    *out = (struct person_store){directory, path_join(arena, bytes_of(directory), "login.json"), fd};
    return true;
}

void person_close(struct person_store *store)
{
    close(store->lock);
}

/* ---- the file ---------------------------------------------------------------- */

static bool content_read(int fd, const char *path, struct arena *arena, struct bytes *out, struct fail *why)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fail_errno(why, FAIL_SELF, "%s", path);
    if (!S_ISREG(about.st_mode) || about.st_size > (off_t)FILE_MAX)
        return fail(why, FAIL_INPUT, "%s is no file that keeps a sign-in", path);
    if (!owner_judge(path, &about, 077, why))
        return false;
    char *at = arena_raw(arena, (size_t)about.st_size + 1);
    ssize_t len = pread(fd, at, (size_t)about.st_size, 0);
    if (len < 0)
        return fail_errno(why, FAIL_SELF, "%s", path);
    *out = bytes_make(at, (size_t)len);
    return true;
}

static bool file_open(const char *path, struct arena *arena, struct bytes *out, struct fail *why)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return fail(why, FAIL_DENIED, "nobody is signed in; `selvage login` does it");
    if (fd < 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    bool ok = content_read(fd, path, arena, out, why);
    close(fd);
    return ok;
}

static const struct {
    const char *name;
    size_t offset;
    bool needed;
} members[] = {
    {"issuer", offsetof(struct person, issuer), true},
    {"client", offsetof(struct person, client), true},
    {"scope", offsetof(struct person, scope), false},
    {"resource", offsetof(struct person, resource), false},
    {"roots", offsetof(struct person, roots), false},
    {"access_token", offsetof(struct person, access_token), true},
    {"id_token", offsetof(struct person, id_token), false},
    {"refresh_token", offsetof(struct person, refresh_token), false},
};

static struct bytes *member_of(struct person *person, size_t i)
{
    return (struct bytes *)(void *)((char *)person + members[i].offset);
}

static bool members_read(const json_t *root, struct arena *arena, struct person *out)
{
    *out = (struct person){.until_s = json_integer_value(json_object_get(root, "until"))};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct bytes text = {0};
        if (!json_member_text(root, members[i].name, &text) && members[i].needed)
            return false;
        *member_of(out, i) = arena_bytes(arena, text);
    }
    return true;
}

bool person_read(const struct person_store *store, struct arena *arena, struct person *out, struct fail *why)
{
    struct bytes text;
    struct fail ignored;
    if (!file_open(store->path, arena, &text, why))
        return false;
    json_t *root = json_read(text, FILE_MAX, &ignored);
    bool ok = root && members_read(root, arena, out);
    json_decref(root);
    return ok || fail(why, FAIL_INPUT, "%s keeps no sign-in that could be read; `selvage login` again",
                      store->path);
}

bool person_write(const struct person_store *store, const struct person *person, struct fail *why)
{
    struct person copy = *person;
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    text_format(&text, "{\"until\": %lld", (long long)person->until_s);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        text_format(&text, ",\n \"%s\": ", members[i].name);
        text_add_json(&text, *member_of(&copy, i));
    }
    text_add_s(&text, "}\n");
    bool ok = file_replace(store->path, text_bytes(&text), 0600, why);
    arena_done(&arena);
    return ok;
}

bool person_remove(const struct person_store *store, struct fail *why)
{
    return unlink(store->path) == 0 || fail_errno(why, FAIL_SELF, "%s", store->path);
}
