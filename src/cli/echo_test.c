#include "base/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/echo.h"
#include "cli/issuer.h"
#include "crypt/key_set.h"
#include "wire/jwk.h"

static char directory[] = "/tmp/selvage-echo-XXXXXX";
static char listen_http[64];
static char listen_tcp[64];
static pid_t children[2];

static pid_t echo_start(char *place, const char *name, bool tcp)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    char command[] = "echo", listen[] = "--listen", named[] = "--name", raw[] = "--tcp", flag[] = "--";
    char *argv[] = {command, listen, place, named, strdup(name), tcp ? raw : flag, NULL};
    (void)!freopen("/dev/null", "w", stderr);
    _exit(echo_main(6, argv));
}

static int group_start(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(listen_http, sizeof listen_http, "unix://%s/http", directory);
    snprintf(listen_tcp, sizeof listen_tcp, "unix://%s/tcp", directory);
    children[0] = echo_start(listen_http, "sample", false);
    children[1] = echo_start(listen_tcp, "raw", true);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(children); i++) {
        int status;
        kill(children[i], SIGTERM);
        waitpid(children[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(rmdir(directory), 0); /* the sockets went with them */
    return 0;
}

static int place_connect(const char *place)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", place + 7);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 500; i++) {
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            return fd;
        usleep(10000);
    }
    return -1;
}

/* Sends all, reads to the end. */
static size_t talk(const char *place, const char *bytes, size_t len, char *out, size_t size)
{
    size_t got = 0;
    int fd = place_connect(place);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, bytes, len, 0), len);
    shutdown(fd, SHUT_WR);
    for (ssize_t n; got < size - 1 && (n = recv(fd, out + got, size - 1 - got, 0)) > 0;)
        got += (size_t)n;
    out[got] = '\0';
    close(fd);
    return got;
}

#define HEAD(line, fields) line " HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define CLOSE "Connection: close\r\n"

static void requests_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *request;
        const char *shows[4];
        const char *hides;
    } rows[] = {
        {"plain",
         HEAD("GET /a?b=c", CLOSE),
         {"HTTP/1.1 200 OK", "\"path\": \"/a?b=c\"", "\"service\": \"sample\""},
         NULL},
        {"identity",
         HEAD("GET /", CLOSE "X-Selvage-Assertion: e30.eyJzdWIiOiJhIiwiZ3JvdXBzIjpbImciXX0.e30\r\n"),
         {"\"subject\": \"a\"", "\"groups\": [\"g\"]", "not verified"},
         NULL},
        {"broken token",
         HEAD("GET /", CLOSE "Authorization: Bearer x.y\r\n"),
         {"\"identity\": null"},
         "\"note\""},
        {"status", HEAD("GET /x/status/503", CLOSE), {"HTTP/1.1 503 ", "\"service\""}, NULL},
        {"no status", HEAD("GET /status/700", CLOSE), {"HTTP/1.1 200 "}, NULL},
        {"interim status", HEAD("GET /status/100", CLOSE), {"HTTP/1.1 400 "}, NULL},
        {"bytes", HEAD("GET /bytes/5", CLOSE), {"content-length: 5\r\n", "\r\n\r\nxxxxx"}, NULL},
        {"stream",
         HEAD("GET /stream/2", CLOSE),
         {"transfer-encoding: chunked", "8\r\nchunk 0\n\r\n8\r\nchunk 1\n\r\n0\r\n\r\n"},
         NULL},
        {"head", HEAD("HEAD /a", CLOSE), {"HTTP/1.1 200 OK"}, "service"},
        {"length",
         "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
         {"\"length\": 3", "ba7816bf8f01cfea"},
         NULL},
        {"chunks",
         "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: "
         "chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
         {"\"length\": 3", "ba7816bf8f01cfea"},
         NULL},
        {"expect",
         "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: "
         "3\r\n\r\nabc",
         {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200", "\"length\": 3"},
         NULL},
        {"two on one connection",
         HEAD("GET /first", "") HEAD("GET /second", CLOSE),
         {"\"/first\"", "\"/second\""},
         NULL},
        {"websocket",
         HEAD("GET /ws", "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
                         "dGhlIHNhbXBsZSBub25jZQ==\r\n") "hello",
         {"HTTP/1.1 101 ", "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "\r\n\r\nhello"},
         NULL},
        {"echo upgrade",
         HEAD("GET /orders/ws", "Connection: upgrade\r\nUpgrade: echo\r\n") "hello",
         {"HTTP/1.1 101 ", "\r\n\r\nhello"},
         "accept"},
        {"no upgrade", HEAD("GET /ws", CLOSE), {"HTTP/1.1 426 "}, NULL},
        {"no HTTP", "nonsense\r\n\r\n", {"HTTP/1.1 400 "}, "service"},
        {"two lengths",
         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         {"HTTP/1.1 400 "},
         "service"},
        {"body cut short", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", {""}, "HTTP/1.1"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char answer[8192];
        talk(listen_http, rows[i].request, strlen(rows[i].request), answer, sizeof answer);
        for (size_t k = 0; k < 4 && rows[i].shows[k]; k++) {
            if (!strstr(answer, rows[i].shows[k]))
                print_message("%s:\n%s\n", rows[i].name, answer);
            assert_non_null(strstr(answer, rows[i].shows[k]));
        }
        if (rows[i].hides && strstr(answer, rows[i].hides))
            print_message("%s:\n%s\n", rows[i].name, answer);
        assert_true(!rows[i].hides || !strstr(answer, rows[i].hides));
    }
}

static void raw_bytes_come_back(void **state)
{
    (void)state;
    char answer[64];
    assert_int_equal(talk(listen_tcp, "a\0b\r\n", 5, answer, sizeof answer), 5);
    assert_memory_equal(answer, "a\0b\r\n", 5);
}

static void tokens_are_signed_and_say_who(void **state)
{
    (void)state;
    struct arena arena;
    struct fail why;
    struct bytes token;
    struct jws jws;
    arena_init(&arena);
    struct signer *signer = signer_new_p256(&why);
    struct jwk key = signer_public_jwk(signer, &arena);
    struct key_set *keys = key_set_new(&(struct jwk_set){.keys = &key, .count = 1});
    for (size_t i = 0; i < issuer_identity_count; i++) {
        assert_true(issuer_token(signer, "http://i", bytes_of(issuer_identities[i].name), BYTES("a"), 1000,
                                 &arena, &token, &why));
        assert_true(jws_read(token, &arena, &jws, &why));
        assert_int_equal(key_set_verify(keys, &jws, &why), KEY_SET_VERIFIED);
        json_t *claims = json_read(jws.payload, JWS_TOKEN_MAX, &why);
        assert_string_equal(json_string_value(json_object_get(claims, "iss")), "http://i");
        assert_string_equal(json_string_value(json_object_get(claims, "aud")), "a");
        assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 4600);
        assert_true(json_is_string(json_object_get(claims, "sub")));
        json_decref(claims);
    }
    assert_false(issuer_token(signer, "http://i", BYTES("boss"), BYTES("a"), 1000, &arena, &token, &why));
    assert_string_equal(why.text, "there is no such identity");
    key_set_free(keys);
    signer_free(signer);
    arena_done(&arena);
}

static void the_issuer_stays_on_this_machine(void **state)
{
    (void)state;
    static const char *const rows[] = {"0.0.0.0:0",      "192.0.2.1:8400", "[::]:8400",
                                       "localhost:8400", "8400",           ""};
    for (size_t i = 0; i < ROWS(rows); i++) {
        char command[] = "issuer", listen[] = "--listen";
        char *argv[] = {command, listen, strdup(rows[i]), NULL};
        assert_int_equal(issuer_main(3, argv), 64);
        free(argv[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(raw_bytes_come_back),
        cmocka_unit_test(tokens_are_signed_and_say_who),
        cmocka_unit_test(the_issuer_stays_on_this_machine),
    };
    return cmocka_run_group_tests(tests, group_start, group_end);
}
