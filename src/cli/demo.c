#include "cli/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/options.h"
#include "cli/paint.h"

#define READY_MS 20000 /* slow machines; it takes under two seconds */

static const char *const workloads[] = {"orders", "payments", "reports"};
static const char *const nodes[] = {"edge", "gateway", "sidecar"};
static const int status_ports[] = {DEMO_STATUS_EDGE, DEMO_STATUS_GATEWAY, DEMO_STATUS_SIDECAR};

/* ---- starting ---------------------------------------------------------------------- */

static bool all_start(const struct demo *demo, struct demo_processes *all, struct fail *why)
{
    struct arena *arena = demo->arena;
    const char *place = arena_format(arena, "127.0.0.1:%lld", DEMO_ISSUER + (long long)demo->offset).at;
    if (!demo_process_start(demo, all, "issuer", (const char *[]){"issuer", "--listen", place, NULL}, why))
        return false;
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        const char *listen = arena_format(arena, "unix://%s/%s.sock", demo->directory, workloads[i]).at;
        if (!demo_process_start(demo, all, workloads[i],
                                (const char *[]){"echo", "--name", workloads[i], "--listen", listen, NULL},
                                why))
            return false;
    }
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        const char *config = arena_format(arena, "%s/%s.yaml", demo->directory, nodes[i]).at;
        if (!demo_process_start(demo, all, nodes[i], (const char *[]){"run", "-c", config, NULL}, why))
            return false;
    }
    return true;
}

/* ---- readiness ------------------------------------------------------------------------- */

static int port_connect(int64_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {0, 300 * 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool port_answers(int64_t port)
{
    int fd = port_connect(port);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool node_ready(int64_t port)
{
    static const char ask[] = "GET /healthz/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char answer[64] = "";
    int fd = port_connect(port);
    if (fd < 0)
        return false;
    bool asked = send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) == (ssize_t)sizeof ask - 1;
    ssize_t got = asked ? recv(fd, answer, sizeof answer - 1, MSG_WAITALL) : -1;
    close(fd);
    return got > 12 && strncmp(answer, "HTTP/1.", 7) == 0 && strncmp(answer + 8, " 200", 4) == 0;
}

static bool workload_ready(const struct demo *demo, const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/%s.sock", demo->directory, name);
    bool ready = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        close(fd);
    return ready;
}

/* NULL: all are. */
static const char *not_ready_yet(const struct demo *demo)
{
    if (!port_answers(DEMO_ISSUER + demo->offset))
        return "the issuer";
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++)
        if (!workload_ready(demo, workloads[i]))
            return workloads[i];
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
        if (!node_ready(status_ports[i] + demo->offset))
            return nodes[i];
    return NULL;
}

/* ---- waiting ----------------------------------------------------------------------------- */

/* The signals that end the demo, and SIGCHLD, are blocked and asked for. */
static void signals_hold(sigset_t *held)
{
    sigemptyset(held);
    sigaddset(held, SIGINT);
    sigaddset(held, SIGTERM);
    sigaddset(held, SIGHUP);
    sigaddset(held, SIGCHLD);
    sigprocmask(SIG_BLOCK, held, NULL);
    signal(SIGPIPE, SIG_IGN);
}

enum happened { HAPPENED_NOTHING, HAPPENED_END, HAPPENED_DEATH };

static enum happened wait_for(const sigset_t *held, struct demo_processes *all, const struct timespec *time)
{
    int number = time ? sigtimedwait(held, NULL, time) : sigwaitinfo(held, NULL);
    if (number < 0)
        return HAPPENED_NOTHING;
    if (number != SIGCHLD)
        return HAPPENED_END;
    const struct demo_process *dead = demo_process_ended(all);
    if (!dead)
        return HAPPENED_NOTHING;
    fprintf(stderr, "selvage demo: %s has ended by itself\n", dead->name);
    demo_process_log_show(dead);
    return HAPPENED_DEATH;
}

static void late_tell(const struct demo_processes *all, const char *name)
{
    fprintf(stderr, "selvage demo: %s is not ready after %d s\n", name, READY_MS / 1000);
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->at[i].name, name) == 0)
            demo_process_log_show(&all->at[i]);
}

static enum happened ready_wait(const struct demo *demo, const sigset_t *held, struct demo_processes *all)
{
    static const struct timespec moment = {0, 20 * 1000 * 1000};
    uint64_t until_ms = clock_ms() + READY_MS;
    const char *missing;
    while ((missing = not_ready_yet(demo))) {
        enum happened happened = wait_for(held, all, &moment);
        if (happened != HAPPENED_NOTHING)
            return happened;
        if (clock_ms() > until_ms) {
            late_tell(all, missing);
            return HAPPENED_DEATH;
        }
    }
    return HAPPENED_NOTHING;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static void place_write(struct text *out, const char *name, const char *where, const char *what, bool color)
{
    text_format(out, "  %s%-8s%s %-28s %s%s%s\n", paint_begin(PAINT_BLUE, color), name, paint_end(color),
                where, paint_begin(PAINT_DIM, color), what, paint_end(color));
}

static void welcome_print(const struct demo *demo, uint64_t took_ms)
{
    bool color = paint_wanted(STDOUT_FILENO);
    long long offset = demo->offset;
    struct text out;
    text_init_arena(&out, demo->arena);
    text_format(&out, "%sSelvage demo%s: an edge, a gateway and a sidecar, ready after %.2f s\n\n",
                paint_begin(PAINT_BOLD, color), paint_end(color), (double)took_ms / 1000);
    place_write(&out, "edge", arena_format(demo->arena, "https://localhost:%lld", DEMO_EDGE + offset).at,
                "verifies tokens, makes groups of claims, signs for the mesh", color);
    place_write(&out, "gateway", arena_format(demo->arena, "127.0.0.1:%lld", DEMO_GATEWAY + offset).at,
                "mutual TLS only; verifies, routes, signs anew", color);
    place_write(
        &out, "sidecar",
        arena_format(demo->arena, "127.0.0.1:%lld-%lld", DEMO_ORDERS + offset, DEMO_REPORTS + offset).at,
        "before orders, payments and reports; decides who may", color);
    place_write(&out, "issuer", arena_format(demo->arena, "http://127.0.0.1:%lld", DEMO_ISSUER + offset).at,
                "FOR DEVELOPMENT ONLY: gives anybody a token of dev, accountant or agent", color);
    place_write(&out, "files", demo->directory, "rules, settings, logs: change a rule and try again", color);
    text_add_s(&out, "\nTry:\n\n");
    demo_requests_print(demo, color, &out);
    text_add_s(&out, "\nCtrl-C ends it and leaves nothing behind.\n");
    fwrite(out.at, 1, out.len, stdout);
    fflush(stdout);
}

/* ---- the command ------------------------------------------------------------------------------- */

struct wish {
    bool check;
    int64_t offset;
};

static const struct option options[] = {
    {"check", 0, OPTION_FLAG, offsetof(struct wish, check),
     .help = "run every request that would be printed, say how it went, and end"},
    {"port-offset", 0, OPTION_NUMBER, offsetof(struct wish, offset), "N",
     "added to every port, when some are taken (0)", .min = 0, .max = DEMO_OFFSET_MAX},
};

static const struct command_line line = {
    "demo",
    "",
    0,
    0,
    "Runs an edge, a gateway and a sidecar, each a node of its own, with three sample\n"
    "workloads and an issuer of tokens for development, and prints what to try.\n"
    "Everything listens at 127.0.0.1 and lies in one private directory.\n",
    options,
    sizeof options / sizeof options[0],
};

/* "selvage" when that is what a shell would find, else the whole path. */
static const char *program_name(struct arena *arena)
{
    char self[PATH_MAX], candidate[PATH_MAX], real[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return "selvage";
    self[len] = '\0';
    struct bytes rest = bytes_of(getenv("PATH")), directory;
    while (rest.len) {
        bytes_cut(&rest, ':', &directory);
        if (directory.len > PATH_MAX - 16)
            continue;
        snprintf(candidate, sizeof candidate, "%.*s/selvage", BYTES_FMT(directory));
        if (access(candidate, X_OK) == 0 && realpath(candidate, real))
            return strcmp(real, self) == 0 ? "selvage" : arena_text(arena, bytes_of(self));
    }
    return arena_text(arena, bytes_of(self));
}

static int demo_live(const struct demo *demo, const struct wish *wish, struct demo_processes *all,
                     uint64_t begun_ms)
{
    sigset_t held;
    struct fail why;
    signals_hold(&held);
    if (!all_start(demo, all, &why)) {
        fprintf(stderr, "selvage demo: %s\n", why.text);
        return 1;
    }
    enum happened happened = ready_wait(demo, &held, all);
    if (happened != HAPPENED_NOTHING)
        return happened == HAPPENED_DEATH;
    if (wish->check) {
        printf("ready after %.2f s\n", (double)(clock_ms() - begun_ms) / 1000);
        if (demo_requests_check(demo))
            return 0;
        for (size_t i = 0; i < all->count; i++)
            demo_process_log_show(&all->at[i]);
        return 1;
    }
    welcome_print(demo, clock_ms() - begun_ms);
    while (happened == HAPPENED_NOTHING)
        happened = wait_for(&held, all, NULL);
    return happened == HAPPENED_DEATH;
}

static int demo_run(const struct wish *wish, struct arena *arena)
{
    struct demo demo = {.offset = wish->offset, .arena = arena, .program = program_name(arena)};
    struct demo_processes all = {.count = 0};
    uint64_t begun_ms = clock_ms();
    struct fail why;
    int code = 1;
    bool prepared = demo_ports_free(demo.offset, &why) &&
                    (demo.directory = demo_directory_make(arena, &why)) && demo_files_write(&demo, &why);
    if (prepared)
        code = demo_live(&demo, wish, &all, begun_ms);
    else
        fprintf(stderr, "selvage demo: %s\n", why.text);
    demo_processes_stop(&all);
    if (demo.directory)
        demo_directory_remove(demo.directory);
    return code;
}

int demo_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct arena arena;
    int code;
    if (!options_read(&line, argc, argv, &wish, &operands, &code))
        return code;
    arena_init(&arena);
    code = demo_run(&wish, &arena);
    arena_done(&arena);
    return code;
}
