#include "cli/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_DEPTH_MAX 32

static bool read_stream(struct resource_set *set, const char *name, FILE *stream, struct fail *why)
{
    /* One byte more than is read, so that what is too long is seen to be. */
    size_t room = YAML_BYTES_MAX + 1;
    char *buffer = malloc(room);
    if (!buffer)
        return fail(why, FAIL_SELF, "%s: out of memory", name);
    size_t len = fread(buffer, 1, room, stream);
    bool good = !ferror(stream);
    if (good)
        resource_set_add_file(set, name, bytes_make(buffer, len));
    free(buffer);
    return good || fail_errno(why, FAIL_INPUT, "%s", name);
}

static bool add_file(struct resource_set *set, const char *path, struct fail *why)
{
    FILE *stream = fopen(path, "re");
    if (!stream)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    bool good = read_stream(set, path, stream, why);
    fclose(stream);
    return good;
}

static bool is_ours(const char *name)
{
    struct bytes b = bytes_of(name);
    return bytes_ends(b, BYTES(".yaml")) || bytes_ends(b, BYTES(".yml")) || bytes_ends(b, BYTES(".json"));
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool add_path(struct resource_set *set, const char *path, bool recursive, unsigned depth,
                     struct fail *why);

static bool add_entry(struct resource_set *set, const char *directory, const char *name, bool recursive,
                      unsigned depth, struct fail *why)
{
    struct stat about;
    const char *slash = bytes_ends(bytes_of(directory), BYTES("/")) ? "" : "/";
    const char *path = arena_format(&set->arena, "%s%s%s", directory, slash, name).at;
    if (stat(path, &about) != 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    if (S_ISDIR(about.st_mode))
        return !recursive || add_path(set, path, recursive, depth + 1, why);
    return !is_ours(name) || add_file(set, path, why);
}

static bool add_directory(struct resource_set *set, const char *path, bool recursive, unsigned depth,
                          struct fail *why)
{
    struct dirent **entries = NULL;
    bool good = true;
    if (depth > PATH_DEPTH_MAX)
        return fail(why, FAIL_LIMIT, "%s: directories are nested too deeply", path);
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    for (int i = 0; i < count; i++) {
        good = good && add_entry(set, path, entries[i]->d_name, recursive, depth, why);
        free(entries[i]);
    }
    free(entries);
    return good;
}

static bool add_path(struct resource_set *set, const char *path, bool recursive, unsigned depth,
                     struct fail *why)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    return S_ISDIR(about.st_mode) ? add_directory(set, path, recursive, depth, why)
                                  : add_file(set, path, why);
}

bool paths_add(struct resource_set *set, const char *path, bool recursive, struct fail *why)
{
    if (strcmp(path, "-") == 0)
        return read_stream(set, "-", stdin, why);
    return add_path(set, path, recursive, 0, why);
}
