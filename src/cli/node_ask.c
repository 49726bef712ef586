#include "cli/node_ask.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/heap.h"
#include "cli/config.h"
#include "cli/options.h"

enum { ANSWER_MAX = 256 << 20, PATIENCE_S = 10 };

/* ---- which node ------------------------------------------------------- */

/* HOST:PORT or [V6]:PORT. */
static bool address_read(struct bytes text, struct node_place *out)
{
    size_t colon = bytes_find_last(text, ':');
    uint64_t port;
    if (colon == 0 || colon >= text.len ||
        !bytes_to_u64(bytes_part(text, colon + 1, text.len), 65535, &port) || port == 0)
        return false;
    out->host = bytes_part(text, 0, colon);
    if (bytes_starts(out->host, BYTES("[")) && bytes_ends(out->host, BYTES("]")))
        out->host = bytes_part(out->host, 1, out->host.len - 1);
    out->port = (uint32_t)port;
    return true;
}

static int place_of(const char *command, const struct settings *settings, struct node_place *out)
{
    if (!settings->admin || !settings->admin->ports->admin) {
        fprintf(stderr, "selvage %s: node %.*s has no admin server: `admin` of its settings is off\n",
                command, BYTES_FMT(settings->node));
        return EXIT_INPUT;
    }
    *out = (struct node_place){settings->admin->address, (uint32_t)settings->admin->ports->admin};
    return 0;
}

int node_find(const char *command, const char *given, const char *config, struct arena *arena,
              struct node_place *out)
{
    struct settings *settings = arena_new(arena, struct settings);
    if (given && address_read(bytes_of(given), out))
        return 0;
    bool file = given && (strchr(given, '/') || access(given, F_OK) == 0);
    int code = config_load(command, file ? given : config, arena, settings);
    if (code)
        return code;
    if (given && !file && !bytes_equal(bytes_of(given), settings->node)) {
        fprintf(
            stderr,
            "selvage %s: the settings found here are those of node '%.*s', not of '%s'; name its settings "
            "(-c FILE) or its admin server (HOST:PORT)\n",
            command, BYTES_FMT(settings->node), given);
        return EXIT_USAGE;
    }
    return place_of(command, settings, out);
}

/* ---- asking ----------------------------------------------------------- */

static int node_dial(const struct node_place *node, struct fail *why)
{
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    char host[256], port[8];
    snprintf(host, sizeof host, "%.*s", BYTES_FMT(node->host));
    snprintf(port, sizeof port, "%u", node->port);
    int wrong = getaddrinfo(host, port, &hints, &found);
    if (wrong) {
        fail(why, FAIL_INPUT, "%s: %s", host, gai_strerror(wrong));
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        fail_errno(why, FAIL_PEER, "%s:%s: nobody answers there; is the node running?", host, port);
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* All until the end. */
static char *answer_read(int fd, size_t *len, struct fail *why)
{
    size_t room = 1 << 16;
    char *at = heap_grow(NULL, room, 1);
    for (*len = 0;;) {
        ssize_t n = read(fd, at + *len, room - *len - 1);
        if (n == 0)
            return at;
        *len += n > 0 ? (size_t)n : 0;
        if (n < 0 || *len >= ANSWER_MAX)
            break;
        if (room - *len < 2)
            at = heap_grow(at, room *= 2, 1);
    }
    fail(why, FAIL_PEER, "the node's answer does not end");
    free(at);
    return NULL;
}

static bool answer_cut(struct bytes answer, unsigned *status, struct bytes *body, struct fail *why)
{
    struct bytes mark = BYTES("\r\n\r\n");
    size_t end = bytes_find_text(answer, mark);
    uint64_t number;
    if (!bytes_starts(answer, BYTES("HTTP/1.1 ")) || end == answer.len ||
        !bytes_to_u64(bytes_part(answer, 9, 12), 999, &number))
        return fail(why, FAIL_PEER, "what answers there is no admin server");
    *status = (unsigned)number;
    *body = bytes_part(answer, end + mark.len, answer.len);
    return true;
}

bool node_request(const struct node_place *node, const char *method, const char *page, struct arena *arena,
                  unsigned *status, struct bytes *body, struct fail *why)
{
    char request[600];
    size_t len;
    int fd = node_dial(node, why);
    if (fd < 0)
        return false;
    int size = snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: localhost\r\nX-Selvage-Admin: 1\r\nContent-Length: 0\r\n\r\n", method, page);
    char *answer = NULL;
    if (write(fd, request, (size_t)size) == size)
        answer = answer_read(fd, &len, why);
    else
        fail_errno(why, FAIL_PEER, "the node does not take the question");
    close(fd);
    bool done = answer && answer_cut(bytes_make(answer, len), status, body, why);
    if (done)
        *body = arena_bytes(arena, *body);
    free(answer);
    return done;
}

json_t *node_ask(const struct node_place *node, const char *page, struct fail *why)
{
    struct arena arena;
    struct bytes body;
    unsigned status;
    json_t *json = NULL;
    arena_init(&arena);
    if (node_request(node, "GET", page, &arena, &status, &body, why)) {
        if (status == 200)
            json = json_read(body, ANSWER_MAX, why);
        else
            fail(why, FAIL_PEER, "the node answers %u: %.*s", status,
                 BYTES_FMT(bytes_trim(bytes_part(body, 0, 300))));
    }
    arena_done(&arena);
    return json;
}
