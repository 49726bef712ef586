/*
 * children: starting control and the workers by executing this program anew, and
 * starting them again when they end, with back-off when they end at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "main/supervisor.h"

enum {
    STEADY_MS = 1000, /* who lived that long is started again at once */
    PAUSE_FIRST_MS = 50,
    PAUSE_MAX_MS = 5000,
};

int memory_sealed(const char *name, struct bytes content)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && write(fd, content.at, content.len) == (ssize_t)content.len &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Zeroed memory for processes to write to, of a size that stays. */
static int memory_shared(const char *name, off_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, size) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool commons_make(struct supervisor *s)
{
    s->commons_fd = memory_shared("selvage-commons", sizeof *s->commons);
    if (s->commons_fd < 0)
        return false;
    void *memory = mmap(NULL, sizeof *s->commons, PROT_READ | PROT_WRITE, MAP_SHARED, s->commons_fd, 0);
    if (memory == MAP_FAILED)
        return false;
    s->commons = memory;
    s->commons->workers = s->workers;
    return true;
}

bool children_prepare(struct supervisor *s, struct fail *why)
{
    s->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (s->program < 0 || readlink("/proc/self/exe", s->program_path, sizeof s->program_path - 1) < 0)
        return fail_errno(why, FAIL_SELF, "this very program cannot be opened (is /proc mounted?)");
    s->text = memory_sealed("selvage-settings", s->text_bytes);
    if (s->text < 0)
        return fail_errno(why, FAIL_SELF, "memory for the settings cannot be had");
    if (!commons_make(s))
        return fail_errno(why, FAIL_SELF, "memory for the workers to share cannot be had");
    for (uint32_t i = 0; i < s->workers; i++) {
        s->worker[i].channel.fd = -1;
        s->worker[i].ring = memory_shared("selvage-records", RING_BYTES + RING_HEAD);
        if (s->worker[i].ring < 0)
            return fail_errno(why, FAIL_SELF, "memory for a worker's records cannot be had");
    }
    s->control.channel.fd = s->successor.channel.fd = -1;
    return true;
}

/* ---- in the child: between fork and exec ---------------------------------------------- */

/* What children may know of the environment: where credentials, state and trusted roots lie, and the
 * sanitizers' wishes. */
static const char *const kept[] = {
    "PATH",          "TZ",           "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY",
    "SSL_CERT_FILE", "ASAN_OPTIONS", "UBSAN_OPTIONS",         "TSAN_OPTIONS"};
enum { KEPT_COUNT = sizeof kept / sizeof kept[0], KEPT_SIZE = 512 };

static char *const *environment_make(void)
{
    static char texts[KEPT_COUNT][KEPT_SIZE];
    static char *environment[KEPT_COUNT + 1];
    int count = 0;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const char *value = getenv(kept[i]);
        if (value && snprintf(texts[i], KEPT_SIZE, "%s=%s", kept[i], value) < KEPT_SIZE)
            environment[count++] = texts[i];
    }
    environment[count] = NULL;
    return environment;
}

/* What we hold of capabilities survives an exec by a user who is not root only when it is ambient. */
static void capabilities_pass(void)
{
    const cap_value_t bind_low = CAP_NET_BIND_SERVICE;
    cap_t now = cap_get_proc();
    if (now && cap_set_flag(now, CAP_INHERITABLE, 1, &bind_low, CAP_SET) == 0 && cap_set_proc(now) == 0)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
    cap_free(now);
}

static void child_become(const struct start *start, int channel)
{
    sigset_t none;
    int last = start->successor ? CHILD_CHANNEL_FD : CHILD_COMMONS_FD;
    /* Up and away from the numbers they will have, then there; dup2 clears close-on-exec. */
    int high_channel = fcntl(channel, F_DUPFD, 100), high_extra = fcntl(start->extra, F_DUPFD, 100);
    int high_commons = fcntl(start->commons, F_DUPFD, 100);
    int program = start->path ? INT_MAX : fcntl(start->program, F_DUPFD, 100);
    if (high_channel < 0 || program < 0 || dup2(high_channel, CHILD_CHANNEL_FD) < 0 ||
        (!start->successor &&
         (dup2(high_extra, CHILD_SETTINGS_FD) < 0 || dup2(high_commons, CHILD_COMMONS_FD) < 0)))
        _exit(CHILD_NOT_EXECUTED);
    close(high_channel);
    close(high_extra);
    close(high_commons);
    if (!start->path)
        fcntl(program, F_SETFD, FD_CLOEXEC);
    syscall(SYS_close_range, last + 1, program - 1, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (start->successor) {
        setpgid(0, 0); /* a terminal's Ctrl-C comes through us */
        capabilities_pass();
    } else {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if (start->path)
        execve(start->path, start->arguments, start->environment);
    else
        syscall(SYS_execveat, program, "", start->arguments, start->environment, AT_EMPTY_PATH);
    _exit(CHILD_NOT_EXECUTED);
}

bool child_fork(struct child *child, const struct start *start)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        child_become(start, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return false;
    }
    channel_init(&child->channel, ends[0]);
    child->pid = pid;
    child->started_ms = clock_ms();
    child->again_ms = 0;
    return true;
}

static void start_failed(struct child *child)
{
    log_error("a process could not be started: %s", strerror(errno));
    child->again_ms = clock_ms() + PAUSE_MAX_MS;
}

/* A channel of their own between control and one worker. */
static void introduce(struct supervisor *s, uint32_t index)
{
    struct child *worker = &s->worker[index];
    struct frame to_control = {
        .type = FRAME_WORKER, .index = index, .id = worker->met, .number = (uint64_t)worker->pid};
    struct frame to_worker = {.type = FRAME_CONTROL, .index = index};
    int ends[2];
    if (!worker->pid || !s->control.pid || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    channel_send(&s->control.channel, &to_control, ends[0]);
    channel_send(&worker->channel, &to_worker, ends[1]);
    worker->met = true;
    close(ends[0]);
    close(ends[1]);
}

void child_control_start(struct supervisor *s)
{
    char file[512];
    snprintf(file, sizeof file, "%s", s->file);
    char *const arguments[] = {"selvage", CONTROL_COMMAND, file, NULL};
    const struct start start = {.program = s->program,
                                .extra = s->text,
                                .commons = s->commons_fd,
                                .arguments = arguments,
                                .environment = environment_make()};
    const struct frame hold = {.type = FRAME_HOLD, .number = 1};
    if (!child_fork(&s->control, &start)) {
        start_failed(&s->control);
        return;
    }
    sockets_orphan(s);
    for (uint32_t i = 0; i < s->workers; i++) {
        struct frame ring = {.type = FRAME_RING, .index = i};
        channel_send(&s->control.channel, &ring, s->worker[i].ring);
        introduce(s, i);
    }
    if (s->successor.pid)
        channel_send(&s->control.channel, &hold, -1);
}

void child_worker_start(struct supervisor *s, uint32_t index)
{
    char number[16], node[64];
    snprintf(number, sizeof number, "%u", index);
    snprintf(node, sizeof node, "%.*s", BYTES_FMT(bytes_part(s->settings->node, 0, 60)));
    char *const arguments[] = {"selvage", WORKER_COMMAND, number, node, NULL};
    const struct start start = {.program = s->program,
                                .extra = s->worker[index].ring,
                                .commons = s->commons_fd,
                                .arguments = arguments,
                                .environment = environment_make()};
    if (!child_fork(&s->worker[index], &start)) {
        start_failed(&s->worker[index]);
        return;
    }
    s->worker[index].met = false;
    sockets_hand_over(s, index);
    introduce(s, index);
}

/* ---- ends --------------------------------------------------------------------------------- */

static void end_told(const char *what, pid_t pid, int status)
{
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (name)
        log_warning("%s (pid %d) was ended by signal %d (SIG%s)", what, (int)pid, WTERMSIG(status), name);
    else if (WIFSIGNALED(status))
        log_warning("%s (pid %d) was ended by signal %d", what, (int)pid, WTERMSIG(status));
    else
        log_warning("%s (pid %d) ended with status %d", what, (int)pid, WEXITSTATUS(status));
}

static void come_back(struct child *child)
{
    uint64_t now_ms = clock_ms();
    if (now_ms - child->started_ms >= STEADY_MS)
        child->pause_ms = 0;
    else if (!child->pause_ms)
        child->pause_ms = PAUSE_FIRST_MS;
    else if (child->pause_ms < PAUSE_MAX_MS)
        child->pause_ms = child->pause_ms * 2 < PAUSE_MAX_MS ? child->pause_ms * 2 : PAUSE_MAX_MS;
    child->again_ms = now_ms + child->pause_ms;
    if (!child->again_ms)
        child->again_ms = 1;
}

void child_ended(struct supervisor *s, pid_t pid, int status)
{
    struct child *child = pid == s->control.pid ? &s->control : NULL;
    uint32_t index = 0;
    for (uint32_t i = 0; i < s->workers && !child; i++)
        if (s->worker[i].pid == pid) {
            child = &s->worker[i];
            index = i;
        }
    if (!child)
        return;
    child->pid = 0;
    channel_done(&child->channel);
    if (s->stop_ms)
        return;
    end_told(child == &s->control ? "control" : "a worker", pid, status);
    come_back(child);
    if (child != &s->control) {
        counts_forget(&s->commons->counts, index);
        struct frame gone = {.type = FRAME_WORKER_GONE, .index = index, .number = (uint64_t)(unsigned)status};
        channel_send(&s->control.channel, &gone, -1);
    }
}

static bool child_is_due(const struct child *child, uint64_t now_ms, int *wait_ms)
{
    if (child->pid || !child->again_ms)
        return false;
    if (child->again_ms <= now_ms)
        return true;
    int left = (int)(child->again_ms - now_ms);
    if (*wait_ms < 0 || left < *wait_ms)
        *wait_ms = left;
    return false;
}

int children_due(struct supervisor *s)
{
    uint64_t now_ms = clock_ms();
    int wait_ms = -1;
    if (s->stop_ms)
        return -1;
    if (child_is_due(&s->control, now_ms, &wait_ms))
        child_control_start(s);
    for (uint32_t i = 0; i < s->workers; i++)
        if (child_is_due(&s->worker[i], now_ms, &wait_ms))
            child_worker_start(s, i);
    return wait_ms;
}

bool children_gone(const struct supervisor *s)
{
    for (uint32_t i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            return false;
    return true;
}
