/* Tests of the admin servers: who may ask what, and how it is answered. */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/admin.h"
#include "control/control_fixture.h"

struct world {
    struct board board;
    struct mailbox out;
    struct metrics *metrics;
    struct admin *admin;
    struct settings_ports ports;
    struct settings_admin settings;
};

/* As the supervisor would: a socket on a port that is free. */
static int64_t listen_somewhere(struct admin *admin, enum admin_server server)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    getsockname(fd, (struct sockaddr *)&name, &len);
    admin_listen(admin, server, fd);
    return ntohs(name.sin_port);
}

static void world_make(struct world *world)
{
    const struct metrics_node node = {.workload = BYTES("w")};
    memset(world, 0, sizeof *world);
    board_init(&world->board);
    mailbox_init(&world->out);
    world->metrics = metrics_new(&node);
    world->settings = (struct settings_admin){.address = BYTES("127.0.0.1"), .ports = &world->ports};
    const struct admin_world about = {
        .board = &world->board, .metrics = world->metrics, .out = &world->out, .started_ms = clock_ms()};
    board_put(&world->board, BOARD_SNAPSHOT, BYTES("{\"snapshot\":1}\n"));
    world->admin = admin_start(&world->settings, &about);
    world->ports = (struct settings_ports){.admin = listen_somewhere(world->admin, ADMIN_ADMIN),
                                           .status = listen_somewhere(world->admin, ADMIN_STATUS),
                                           .metrics = listen_somewhere(world->admin, ADMIN_METRICS),
                                           .merged = listen_somewhere(world->admin, ADMIN_MERGED)};
}

static void world_drop(struct world *world)
{
    admin_stop(world->admin);
    metrics_free(world->metrics);
    mailbox_done(&world->out);
    board_done(&world->board);
}

static void ask(int64_t port, const char *request, char *answer, size_t size)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t n;
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_true(send(fd, request, strlen(request), MSG_NOSIGNAL) > 0);
    while ((n = recv(fd, answer + len, size - 1 - len, 0)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
}

#define LOCAL "host: localhost\r\n\r\n"

static void each_server_has_its_pages(void **state)
{
    (void)state;
    struct world world;
    world_make(&world);
    const struct {
        int64_t port;
        const char *request;
        const char *begins;
        const char *ends;
    } rows[] = {
        {world.ports.admin, "GET /healthz HTTP/1.1\r\n" LOCAL, "HTTP/1.1 200 OK\r\n", "live\n"},
        {world.ports.admin, "GET /snapshot HTTP/1.1\r\n" LOCAL, "HTTP/1.1 200 ", "{\"snapshot\":1}\n"},
        {world.ports.admin, "HEAD /snapshot HTTP/1.1\r\n" LOCAL, "HTTP/1.1 200 ", "\r\n\r\n"},
        {world.ports.admin, "GET /nothing HTTP/1.1\r\n" LOCAL, "HTTP/1.1 404 ", "see /help\n"},
        {world.ports.admin, "GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n", "HTTP/1.1 200 ", "live\n"},
        {world.ports.admin, "GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n", "HTTP/1.1 403 ",
         "the host must be localhost or a loopback address\n"},
        {world.ports.admin, "POST /logging?level=debug HTTP/1.1\r\n" LOCAL, "HTTP/1.1 403 ",
         "the header x-selvage-admin: 1 is missing\n"},
        {world.ports.admin, "GET /logging?level=debug HTTP/1.1\r\n" LOCAL, "HTTP/1.1 405 ", "see /help\n"},
        {world.ports.admin, "POST /logging?level=loud HTTP/1.1\r\nx-selvage-admin: 1\r\n" LOCAL,
         "HTTP/1.1 400 ", "level is one of error, warning, info, debug\n"},
        {world.ports.admin, "GET / HTTP/1.1\r\nhost : x\r\n\r\n", "HTTP/1.1 400 ", "\n"},
        {world.ports.status, "GET /healthz/ready HTTP/1.1\r\n" LOCAL, "HTTP/1.1 503 ",
         "not ready: starting\n"},
        {world.ports.status, "GET /snapshot HTTP/1.1\r\n" LOCAL, "HTTP/1.1 404 ", "\n"},
        {world.ports.metrics, "GET /stats/prometheus HTTP/1.1\r\n" LOCAL, "HTTP/1.1 200 ",
         "selvage_uptime_seconds 0\n"},
        {world.ports.merged, "GET /metrics HTTP/1.1\r\n" LOCAL, "HTTP/1.1 200 ",
         "selvage_uptime_seconds 0\n"},
        {world.ports.merged, "GET /healthz/ready HTTP/1.1\r\n" LOCAL, "HTTP/1.1 503 ", "\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char answer[16384];
        ask(rows[i].port, rows[i].request, answer, sizeof answer);
        if (!bytes_starts(bytes_of(answer), bytes_of(rows[i].begins)))
            print_message("%s\n%s", rows[i].request, answer);
        assert_true(bytes_starts(bytes_of(answer), bytes_of(rows[i].begins)));
        assert_true(bytes_ends(bytes_of(answer), bytes_of(rows[i].ends)));
    }
    assert_false(mailbox_wait(&world.out, 0));
    world_drop(&world);
}

static void the_level_changes_and_readiness_is_told(void **state)
{
    (void)state;
    struct world world;
    char answer[4096];
    world_make(&world);
    ask(world.ports.admin,
        "POST /logging?level=debug HTTP/1.1\r\nX-Selvage-Admin: 1\r\ncontent-length: 0\r\n" LOCAL, answer,
        sizeof answer);
    assert_true(bytes_ends(bytes_of(answer), BYTES("level debug\n")));
    struct level_letter *letter = (struct level_letter *)control_letter(&world.out);
    assert_int_equal(letter->level, LOG_DEBUG);
    letter_free(&letter->letter);
    board_ready_set(&world.board, true, "");
    ask(world.ports.status, "GET /healthz/ready HTTP/1.1\r\n" LOCAL, answer, sizeof answer);
    assert_true(bytes_ends(bytes_of(answer), BYTES("ready\n")));
    world_drop(&world);
}

static void idle_and_long_winded_clients_hold_nobody_up(void **state)
{
    (void)state;
    struct world world;
    char answer[4096], request[9000];
    int idle[40];
    world_make(&world);
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)world.ports.admin)};
    for (int i = 0; i < 40; i++) {
        idle[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(idle[i], (struct sockaddr *)&name, sizeof name), 0);
    }
    uint64_t began = clock_ms();
    ask(world.ports.admin, "GET /healthz HTTP/1.1\r\n" LOCAL, answer, sizeof answer);
    assert_true(bytes_ends(bytes_of(answer), BYTES("live\n")));
    assert_true(clock_ms() < began + 1000);
    memset(request, 'a', sizeof request - 1);
    memcpy(request, "GET /", 5);
    request[sizeof request - 1] = '\0';
    ask(world.ports.admin, request, answer, sizeof answer);
    assert_true(bytes_starts(bytes_of(answer), BYTES("HTTP/1.1 414 ")));
    for (int i = 0; i < 40; i++)
        close(idle[i]);
    world_drop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_server_has_its_pages),
        cmocka_unit_test(the_level_changes_and_readiness_is_told),
        cmocka_unit_test(idle_and_long_winded_clients_hold_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
