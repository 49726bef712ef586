#include "control/secret_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/heap.h"
#include "control/state_file.h"

#define CREDENTIAL_PREFIX BYTES("secret_")

enum {
    WATCHED =
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF,
};

struct reading {
    int inotify;
    bool read;
    struct arena *arena;
    struct secret_values *out;
    struct digest_work *touched;
    struct fail *why;
};

static int by_text(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Its visible names, sorted; false: it cannot be read. */
static bool names_list(struct reading *reading, const char *path, struct bytes **out, size_t *count)
{
    struct dirent *entry;
    if (reading->inotify >= 0)
        inotify_add_watch(reading->inotify, path, WATCHED);
    DIR *directory = opendir(path);
    *count = 0;
    if (!directory)
        return fail_errno(reading->why, FAIL_INPUT, "%s: the directory of secrets cannot be read", path);
    struct bytes *names = NULL;
    size_t room = 0;
    while (*count < SECRET_VALUES_MAX && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        if (*count == room) {
            struct bytes *more = arena_array(reading->arena, struct bytes, room = room ? room * 2 : 16);
            if (*count)
                memcpy(more, names, *count * sizeof *names);
            names = more;
        }
        names[(*count)++] = arena_bytes(reading->arena, bytes_of(entry->d_name));
    }
    closedir(directory);
    if (*count == SECRET_VALUES_MAX)
        return fail(reading->why, FAIL_LIMIT, "%s: %d files or more, fewer are read", path,
                    SECRET_VALUES_MAX);
    if (*count)
        qsort(names, *count, sizeof *names, by_text);
    *out = names;
    return true;
}

static void touched_add(struct digest_work *touched, const char *path, const struct stat *stat)
{
    const int64_t facts[] = {(int64_t)stat->st_dev, (int64_t)stat->st_ino, (int64_t)stat->st_size,
                             (int64_t)stat->st_ctim.tv_sec, (int64_t)stat->st_ctim.tv_nsec};
    digest_more(touched, bytes_make(path, strlen(path) + 1));
    digest_more(touched, bytes_make(facts, sizeof facts));
}

static bool value_add(struct reading *reading, const char *path, struct secret_value value)
{
    struct stat stat_of;
    struct secret_values *out = reading->out;
    if (out->count == SECRET_VALUES_MAX)
        return fail(reading->why, FAIL_LIMIT, "%s: more than %d values are not read", path,
                    SECRET_VALUES_MAX);
    if (!secret_name_judge(value.name_space, value.name, reading->why) ||
        !secret_key_judge(value.key, reading->why))
        return fail_in(reading->why, "%s", path);
    if (stat(path, &stat_of) != 0)
        return fail_errno(reading->why, FAIL_INPUT, "%s", path);
    touched_add(reading->touched, path, &stat_of);
    if (reading->read && !file_read(path, SECRET_VALUE_MAX, reading->arena, &value.value, reading->why))
        return false;
    value.changed_s = stat_of.st_mtim.tv_sec;
    out->at[out->count++] = value;
    return true;
}

/* One Secret: a value for each file. */
static bool secret_read(struct reading *reading, const char *path, struct bytes name_space, struct bytes name)
{
    struct bytes *keys;
    size_t count;
    if (!names_list(reading, path, &keys, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *file = arena_format(reading->arena, "%s/%.*s", path, BYTES_FMT(keys[i])).at;
        if (!value_add(reading, file,
                       (struct secret_value){.name_space = name_space, .name = name, .key = keys[i]}))
            return false;
    }
    return true;
}

static bool namespace_read(struct reading *reading, const char *path, struct bytes name_space)
{
    struct bytes *names;
    size_t count;
    if (!names_list(reading, path, &names, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!secret_read(reading, arena_format(reading->arena, "%s/%.*s", path, BYTES_FMT(names[i])).at,
                         name_space, names[i]))
            return false;
    return true;
}

static struct secret_values none_yet(struct arena *arena)
{
    return (struct secret_values){arena_array(arena, struct secret_value, SECRET_VALUES_MAX), 0};
}

bool secret_directory_read(struct bytes directory, int inotify, bool read, struct arena *arena,
                           struct secret_values *out, struct digest_work *touched, struct fail *why)
{
    struct reading reading = {inotify, read, arena, out, touched, why};
    const char *path = arena_text(arena, directory);
    struct bytes *names;
    size_t count;
    *out = none_yet(arena);
    if (!names_list(&reading, path, &names, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!namespace_read(&reading, arena_format(arena, "%s/%.*s", path, BYTES_FMT(names[i])).at, names[i]))
            return false;
    return true;
}

/* secret_NAMESPACE_NAME_KEY: neither of the first two has an underscore. */
static bool credential_add(struct reading *reading, const char *path, struct bytes rest)
{
    struct secret_value value = {0};
    if (!bytes_cut(&rest, '_', &value.name_space) || !bytes_cut(&rest, '_', &value.name))
        return fail(reading->why, FAIL_INPUT,
                    "%s: a credential that is a secret is called secret_NAMESPACE_NAME_KEY", path);
    value.key = rest;
    return value_add(reading, path, value);
}

bool secret_credentials_read(bool read, struct arena *arena, struct secret_values *out,
                             struct digest_work *touched, struct fail *why)
{
    struct reading reading = {-1, read, arena, out, touched, why};
    struct bytes directory = bytes_of(getenv("CREDENTIALS_DIRECTORY"));
    struct bytes *names;
    size_t count;
    *out = (struct secret_values){0};
    if (!directory.len)
        return true;
    *out = none_yet(arena);
    if (!names_list(&reading, arena_text(arena, directory), &names, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_starts(names[i], CREDENTIAL_PREFIX))
            continue;
        const char *path = path_join(arena, directory, arena_text(arena, names[i]));
        if (!credential_add(&reading, path, bytes_part(names[i], CREDENTIAL_PREFIX.len, names[i].len)))
            return false;
    }
    return true;
}
