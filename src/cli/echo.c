#include "cli/echo.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/serve.h"
#include "wire/base64.h"

#define BYTES_MAX ((uint64_t)16 << 30)
#define CHUNKS_MAX 100000
#define DELAY_MAX_MS 120000

/* ---- what is streamed ---------------------------------------------------------- */

static const char filling[16 * 1024] = {[0 ... sizeof filling - 1] = 'x'};

static void bytes_answer(const struct echo *echo, struct serving *serving, uint64_t count)
{
    struct http_fields fields;
    (void)echo;
    http_fields_init(&fields, &serving->arena);
    http_fields_add_known(&fields, HTTP_CONTENT_TYPE, BYTES("application/octet-stream"));
    serving_head(serving, 200, &fields, (struct http1_write){.body = HTTP1_BODY_LENGTH, .length = count});
    while (count && !serving_is_head(serving)) {
        size_t part = count < sizeof filling ? (size_t)count : sizeof filling;
        if (!serving_send(serving, bytes_make(filling, part)))
            return;
        count -= part;
    }
}

static bool chunk_send(struct serving *serving, uint64_t number)
{
    char data[32];
    char framed[64];
    struct text text;
    int len = snprintf(data, sizeof data, "chunk %llu\n", (unsigned long long)number);
    text_init_fixed(&text, framed, sizeof framed);
    http1_write_chunk_size(&text, (size_t)len);
    text_add(&text, bytes_make(data, (size_t)len));
    text_add_s(&text, "\r\n");
    return serving_send(serving, text_bytes(&text));
}

static void stream_answer(const struct echo *echo, struct serving *serving, uint64_t count)
{
    struct http_fields fields;
    bool chunked = serving->request.minor > 0;
    (void)echo;
    http_fields_init(&fields, &serving->arena);
    http_fields_add_known(&fields, HTTP_CONTENT_TYPE, BYTES("text/plain"));
    if (!chunked) {
        serving_reply(serving, 505, "text/plain", NULL, BYTES("chunks need HTTP/1.1\n"));
        return;
    }
    serving_head(serving, 200, &fields, (struct http1_write){.body = HTTP1_BODY_CHUNKED});
    if (serving_is_head(serving))
        return;
    for (uint64_t i = 0; i < count; i++)
        if (!chunk_send(serving, i))
            return;
    serving_send(serving, BYTES("0\r\n\r\n"));
}

/* ---- other answers ----------------------------------------------------------- */

static void describe(const struct echo *echo, struct serving *serving, unsigned status)
{
    struct text out;
    text_init_arena(&out, &serving->arena);
    echo_describe(echo, serving, &out);
    serving_reply(serving, status, "application/json", NULL, text_bytes(&out));
}

static void status_answer(const struct echo *echo, struct serving *serving, uint64_t status)
{
    if (status < 200)
        serving_reply(serving, 400, "text/plain", NULL, BYTES("a final status is from 200 to 599\n"));
    else
        describe(echo, serving, (unsigned)status);
}

static void delay_answer(const struct echo *echo, struct serving *serving, uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
    describe(echo, serving, 200);
}

/* ---- tunnels ------------------------------------------------------------------ */

static void bytes_return(int fd)
{
    char buffer[16 * 1024];
    for (;;) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            return;
        for (ssize_t sent = 0; sent < got;) {
            ssize_t now = send(fd, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL);
            if (now <= 0)
                return;
            sent += now;
        }
    }
}

/* RFC 6455 4.2.2. */
static void accept_add(struct serving *serving, struct http_fields *fields)
{
    const struct http_field *key =
        http_fields_find_name(&serving->request.fields, BYTES("sec-websocket-key"));
    unsigned char digest[SHA1_SIZE];
    if (!key)
        return;
    struct bytes text = arena_format(&serving->arena, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                                     BYTES_FMT(bytes_part(key->value, 0, 100)));
    sha1_of(text, digest);
    http_fields_add(fields, BYTES("sec-websocket-accept"),
                    base64_encode(bytes_make(digest, sizeof digest), &serving->arena));
}

static void tunnel_answer(const struct echo *echo, struct serving *serving, uint64_t unused)
{
    struct bytes upgrade = serving->framing.upgrade;
    struct http_fields fields;
    (void)echo;
    (void)unused;
    if (!bytes_equal_nocase(upgrade, BYTES("websocket")) && !bytes_equal_nocase(upgrade, BYTES("echo"))) {
        serving_reply(serving, 426, "text/plain", NULL, BYTES("Upgrade: websocket or echo is wanted\n"));
        return;
    }
    http_fields_init(&fields, &serving->arena);
    if (bytes_equal_nocase(upgrade, BYTES("websocket")))
        accept_add(serving, &fields);
    serving_head(serving, 101, &fields, (struct http1_write){.upgrade = upgrade});
    if (serving_send(serving, serving->early))
        bytes_return(serving->fd);
    serving->keep_alive = false;
}

/* ---- which answer --------------------------------------------------------------- */

static const struct path {
    struct bytes prefix; /* a number follows when max is set; else it is the whole path */
    uint64_t max;
    void (*answer)(const struct echo *echo, struct serving *serving, uint64_t number);
} paths[] = {
    {BYTES_INIT("/status/"), 599, status_answer},
    {BYTES_INIT("/delay/"), DELAY_MAX_MS, delay_answer},
    {BYTES_INIT("/bytes/"), BYTES_MAX, bytes_answer},
    {BYTES_INIT("/stream/"), CHUNKS_MAX, stream_answer},
    {BYTES_INIT("/ws"), 0, tunnel_answer},
};

/* The last part of a path counts, so that it may stand below a service's prefix: /orders/status/503. */
static bool path_fits(const struct path *path, struct bytes text, uint64_t *number)
{
    if (!path->max)
        return bytes_ends(text, path->prefix);
    size_t at = bytes_find_text(text, path->prefix);
    return at < text.len &&
           bytes_to_u64(bytes_part(text, at + path->prefix.len, text.len), path->max, number);
}

static void answer(struct serving *serving, void *self)
{
    struct bytes rest = serving->request.path, path;
    uint64_t number = 0;
    bytes_cut(&rest, '?', &path);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (path_fits(&paths[i], path, &number)) {
            paths[i].answer(self, serving, number);
            return;
        }
    }
    describe(self, serving, 200);
}

static void talk_http(int fd, void *self)
{
    serve_http(fd, answer, self);
}

static void talk_tcp(int fd, void *self)
{
    (void)self;
    bytes_return(fd);
}

/* ---- the command ------------------------------------------------------------------- */

static const struct option options[] = {
    {"listen", 'l', OPTION_TEXT, offsetof(struct echo, listen), "PLACE",
     "unix:///path or ADDRESS:PORT (127.0.0.1:8080)", .choices = NULL},
    {"name", 'n', OPTION_TEXT, offsetof(struct echo, name), "NAME", "what it calls itself (echo)",
     .choices = NULL},
    {"tcp", 0, OPTION_FLAG, offsetof(struct echo, tcp),
     .help = "give raw bytes back instead of speaking HTTP"},
    {"hostname-in-response", 0, OPTION_FLAG, offsetof(struct echo, hostname),
     .help = "say the machine's name too"},
};

static const struct command_line line = {
    "echo",
    "",
    0,
    0,
    "A sample workload: answers each request with what it received, as JSON.\n"
    "Paths that end in one of these answer otherwise:\n"
    "  /status/NNN   that status            /bytes/N    N bytes\n"
    "  /delay/MS     after that time        /stream/N   N chunks\n"
    "  /ws           an upgrade (websocket, echo), then every byte comes back\n",
    options,
    sizeof options / sizeof options[0],
};

int echo_main(int argc, char **argv)
{
    struct echo echo = {.listen = "127.0.0.1:8080", .name = "echo"};
    struct operands operands;
    struct fail why;
    int code;
    if (!options_read(&line, argc, argv, &echo, &operands, &code))
        return code;
    int listener = serve_open(echo.listen, &why);
    if (listener < 0) {
        fprintf(stderr, "selvage echo: %s\n", why.text);
        return why.kind == FAIL_INPUT ? EXIT_USAGE : 1;
    }
    if (serve_port(listener))
        fprintf(stderr, "%s listens at port %u\n", echo.name, serve_port(listener));
    else
        fprintf(stderr, "%s listens at %s\n", echo.name, echo.listen);
    serve_run(listener, echo.tcp ? talk_tcp : talk_http, &echo);
    serve_close(listener, echo.listen);
    return 0;
}
