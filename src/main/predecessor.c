/*
 * predecessor: how a supervisor that was started for an upgrade comes by its
 * sockets, and when it serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "main/supervisor.h"

enum { HAND_MS = 10 * 1000 };

/* ---- what is handed over ------------------------------------------------------------------ */

/* Takes the descriptor. */
static bool piece_take(struct supervisor *s, const struct frame *frame, int fd, struct fail *why)
{
    switch (frame->type) {
    case FRAME_HAND_BEGIN:
        if (frame->number == HAND_VERSION)
            return true;
        return fail(why, FAIL_INPUT,
                    "the running node hands over in version %llu, which this one does not know",
                    (unsigned long long)frame->number);
    case FRAME_HAND_SOCKET:
        if (fd >= 0)
            sockets_inherit(s, frame, fd);
        return true;
    case FRAME_HAND_CALLS:
        s->calls = fd;
        return true;
    case FRAME_HAND_KEEPER:
        if (fd >= 0)
            channel_init(&s->keeper, fd);
        return true;
    default:
        if (fd >= 0)
            close(fd);
        return true;
    }
}

bool predecessor_receive(struct supervisor *s, struct fail *why)
{
    uint64_t until_ms = clock_ms() + HAND_MS;
    struct frame frame = {0};
    int fd = -1;
    channel_init(&s->predecessor, CHILD_CHANNEL_FD);
    while (frame.type != FRAME_HAND_END) {
        struct pollfd wait = {s->predecessor.fd, POLLIN, 0};
        uint64_t now_ms = clock_ms();
        if (now_ms >= until_ms)
            return fail(why, FAIL_LATE, "the running node did not hand over in time");
        if (poll(&wait, 1, (int)(until_ms - now_ms)) < 0 && errno != EINTR)
            return fail_errno(why, FAIL_SELF, "the running node cannot be heard");
        enum channel_turn turn = channel_receive(&s->predecessor, &frame, &fd);
        if (turn == CHANNEL_CLOSED)
            return fail(why, FAIL_PEER, "the running node ended while it handed over");
        if (turn == CHANNEL_FRAME && !piece_take(s, &frame, fd, why))
            return false;
    }
    return true;
}

/* ---- serving -------------------------------------------------------------------------------- */

void predecessor_tell_ready(struct supervisor *s, bool refuses)
{
    const struct frame frame = {.type = FRAME_HAND_READY};
    if (!refuses) {
        channel_send(&s->predecessor, &frame, -1);
        return;
    }
    log_error("this version finds no valid rules and would refuse every request: it does not take over");
    s->status = EX_CONFIG;
    s->stop_ms = clock_ms();
}

static void keeper_tell(struct supervisor *s)
{
    const struct frame frame = {.type = FRAME_HAND_TAKEN, .number = (uint64_t)getpid()};
    channel_send(&s->keeper, &frame, -1);
}

static void take(struct supervisor *s, const struct frame *frame)
{
    s->stage = STAGE_SERVES;
    if (frame->number == 1)
        channel_init(&s->keeper, fcntl(s->predecessor.fd, F_DUPFD_CLOEXEC, 3));
    channel_done(&s->predecessor);
    keeper_tell(s);
    sockets_take(s);
    log_info("this process serves now");
    if (s->state[0])
        notify(s->state);
}

void predecessor_frames(struct supervisor *s)
{
    struct frame frame;
    int fd = -1;
    channel_flush(&s->predecessor);
    while (s->predecessor.fd >= 0) {
        enum channel_turn turn = channel_receive(&s->predecessor, &frame, &fd);
        if (turn == CHANNEL_EMPTY)
            return;
        if (turn == CHANNEL_CLOSED) { /* it ended, or gave us up */
            channel_done(&s->predecessor);
            s->status = EX_TEMPFAIL;
            s->stop_ms = clock_ms();
            return;
        }
        if (fd >= 0)
            close(fd);
        if (frame.type == FRAME_HAND_TAKE)
            take(s, &frame);
    }
}

/* It says nothing. When it is killed, so is the node, as it would be without an upgrade. */
void keeper_frames(struct supervisor *s)
{
    struct frame frame;
    enum channel_turn turn;
    int fd = -1;
    channel_flush(&s->keeper);
    while ((turn = channel_receive(&s->keeper, &frame, &fd)) == CHANNEL_FRAME)
        if (fd >= 0)
            close(fd);
    if (turn == CHANNEL_CLOSED) {
        log_error("the node's first process is gone");
        channel_done(&s->keeper);
        s->stop_ms = clock_ms();
    }
}
