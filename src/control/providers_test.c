/* Tests of providers and fetch against a small HTTP server with bad manners. */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/control_fixture.h"
#include "control/fetch.h"
#include "control/providers.h"

#define KEY_A                                                                                                \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"x\":"                                              \
    "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define SET_A "{\"keys\":[" KEY_A "]}"

static const struct provider_times quick = {60 * 1000, 20 * 60 * 1000, 100, 400, 60 * 1000};

enum manner {
    SERVES,
    SLOW,
    HTML,
    REDIRECT,
    HUGE_BODY,
    STATUS_500,
    EMPTY_SET,
    PRIVATE_KEY,
    DISCOVERY,
    WRONG_ISSUER
};

struct server {
    pthread_t thread;
    int listener;
    uint16_t port;
    _Atomic int manner;
    _Atomic int hits;
    _Atomic bool stop;
};

static void huge_send(int fd)
{
    char block[4096];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 512; i++)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
            return;
}

static void answer(int fd, const char *status, const char *more, const char *body)
{
    char head[1024];
    int len = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sconnection: close\r\n\r\n%s", status, more, body);
    send(fd, head, (size_t)len, MSG_NOSIGNAL);
}

static void discovery_answer(struct server *server, int fd, const char *request, const char *issuer_path)
{
    char body[512];
    if (strstr(request, "GET /keys")) {
        answer(fd, "200 OK", "", SET_A);
        return;
    }
    snprintf(body, sizeof body,
             "{\"issuer\":\"http://127.0.0.1:%u%s\",\"jwks_uri\":\"http://127.0.0.1:%u/keys\"}", server->port,
             issuer_path, server->port);
    answer(fd, "200 OK", "", body);
}

static void serve(struct server *server, int fd, const char *request)
{
    switch ((enum manner)server->manner) {
    case SERVES:
        answer(fd, "200 OK", "cache-control: public, max-age=120\r\n", SET_A);
        return;
    case SLOW:
        usleep(1500 * 1000);
        return;
    case HTML:
        answer(fd, "200 OK", "", "<html>sign in</html>");
        return;
    case REDIRECT:
        answer(fd, "302 Found", "location: http://169.254.169.254/\r\n", "");
        return;
    case HUGE_BODY:
        answer(fd, "200 OK", "", "");
        huge_send(fd);
        return;
    case STATUS_500:
        answer(fd, "500 Oops", "", SET_A);
        return;
    case EMPTY_SET:
        answer(fd, "200 OK", "", "{\"keys\":[]}");
        return;
    case PRIVATE_KEY:
        answer(fd, "200 OK", "",
               "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":"
               "\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\",\"x\":"
               "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
        return;
    case DISCOVERY:
        discovery_answer(server, fd, request, "");
        return;
    case WRONG_ISSUER:
        discovery_answer(server, fd, request, "/other");
        return;
    }
}

static void *server_run(void *of)
{
    struct server *server = of;
    for (;;) {
        char request[2048] = "";
        int fd = accept(server->listener, NULL, NULL);
        if (server->stop) {
            close(fd);
            return NULL;
        }
        if (recv(fd, request, sizeof request - 1, 0) > 0) {
            server->hits++;
            serve(server, fd, request);
        }
        close(fd);
    }
}

static void server_start(struct server *server, enum manner manner)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    memset(server, 0, sizeof *server);
    server->manner = manner;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    getsockname(server->listener, (struct sockaddr *)&name, &len);
    server->port = ntohs(name.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static void server_stop(struct server *server)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(server->port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    server->stop = true;
    connect(fd, (struct sockaddr *)&name, sizeof name);
    pthread_join(server->thread, NULL);
    close(fd);
    close(server->listener);
}

static void want_add(struct providers_order *order, uint64_t id, uint16_t port, bool discover)
{
    struct arena *arena = &order->letter.arena;
    if (!order->at)
        order->at = arena_array(arena, struct provider_wanted, 8);
    struct provider_wanted *wanted = &order->at[order->count++];
    wanted->id = id;
    wanted->issuer = arena_format(arena, "http://127.0.0.1:%u", port);
    if (!discover)
        wanted->jwks_uri = arena_format(arena, "http://127.0.0.1:%u/keys", port);
    wanted->timeout_ms = 700;
}

static struct providers *providers_begin(struct mailbox *out, uint16_t port, bool discover)
{
    struct fail why;
    mailbox_init(out);
    struct providers *providers = providers_start((struct bytes){0}, &quick, out, &why);
    struct providers_order *order = letter_new(LETTER_WANTED, sizeof *order);
    want_add(order, 7, port, discover);
    providers_order_post(providers, order);
    return providers;
}

static void neg_23_bad_answers_are_told_and_good_ones_kept(void **state)
{
    (void)state;
    static const struct {
        enum manner manner;
        bool discover;
        const char *problem; /* "" : a set */
    } rows[] = {
        {SERVES, false, ""},
        {DISCOVERY, true, ""},
        {SLOW, false, "no answer in time"},
        {HTML, false, NULL},
        {REDIRECT, false, "the answer is a redirect (302), and none is followed"},
        {HUGE_BODY, false, "the answer has more than 1048576 bytes"},
        {STATUS_500, false, "the answer has status 500 where 200 is wanted"},
        {EMPTY_SET, false, "no key in it can be used"},
        {PRIVATE_KEY, false, "no key in it can be used"},
        {WRONG_ISSUER, true, "the discovery document is another issuer's"},
        {HTML, true, "the discovery document is not JSON"},
        {REDIRECT, true, "the answer is a redirect (302), and none is followed"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct server server;
        struct mailbox out;
        server_start(&server, rows[i].manner);
        struct providers *providers = providers_begin(&out, server.port, rows[i].discover);
        struct key_set_letter *letter = (struct key_set_letter *)control_letter(&out);
        assert_int_equal(letter->id, 7);
        assert_true(letter->tried);
        assert_false(letter->answer);
        bool good = rows[i].problem && !rows[i].problem[0];
        assert_int_equal(letter->text.len > 0, good);
        if (good)
            assert_true(bytes_equal(letter->text, BYTES(SET_A)));
        else if (rows[i].problem)
            assert_string_equal(arena_text(&letter->letter.arena, letter->problem), rows[i].problem);
        else
            assert_true(letter->problem.len > 0);
        letter_free(&letter->letter);
        providers_stop(providers);
        mailbox_done(&out);
        server_stop(&server);
    }
}

static void a_failure_is_tried_again_ever_more_slowly(void **state)
{
    (void)state;
    struct server server;
    struct mailbox out;
    server_start(&server, STATUS_500);
    struct providers *providers = providers_begin(&out, server.port, false);
    uint64_t began = clock_ms();
    for (int i = 0; i < 4; i++)
        letter_free(control_letter(&out)); /* at 0, 100, 300, 700 ms */
    assert_in_range(clock_ms() - began, 650, 2000);
    server.manner = SERVES;
    struct key_set_letter *letter = (struct key_set_letter *)control_letter(&out);
    assert_true(letter->text.len > 0);
    letter_free(&letter->letter);
    assert_false(mailbox_wait(&out, 600)); /* fresh for as long as was said */
    providers_stop(providers);
    mailbox_done(&out);
    server_stop(&server);
}

static void neg_13_a_slow_issuer_delays_nobody(void **state)
{
    (void)state;
    struct server slow, good;
    struct mailbox out;
    struct fail why;
    server_start(&slow, SLOW);
    server_start(&good, SERVES);
    mailbox_init(&out);
    struct providers *providers = providers_start((struct bytes){0}, &quick, &out, &why);
    struct providers_order *order = letter_new(LETTER_WANTED, sizeof *order);
    want_add(order, 1, slow.port, false);
    want_add(order, 2, good.port, false);
    uint64_t began = clock_ms();
    providers_order_post(providers, order);
    struct key_set_letter *letter = (struct key_set_letter *)control_letter(&out);
    assert_int_equal(letter->id, 2);
    assert_true(clock_ms() < began + 500);
    letter_free(&letter->letter);
    providers_stop(providers); /* the slow one is cancelled */
    mailbox_done(&out);
    server_stop(&slow);
    server_stop(&good);
}

static void neg_21_a_storm_of_unknown_keys_is_one_fetch(void **state)
{
    (void)state;
    struct server server;
    struct mailbox out;
    server_start(&server, SERVES);
    struct providers *providers = providers_begin(&out, server.port, false);
    letter_free(control_letter(&out));
    int hits = server.hits;
    providers_need(providers, 7);
    struct key_set_letter *letter = (struct key_set_letter *)control_letter(&out);
    assert_true(letter->answer && letter->tried && letter->text.len > 0);
    letter_free(&letter->letter);
    for (int i = 0; i < 50; i++)
        providers_need(providers, 7);
    for (int i = 0; i < 50; i++) {
        letter = (struct key_set_letter *)control_letter(&out);
        assert_true(letter->answer && !letter->tried);
        letter_free(&letter->letter);
    }
    providers_need(providers, 99); /* nobody wants that one */
    letter = (struct key_set_letter *)control_letter(&out);
    assert_true(letter->answer && !letter->tried && letter->id == 99);
    letter_free(&letter->letter);
    assert_int_equal(server.hits, hits + 1);
    providers_stop(providers);
    mailbox_done(&out);
    server_stop(&server);
}

static void neg_13_addresses_are_judged_before_anything_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *problem;
    } rows[] = {
        {"https://idp.example/keys", NULL},
        {"http://idp.example:8080/keys?x=1", NULL},
        {"file:///etc/passwd", "a key set's address must begin with https:// or http://"},
        {"ftp://idp.example/", "a key set's address must begin with https:// or http://"},
        {"https:///keys", "a key set's address has no host, or a user or a fragment in it"},
        {"https://u:p@idp.example/", "a key set's address has no host, or a user or a fragment in it"},
        {"https://idp.example/#f", "a key set's address has no host, or a user or a fragment in it"},
        {"https://idp.example/a b", "a key set's address has a character in it that no URL has"},
        {"https://idp.example/\r\nx: y", "a key set's address has a character in it that no URL has"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        assert_int_equal(fetch_url_check(bytes_of(rows[i].url), &why), rows[i].problem == NULL);
        if (rows[i].problem)
            assert_string_equal(why.text, rows[i].problem);
    }
}

static void neg_25_discovery_is_of_the_issuer_and_never_leads_away_from_tls(void **state)
{
    (void)state;
    struct arena arena;
    struct bytes uri = {0};
    struct fail why;
    arena_init(&arena);
    assert_true(discovery_read(BYTES("{\"issuer\":\"https://a\",\"jwks_uri\":\"https://b/k\"}"),
                               BYTES("https://a"), &arena, &uri, &why));
    assert_true(bytes_equal(uri, BYTES("https://b/k")));
    assert_false(discovery_read(BYTES("{\"issuer\":\"https://a\",\"jwks_uri\":\"http://b/k\"}"),
                                BYTES("https://a"), &arena, &uri, &why));
    assert_string_equal(why.text, "the discovery document leads from https to a key set without TLS");
    assert_false(discovery_read(BYTES("{\"issuer\":\"https://a/\",\"jwks_uri\":\"https://b/k\"}"),
                                BYTES("https://a"), &arena, &uri, &why));
    assert_string_equal(why.text, "the discovery document is another issuer's");
    assert_false(discovery_read(BYTES("{\"issuer\":\"https://a\"}"), BYTES("https://a"), &arena, &uri, &why));
    assert_string_equal(why.text, "the discovery document names no jwks_uri");
    assert_true(bytes_equal(uri, BYTES("https://b/k")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_23_bad_answers_are_told_and_good_ones_kept),
        cmocka_unit_test(a_failure_is_tried_again_ever_more_slowly),
        cmocka_unit_test(neg_13_a_slow_issuer_delays_nobody),
        cmocka_unit_test(neg_21_a_storm_of_unknown_keys_is_one_fetch),
        cmocka_unit_test(neg_13_addresses_are_judged_before_anything_is_sent),
        cmocka_unit_test(neg_25_discovery_is_of_the_issuer_and_never_leads_away_from_tls),
    };
    setenv("no_proxy", "127.0.0.1", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
