#include "control/credential_files.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/heap.h"
#include "base/log.h"
#include "control/state_file.h"
#include "rules/kind/secret.h"

enum { PEM_MAX = 256 * 1024 };

struct credential_file {
    struct credential_file *next;
    uint64_t id;
    uint64_t touched;  /* a number that changes when a file does */
    unsigned unwanted; /* looks in a row at which nobody named it */
    struct arena arena;
    struct bytes chain, key, trust; /* in the arena; all empty: never good */
};

static void file_done(struct credential_file *file)
{
    heap_wipe((char *)(uintptr_t)file->key.at, file->key.len);
    arena_done(&file->arena);
}

void credential_files_done(struct credential_files *files)
{
    while (files->first) {
        struct credential_file *file = files->first;
        files->first = file->next;
        file_done(file);
        free(file);
    }
}

static struct credential_file *file_find(const struct credential_files *files, uint64_t id)
{
    for (struct credential_file *file = files->first; file; file = file->next)
        if (file->id == id)
            return file;
    return NULL;
}

static struct credential_file *file_add(struct credential_files *files, uint64_t id)
{
    struct credential_file *file = heap_new(struct credential_file);
    file->id = id;
    file->next = files->first;
    files->first = file;
    arena_init(&file->arena);
    return file;
}

static uint64_t touched(const struct compile_credential *wanted, struct arena *arena)
{
    const struct bytes paths[] = {wanted->certificate_file, wanted->key_file, wanted->ca_file};
    uint64_t sum = 1;
    for (size_t i = 0; i < 3; i++) {
        struct stat is;
        if (!paths[i].len || stat(arena_text(arena, paths[i]), &is) != 0)
            sum = sum * 31;
        else
            sum = sum * 1000003 + (uint64_t)is.st_ino + (uint64_t)is.st_mtim.tv_sec * 1000000007 +
                  (uint64_t)is.st_mtim.tv_nsec + (uint64_t)is.st_size;
    }
    return sum;
}

static bool part_read(struct arena *arena, struct bytes path, struct bytes *out, struct fail *why)
{
    *out = (struct bytes){0};
    return !path.len || file_read(arena_text(arena, path), PEM_MAX, arena, out, why);
}

static bool parts_read(struct credential_file *file, const struct compile_credential *wanted,
                       struct fail *why)
{
    return part_read(&file->arena, wanted->certificate_file, &file->chain, why) &&
           part_read(&file->arena, wanted->key_file, &file->key, why) &&
           part_read(&file->arena, wanted->ca_file, &file->trust, why) &&
           secret_usable(file->chain, file->key, file->trust, why);
}

/* All of them, or what was there before. */
static bool read_again(struct credential_file *file, const struct compile_credential *wanted)
{
    struct credential_file fresh = {0};
    struct fail why;
    arena_init(&fresh.arena);
    if (!parts_read(&fresh, wanted, &why)) {
        log_error("%.*s: %s%s", BYTES_FMT(wanted->name), why.text,
                  file->chain.len || file->trust.len ? "; what was read before stands" : "");
        file_done(&fresh);
        return false;
    }
    file_done(file);
    file->arena = fresh.arena;
    file->chain = fresh.chain;
    file->key = fresh.key;
    file->trust = fresh.trust;
    return true;
}

/* The edition before this one may need it a little longer. */
static void forget(struct credential_files *files)
{
    enum { UNWANTED_MAX = 2 };
    for (struct credential_file **at = &files->first; *at;) {
        struct credential_file *file = *at;
        if (file->unwanted++ < UNWANTED_MAX) {
            at = &file->next;
            continue;
        }
        *at = file->next;
        file_done(file);
        free(file);
    }
}

bool credential_files_look(struct credential_files *files, const struct compile_credential *wanted,
                           size_t count, uint64_t now_ms)
{
    bool changed = false, due = now_ms - files->looked_ms >= CREDENTIAL_FILES_EVERY_MS;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < count; i++) {
        struct credential_file *file = file_find(files, wanted[i].id);
        bool is_file = wanted[i].certificate_file.len || wanted[i].ca_file.len;
        if (file)
            file->unwanted = 0;
        if (!is_file || (file && !due))
            continue;
        uint64_t sum = touched(&wanted[i], &arena);
        if (!file)
            file = file_add(files, wanted[i].id);
        else if (sum == file->touched)
            continue;
        file->touched = sum;
        changed = read_again(file, &wanted[i]) || changed;
    }
    arena_done(&arena);
    if (due) {
        files->looked_ms = now_ms;
        forget(files);
    }
    return changed;
}

bool credential_files_get(const struct credential_files *files, uint64_t id, struct keys_credential *out)
{
    const struct credential_file *file = file_find(files, id);
    if (!file || (!file->chain.len && !file->trust.len))
        return false;
    out->chain = file->chain;
    out->key = file->key;
    out->trust = file->trust;
    return true;
}
