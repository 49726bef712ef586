#include "control/ca_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"
#include "control/state_file.h"

#define PEM_MAX ((size_t)1 << 20)
#define PURPOSE BYTES("selvage ca-keys 1")
#define PURPOSE_OF_ONE BYTES("selvage ca-key 1") /* when there was one root for ever */

struct ca_directory {
    const struct settings *settings;
    struct bytes path;
    int lock;
    struct seal_key seal;
    struct authority_keys keys;
    struct authority *authority;
    struct arena arena;
};

static void wipe(struct bytes secret)
{
    heap_wipe((char *)(uintptr_t)secret.at, secret.len);
}

struct authority_plan ca_directory_plan(const struct settings *settings)
{
    const struct settings_ca *ca = settings->identity->ca;
    return (struct authority_plan){.trust_domain = settings->trust_domain,
                                   .root_every_s = ca->rotate_root_every_ms / 1000,
                                   .ahead_s = ca->publish_ahead_ms / 1000,
                                   .every_s = ca->rotate_every_ms / 1000};
}

/* ---- at rest --------------------------------------------------------------------------- */

static const char *path_of(struct ca_directory *directory, const char *name)
{
    return path_join(&directory->arena, directory->path, name);
}

static bool one_adopt(struct ca_directory *directory, struct fail *why)
{
    struct arena *arena = &directory->arena;
    struct authority_plan plan = ca_directory_plan(directory->settings);
    struct bytes cert, key = {0};
    bool done = file_read(path_of(directory, "ca-cert.pem"), PEM_MAX, arena, &cert, why) &&
                seal_file_read(path_of(directory, "ca-key.sealed"), &directory->seal, PURPOSE_OF_ONE, PEM_MAX,
                               arena, &key, why) &&
                authority_keys_adopt(&directory->keys, cert, key, &plan, clock_wall_s(), why);
    wipe(key);
    return done;
}

static bool keys_read(struct ca_directory *directory, struct fail *why)
{
    const char *path = path_of(directory, "ca-keys.sealed");
    struct bytes plain = {0};
    if (access(path, F_OK) != 0) /* ca-cert.pem without its key is a broken authority, not a new one */
        return access(path_of(directory, "ca-cert.pem"), F_OK) != 0 || one_adopt(directory, why);
    bool done =
        seal_file_read(path, &directory->seal, PURPOSE, PEM_MAX, &directory->arena, &plain, why) &&
        (authority_keys_read(plain, &directory->arena, &directory->keys, why) || fail_in(why, "%s", path));
    wipe(plain);
    return done;
}

static bool keys_write(struct ca_directory *directory, struct fail *why)
{
    struct bytes plain = authority_keys_write(&directory->keys, &directory->arena);
    bool done = seal_file_write(path_of(directory, "ca-keys.sealed"), &directory->seal, PURPOSE, plain, why);
    wipe(plain);
    return done;
}

/* Only when it is another: nodes take its change for news. */
static bool bundle_write(struct ca_directory *directory, struct fail *why)
{
    struct arena *arena = &directory->arena;
    const char *path = path_of(directory, "ca-cert.pem");
    struct bytes bundle = authority_keys_bundle(&directory->keys, clock_wall_s(), arena), before;
    struct fail ignored;
    if (file_read(path, PEM_MAX, arena, &before, &ignored) && bytes_equal(before, bundle))
        return true;
    return file_replace(path, bundle, 0644, why);
}

/* ---- opening --------------------------------------------------------------------------- */

static bool lock_take(struct ca_directory *directory, struct fail *why)
{
    if (!directory_make(arena_text(&directory->arena, directory->path), 0755, why))
        return false;
    const char *path = path_of(directory, "lock");
    directory->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return (directory->lock >= 0 && flock(directory->lock, LOCK_EX) == 0) ||
           fail_errno(why, FAIL_SELF, "%s", path);
}

/* What is due and cannot be done leaves the keys that are there at work. */
static bool keys_step(struct ca_directory *directory, unsigned rotate, struct fail *why)
{
    struct authority_plan plan = ca_directory_plan(directory->settings);
    int64_t now_s = clock_wall_s();
    bool changed, first = directory->keys.roots.count == 0;
    if (rotate & CA_ROTATE_ROOT)
        authority_keys_rotate_root(&directory->keys, now_s);
    if (rotate & CA_ROTATE_INTERMEDIATE)
        authority_keys_rotate_intermediate(&directory->keys, now_s);
    if (!authority_keys_step(&directory->keys, &plan, now_s, &changed, why)) {
        if (!directory->keys.intermediates.count)
            return false;
        log_error("the authority's keys are not renewed: %s", why->text);
    }
    if (first)
        log_info("a new certificate authority was made in %.*s", BYTES_FMT(directory->path));
    else if (changed)
        log_info("keys of the certificate authority were renewed");
    return (!changed || keys_write(directory, why)) && bundle_write(directory, why);
}

void ca_directory_close(struct ca_directory *directory)
{
    if (!directory)
        return;
    if (directory->lock >= 0)
        close(directory->lock);
    authority_free(directory->authority);
    arena_done(&directory->arena);
    heap_wipe(directory, sizeof *directory);
    free(directory);
}

struct ca_directory *ca_directory_open(const struct settings *settings, unsigned rotate, struct fail *why)
{
    struct ca_directory *directory = heap_new(struct ca_directory);
    directory->settings = settings;
    directory->path = settings->identity->ca->directory;
    directory->lock = -1;
    arena_init(&directory->arena);
    if (lock_take(directory, why) && seal_key_obtain(settings, directory->path, &directory->seal, why) &&
        keys_read(directory, why) && keys_step(directory, rotate, why))
        directory->authority = authority_keys_open(&directory->keys, clock_wall_s(), why);
    if (directory->authority)
        return directory;
    ca_directory_close(directory);
    return NULL;
}

const struct authority *ca_directory_authority(const struct ca_directory *directory)
{
    return directory->authority;
}

const struct authority_keys *ca_directory_keys(const struct ca_directory *directory)
{
    return &directory->keys;
}

bool ca_directory_issued(struct ca_directory *directory, int64_t not_after_s, struct fail *why)
{
    authority_keys_issued(&directory->keys, clock_wall_s(), not_after_s);
    return keys_write(directory, why);
}

/* ---- Istio's ---------------------------------------------------------------------------- */

struct authority *ca_directory_cacerts(struct bytes directory, struct fail *why)
{
    struct bytes cert, key = {0}, chain, roots;
    struct authority *authority = NULL;
    struct arena arena;
    arena_init(&arena);
    if (file_read(path_join(&arena, directory, "ca-cert.pem"), PEM_MAX, &arena, &cert, why) &&
        file_read(path_join(&arena, directory, "cert-chain.pem"), PEM_MAX, &arena, &chain, why) &&
        file_read(path_join(&arena, directory, "root-cert.pem"), PEM_MAX, &arena, &roots, why) &&
        file_read(path_join(&arena, directory, "ca-key.pem"), PEM_MAX, &arena, &key, why)) {
        authority = authority_open(cert, key, chain, roots, why);
        if (!authority)
            fail_in(why, "%.*s", BYTES_FMT(directory));
    }
    wipe(key);
    arena_done(&arena);
    return authority;
}
