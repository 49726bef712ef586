#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo.h"
#include "cli/examples.h"
#include "control/state_file.h"
#include "crypt/authority.h"

#define PREFIX "demo/"
#define PLACE BYTES("/tmp/selvage-demo")
#define CA_DAYS 1
#define CERTIFICATE_SECONDS (24 * 60 * 60)

/* ---- the directory --------------------------------------------------------------- */

const char *demo_directory_make(struct arena *arena, struct fail *why)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    /* Short enough for the sockets in it: a socket's path has 107 bytes at most. */
    bool usable = runtime && runtime[0] == '/' && strlen(runtime) < 64 && access(runtime, W_OK) == 0;
    char *path = arena_raw(arena, 128);
    snprintf(path, 128, "%s/selvage-demo-XXXXXX", usable ? runtime : "/tmp");
    if (mkdtemp(path)) /* 0700 */
        return path;
    fail_errno(why, FAIL_SELF, "%s", path);
    return NULL;
}

static int entry_remove(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    remove(path);
    return 0;
}

void demo_directory_remove(const char *directory)
{
    nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- texts -------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* A whole number that is one of our ports. */
static size_t port_at(struct bytes text, size_t at, uint64_t *port)
{
    size_t end = at;
    if (at > 0 && is_word(text.at[at - 1]))
        return 0;
    while (end < text.len && ascii_is_digit(text.at[end]))
        end++;
    if (end == at || (end < text.len && is_word(text.at[end])))
        return 0;
    return bytes_to_u64(bytes_part(text, at, end), 65535, port) && demo_port_known(*port) ? end - at : 0;
}

struct bytes demo_text(const struct demo *demo, struct bytes text)
{
    struct text out;
    text_init_arena(&out, demo->arena);
    for (size_t at = 0; at < text.len;) {
        uint64_t port;
        size_t digits = port_at(text, at, &port);
        if (digits) {
            text_add_u64(&out, port + (uint64_t)demo->offset);
            at += digits;
        } else if (bytes_starts(bytes_part(text, at, text.len), PLACE)) {
            text_add_s(&out, demo->directory);
            at += PLACE.len;
        } else {
            text_add_c(&out, text.at[at++]);
        }
    }
    return text_bytes(&out);
}

/* ---- files ---------------------------------------------------------------------------- */

static bool file_write(const struct demo *demo, const char *name, struct bytes text, mode_t mode,
                       struct fail *why)
{
    const char *path = path_join(demo->arena, bytes_of(demo->directory), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool written = fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len;
    if (!written)
        fail_errno(why, FAIL_SELF, "%s", path);
    if (fd >= 0)
        close(fd);
    return written;
}

static void block_add(struct text *out, const char *name, struct bytes pem)
{
    struct bytes head;
    text_format(out, "  %s: |\n", name);
    while (pem.len) {
        bytes_cut(&pem, '\n', &head);
        text_add_s(out, "    ");
        text_add(out, head);
        text_add_c(out, '\n');
    }
}

/* The edge's server certificate, as the Secret that its Gateway names. */
static bool certificate_write(const struct demo *demo, struct fail *why)
{
    static const struct bytes names[] = {BYTES_INIT("localhost"), BYTES_INIT("edge.demo.local")};
    struct authority *authority = authority_new_root(BYTES("demo.local"), CA_DAYS, why);
    struct identity_pem pem;
    struct text out;
    bool done = authority && authority_issue(authority, BYTES("spiffe://demo.local/ns/demo/sa/edge-server"),
                                             names, 2, CERTIFICATE_SECONDS, demo->arena, &pem, why);
    if (done) {
        text_init_arena(&out, demo->arena);
        text_add_s(&out, "# Made by `selvage demo` for itself.\napiVersion: v1\nkind: Secret\n"
                         "metadata: {name: edge-certificate, namespace: demo}\n"
                         "type: kubernetes.io/tls\nstringData:\n");
        block_add(&out, "tls.crt", pem.chain);
        block_add(&out, "tls.key", pem.key);
        done = file_write(demo, "edge/certificate.yaml", text_bytes(&out), 0600, why) &&
               file_write(demo, "ca.pem", authority_cert_pem(authority, demo->arena), 0644, why);
    }
    authority_free(authority);
    return done;
}

static bool directories_make(const struct demo *demo, struct fail *why)
{
    static const char *const names[] = {"edge",       "gateway",       "sidecar",      "log",
                                        "state/edge", "state/gateway", "state/sidecar"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!directory_make(path_join(demo->arena, bytes_of(demo->directory), names[i]), 0700, why))
            return false;
    return true;
}

bool demo_files_write(const struct demo *demo, struct fail *why)
{
    if (!directories_make(demo, why) || !certificate_write(demo, why))
        return false;
    for (size_t i = 0; i < example_count; i++) {
        if (strncmp(examples[i].path, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        if (!file_write(demo, examples[i].path + sizeof PREFIX - 1, demo_text(demo, examples[i].text), 0644,
                        why))
            return false;
    }
    return true;
}
