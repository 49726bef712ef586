#include "cli/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/heap.h"
#include "wire/address.h"

union place {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

/* ---- places ---------------------------------------------------------------- */

static bool unix_read(struct bytes path, union place *out, socklen_t *size, struct fail *why)
{
    if (!path.len || path.len >= sizeof out->local.sun_path)
        return fail(why, FAIL_INPUT, "a socket's path has 1 to %zu bytes, not %zu",
                    sizeof out->local.sun_path - 1, path.len);
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path.at, path.len);
    *size = sizeof out->local;
    return true;
}

static bool place_read(const char *where, union place *out, socklen_t *size, struct fail *why)
{
    struct bytes text = bytes_of(where), host;
    struct address address;
    uint16_t port;
    memset(out, 0, sizeof *out);
    if (bytes_starts(text, BYTES("unix://")))
        return unix_read(bytes_part(text, 7, text.len), out, size, why);
    bool ported = text.len && bytes_find_last(text, ':') < text.len && text.at[text.len - 1] != ']';
    if (!ported || !address_split(text, &host, &port) || !address_parse(host, &address))
        return fail(why, FAIL_INPUT, "'%s' is neither unix:///PATH nor ADDRESS:PORT", where);
    if (address.family == ADDRESS_V4) {
        out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&out->v4.sin_addr, address.at, 4);
        *size = sizeof out->v4;
    } else {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&out->v6.sin6_addr, address.at, 16);
        *size = sizeof out->v6;
    }
    return true;
}

bool serve_is_local(const char *where)
{
    union place place = {0};
    socklen_t size;
    struct fail why;
    if (!place_read(where, &place, &size, &why))
        return false;
    if (place.any.sa_family == AF_INET)
        return ntohl(place.v4.sin_addr.s_addr) >> 24 == 127;
    return place.any.sa_family == AF_UNIX || IN6_IS_ADDR_LOOPBACK(&place.v6.sin6_addr);
}

unsigned serve_port(int listener)
{
    union place place = {0};
    socklen_t size = sizeof place;
    if (getsockname(listener, &place.any, &size) != 0)
        return 0;
    if (place.any.sa_family == AF_INET)
        return ntohs(place.v4.sin_port);
    return place.any.sa_family == AF_INET6 ? ntohs(place.v6.sin6_port) : 0;
}

/* What an earlier process that was killed left behind; nobody answers there. */
static void stale_remove(const union place *place, socklen_t size)
{
    struct stat about;
    if (lstat(place->local.sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &place->any, size) != 0 && errno == ECONNREFUSED)
        unlink(place->local.sun_path);
    if (fd >= 0)
        close(fd);
}

int serve_open(const char *where, struct fail *why)
{
    union place place = {0};
    socklen_t size = 0;
    int one = 1;
    if (!place_read(where, &place, &size, why))
        return -1;
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        fail_errno(why, FAIL_SELF, "%s", where);
        return -1;
    }
    if (place.any.sa_family == AF_UNIX)
        stale_remove(&place, size);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, &place.any, size) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    fail_errno(why, FAIL_SELF, "%s", where);
    close(fd);
    return -1;
}

void serve_close(int listener, const char *where)
{
    close(listener);
    if (strncmp(where, "unix://", 7) == 0)
        unlink(where + 7);
}

/* ---- running --------------------------------------------------------------- */

struct talk {
    int fd;
    void (*talk)(int fd, void *self);
    void *self;
};

static atomic_int talking;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
    (void)number;
    ended = 1;
}

static void *talk_main(void *argument)
{
    struct talk talk = *(struct talk *)argument;
    struct timeval idle = {SERVE_IDLE_S, 0};
    int one = 1;
    free(argument);
    setsockopt(talk.fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(talk.fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    setsockopt(talk.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    talk.talk(talk.fd, talk.self);
    close(talk.fd);
    atomic_fetch_sub(&talking, 1);
    return NULL;
}

static void talk_start(const struct talk *talk, const pthread_attr_t *attributes)
{
    pthread_t thread;
    struct talk *copy = heap_new(struct talk);
    *copy = *talk;
    atomic_fetch_add(&talking, 1);
    if (pthread_create(&thread, attributes, talk_main, copy) == 0)
        return;
    atomic_fetch_sub(&talking, 1);
    close(talk->fd);
    free(copy);
}

/* Only ppoll lets the signals in, so none is missed and no thread is disturbed. */
static void signals_arrange(sigset_t *open)
{
    sigset_t shut;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&shut);
    sigaddset(&shut, SIGINT);
    sigaddset(&shut, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &shut, open);
    sigdelset(open, SIGINT);
    sigdelset(open, SIGTERM);
}

void serve_run(int listener, void (*talk)(int fd, void *self), void *self)
{
    static const struct timespec while_full = {0, 10 * 1000 * 1000};
    pthread_attr_t attributes;
    sigset_t open;
    ended = 0;
    signals_arrange(&open);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, (size_t)256 * 1024);
    while (!ended) {
        bool full = atomic_load(&talking) >= SERVE_CONNECTIONS_MAX;
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        if (ppoll(&wait, !full, full ? &while_full : NULL, &open) <= 0 || full)
            continue;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            talk_start(&(struct talk){fd, talk, self}, &attributes);
        else if (errno == EMFILE || errno == ENFILE)
            ppoll(NULL, 0, &while_full, &open);
    }
    pthread_attr_destroy(&attributes);
}
