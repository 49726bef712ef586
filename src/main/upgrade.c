/* upgrade: asks a running node to be replaced by its new version, and says what came of it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/config.h"
#include "cli/options.h"
#include "main/supervisor.h"

enum { GRACE_MS = 5000 }; /* beyond the time that the node gives its successor */

struct wish {
    const char *config;
};

static const struct option options[] = {
    {"config", 'c', OPTION_TEXT, offsetof(struct wish, config), "FILE",
     "the node's settings, as for `selvage run`", .choices = NULL},
};

static const struct command_line usage = {
    "upgrade",
    "",
    0,
    0,
    "Asks the running node to be replaced by the program that lies in its place by now, with the settings "
    "as\n"
    "they are by now, and waits. Connections are handed over, exchanges under way may end; when the new one\n"
    "does not get ready, the old one goes on.\n",
    options,
    sizeof options / sizeof options[0],
};

static int settings_wrong(const struct findings *findings)
{
    struct text line;
    text_init_arena(&line, findings->arena);
    finding_write(&findings->at[0], &line);
    fprintf(stderr, "%.*s\n", BYTES_FMT(text_bytes(&line)));
    return EX_DATAERR;
}

/* The channel, or -1. */
static int node_call(struct bytes state)
{
    struct sockaddr_un address;
    int directory = -1, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool fine = fd >= 0 && upgrade_address(state, &directory, &address) &&
                connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    int error = errno;
    if (directory >= 0)
        close(directory);
    if (!fine && fd >= 0)
        close(fd);
    errno = error;
    return fine ? fd : -1;
}

static int answer_print(const struct frame *answer)
{
    if (!answer->number) {
        fprintf(stderr, "selvage: there is no upgrade: %.*s; the node goes on as it is\n",
                BYTES_FMT(frame_text(answer)));
        return EX_UNAVAILABLE;
    }
    printf("upgraded: process %llu serves now\n", (unsigned long long)answer->number);
    return EX_OK;
}

static int upgrade_wait(struct channel *node, int64_t timeout_ms)
{
    struct frame frame;
    int fd = -1;
    uint64_t until_ms = clock_ms() + (uint64_t)timeout_ms + GRACE_MS;
    for (uint64_t now_ms = clock_ms(); now_ms < until_ms; now_ms = clock_ms()) {
        struct pollfd wait = {node->fd, POLLIN, 0};
        (void)poll(&wait, 1, (int)(until_ms - now_ms));
        enum channel_turn turn = channel_receive(node, &frame, &fd);
        if (turn == CHANNEL_FRAME && fd >= 0)
            close(fd);
        if (turn == CHANNEL_FRAME && frame.type == FRAME_UPGRADED)
            return answer_print(&frame);
        if (turn == CHANNEL_CLOSED) {
            fputs("selvage: the node does not answer: an upgrade is under way already, or it is not yours\n",
                  stderr);
            return EX_TEMPFAIL;
        }
    }
    fputs("selvage: the node did not say in time what came of it\n", stderr);
    return EX_TEMPFAIL;
}

static int upgrade_ask(const struct settings *settings)
{
    const struct frame frame = {.type = FRAME_UPGRADE};
    struct channel node;
    int fd = node_call(settings->state);
    if (fd < 0) {
        fprintf(stderr, "selvage: no node can be asked in %.*s: %s\n", BYTES_FMT(settings->state),
                strerror(errno));
        return EX_UNAVAILABLE;
    }
    channel_init(&node, fd);
    channel_send(&node, &frame, -1);
    int code = upgrade_wait(&node, settings->upgrade_timeout_ms);
    channel_done(&node);
    return code;
}

int upgrade_main(int argc, char **argv)
{
    struct wish wish = {0};
    struct operands operands;
    struct arena arena;
    struct findings findings;
    struct settings settings;
    int code;
    if (!options_read(&usage, argc, argv, &wish, &operands, &code))
        return code;
    const char *path = config_find(wish.config);
    if (!path) {
        fputs("selvage upgrade: there is no selvage.yaml; -c names the settings of the node\n", stderr);
        return EX_USAGE;
    }
    arena_init(&arena);
    findings_init(&findings, &arena);
    code = settings_load(path, &findings, &settings) ? upgrade_ask(&settings) : settings_wrong(&findings);
    arena_done(&arena);
    return code;
}
