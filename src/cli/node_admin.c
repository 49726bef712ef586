#include "cli/node_admin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/options.h"
#include "wire/address.h"

#define ANSWER_MAX ((size_t)64 << 20)

enum { PATIENCE_S = 10 };

/* ---- where ----------------------------------------------------------------------------- */

static int given_read(const char *command, const char *admin, struct node_admin *out)
{
    struct address address;
    if (address_split(bytes_of(admin), &out->host, &out->port) && out->port &&
        address_parse(out->host, &address))
        return 0;
    fprintf(stderr, "selvage %s: '%s' is no address with a port such as 127.0.0.1:15000\n", command, admin);
    return EXIT_USAGE;
}

/* Servers that listen on every address are asked on this machine. */
static struct bytes reachable(struct bytes address)
{
    if (bytes_equal(address, BYTES("0.0.0.0")))
        return BYTES("127.0.0.1");
    return bytes_equal(address, BYTES("::")) ? BYTES("::1") : address;
}

int node_admin_find(const char *command, const char *admin, const char *config, struct arena *arena,
                    struct node_admin *out)
{
    struct settings settings;
    if (admin)
        return given_read(command, admin, out);
    int code = config_load(command, config, arena, &settings);
    if (code)
        return code;
    if (!settings.admin || !settings.admin->ports->admin) {
        fprintf(stderr, "selvage %s: the node's admin server is off (admin in its settings)\n", command);
        return EXIT_USAGE;
    }
    out->host = reachable(settings.admin->address);
    out->port = (uint16_t)settings.admin->ports->admin;
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------- */

static int socket_to(const struct node_admin *admin, struct arena *arena, struct fail *why)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(admin->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(admin->port)};
    const char *host = arena_text(arena, admin->host);
    bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
    bool known = is_v4 || inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = known ? socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    if (fd >= 0 && connect(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                           is_v4 ? sizeof v4 : sizeof v6) == 0)
        return fd;
    fail_errno(why, FAIL_PEER, "the node's admin server at %s port %u does not answer", host, admin->port);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool all_read(int fd, struct text *out, struct fail *why)
{
    char room[16384];
    ssize_t n;
    while ((n = recv(fd, room, sizeof room, 0)) > 0) {
        if (out->len + (size_t)n > ANSWER_MAX)
            return fail(why, FAIL_LIMIT, "the node's answer is longer than %zu bytes", ANSWER_MAX);
        text_add(out, bytes_make(room, (size_t)n));
    }
    return n == 0 || fail_errno(why, FAIL_PEER, "the node's answer");
}

/* Our own server: it ends the connection behind each answer. */
static bool answer_read(struct bytes answer, unsigned *status, struct bytes *body, struct fail *why)
{
    uint64_t number = 0;
    size_t head = bytes_find_text(answer, BYTES("\r\n\r\n"));
    if (!bytes_starts(answer, BYTES("HTTP/1.1 ")) || !bytes_to_u64(bytes_part(answer, 9, 12), 999, &number) ||
        head == answer.len)
        return fail(why, FAIL_PEER, "what answers there is no admin server of a node");
    *status = (unsigned)number;
    *body = bytes_part(answer, head + 4, answer.len);
    return true;
}

bool node_admin_ask(const struct node_admin *admin, const char *method, const char *path, struct arena *arena,
                    unsigned *status, struct bytes *body, struct fail *why)
{
    struct text out;
    int fd = socket_to(admin, arena, why);
    if (fd < 0)
        return false;
    struct bytes request = arena_format(arena,
                                        "%s %s HTTP/1.1\r\nhost: localhost\r\nx-selvage-admin: 1\r\n"
                                        "content-length: 0\r\nconnection: close\r\n\r\n",
                                        method, path);
    text_init_arena(&out, arena);
    bool sent = send(fd, request.at, request.len, MSG_NOSIGNAL) == (ssize_t)request.len ||
                fail_errno(why, FAIL_PEER, "the node's admin server");
    bool read = sent && all_read(fd, &out, why);
    close(fd);
    return read && answer_read(text_bytes(&out), status, body, why);
}
