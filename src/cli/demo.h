/*
 * demo: `selvage demo`, an edge, a gateway and a sidecar on this machine, each a
 * node of its own, with sample workloads and an issuer of tokens.
 *
 * Everything lies in one private directory and is gone when the demo ends.
 *
 *   demo_ports     which ports, and whether they are free
 *   demo_files     what is written before anything starts
 *   demo_process   the processes
 *   demo_requests  what is printed to try, and tried by --check
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/text.h"

/* argv[0] is "demo". */
int demo_main(int argc, char **argv);

struct demo {
    const char *directory;
    const char *program; /* how this program is called in what is printed */
    int64_t offset;      /* of every port */
    struct arena *arena;
};

/* ---- demo_ports ---- */

/* What the examples say, moved by the offset. */
enum {
    DEMO_ISSUER = 8400,
    DEMO_EDGE = 8443,
    DEMO_GATEWAY = 15443,
    DEMO_ORDERS = 15211,
    DEMO_REPORTS = 15213,
    DEMO_STATUS_EDGE = 15021,
    DEMO_STATUS_GATEWAY = 15121,
    DEMO_STATUS_SIDECAR = 15221,
    DEMO_OFFSET_MAX = 17000, /* above are the ports of outgoing connections (ip_local_port_range) */
};
bool demo_port_known(uint64_t port);
/* All of them can be listened at; else *why names the first that cannot. */
bool demo_ports_free(int64_t offset, struct fail *why);

/* ---- demo_files ---- */

/* A private directory under $XDG_RUNTIME_DIR, else /tmp, in the arena. NULL with *why. */
const char *demo_directory_make(struct arena *arena, struct fail *why);
bool demo_files_write(const struct demo *demo, struct fail *why);
/* An example's text with this demo's directory and ports. */
struct bytes demo_text(const struct demo *demo, struct bytes text);
void demo_directory_remove(const char *directory);

/* ---- demo_process ---- */

#define DEMO_PROCESSES_MAX 8

struct demo_process {
    const char *name;
    const char *log;
    int64_t pid; /* 0: not running */
};

struct demo_processes {
    struct demo_process at[DEMO_PROCESSES_MAX];
    size_t count;
};

/* argv is NULL-terminated, argv[0] the command. */
bool demo_process_start(const struct demo *demo, struct demo_processes *all, const char *name,
                        const char *const *argv, struct fail *why);
/* Collects those that ended; NULL when all live. */
const struct demo_process *demo_process_ended(struct demo_processes *all);
/* SIGTERM, three seconds, SIGKILL. */
void demo_processes_stop(struct demo_processes *all);
/* The last lines of its log, to standard error. */
void demo_process_log_show(const struct demo_process *process);

/* ---- demo_requests ---- */

void demo_requests_print(const struct demo *demo, bool color, struct text *out);
/* Runs each as printed; prints a line each; whether all went as they should. */
bool demo_requests_check(const struct demo *demo);

#endif
