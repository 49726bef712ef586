/*
 * successor: how this node is replaced by the program that lies where ours lay.
 *
 * Until the successor says that it is ready, nothing here has changed: it holds
 * duplicates of our sockets and accepts on none. From then on nothing can go back.
 *
 * Without systemd somebody may wait for our process, so the first of a node stays
 * behind as the keeper: it passes signals on and ends as the last one ends. Those
 * between them tell it who they are and go.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "main/supervisor.h"

/* ---- it does not work out ------------------------------------------------------------- */

static void hold(struct supervisor *s, bool on)
{
    const struct frame frame = {.type = FRAME_HOLD, .number = on};
    channel_send(&s->control.channel, &frame, -1);
}

static void failed(struct supervisor *s, const char *why)
{
    log_error("there is no upgrade: %s; the node goes on as it is", why);
    channel_done(&s->successor.channel);
    s->successor.pid = 0;
    hold(s, false);
    upgrade_answer(s, 0, why);
}

void successor_give_up(struct supervisor *s, const char *why)
{
    if (s->stage != STAGE_SERVES || !s->successor.pid)
        return;
    kill(s->successor.pid, SIGKILL); /* and with it go its own */
    failed(s, why);
}

int successor_due(struct supervisor *s)
{
    char why[100];
    uint64_t now_ms = clock_ms();
    if (s->stage != STAGE_SERVES || !s->successor.pid)
        return -1;
    if (now_ms < s->successor_until_ms)
        return (int)(s->successor_until_ms - now_ms);
    snprintf(why, sizeof why, "the new program was not ready within %lld ms",
             (long long)s->settings->upgrade_timeout_ms);
    successor_give_up(s, why);
    return -1;
}

/* ---- its beginning ---------------------------------------------------------------------- */

/* Started as we were; it reads the settings anew. */
static bool successor_fork(struct supervisor *s)
{
    char file[4096], config[] = "-c", run[] = "run", flag[] = "--successor", name[] = "selvage";
    char *const arguments[] = {name, run, config, file, flag, NULL};
    const struct start start = {.path = s->program_path,
                                .extra = -1,
                                .commons = -1,
                                .arguments = arguments,
                                .environment = environ,
                                .successor = true};
    snprintf(file, sizeof file, "%s", s->file);
    return child_fork(&s->successor, &start);
}

static void hand_over(struct supervisor *s)
{
    struct channel *to = &s->successor.channel;
    const struct frame begin = {.type = FRAME_HAND_BEGIN, .number = HAND_VERSION};
    const struct frame calls = {.type = FRAME_HAND_CALLS}, keeper = {.type = FRAME_HAND_KEEPER};
    const struct frame end = {.type = FRAME_HAND_END};
    channel_send(to, &begin, -1);
    sockets_bequeath(s, to);
    if (s->calls >= 0)
        channel_send(to, &calls, s->calls);
    if (s->keeper.fd >= 0)
        channel_send(to, &keeper, s->keeper.fd);
    channel_send(to, &end, -1);
}

void successor_start(struct supervisor *s)
{
    char why[sizeof s->program_path + 100];
    if (access(s->program_path, X_OK) < 0 || !successor_fork(s)) {
        snprintf(why, sizeof why, "%s cannot be started: %s", s->program_path, strerror(errno));
        failed(s, why);
    } else {
        log_info("upgrade: process %d gets ready from %s", (int)s->successor.pid, s->program_path);
        s->successor_until_ms = clock_ms() + (uint64_t)s->settings->upgrade_timeout_ms;
        hold(s, true);
        hand_over(s);
    }
}

/* ---- it serves --------------------------------------------------------------------------- */

static void main_pid_tell(pid_t pid)
{
    char state[40];
    snprintf(state, sizeof state, "MAINPID=%d", (int)pid);
    notify(state);
}

static void succeed(struct supervisor *s)
{
    bool keeps = !getenv("NOTIFY_SOCKET") && s->keeper.fd < 0;
    const struct frame take = {.type = FRAME_HAND_TAKE, .number = keeps};
    main_pid_tell(s->successor.pid); /* from then on systemd listens to it */
    if (!channel_send(&s->successor.channel, &take, -1)) {
        main_pid_tell(getpid());
        successor_give_up(s, "the new program left when it was ready");
        return;
    }
    s->stage = STAGE_SUCCEEDED;
    s->keeps = keeps && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
    log_info("process %d serves now; what is under way here may end", (int)s->successor.pid);
    upgrade_answer(s, s->successor.pid, "");
    upgrade_calls_close(s);
    channel_done(&s->keeper);
    supervisor_drain(s);
}

void successor_frames(struct supervisor *s)
{
    struct channel *channel = &s->successor.channel;
    struct frame frame;
    int fd = -1;
    channel_flush(channel);
    while (channel->fd >= 0) {
        enum channel_turn turn = channel_receive(channel, &frame, &fd);
        if (turn == CHANNEL_CLOSED)
            channel_done(channel); /* its end will be told */
        if (turn != CHANNEL_FRAME)
            return;
        if (fd >= 0)
            close(fd);
        if (frame.type == FRAME_HAND_READY && s->stage == STAGE_SERVES)
            succeed(s);
        else if (frame.type == FRAME_HAND_TAKEN && s->keeps && frame.number > 1)
            s->successor.pid = (pid_t)frame.number;
    }
}

/* ---- its end ------------------------------------------------------------------------------- */

static void ended_early(struct supervisor *s, int status)
{
    char why[sizeof s->program_path + 100];
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_EXECUTED)
        snprintf(why, sizeof why, "%s cannot be executed", s->program_path);
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the new program was ended by signal %d before it was ready",
                 WTERMSIG(status));
    else
        snprintf(why, sizeof why, "the new program ended with status %d before it was ready",
                 WEXITSTATUS(status));
    failed(s, why);
}

/* A successor of our successor is not our child until that one has gone. */
static bool is_gone(const struct supervisor *s)
{
    return s->keeps && s->successor.pid && kill(s->successor.pid, 0) < 0 && errno == ESRCH;
}

bool successor_ended(struct supervisor *s, pid_t pid, int status)
{
    bool is_it = s->successor.pid && pid == s->successor.pid;
    if (s->stage == STAGE_SERVES && is_it) {
        ended_early(s, status);
        return true;
    }
    if (s->stage != STAGE_SUCCEEDED || !(is_it || is_gone(s)))
        return false;
    s->successor.pid = 0;
    s->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    s->stop_ms = clock_ms(); /* the node has ended */
    return is_it;
}
