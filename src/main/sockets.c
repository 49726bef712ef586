/*
 * sockets: what the supervisor holds for the others: listening sockets that outlive
 * them, one each worker and address, and those that control accepts on; and
 * connections to workloads' unix sockets, which workers may not make themselves.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "loop/io.h"
#include "main/supervisor.h"

enum {
    BACKLOG = 4096,
    PATH_AGE_MAX = 2,
    CLIENT_SILENCE_S = 120,
};

/* ---- listening -------------------------------------------------------------------- */

static bool address_make(const struct frame *frame, struct sockaddr_storage *out, socklen_t *len)
{
    char text[INET6_ADDRSTRLEN + 1];
    struct bytes ip = frame_text(frame);
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;
    memset(out, 0, sizeof *out);
    if (ip.len >= sizeof text || frame->number == 0 || frame->number > 65535)
        return false;
    memcpy(text, ip.at, ip.len);
    text[ip.len] = '\0';
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)frame->number);
        *len = sizeof *four;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)frame->number);
    *len = sizeof *six;
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}

/* The socket, or -errno. */
static int listen_on(const struct sockaddr_storage *address, socklen_t len, bool shared)
{
    int on = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    bool fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
                bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0;
    if (fine) {
        io_real_ask_silent(fd, CLIENT_SILENCE_S);
        return fd;
    }
    int error = errno;
    close(fd);
    return -error;
}

static bool is_bound_to(const struct bound *bound, const struct sockaddr_storage *address, socklen_t len)
{
    struct sockaddr_storage own;
    socklen_t own_len = sizeof own;
    memset(&own, 0, sizeof own);
    return bound->count && getsockname(bound->fds[0], (struct sockaddr *)&own, &own_len) == 0 &&
           own_len == len && memcmp(&own, address, len) == 0;
}

/* Control's are known by address, as those of before an upgrade: another version may count ids otherwise. */
static struct bound *bound_find(struct supervisor *s, const struct frame *frame,
                                const struct sockaddr_storage *address, socklen_t len)
{
    bool own = frame->type == FRAME_BIND_OWN;
    list_for(link, &s->bounds)
    {
        struct bound *bound = container_of(link, struct bound, link);
        bool same = own || bound->inherited ? is_bound_to(bound, address, len) : bound->id == frame->id;
        if (bound->own == own && same)
            return bound;
    }
    return NULL;
}

static void bound_close(struct bound *bound)
{
    for (uint32_t i = 0; i < bound->count; i++)
        if (bound->fds[i] >= 0)
            close(bound->fds[i]);
    list_remove(&bound->link);
    free(bound);
}

static struct bound *bound_new(struct supervisor *s)
{
    struct bound *bound = heap_new(struct bound);
    for (uint32_t i = 0; i < FRAME_WORKERS_MAX; i++)
        bound->fds[i] = -1;
    list_push_back(&s->bounds, &bound->link);
    return bound;
}

/* After an upgrade to fewer workers some have more than one socket, or nobody would accept on the rest. */
static void hand_over(struct supervisor *s, const struct bound *bound, uint32_t index)
{
    if (s->stage != STAGE_SERVES || bound->own || bound->inherited)
        return;
    for (uint32_t i = index; i < bound->count; i += s->workers) {
        struct frame frame = {.type = FRAME_LISTENER, .index = index, .id = bound->id, .number = i};
        if (bound->fds[i] >= 0)
            channel_send(&s->worker[index].channel, &frame, bound->fds[i]);
    }
}

/* Up to so many sockets of one address, shared out by the kernel (SO_REUSEPORT). 0, or errno. */
static int bound_grow(struct bound *bound, const struct sockaddr_storage *address, socklen_t len,
                      uint32_t count)
{
    while (bound->count < count) {
        int fd = listen_on(address, len, true);
        if (fd < 0)
            return -fd;
        bound->fds[bound->count++] = fd;
    }
    return 0;
}

/* The first is tried without sharing, or another program of the same user would go unnoticed. */
static int bound_make(struct supervisor *s, const struct frame *frame, const struct sockaddr_storage *address,
                      socklen_t len, struct bound **out)
{
    int error = 0, first = listen_on(address, len, false);
    if (first < 0)
        return -first;
    struct bound *bound = bound_new(s);
    bound->own = frame->type == FRAME_BIND_OWN;
    if (bound->own) {
        bound->fds[bound->count++] = first;
    } else {
        close(first);
        error = bound_grow(bound, address, len, s->workers);
    }
    if (error)
        bound_close(bound);
    else
        *out = bound;
    return error;
}

static int bound_obtain(struct supervisor *s, const struct frame *frame, struct bound **out)
{
    struct sockaddr_storage address;
    socklen_t len;
    if (!address_make(frame, &address, &len))
        return EINVAL;
    *out = bound_find(s, frame, &address, len); /* a new control asks for what the old one had */
    bool is_new = !*out || (*out)->inherited;
    int error = *out ? 0 : bound_make(s, frame, &address, len, out);
    if (error)
        return error;
    (*out)->id = frame->id;
    (*out)->orphan = (*out)->inherited = false;
    for (uint32_t i = 0; is_new && i < s->workers; i++)
        hand_over(s, *out, i);
    return 0;
}

void sockets_bind(struct supervisor *s, const struct frame *frame)
{
    bool own = frame->type == FRAME_BIND_OWN;
    struct frame answer = {.type = own ? FRAME_BOUND_OWN : FRAME_BOUND, .id = frame->id};
    struct bound *bound = NULL;
    answer.number = (uint64_t)bound_obtain(s, frame, &bound);
    if (answer.number)
        log_error("%.*s port %llu cannot be bound: %s", BYTES_FMT(frame_text(frame)),
                  (unsigned long long)frame->number, strerror((int)answer.number));
    channel_send(&s->control.channel, &answer, own && bound && s->stage == STAGE_SERVES ? bound->fds[0] : -1);
}

static void bound_end(struct supervisor *s, struct bound *bound)
{
    struct frame frame = {.type = FRAME_UNLISTEN, .id = bound->id};
    for (uint32_t i = 0; i < s->workers && !bound->own && !bound->inherited; i++)
        channel_send(&s->worker[i].channel, &frame, -1);
    bound_close(bound);
}

void sockets_unbind(struct supervisor *s, uint64_t id)
{
    list_for_safe(link, after, &s->bounds)
    {
        struct bound *bound = container_of(link, struct bound, link);
        if (bound->id == id && !bound->own && !bound->inherited)
            bound_end(s, bound);
    }
}

void sockets_orphan(struct supervisor *s)
{
    list_for(link, &s->bounds)
    {
        container_of(link, struct bound, link)->orphan = true;
    }
}

void sockets_drop_orphans(struct supervisor *s)
{
    list_for_safe(link, after, &s->bounds)
    {
        struct bound *bound = container_of(link, struct bound, link);
        if (bound->orphan)
            bound_end(s, bound);
    }
}

void sockets_hand_over(struct supervisor *s, uint32_t index)
{
    list_for(link, &s->bounds)
    {
        hand_over(s, container_of(link, struct bound, link), index);
    }
}

void sockets_close(struct supervisor *s)
{
    list_for_safe(link, after, &s->bounds)
    {
        bound_close(container_of(link, struct bound, link));
    }
}

/* ---- from one version to the next ------------------------------------------------------- */

static struct bound *bound_of_socket(struct supervisor *s, int fd, bool own)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return NULL;
    list_for(link, &s->bounds)
    {
        struct bound *bound = container_of(link, struct bound, link);
        if (bound->own == own && is_bound_to(bound, &address, len))
            return bound;
    }
    struct bound *bound = bound_new(s);
    bound->own = own;
    bound->orphan = bound->inherited = true;
    return bound;
}

void sockets_inherit(struct supervisor *s, const struct frame *frame, int fd)
{
    struct bound *bound = bound_of_socket(s, fd, frame->number == 1);
    if (bound && bound->count < FRAME_WORKERS_MAX)
        bound->fds[bound->count++] = fd;
    else
        close(fd);
}

void sockets_bequeath(struct supervisor *s, struct channel *to)
{
    list_for(link, &s->bounds)
    {
        const struct bound *bound = container_of(link, struct bound, link);
        struct frame frame = {.type = FRAME_HAND_SOCKET, .number = bound->own};
        for (frame.index = 0; frame.index < bound->count; frame.index++)
            if (bound->fds[frame.index] >= 0)
                channel_send(to, &frame, bound->fds[frame.index]);
    }
}

/* More workers than before: their sockets join the others only now that somebody will accept on them. */
static void bound_complete(struct supervisor *s, struct bound *bound)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (bound->own || getsockname(bound->fds[0], (struct sockaddr *)&address, &len) < 0)
        return;
    int error = bound_grow(bound, &address, len, s->workers);
    if (error)
        log_error("not every worker has a socket of each address: %s", strerror(error));
}

void sockets_take(struct supervisor *s)
{
    list_for(link, &s->bounds)
    {
        struct bound *bound = container_of(link, struct bound, link);
        struct frame own = {.type = FRAME_BOUND_OWN, .id = bound->id};
        bound_complete(s, bound);
        for (uint32_t i = 0; i < s->workers; i++)
            hand_over(s, bound, i);
        if (bound->own && !bound->inherited)
            channel_send(&s->control.channel, &own, bound->fds[0]);
    }
}

/* ---- unix sockets of workloads ------------------------------------------------------- */

static struct path *path_find(struct supervisor *s, struct bytes text)
{
    list_for(link, &s->paths)
    {
        struct path *path = container_of(link, struct path, link);
        if (bytes_equal(bytes_of(path->text), text))
            return path;
    }
    return NULL;
}

/*
 * "Forget all" only ages what is known: the workers still have exchanges on the
 * rules of before, and a new control names everything anew.
 */
static void paths_age(struct supervisor *s)
{
    list_for_safe(link, after, &s->paths)
    {
        struct path *path = container_of(link, struct path, link);
        if (++path->age <= PATH_AGE_MAX)
            continue;
        list_remove(&path->link);
        free(path->text);
        free(path);
    }
}

void sockets_path(struct supervisor *s, const struct frame *frame)
{
    struct bytes text = frame_text(frame);
    if (!frame->number) {
        paths_age(s);
        return;
    }
    struct path *path = path_find(s, text);
    if (!path) {
        path = heap_new(struct path);
        path->text = heap_text(text);
        list_push_back(&s->paths, &path->link);
    }
    path->age = 0;
}

/* The connected socket, or -errno. An abstract name is written with "@". */
static int path_connect(struct bytes text)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!text.len || text.len >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, text.at, text.len);
    if (text.at[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + text.len + (text.at[0] == '@' ? 0 : 1));
    if (connect(fd, (struct sockaddr *)&to, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

void sockets_connect(struct supervisor *s, struct child *worker, const struct frame *frame)
{
    struct frame answer = {.type = FRAME_CONNECTED, .index = frame->index, .id = frame->id};
    int fd = path_find(s, frame_text(frame)) ? path_connect(frame_text(frame)) : -EACCES;
    answer.number = fd < 0 ? (uint64_t)-fd : 0;
    channel_send(&worker->channel, &answer, fd >= 0 ? fd : -1);
    if (fd >= 0)
        close(fd);
}
