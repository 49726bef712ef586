/*
 * upgrade_calls: where `selvage upgrade` asks for one: a unix socket in the state
 * directory, for the node's own user and root. There is nothing to say but "now":
 * which program and which settings is what the node was started with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "main/supervisor.h"

enum { WAITING_MAX = 4 };

bool upgrade_address(struct bytes state, int *directory, struct sockaddr_un *out)
{
    char path[1024];
    if (state.len >= sizeof path)
        return false;
    snprintf(path, sizeof path, "%.*s", BYTES_FMT(state));
    *directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/" UPGRADE_SOCKET, *directory);
    return *directory >= 0;
}

void upgrade_calls_open(struct supervisor *s)
{
    struct sockaddr_un address;
    int directory = -1;
    s->calls = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool fine = s->calls >= 0 && upgrade_address(s->settings->state, &directory, &address);
    if (fine)
        (void)unlinkat(directory, UPGRADE_SOCKET, 0); /* of a node that was killed */
    fine = fine && bind(s->calls, (struct sockaddr *)&address, sizeof address) == 0 &&
           fchmodat(directory, UPGRADE_SOCKET, 0600, 0) == 0 && listen(s->calls, WAITING_MAX) == 0;
    if (!fine) {
        log_warning("upgrades cannot be asked for: %s", strerror(errno));
        upgrade_calls_close(s);
    }
    if (directory >= 0)
        close(directory);
}

void upgrade_calls_close(struct supervisor *s)
{
    if (s->calls >= 0)
        close(s->calls);
    s->calls = -1;
}

void upgrade_answer(struct supervisor *s, pid_t pid, const char *why)
{
    struct frame frame = {.type = FRAME_UPGRADED, .number = (uint64_t)pid};
    frame_text_set(&frame, bytes_of(why));
    channel_send(&s->caller, &frame, -1);
    channel_done(&s->caller);
    s->called = false;
}

static bool is_allowed(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (who.uid == 0 || who.uid == geteuid());
}

/* Somebody who says nothing makes way for whoever comes next. */
void upgrade_call(struct supervisor *s)
{
    int fd = accept4(s->calls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!is_allowed(fd) || s->called) {
        close(fd);
        return;
    }
    channel_done(&s->caller);
    channel_init(&s->caller, fd);
}

void upgrade_frames(struct supervisor *s)
{
    struct frame frame;
    int fd = -1;
    channel_flush(&s->caller);
    while (s->caller.fd >= 0) {
        enum channel_turn turn = channel_receive(&s->caller, &frame, &fd);
        if (turn == CHANNEL_CLOSED)
            channel_done(&s->caller); /* what it asked for goes on */
        if (turn != CHANNEL_FRAME)
            return;
        if (fd >= 0)
            close(fd);
        if (frame.type != FRAME_UPGRADE || s->called)
            continue;
        s->called = true;
        if (s->stage == STAGE_SERVES && !s->stop_ms && !s->successor.pid)
            successor_start(s);
        else
            upgrade_answer(s, 0, "the node is being stopped or replaced already");
    }
}
