#include "control/source_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/heap.h"
#include "control/source_keep.h"
#include "control/state_file.h"

enum {
    WATCHED =
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF,
    TRIES = 5,
    PAUSE_MS = 20,
};

/* One directory on the way down, so that a link to one of those above is seen. */
struct step {
    const struct step *above;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

struct walk {
    struct arena *arena;
    int inotify;
    struct source_file *files; /* heap */
    size_t count;
    size_t room;
    bool full;
    struct digest_work *touched;
};

static struct source_file *file_add(struct walk *walk, struct bytes name, struct bytes error)
{
    if (walk->count >= SOURCE_FILES_MAX) {
        if (walk->full)
            return NULL;
        walk->full = true;
        error = arena_format(walk->arena, "more than %d files: it and others are not read", SOURCE_FILES_MAX);
    }
    if (walk->count == walk->room) {
        walk->room = walk->room ? walk->room * 2 : 64;
        walk->files = heap_grow(walk->files, walk->room, sizeof *walk->files);
    }
    walk->files[walk->count] = (struct source_file){.name = name, .error = error};
    return &walk->files[walk->count++];
}

static void errno_add(struct walk *walk, struct bytes name)
{
    file_add(walk, name, arena_format(walk->arena, "it cannot be read: %s", strerror(errno)));
}

static bool is_resource(struct bytes name)
{
    return bytes_ends(name, BYTES(".yaml")) || bytes_ends(name, BYTES(".yml")) ||
           bytes_ends(name, BYTES(".json"));
}

static bool is_above(const struct step *step, const struct stat *stat)
{
    for (; step; step = step->above)
        if (step->device == stat->st_dev && step->inode == stat->st_ino)
            return true;
    return false;
}

static struct source_stamp stamp_of(const struct stat *stat)
{
    return (struct source_stamp){
        .device = (int64_t)stat->st_dev,
        .inode = (int64_t)stat->st_ino,
        .size = (int64_t)stat->st_size,
        .modified_s = (int64_t)stat->st_mtim.tv_sec,
        .modified_ns = (int64_t)stat->st_mtim.tv_nsec,
        .changed_s = (int64_t)stat->st_ctim.tv_sec,
        .changed_ns = (int64_t)stat->st_ctim.tv_nsec,
    };
}

static void resource_add(struct walk *walk, struct bytes name, const struct stat *stat)
{
    struct source_file *file = file_add(walk, name, (struct bytes){0});
    struct source_stamp stamp = stamp_of(stat);
    digest_more(walk->touched, bytes_make(name.at, name.len + 1)); /* the NUL ends it */
    digest_more(walk->touched, bytes_make((const char *)&stamp, sizeof stamp));
    if (file)
        file->stamp = stamp;
}

static void directory_walk(struct walk *walk, struct bytes path, DIR *directory, const struct step *above);

static void directory_enter(struct walk *walk, struct bytes path, const struct stat *stat,
                            const struct step *above)
{
    if (is_above(above, stat))
        return;
    if (above && above->depth + 1 >= SOURCE_DEPTH_MAX) {
        file_add(walk, path,
                 arena_format(walk->arena, "directories lie more than %d deep", SOURCE_DEPTH_MAX));
        return;
    }
    DIR *directory = opendir(path.at);
    if (!directory) {
        errno_add(walk, path);
        return;
    }
    const struct step step = {above, stat->st_dev, stat->st_ino, above ? above->depth + 1 : 0};
    directory_walk(walk, path, directory, &step);
    closedir(directory);
}

static void entry_visit(struct walk *walk, int directory, struct bytes name, struct bytes path,
                        const struct step *above)
{
    struct stat stat;
    if (fstatat(directory, name.at, &stat, 0) != 0) {
        if (is_resource(path))
            errno_add(walk, path);
        return;
    }
    if (S_ISDIR(stat.st_mode)) {
        directory_enter(walk, path, &stat, above);
    } else if (is_resource(path) && !S_ISREG(stat.st_mode)) { /* to open a device may do something */
        file_add(walk, path, arena_format(walk->arena, "it is no regular file"));
    } else if (is_resource(path)) {
        resource_add(walk, path, &stat);
    }
}

static int by_text(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Sorted, so that the same tree gives the same digest whatever order the file system has. */
static struct bytes *names_list(struct walk *walk, DIR *directory, size_t *count)
{
    struct bytes *names = NULL;
    size_t room = 0;
    struct dirent *entry;
    *count = 0;
    while (*count <= SOURCE_FILES_MAX && (entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            names = heap_grow(names, room, sizeof *names);
        }
        struct bytes name = bytes_of(entry->d_name);
        names[(*count)++] = bytes_make(arena_text(walk->arena, name), name.len);
    }
    if (*count)
        qsort(names, *count, sizeof *names, by_text);
    return names;
}

static void directory_walk(struct walk *walk, struct bytes path, DIR *directory, const struct step *step)
{
    size_t count;
    if (walk->inotify >= 0) /* before reading, so that no change falls between */
        inotify_add_watch(walk->inotify, path.at, WATCHED);
    struct bytes *names = names_list(walk, directory, &count);
    for (size_t i = 0; i < count && !walk->full; i++) {
        const struct bytes parts[] = {path, BYTES("/"), names[i]};
        entry_visit(walk, dirfd(directory), names[i], arena_join(walk->arena, parts, 3), step);
    }
    free(names);
}

static int by_name(const void *a, const void *b)
{
    return bytes_compare(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

bool source_walk(struct bytes directory, int inotify, struct arena *arena, struct source_files *out,
                 struct digest *touched, struct fail *why)
{
    struct stat stat;
    struct bytes path = bytes_of(arena_text(arena, directory));
    if (fstatat(AT_FDCWD, path.at, &stat, 0) != 0)
        return fail_errno(why, FAIL_INPUT, "%s: the directory of the resources cannot be read", path.at);
    DIR *root = opendir(path.at);
    if (!root)
        return fail_errno(why, FAIL_INPUT, "%s: the directory of the resources cannot be read", path.at);
    struct walk walk = {.arena = arena, .inotify = inotify, .touched = digest_start()};
    const struct step step = {NULL, stat.st_dev, stat.st_ino, 0};
    directory_walk(&walk, path, root, &step);
    closedir(root);
    *touched = digest_end(walk.touched);
    *out = (struct source_files){arena_array(arena, struct source_file, walk.count), walk.count};
    if (walk.count) {
        memcpy(out->at, walk.files, walk.count * sizeof *walk.files);
        qsort(out->at, out->count, sizeof *out->at, by_name);
    }
    free(walk.files);
    return true;
}

static bool is_as_walked(const struct source_file *file)
{
    struct stat stat;
    if (fstatat(AT_FDCWD, file->name.at, &stat, 0) != 0)
        return false;
    struct source_stamp stamp = stamp_of(&stat);
    return memcmp(&stamp, &file->stamp, sizeof stamp) == 0;
}

/* Answers whether nobody touched it meanwhile. */
static bool file_fill(struct source_file *file, struct source_keep *keep, struct arena *arena)
{
    struct fail why;
    if (source_keep_get(keep, file)) {
        file->content = arena_bytes(arena, file->content);
        return true;
    }
    if (!file_read(file->name.at, SOURCE_FILE_MAX, arena, &file->content, &why)) {
        struct bytes sentence = bytes_of(why.text);
        if (bytes_starts(sentence, file->name)) /* whoever shows it names the file */
            sentence = bytes_part(sentence, file->name.len + 2, sentence.len);
        file->error = arena_bytes(arena, sentence);
        return is_as_walked(file);
    }
    file->digest = digest_of(file->content);
    source_keep_put(keep, file);
    return is_as_walked(file);
}

bool source_read(struct source_files *files, struct source_keep *keep, struct arena *arena)
{
    size_t total = 0;
    bool still = true;
    for (size_t i = 0; i < files->count; i++) {
        struct source_file *file = &files->at[i];
        if (file->error.len)
            continue;
        if (total >= SOURCE_BYTES_MAX)
            file->error =
                arena_format(arena, "all files together have more than %zu bytes", SOURCE_BYTES_MAX);
        else if (!file_fill(file, keep, arena))
            still = false;
        total += file->content.len;
    }
    source_keep_end(keep);
    return still;
}

void source_events_drop(int inotify)
{
    char buffer[8192];
    while (inotify >= 0 && read(inotify, buffer, sizeof buffer) > 0)
        ;
}

static void pause_short(void)
{
    usleep(PAUSE_MS * 1000);
}

/* What was read was not touched; has anything else been, since the walk? Whoever is told of changes knows it.
 */
static bool is_whole(struct bytes directory, int inotify, struct arena *arena, const struct digest *touched)
{
    struct pollfd events = {.fd = inotify, .events = POLLIN};
    struct source_files again;
    struct digest after;
    struct fail why;
    if (inotify >= 0 && poll(&events, 1, 0) == 0)
        return true;
    return source_walk(directory, -1, arena, &again, &after, &why) &&
           memcmp(touched, &after, sizeof after) == 0;
}

bool source_take(struct bytes directory, int inotify, struct source_keep *keep, struct arena *arena,
                 struct source_files *out, struct digest *touched, struct fail *why)
{
    for (int i = 0; i < TRIES; i++) {
        if (i > 0)
            pause_short();
        arena_reset(arena);
        source_events_drop(inotify); /* what they tell of is looked at now */
        if (!source_walk(directory, inotify, arena, out, touched, why))
            return false;
        if (source_read(out, keep, arena) && is_whole(directory, inotify, arena, touched))
            return true;
    }
    return fail(why, FAIL_LATE, "%.*s: files change all the time; none is taken", BYTES_FMT(directory));
}

static void piece_add(struct digest_work *work, struct bytes piece)
{
    uint64_t len = piece.len;
    digest_more(work, bytes_make(&len, sizeof len));
    digest_more(work, piece);
}

struct digest source_digest(const struct source_files *files)
{
    struct digest_work *work = digest_start();
    for (size_t i = 0; i < files->count; i++) {
        piece_add(work, files->at[i].name);
        digest_more(work, bytes_make((const char *)files->at[i].digest.bytes, DIGEST_SIZE));
        piece_add(work, files->at[i].error);
    }
    return digest_end(work);
}
