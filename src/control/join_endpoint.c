#include "control/join_endpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/heap.h"
#include "control/seal_file.h"
#include "control/state_file.h"
#include "crypt/csr.h"

#define PEM_MAX ((size_t)64 * 1024)
#define PURPOSE BYTES("selvage join-endpoint 1")

static bool opened(const char *cert_path, const char *key_path, const struct seal_key *seal,
                   struct arena *arena, struct bytes *cert, struct bytes *key, struct fail *why)
{
    return file_read(cert_path, PEM_MAX, arena, cert, why) &&
           seal_file_read(key_path, seal, PURPOSE, PEM_MAX, arena, key, why);
}

static bool made(const char *cert_path, const char *key_path, const struct seal_key *seal,
                 struct arena *arena, struct bytes *cert, struct bytes *key, struct fail *why)
{
    return csr_endpoint(arena, cert, key, why) && seal_file_write(key_path, seal, PURPOSE, *key, why) &&
           file_replace(cert_path, *cert, 0644, why);
}

static bool locked(const char *path, int *lock, struct fail *why)
{
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return (*lock >= 0 && flock(*lock, LOCK_EX) == 0) || fail_errno(why, FAIL_SELF, "%s", path);
}

bool join_endpoint_obtain(const struct settings *settings, struct arena *arena, struct bytes *cert,
                          struct bytes *key, struct fail *why)
{
    struct bytes directory = settings->identity->ca->directory;
    const char *cert_path = path_join(arena, directory, "join-cert.pem");
    const char *key_path = path_join(arena, directory, "join-key.sealed");
    struct seal_key seal;
    int lock = -1;
    *key = (struct bytes){0};
    bool done = directory_make(arena_text(arena, directory), 0755, why) &&
                locked(path_join(arena, directory, "lock"), &lock, why) &&
                seal_key_obtain(settings, directory, &seal, why);
    if (done) {
        bool there = access(cert_path, F_OK) == 0;
        done = (there ? opened : made)(cert_path, key_path, &seal, arena, cert, key, why);
        heap_wipe(&seal, sizeof seal);
    }
    if (lock >= 0)
        close(lock);
    return done;
}
