#include "control/secrets.h"

#include <sys/stat.h>

#include "control/secret_files.h"
#include "control/secret_store.h"
#include "control/state_file.h"

/* ---- the providers ------------------------------------------------------------------ */

static struct bytes directory_place(const struct settings *settings, struct arena *arena)
{
    (void)arena;
    return settings->secrets->directory;
}

static bool directory_read(const struct settings *settings, int inotify, bool read, struct arena *arena,
                           struct secret_values *out, struct digest_work *touched, struct fail *why)
{
    struct bytes directory = settings->secrets->directory;
    *out = (struct secret_values){0};
    return !directory.len || secret_directory_read(directory, inotify, read, arena, out, touched, why);
}

static struct bytes credentials_place(const struct settings *settings, struct arena *arena)
{
    (void)settings, (void)arena;
    return BYTES("credentials");
}

static bool credentials_read(const struct settings *settings, int inotify, bool read, struct arena *arena,
                             struct secret_values *out, struct digest_work *touched, struct fail *why)
{
    (void)settings, (void)inotify;
    return secret_credentials_read(read, arena, out, touched, why);
}

static struct bytes store_place(const struct settings *settings, struct arena *arena)
{
    return bytes_of(path_join(arena, settings->state, SECRET_STORE_FILE));
}

static bool store_read(const struct settings *settings, int inotify, bool read, struct arena *arena,
                       struct secret_values *out, struct digest_work *touched, struct fail *why)
{
    struct stat of = {0};
    (void)inotify;
    /* whether it can be read is said by reading */
    (void)stat(path_join(arena, settings->state, SECRET_STORE_FILE), &of);
    const int64_t facts[] = {(int64_t)of.st_dev, (int64_t)of.st_ino, (int64_t)of.st_size,
                             (int64_t)of.st_ctim.tv_sec, (int64_t)of.st_ctim.tv_nsec};
    digest_more(touched, bytes_make(facts, sizeof facts));
    *out = (struct secret_values){0};
    return !read || secret_store_read(settings, arena, out, why);
}

static const struct secret_provider providers[] = {
    {"directory", directory_place, directory_read},
    {"credentials", credentials_place, credentials_read},
    {"store", store_place, store_read},
};
enum { PROVIDERS = sizeof providers / sizeof providers[0] };

/* ---- as files of rules ---------------------------------------------------------------- */

struct adding {
    struct arena *arena;
    struct source_file *at;
    size_t count;
    size_t room;
};

static void file_add(struct adding *adding, struct source_file file)
{
    if (adding->count == adding->room) {
        size_t room = adding->room ? adding->room * 2 : 64;
        struct source_file *more = arena_array(adding->arena, struct source_file, room);
        if (adding->count)
            memcpy(more, adding->at, adding->count * sizeof *more);
        adding->at = more;
        adding->room = room;
    }
    adding->at[adding->count++] = file;
}

static void values_add(struct adding *adding, struct bytes place, const struct secret_values *values)
{
    struct arena scratch;
    arena_init(&scratch);
    for (size_t i = 0, run; i < values->count; i += run) {
        const struct secret_value *first = &values->at[i];
        struct text document;
        run = secret_values_run(values, i);
        text_init_arena(&document, adding->arena);
        secret_document_write(first, run, &scratch, &document);
        struct bytes name = arena_format(adding->arena, "%.*s/%.*s/%.*s", BYTES_FMT(place),
                                         BYTES_FMT(first->name_space), BYTES_FMT(first->name));
        file_add(adding, (struct source_file){.name = name,
                                              .content = text_bytes(&document),
                                              .digest = digest_of(text_bytes(&document))});
    }
    arena_done(&scratch);
}

static void provider_add(struct adding *adding, const struct secret_provider *provider,
                         const struct settings *settings, int inotify, struct digest_work *touched)
{
    struct fail why;
    struct secret_values values = {0};
    struct bytes place = bytes_of(arena_text(adding->arena, provider->place(settings, adding->arena)));
    if (provider->read(settings, inotify, true, adding->arena, &values, touched, &why)) {
        secret_values_sort(&values);
        values_add(adding, place, &values);
    } else {
        file_add(adding, (struct source_file){.name = place,
                                              .error = arena_bytes(adding->arena, bytes_of(why.text))});
    }
    secret_values_wipe(&values);
}

void secrets_add(const struct settings *settings, int inotify, struct arena *arena,
                 struct source_files *files, struct digest *touched)
{
    struct adding adding = {.arena = arena};
    struct digest_work *work = digest_start();
    for (size_t i = 0; i < files->count; i++)
        file_add(&adding, files->at[i]);
    for (size_t i = 0; i < PROVIDERS; i++)
        provider_add(&adding, &providers[i], settings, inotify, work);
    *touched = digest_end(work);
    *files = (struct source_files){adding.at, adding.count};
}

struct digest secrets_touched(const struct settings *settings)
{
    struct arena arena;
    struct secret_values values;
    struct digest_work *work = digest_start();
    struct fail why;
    arena_init(&arena);
    for (size_t i = 0; i < PROVIDERS; i++)
        (void)providers[i].read(settings, -1, false, &arena, &values, work, &why);
    arena_done(&arena);
    return digest_end(work);
}
