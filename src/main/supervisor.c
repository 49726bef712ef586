/*
 * supervisor: binds ports when control says so and keeps every listening socket
 * for as long as it lives, starts and restarts the others, passes signals on.
 *
 * It parses nothing that came over a network: what it reads are frames of fixed
 * size, and its settings.
 */
#include "main/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "main/privileges.h"

enum { KILL_AFTER_MS = 2000 };

/* ---- frames ---------------------------------------------------------------------------- */

static void on_ready(struct supervisor *s, const struct frame *frame)
{
    if (!s->ready_told)
        log_info("ready");
    s->ready_told = true;
    sockets_drop_orphans(s);
    if (s->stage == STAGE_PREPARES)
        predecessor_tell_ready(s, frame->id == 1);
    else if (s->stage == STAGE_SERVES)
        notify("READY=1");
}

static void control_frame(struct supervisor *s, const struct frame *frame)
{
    switch (frame->type) {
    case FRAME_BIND:
    case FRAME_BIND_OWN:
        sockets_bind(s, frame);
        return;
    case FRAME_UNBIND:
        sockets_unbind(s, frame->id);
        return;
    case FRAME_PATH:
        sockets_path(s, frame);
        return;
    case FRAME_READY:
        on_ready(s, frame);
        return;
    case FRAME_STATUS:
        snprintf(s->state, sizeof s->state, "STATUS=%.*s", BYTES_FMT(frame_text(frame)));
        if (s->stage == STAGE_SERVES)
            notify(s->state);
        return;
    default:
        return;
    }
}

static void child_frames(struct supervisor *s, struct child *child)
{
    struct frame frame;
    int fd = -1;
    channel_flush(&child->channel);
    while (child->channel.fd >= 0 && channel_receive(&child->channel, &frame, &fd) == CHANNEL_FRAME) {
        if (child == &s->control)
            control_frame(s, &frame);
        else if (frame.type == FRAME_CONNECT)
            sockets_connect(s, child, &frame);
        if (fd >= 0)
            close(fd);
    }
}

/* ---- signals ------------------------------------------------------------------------------ */

void supervisor_drain(struct supervisor *s)
{
    struct frame drain = {.type = FRAME_DRAIN,
                          .number = (uint64_t)s->settings->drain_timeout_ms,
                          .id = (uint64_t)s->settings->drain_spread_ms};
    struct frame succeeded = {.type = FRAME_SUCCEEDED};
    s->stop_ms = clock_ms() + (uint64_t)s->settings->drain_timeout_ms + KILL_AFTER_MS;
    for (uint32_t i = 0; i < s->workers; i++)
        channel_send(&s->worker[i].channel, &drain, -1);
    channel_send(&s->control.channel, s->stage == STAGE_SUCCEEDED ? &succeeded : &drain, -1);
    sockets_close(s);
}

static void stop_begin(struct supervisor *s)
{
    if (s->stop_ms) { /* asked twice: at once */
        s->stop_ms = clock_ms();
        return;
    }
    log_info("stopping");
    if (s->stage == STAGE_SERVES)
        notify("STOPPING=1");
    successor_give_up(s, "the node is told to stop");
    supervisor_drain(s);
}

/* The file as it is now; false when it is as it was, or wrong (then a line says so). */
static bool settings_changed(struct supervisor *s, struct bytes *text, struct arena *arena)
{
    struct findings findings;
    struct settings settings;
    FILE *file = fopen(s->file, "re");
    char *room = arena_raw(arena, SETTINGS_BYTES_MAX + 1);
    *text = bytes_make(room, file ? fread(room, 1, SETTINGS_BYTES_MAX + 1, file) : 0);
    if (!file) {
        log_error("%s cannot be read any more: %s; the node goes on as it is", s->file, strerror(errno));
        return false;
    }
    fclose(file);
    findings_init(&findings, arena);
    if (bytes_equal(*text, s->text_bytes))
        return false;
    if (settings_read(*text, s->file, &findings, &settings))
        return true;
    struct text line;
    text_init_arena(&line, arena);
    finding_write(&findings.at[0], &line);
    log_error("%.*s; the node goes on as it is", BYTES_FMT(text_bytes(&line)));
    return false;
}

/* What a control process that is started from now on reads. Takes the arena, in which the text lies. */
static void settings_replace(struct supervisor *s, struct bytes text, struct arena *arena)
{
    static struct arena in_force; /* what was there before goes when the next comes */
    int memory = memory_sealed("selvage-settings", text);
    if (memory < 0) {
        log_error("memory for the settings cannot be had: %s", strerror(errno));
        arena_done(arena);
        return;
    }
    close(s->text);
    s->text = memory;
    s->text_bytes = text;
    arena_done(&in_force);
    in_force = *arena;
    log_info("%s has changed: control is replaced (workers, state and user stay until a restart)", s->file);
    if (s->control.pid) /* it may be waiting for its next start */
        kill(s->control.pid, SIGTERM);
}

/* Control may be replaced at any time, so that is how new settings come into force. */
static void reload(struct supervisor *s)
{
    struct arena arena;
    struct frame frame = {.type = FRAME_RELOAD};
    char state[64];
    struct bytes text;
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_us());
    notify(state);
    arena_init(&arena);
    if (settings_changed(s, &text, &arena)) {
        settings_replace(s, text, &arena);
    } else {
        arena_done(&arena);
        channel_send(&s->control.channel, &frame, -1);
    }
    notify("READY=1");
}

static void reap(struct supervisor *s)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (!successor_ended(s, pid, status))
            child_ended(s, pid, status);
}

/* Whoever serves now is meant; what is under way here ends in its own time. */
static void signal_pass_on(struct supervisor *s, int number)
{
    if (s->successor.pid)
        kill(s->successor.pid, number);
    if (number == SIGUSR1 && s->control.pid)
        kill(s->control.pid, number);
}

static void signals_read(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (s->stage == STAGE_SUCCEEDED && info.ssi_signo != SIGCHLD) {
            signal_pass_on(s, (int)info.ssi_signo);
            continue;
        }
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(s);
            break;
        case SIGHUP:
            reload(s);
            break;
        case SIGUSR1:
            if (s->control.pid)
                kill(s->control.pid, SIGUSR1);
            break;
        default:
            stop_begin(s);
            break;
        }
    }
}

static bool signals_watch(struct supervisor *s, struct fail *why)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return fail_errno(why, FAIL_SELF, "signals cannot be blocked");
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return s->signals >= 0 || fail_errno(why, FAIL_SELF, "signals cannot be watched");
}

/* ---- the loop --------------------------------------------------------------------------------- */

enum { FD_SIGNALS, FD_CONTROL, FD_PREDECESSOR, FD_KEEPER, FD_SUCCESSOR, FD_CALLS, FD_CALLER, FD_WORKERS };

static struct pollfd poll_of(const struct channel *channel)
{
    bool clogged = channel_is_clogged(channel);
    return (struct pollfd){channel->fd, (short)(POLLIN | (clogged ? POLLOUT : 0)), 0};
}

static void fds_fill(const struct supervisor *s, struct pollfd *fds)
{
    fds[FD_SIGNALS] = (struct pollfd){s->signals, POLLIN, 0};
    fds[FD_CONTROL] = poll_of(&s->control.channel);
    fds[FD_PREDECESSOR] = poll_of(&s->predecessor);
    fds[FD_KEEPER] = poll_of(&s->keeper);
    fds[FD_SUCCESSOR] = poll_of(&s->successor.channel);
    fds[FD_CALLS] = (struct pollfd){s->stage == STAGE_SERVES ? s->calls : -1, POLLIN, 0};
    fds[FD_CALLER] = poll_of(&s->caller);
    for (uint32_t i = 0; i < s->workers; i++)
        fds[FD_WORKERS + i] = poll_of(&s->worker[i].channel);
}

static void turn(struct supervisor *s, int wait_ms)
{
    static void (*const upgrade[])(struct supervisor *) = {
        [FD_PREDECESSOR] = predecessor_frames, [FD_KEEPER] = keeper_frames, [FD_SUCCESSOR] = successor_frames,
        [FD_CALLER] = upgrade_frames,          [FD_CALLS] = upgrade_call,
    };
    struct pollfd fds[FD_WORKERS + FRAME_WORKERS_MAX];
    fds_fill(s, fds);
    if (poll(fds, FD_WORKERS + s->workers, wait_ms) < 0 && errno != EINTR)
        return;
    for (uint32_t i = 0; i < s->workers; i++)
        if (fds[FD_WORKERS + i].revents)
            child_frames(s, &s->worker[i]);
    if (fds[FD_CONTROL].revents)
        child_frames(s, &s->control);
    for (int i = FD_PREDECESSOR; i < FD_WORKERS; i++)
        if (fds[i].revents)
            upgrade[i](s);
    if (fds[FD_SIGNALS].revents)
        signals_read(s);
}

/* Does what is due; answers how long nothing else is. */
static int due(struct supervisor *s)
{
    int children = children_due(s), successor = successor_due(s);
    return children < 0 || (successor >= 0 && successor < children) ? successor : children;
}

static void end_control(struct supervisor *s)
{
    uint64_t until_ms = clock_ms() + KILL_AFTER_MS;
    if (s->control.pid)
        kill(s->control.pid, SIGTERM);
    while (s->control.pid && clock_ms() < until_ms)
        turn(s, 50);
    if (s->control.pid)
        kill(s->control.pid, SIGKILL);
}

static void serve(struct supervisor *s)
{
    while (!s->stop_ms)
        turn(s, due(s));
    while (!children_gone(s) && clock_ms() < s->stop_ms)
        turn(s, 50);
    for (uint32_t i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            kill(s->worker[i].pid, SIGKILL);
    end_control(s);
    while (s->keeps && s->successor.pid)
        turn(s, -1);
}

static bool prepare(struct supervisor *s, struct fail *why)
{
    struct user user;
    return user_find(s->settings->user, &user, why) && state_make(s->settings->state, &user, why) &&
           children_prepare(s, why) && privileges_drop(&user, why) && signals_watch(s, why) &&
           (s->stage == STAGE_SERVES || predecessor_receive(s, why));
}

int supervisor_run(const struct settings *settings, const char *file, struct bytes text, bool successor)
{
    static struct supervisor supervisor;
    struct supervisor *s = &supervisor;
    char node[64];
    struct fail why;
    s->stage = successor ? STAGE_PREPARES : STAGE_SERVES;
    s->predecessor.fd = s->keeper.fd = s->caller.fd = s->calls = -1;
    s->settings = settings;
    s->file = file;
    s->text_bytes = text;
    s->workers = (uint32_t)(settings->workers > FRAME_WORKERS_MAX ? FRAME_WORKERS_MAX : settings->workers);
    list_init(&s->bounds);
    list_init(&s->paths);
    snprintf(node, sizeof node, "%.*s", BYTES_FMT(bytes_part(settings->node, 0, 60)));
    log_init("supervisor", node);
    log_level_set((enum log_level)settings->log_level);
    if (!prepare(s, &why)) {
        log_error("%s", why.text);
        return EX_OSERR;
    }
    if (!successor)
        upgrade_calls_open(s);
    for (uint32_t i = 0; i < s->workers; i++)
        child_worker_start(s, i);
    child_control_start(s);
    serve(s);
    log_info("stopped");
    return s->status;
}
