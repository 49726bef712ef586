#include "control/ca_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "control/seal_file.h"
#include "control/state_file.h"

#define PEM_MAX ((size_t)1 << 20)
#define PURPOSE BYTES("selvage ca-key 1")

static void wipe(struct bytes secret)
{
    heap_wipe((char *)(uintptr_t)secret.at, secret.len);
}

static struct authority *embedded_open(struct bytes directory, const struct seal_key *seal,
                                       struct arena *arena, struct fail *why)
{
    struct bytes cert, key = {0};
    struct authority *authority = NULL;
    if (file_read(path_join(arena, directory, "ca-cert.pem"), PEM_MAX, arena, &cert, why) &&
        seal_file_read(path_join(arena, directory, "ca-key.sealed"), seal, PURPOSE, PEM_MAX, arena, &key,
                       why))
        authority = authority_open(cert, key, (struct bytes){0}, cert, why);
    wipe(key);
    return authority;
}

/* The key first: a certificate without its key would be taken for a broken authority. */
static struct authority *embedded_make(const struct settings *settings, struct bytes directory,
                                       const struct seal_key *seal, struct arena *arena, struct fail *why)
{
    struct authority *authority = authority_new_root(settings->trust_domain, CA_DAYS, why);
    if (!authority)
        return NULL;
    struct bytes key = authority_key_pem(authority, arena);
    bool kept = seal_file_write(path_join(arena, directory, "ca-key.sealed"), seal, PURPOSE, key, why) &&
                file_replace(path_join(arena, directory, "ca-cert.pem"), authority_cert_pem(authority, arena),
                             0644, why);
    wipe(key);
    if (kept) {
        log_info("a new certificate authority was made in %.*s", BYTES_FMT(directory));
        return authority;
    }
    authority_free(authority);
    return NULL;
}

static struct authority *embedded_obtain(const struct settings *settings, struct bytes directory,
                                         struct arena *arena, struct fail *why)
{
    struct seal_key seal;
    if (!seal_key_obtain(settings, directory, &seal, why))
        return NULL;
    bool exists = access(path_join(arena, directory, "ca-cert.pem"), F_OK) == 0;
    struct authority *authority = exists ? embedded_open(directory, &seal, arena, why)
                                         : embedded_make(settings, directory, &seal, arena, why);
    heap_wipe(&seal, sizeof seal);
    return authority;
}

struct authority *ca_directory_embedded(const struct settings *settings, struct fail *why)
{
    struct bytes directory = settings->identity->ca->directory;
    struct authority *authority = NULL;
    struct arena arena;
    arena_init(&arena);
    if (directory_make(arena_text(&arena, directory), 0755, why)) {
        const char *path = path_join(&arena, directory, "lock");
        int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) != 0)
            fail_errno(why, FAIL_SELF, "%s", path);
        else
            authority = embedded_obtain(settings, directory, &arena, why);
        if (lock >= 0)
            close(lock);
    }
    arena_done(&arena);
    return authority;
}

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
