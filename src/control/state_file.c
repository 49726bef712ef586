#include "control/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"

static bool size_judge(int fd, const char *path, size_t max, size_t *size, struct fail *why)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return fail_errno(why, FAIL_SELF, "%s", path);
    if (!S_ISREG(stat.st_mode))
        return fail(why, FAIL_INPUT, "%s: it is no regular file", path);
    if ((uint64_t)stat.st_size > max)
        return fail(why, FAIL_LIMIT, "%s: %lld bytes, at most %zu are read", path, (long long)stat.st_size,
                    max);
    *size = (size_t)stat.st_size;
    return true;
}

/* A file that shrinks or grows while it is read is read again by whoever watches it. */
static bool content_read(int fd, const char *path, size_t size, struct arena *arena, struct bytes *out,
                         struct fail *why)
{
    char *at = arena_raw(arena, size + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, at + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(why, FAIL_SELF, "%s", path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = bytes_make(at, len);
    return true;
}

bool file_read(const char *path, size_t max, struct arena *arena, struct bytes *out, struct fail *why)
{
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail_errno(why, FAIL_INPUT, "%s", path);
    bool done = size_judge(fd, path, max, &size, why) && content_read(fd, path, size, arena, out, why);
    close(fd);
    return done;
}

static bool content_write(int fd, struct bytes content)
{
    while (content.len) {
        ssize_t n = write(fd, content.at, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        content = bytes_part(content, (size_t)n, content.len);
    }
    return fsync(fd) == 0;
}

static void directory_sync(const char *path)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (!slash)
        return;
    *slash = '\0';
    int fd = open(slash == directory ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

bool file_replace(const char *path, struct bytes content, mode_t mode, struct fail *why)
{
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.new-XXXXXX", path) >= (int)sizeof beside)
        return fail(why, FAIL_LIMIT, "%s: the path is too long", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return fail_errno(why, FAIL_SELF, "%s: cannot write beside it", path);
    bool written = fchmod(fd, mode) == 0 && content_write(fd, content);
    if (!written)
        fail_errno(why, FAIL_SELF, "%s: cannot write it", path);
    close(fd);
    if (written && rename(beside, path) != 0)
        written = fail_errno(why, FAIL_SELF, "%s: cannot replace it", path);
    if (!written) {
        unlink(beside);
        return false;
    }
    directory_sync(path);
    return true;
}

bool directory_make(const char *path, mode_t mode, struct fail *why)
{
    char part[4096];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return fail(why, FAIL_INPUT, "a directory's path has %zu bytes where 1 to %zu are possible", len,
                    sizeof part - 1);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char mark = part[i];
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return fail_errno(why, FAIL_SELF, "%s: cannot make the directory", part);
        part[i] = mark;
    }
    return true;
}

const char *path_join(struct arena *arena, struct bytes directory, const char *name)
{
    return arena_format(arena, "%.*s/%s", BYTES_FMT(directory), name).at;
}
