#include "control/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "wire/http1.h"

enum {
    CONNECTIONS_MAX = 64,
    HEAD_MAX = 8192,
    LIFE_MS = 10 * 1000,
    LINGER_MS = 500,
};

enum connection_state { CONNECTION_FREE, CONNECTION_READS, CONNECTION_WRITES, CONNECTION_LINGERS };

struct admin_connection {
    enum connection_state state;
    int fd;
    enum admin_server server;
    uint64_t until_ms;
    struct arena arena;
    char head[HEAD_MAX];
    size_t len;
    size_t seen;
    struct bytes left; /* of the answer, in the arena */
};

struct admin {
    pthread_t thread;
    struct mailbox inbox;
    struct admin_world world;
    int listeners[ADMIN_SERVERS]; /* -1: none */
    struct admin_connection connections[CONNECTIONS_MAX];
};

static const struct http1_limits limits = {
    .line_max = 4096, .head_max = HEAD_MAX, .name_max = 128, .fields_max = 64};

/* ---- one connection ---- */

static void connection_close(struct admin_connection *connection)
{
    close(connection->fd);
    arena_done(&connection->arena);
    connection->state = CONNECTION_FREE;
}

static void reply_begin(struct admin_connection *connection, const struct admin_reply *reply, bool head_only)
{
    struct text out;
    text_init_arena(&out, &connection->arena);
    text_format(&out, "HTTP/1.1 %u %s\r\ncontent-type: %s\r\ncontent-length: %zu\r\n", reply->status,
                http_reason(reply->status), reply->type, reply->body.len);
    text_add_s(&out,
               "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n");
    if (!head_only)
        text_add(&out, text_bytes(&reply->body));
    connection->left = text_bytes(&out);
    connection->state = CONNECTION_WRITES;
}

static void error_reply(struct admin_connection *connection, unsigned status, const char *sentence)
{
    struct admin_reply reply = {.status = status, .type = "text/plain; charset=utf-8"};
    text_init_arena(&reply.body, &connection->arena);
    text_format(&reply.body, "%s\n", sentence);
    reply_begin(connection, &reply, false);
}

static void head_read(struct admin *admin, struct admin_connection *connection)
{
    struct http_request request;
    struct http1_framing framing;
    struct http1_error error;
    struct admin_reply reply;
    size_t used;
    switch (http1_read_request(connection->head, connection->len, &connection->seen, &limits,
                               &connection->arena, &request, &framing, &used, &error)) {
    case HTTP1_MORE:
        if (connection->len == HEAD_MAX)
            error_reply(connection, 431, "the request's head is too long");
        return;
    case HTTP1_BAD:
        error_reply(connection, error.status, error.sentence);
        return;
    case HTTP1_DONE:
        admin_answer(&admin->world, connection->server, &request, &connection->arena, &reply);
        reply_begin(connection, &reply, bytes_equal(request.method, BYTES("HEAD")));
        return;
    }
}

static void on_readable(struct admin *admin, struct admin_connection *connection)
{
    char rest[1024];
    bool lingers = connection->state == CONNECTION_LINGERS;
    ssize_t n = lingers ? recv(connection->fd, rest, sizeof rest, MSG_DONTWAIT)
                        : recv(connection->fd, connection->head + connection->len, HEAD_MAX - connection->len,
                               MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        connection_close(connection);
        return;
    }
    if (lingers)
        return;
    connection->len += (size_t)n;
    head_read(admin, connection);
}

/* Reads on for a moment after the answer: bytes that lie unread would turn the end into a reset. */
static void on_writable(struct admin_connection *connection)
{
    ssize_t n = send(connection->fd, connection->left.at, connection->left.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        connection_close(connection);
        return;
    }
    connection->left = bytes_part(connection->left, (size_t)n, connection->left.len);
    if (connection->left.len)
        return;
    shutdown(connection->fd, SHUT_WR);
    connection->state = CONNECTION_LINGERS;
    connection->until_ms = clock_ms() + LINGER_MS;
}

/* ---- all of them ---- */

static struct admin_connection *connection_free(struct admin *admin)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (admin->connections[i].state == CONNECTION_FREE)
            return &admin->connections[i];
    return NULL;
}

static void on_connection(struct admin *admin, enum admin_server server)
{
    struct admin_connection *connection = connection_free(admin);
    int fd = accept4(admin->listeners[server], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!connection) {
        close(fd);
        return;
    }
    connection->state = CONNECTION_READS;
    connection->fd = fd;
    connection->server = server;
    connection->len = connection->seen = 0;
    connection->until_ms = clock_ms() + LIFE_MS;
    arena_init(&connection->arena);
}

static void late_close(struct admin *admin)
{
    uint64_t now_ms = clock_ms();
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (admin->connections[i].state != CONNECTION_FREE && now_ms >= admin->connections[i].until_ms)
            connection_close(&admin->connections[i]);
}

static void fds_fill(const struct admin *admin, struct pollfd *fds)
{
    for (int i = 0; i < ADMIN_SERVERS; i++)
        fds[i] = (struct pollfd){.fd = admin->listeners[i], .events = POLLIN};
    fds[ADMIN_SERVERS] = (struct pollfd){.fd = admin->inbox.event, .events = POLLIN};
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        const struct admin_connection *connection = &admin->connections[i];
        fds[ADMIN_SERVERS + 1 + i] =
            (struct pollfd){.fd = connection->state == CONNECTION_FREE ? -1 : connection->fd,
                            .events = connection->state == CONNECTION_WRITES ? POLLOUT : POLLIN};
    }
}

static void events_take(struct admin *admin, const struct pollfd *fds)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct admin_connection *connection = &admin->connections[i];
        if (!fds[ADMIN_SERVERS + 1 + i].revents)
            continue;
        if (connection->state == CONNECTION_WRITES)
            on_writable(connection);
        else
            on_readable(admin, connection);
    }
    for (int i = 0; i < ADMIN_SERVERS; i++)
        if (fds[i].revents)
            on_connection(admin, (enum admin_server)i);
}

/* ---- letters ---- */

struct listener_letter {
    struct letter letter;
    enum admin_server server;
    int fd; /* own, or -1 */
};

static void listener_wipe(struct letter *letter)
{
    struct listener_letter *listener = (struct listener_letter *)letter;
    if (listener->fd >= 0)
        close(listener->fd);
}

static void listener_take(struct admin *admin, struct listener_letter *letter)
{
    int *listener = &admin->listeners[letter->server];
    if (*listener >= 0)
        close(*listener);
    *listener = letter->fd;
    letter->fd = -1;
}

/* False: stop. */
static bool inbox_read(struct admin *admin)
{
    struct letter *letter;
    bool stop = false;
    while ((letter = mailbox_take(&admin->inbox))) {
        stop |= letter->kind == LETTER_STOP;
        if (letter->kind == LETTER_LISTENER)
            listener_take(admin, (struct listener_letter *)letter);
        letter_free(letter);
    }
    return !stop;
}

static void *admin_run(void *of)
{
    struct admin *admin = of;
    struct pollfd fds[ADMIN_SERVERS + 1 + CONNECTIONS_MAX];
    do {
        fds_fill(admin, fds);
        if (poll(fds, sizeof fds / sizeof fds[0], LINGER_MS) > 0)
            events_take(admin, fds);
        late_close(admin);
    } while (inbox_read(admin));
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (admin->connections[i].state != CONNECTION_FREE)
            connection_close(&admin->connections[i]);
    arena_stock_drop();
    return NULL;
}

/* ---- starting ---- */

uint32_t admin_port(const struct settings_admin *settings, enum admin_server server)
{
    const int64_t ports[ADMIN_SERVERS] = {settings->ports->admin, settings->ports->status,
                                          settings->ports->metrics, settings->ports->merged};
    return (uint32_t)ports[server];
}

struct admin *admin_start(const struct settings_admin *settings, const struct admin_world *world)
{
    if (!settings)
        return NULL;
    struct admin *admin = heap_new(struct admin);
    admin->world = *world;
    admin->world.loopback =
        bytes_starts(settings->address, BYTES("127.")) || bytes_equal(settings->address, BYTES("::1"));
    for (int i = 0; i < ADMIN_SERVERS; i++)
        admin->listeners[i] = -1;
    mailbox_init(&admin->inbox);
    if (pthread_create(&admin->thread, NULL, admin_run, admin) != 0)
        abort();
    return admin;
}

void admin_listen(struct admin *admin, enum admin_server server, int fd)
{
    struct listener_letter *letter = letter_new(LETTER_LISTENER, sizeof *letter);
    letter->letter.wipe = listener_wipe;
    letter->server = server;
    letter->fd = fd;
    mailbox_post(&admin->inbox, &letter->letter);
}

void admin_stop(struct admin *admin)
{
    if (!admin)
        return;
    mailbox_post(&admin->inbox, letter_new(LETTER_STOP, sizeof(struct letter)));
    pthread_join(admin->thread, NULL);
    mailbox_done(&admin->inbox);
    for (int i = 0; i < ADMIN_SERVERS; i++)
        if (admin->listeners[i] >= 0)
            close(admin->listeners[i]);
    free(admin);
}
