/* Tests of login_clients against a small provider: what it is asked, what comes of its answers. */
#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/login_clients.h"
#include "wire/login_message.h"

static struct provider {
    pthread_t thread;
    int listener;
    uint16_t port;
    _Atomic(const char *) answer; /* status line, empty line, body of the token endpoint */
    _Atomic int tokens;           /* questions to it */
    _Atomic int delay_ms;
    _Atomic bool stop;
    char asked[4096]; /* the last, head and form */
} provider;

static struct mailbox out;
static struct control_fixture fixture;
static char issuer[64];

/* ---- the provider ---- */

static void reply(int fd, const char *text)
{
    char head[2048];
    int len = snprintf(head, sizeof head, "HTTP/1.1 %s", text);
    send(fd, head, (size_t)len, MSG_NOSIGNAL);
}

static void discovery_reply(int fd)
{
    char text[1024];
    snprintf(text, sizeof text,
             "200 OK\r\nconnection: close\r\n\r\n{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\","
             "\"token_endpoint\":\"%s/token\"}",
             issuer, issuer, issuer);
    reply(fd, text);
}

/* Head and form: the form may come in a packet of its own. */
static void request_read(int fd, char *request, size_t size)
{
    size_t len = 0;
    const char *length = NULL, *end = NULL;
    while (len < size - 1 && (!end || (length && strlen(end + 4) < (size_t)atol(length + 16)))) {
        ssize_t got = recv(fd, request + len, size - 1 - len, 0);
        if (got <= 0)
            return;
        len += (size_t)got;
        request[len] = '\0';
        end = strstr(request, "\r\n\r\n");
        length = strstr(request, "Content-Length: ");
    }
}

static void *provider_run(void *of)
{
    (void)of;
    for (;;) {
        char request[4096] = "";
        int fd = accept(provider.listener, NULL, NULL);
        if (provider.stop) {
            close(fd);
            return NULL;
        }
        request_read(fd, request, sizeof request);
        if (strncmp(request, "POST /token ", 12) == 0) {
            usleep((useconds_t)provider.delay_ms * 1000);
            memcpy(provider.asked, request, sizeof request);
            provider.tokens++;
            reply(fd, provider.answer);
        } else {
            discovery_reply(fd);
        }
        close(fd);
    }
}

static int up(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    provider.listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(provider.listener, (struct sockaddr *)&address, sizeof address);
    listen(provider.listener, 8);
    getsockname(provider.listener, (struct sockaddr *)&address, &len);
    provider.port = ntohs(address.sin_port);
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%u", provider.port);
    pthread_create(&provider.thread, NULL, provider_run, NULL);
    mailbox_init(&out);
    control_make(&fixture);
    return 0;
}

static int down(void **state)
{
    (void)state;
    provider.stop = true;
    shutdown(provider.listener, SHUT_RDWR);
    pthread_join(provider.thread, NULL);
    close(provider.listener);
    mailbox_done(&out);
    control_drop(&fixture);
    return 0;
}

/* ---- the clients ---- */

static struct login_clients *start(const struct compile_login *login)
{
    struct fail why;
    struct login_clients *clients = login_clients_start((struct bytes){0}, &out, &why);
    assert_non_null(clients);
    login_clients_order(clients, login, 1);
    struct letter *letter = control_letter(&out);
    assert_int_equal(letter->kind, LETTER_LOGIN_PROVIDER);
    assert_int_equal(((struct login_provider_letter *)letter)->problem.len, 0);
    letter_free(letter);
    provider.tokens = 0;
    provider.delay_ms = 0;
    return clients;
}

static void ask(struct login_clients *clients, uint64_t id, enum login_wish wish, const char *token)
{
    const struct login_ask what = {wish, 7, bytes_of(token), BYTES("ver+ifier"), BYTES("https://a/cb")};
    login_clients_ask(clients, 3, id, login_ask_pack(&what, &fixture.arena));
}

/* What the worker is told; texts lie in the fixture's arena. */
static struct login_answer told(uint64_t id)
{
    struct login_answer_letter *letter = (struct login_answer_letter *)control_letter(&out);
    struct login_answer answer;
    assert_int_equal(letter->letter.kind, LETTER_LOGIN_ANSWER);
    assert_int_equal(letter->worker, 3);
    assert_int_equal(letter->id, id);
    assert_true(login_answer_unpack(arena_bytes(&fixture.arena, letter->answer), &answer));
    letter_free(&letter->letter);
    return answer;
}

static struct compile_login client(void)
{
    return (struct compile_login){.id = 7,
                                  .name = BYTES("foo/staff"),
                                  .issuer = bytes_of(issuer),
                                  .client_id = BYTES("a:pp"),
                                  .has_secret = true,
                                  .secret = BYTES("s%cret")};
}

#define GRANTED                                                                                              \
    "200 OK\r\nconnection: close\r\n\r\n{\"id_token\":\"a.b.c\",\"refresh_token\":\"r2\",\"expires_in\":60}"

static void a_code_is_exchanged_with_verifier_and_secret(void **state)
{
    (void)state;
    const struct compile_login login = client();
    struct login_clients *clients = start(&login);
    provider.answer = GRANTED;
    ask(clients, 1, LOGIN_EXCHANGE, "c/1");
    struct login_answer answer = told(1);
    assert_int_equal(answer.outcome, LOGIN_DONE);
    assert_true(bytes_equal(answer.id_token, BYTES("a.b.c")) &&
                bytes_equal(answer.refresh_token, BYTES("r2")));
    assert_int_equal(answer.expires_s, 60);
    /* RFC 6749 2.3.1: a%3App:s%25cret */
    assert_non_null(strstr(provider.asked, "Authorization: Basic YSUzQXBwOnMlMjVjcmV0\r\n"));
    assert_non_null(strstr(provider.asked,
                           "\r\n\r\ngrant_type=authorization_code&code=c%2F1&redirect_uri=https%3A%2F%2F"
                           "a%2Fcb&code_verifier=ver%2Bifier"));
    login_clients_stop(clients);
}

static void a_refresh_token_is_used_once_for_all_who_ask(void **state)
{
    (void)state;
    const struct compile_login login = client();
    struct login_clients *clients = start(&login);
    provider.answer = GRANTED;
    provider.delay_ms = 200;
    ask(clients, 1, LOGIN_REFRESH, "r1");
    ask(clients, 2, LOGIN_REFRESH, "r1");
    assert_true(bytes_equal(told(1).refresh_token, BYTES("r2")));
    assert_true(bytes_equal(told(2).refresh_token, BYTES("r2")));
    ask(clients, 3, LOGIN_REFRESH, "r1"); /* later, with a cookie of before */
    assert_true(bytes_equal(told(3).refresh_token, BYTES("r2")));
    assert_int_equal(provider.tokens, 1);
    ask(clients, 4, LOGIN_REFRESH, "r2");
    told(4);
    assert_int_equal(provider.tokens, 2);
    login_clients_stop(clients);
}

static void what_the_provider_says_no_to_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum login_outcome outcome;
        const char *problem;
    } rows[] = {
        {"400 Bad Request\r\nconnection: "
         "close\r\n\r\n{\"error\":\"invalid_grant\",\"error_description\":\"<script>\"}",
         LOGIN_DENIED, "the token endpoint answered invalid_grant"},
        {"401 Unauthorized\r\nconnection: close\r\n\r\n{\"error\":\"invalid_client\"}", LOGIN_FAILED,
         "the token endpoint answered invalid_client"},
        {"400 Bad Request\r\nconnection: close\r\n\r\n{}", LOGIN_FAILED,
         "the token endpoint refused without an error code"},
        {"200 OK\r\nconnection: close\r\n\r\n<html>", LOGIN_FAILED,
         "the token endpoint's answer is no JSON object"},
        {"200 OK\r\nconnection: close\r\n\r\n{\"access_token\":\"x\"}", LOGIN_FAILED,
         "the token endpoint gave no ID token"},
        {"302 Found\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n", LOGIN_FAILED,
         "the answer is a redirect (302), and none is followed"},
        {"500 Oops\r\nconnection: close\r\n\r\n", LOGIN_FAILED,
         "the answer has status 500 where 200 is wanted"},
    };
    const struct compile_login login = client();
    struct login_clients *clients = start(&login);
    for (size_t i = 0; i < ROWS(rows); i++) {
        provider.answer = rows[i].answer;
        ask(clients, i, LOGIN_EXCHANGE, "c");
        struct login_answer answer = told(i);
        assert_int_equal(answer.outcome, rows[i].outcome);
        assert_string_equal(arena_text(&fixture.arena, answer.problem), rows[i].problem);
    }
    login_clients_stop(clients);
}

static void without_its_secret_nobody_is_asked(void **state)
{
    (void)state;
    struct compile_login login = client();
    login.secret = (struct bytes){0};
    struct login_clients *clients = start(&login);
    ask(clients, 1, LOGIN_EXCHANGE, "c");
    assert_true(bytes_equal(told(1).problem, BYTES("its client secret is missing")));
    login_clients_stop(clients);
    control_write(&fixture, "secret", "from a file\n");
    login.secret_file = bytes_of(control_path(&fixture, "secret"));
    clients = start(&login);
    provider.answer = GRANTED;
    ask(clients, 2, LOGIN_EXCHANGE, "c");
    assert_int_equal(told(2).outcome, LOGIN_DONE);
    assert_non_null(
        strstr(provider.asked, "Basic YSUzQXBwOmZyb20lMjBhJTIwZmlsZQ==")); /* a%3App:from%20a%20file */
    login_clients_stop(clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_exchanged_with_verifier_and_secret),
        cmocka_unit_test(a_refresh_token_is_used_once_for_all_who_ask),
        cmocka_unit_test(what_the_provider_says_no_to_is_told_apart),
        cmocka_unit_test(without_its_secret_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, up, down);
}
