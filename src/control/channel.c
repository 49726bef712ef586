#include "control/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"

struct queued {
    struct link link;
    struct frame frame;
    int fd; /* own, or -1 */
};

union rights {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

void channel_init(struct channel *channel, int take)
{
    *channel = (struct channel){.fd = take};
    list_init(&channel->queue);
    int flags = fcntl(take, F_GETFL);
    if (flags >= 0)
        fcntl(take, F_SETFL, flags | O_NONBLOCK);
    fcntl(take, F_SETFD, FD_CLOEXEC);
}

static void queued_free(struct queued *queued)
{
    list_remove(&queued->link);
    if (queued->fd >= 0)
        close(queued->fd);
    free(queued);
}

void channel_done(struct channel *channel)
{
    if (!channel->queue.next)
        return;
    list_for_safe(item, after, &channel->queue) queued_free(container_of(item, struct queued, link));
    channel->queued = 0;
    if (channel->fd >= 0)
        close(channel->fd);
    channel->fd = -1;
}

static void rights_put(struct msghdr *message, union rights *rights, int fd)
{
    memset(rights, 0, sizeof *rights);
    message->msg_control = rights;
    message->msg_controllen = sizeof rights->room;
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
}

/* 1 sent, 0 not now, -1 never. */
static int frame_push(int to, const struct frame *frame, int fd)
{
    struct frame copy = *frame;
    struct iovec piece = {&copy, sizeof copy};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    union rights rights;
    if (fd >= 0)
        rights_put(&message, &rights, fd);
    for (;;) {
        if (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 1;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
            return 0;
        if (errno != EINTR)
            return -1;
    }
}

static bool frame_queue(struct channel *channel, const struct frame *frame, int fd)
{
    if (channel->queued >= CHANNEL_QUEUE_MAX) {
        channel->lost++;
        return false;
    }
    struct queued *queued = heap_new(struct queued);
    queued->frame = *frame;
    queued->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    list_push_back(&channel->queue, &queued->link);
    channel->queued++;
    return true;
}

bool channel_send(struct channel *channel, const struct frame *frame, int fd)
{
    if (channel->fd < 0)
        return false;
    int sent = list_empty(&channel->queue) ? frame_push(channel->fd, frame, fd) : 0;
    if (sent != 0)
        return sent > 0;
    return frame_queue(channel, frame, fd);
}

void channel_flush(struct channel *channel)
{
    if (channel->fd < 0)
        return;
    list_for_safe(item, after, &channel->queue)
    {
        struct queued *queued = container_of(item, struct queued, link);
        if (frame_push(channel->fd, &queued->frame, queued->fd) == 0)
            return;
        channel->queued--;
        queued_free(queued);
    }
}

bool channel_is_clogged(const struct channel *channel)
{
    return channel->fd >= 0 && !list_empty(&channel->queue);
}

static int rights_take(struct msghdr *message)
{
    int fd = -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head))
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
            head->cmsg_len == CMSG_LEN(sizeof fd))
            memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

enum channel_turn channel_receive(struct channel *channel, struct frame *frame, int *fd)
{
    for (;;) {
        struct iovec piece = {frame, sizeof *frame};
        union rights rights;
        struct msghdr message = {
            .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights.room};
        struct fail why;
        ssize_t n = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return CHANNEL_EMPTY;
        if (n <= 0)
            return CHANNEL_CLOSED;
        *fd = rights_take(&message);
        if (frame_check(frame, message.msg_flags & MSG_TRUNC ? 0 : (size_t)n, &why))
            return CHANNEL_FRAME;
        log_warning("%s; it is passed over", why.text);
        if (*fd >= 0)
            close(*fd);
    }
}
