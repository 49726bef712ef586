/* Tests of the resolver's thread against a name server of a few lines. */
#include "base/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/control_fixture.h"
#include "control/resolver.h"

enum { TYPE_A = 1, TYPE_AAAA = 28, NOT_FOUND = 3, SERVER_FAILED = 2 };

static struct server {
    pthread_t thread;
    int fd, end;
    char address[30];
    int questions;
} server;

/* The question's name, dotted; answers where its type stands. */
static size_t question_read(const unsigned char *at, size_t len, char *name, size_t room)
{
    size_t used = 0, i = 12;
    while (i < len && at[i] && used + at[i] + 2 < room) {
        memcpy(name + used, at + i + 1, at[i]);
        used += at[i];
        name[used++] = '.';
        i += at[i] + 1u;
    }
    name[used ? used - 1 : 0] = '\0';
    return i + 1;
}

static size_t record_add(unsigned char *to, const char *address, unsigned ttl_s)
{
    const unsigned char head[] = {
        0xC0, 12, 0, TYPE_A, 0, 1, 0, 0, (unsigned char)(ttl_s >> 8), (unsigned char)ttl_s, 0, 4};
    memcpy(to, head, sizeof head);
    assert_int_equal(inet_pton(AF_INET, address, to + sizeof head), 1);
    return sizeof head + 4;
}

/* two.test has two addresses, others of .test do not exist; broken.test is beyond the server. */
static size_t answer_make(unsigned char *at, size_t question_end, const char *name, unsigned type)
{
    size_t len = question_end;
    at[2] = 0x85;
    at[3] = 0x80;
    memset(at + 6, 0, 6);
    if (strcmp(name, "broken.test") == 0)
        at[3] |= SERVER_FAILED;
    else if (strcmp(name, "two.test") != 0)
        at[3] |= NOT_FOUND;
    else if (type == TYPE_A) {
        at[7] = 2;
        len += record_add(at + len, "10.0.0.2", 300);
        len += record_add(at + len, "10.0.0.1", 200);
    }
    return len;
}

static void *server_run(void *of)
{
    (void)of;
    struct pollfd fds[] = {{.fd = server.fd, .events = POLLIN}, {.fd = server.end, .events = POLLIN}};
    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        unsigned char at[600];
        char name[200];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t len = recvfrom(server.fd, at, 512, 0, (struct sockaddr *)&from, &size);
        if (len < 17)
            continue;
        size_t type = question_read(at, (size_t)len, name, sizeof name);
        server.questions++;
        size_t answer = answer_make(at, type + 4, name, (unsigned)at[type] << 8 | at[type + 1]);
        sendto(server.fd, at, answer, 0, (struct sockaddr *)&from, size);
    }
    return NULL;
}

static int server_start(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    server.end = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &size), 0);
    snprintf(server.address, sizeof server.address, "127.0.0.1:%u", ntohs(address.sin_port));
    server.questions = 0;
    return pthread_create(&server.thread, NULL, server_run, NULL);
}

static int server_stop(void **state)
{
    (void)state;
    eventfd_write(server.end, 1);
    pthread_join(server.thread, NULL);
    close(server.fd);
    close(server.end);
    return 0;
}

static void order(struct resolver *resolver, const char *name)
{
    struct names_order *order = letter_new(LETTER_NAMES, sizeof *order);
    order->at = arena_array(&order->letter.arena, struct bytes, 1);
    order->at[order->count++] = arena_bytes(&order->letter.arena, bytes_of(name));
    resolver_order_post(resolver, order);
}

/* The first letter of that name that ends an attempt; others are dropped. */
static struct name_letter *ended(struct mailbox *mailbox, const char *name)
{
    for (;;) {
        struct letter *letter = control_letter(mailbox);
        struct name_letter *about = (struct name_letter *)letter;
        assert_int_equal(letter->kind, LETTER_NAME);
        if (about->ended && bytes_equal(about->name, bytes_of(name)))
            return about;
        letter_free(letter);
    }
}

static struct resolver *resolver_open(struct mailbox *mailbox)
{
    static struct bytes servers[1];
    servers[0] = bytes_of(server.address);
    mailbox_init(mailbox);
    return resolver_start(servers, 1, mailbox);
}

static void names_become_addresses_in_the_order_of_the_answer(void **state)
{
    (void)state;
    struct mailbox mailbox;
    char room[ADDRESS_TEXT_SIZE];
    struct resolver *resolver = resolver_open(&mailbox);
    order(resolver, "two.test");
    struct name_letter *letter = ended(&mailbox, "two.test");
    assert_false(letter->failed);
    assert_int_equal(letter->count, 2);
    assert_true(bytes_equal(address_text(&letter->at[0], room), BYTES("10.0.0.2")));
    assert_true(bytes_equal(address_text(&letter->at[1], room), BYTES("10.0.0.1")));
    assert_int_equal(letter->ttl_s, 200);
    assert_int_equal(letter->problem.len, 0);
    letter_free(&letter->letter);
    resolver_stop(resolver);
    mailbox_done(&mailbox);
}

static void what_does_not_exist_is_no_failure_and_a_server_that_fails_is_one(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct resolver *resolver = resolver_open(&mailbox);
    order(resolver, "gone.test");
    struct name_letter *letter = ended(&mailbox, "gone.test");
    assert_false(letter->failed);
    assert_int_equal(letter->count, 0);
    assert_int_equal(letter->ttl_s, NAME_NONE_S);
    letter_free(&letter->letter);
    order(resolver, "broken.test");
    letter = ended(&mailbox, "broken.test");
    assert_true(letter->failed);
    assert_int_equal(letter->count, 0);
    assert_true(bytes_equal(letter->problem,
                            BYTES("AAAA: no name server can be reached, or each says that it failed")));
    letter_free(&letter->letter);
    resolver_stop(resolver);
    mailbox_done(&mailbox);
}

static void a_name_that_is_no_longer_wanted_is_not_asked_for(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct resolver *resolver = resolver_open(&mailbox);
    order(resolver, "broken.test"); /* which would be asked for again after a second */
    letter_free(&ended(&mailbox, "broken.test")->letter);
    order(resolver, "two.test");
    letter_free(&ended(&mailbox, "two.test")->letter);
    int questions = server.questions;
    assert_false(mailbox_wait(&mailbox, 1500));
    assert_int_equal(server.questions, questions);
    resolver_stop(resolver);
    mailbox_done(&mailbox);
}

static void it_ends_with_questions_under_way(void **state)
{
    (void)state;
    static struct bytes servers[1];
    struct mailbox mailbox;
    int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char text[30];
    assert_int_equal(bind(silent, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    servers[0] = bytes_of(text);
    mailbox_init(&mailbox);
    struct resolver *resolver = resolver_start(servers, 1, &mailbox);
    order(resolver, "two.test");
    struct pollfd asked = {.fd = silent, .events = POLLIN};
    assert_int_equal(poll(&asked, 1, 5000), 1);
    uint64_t before_ms = clock_ms();
    resolver_stop(resolver);
    assert_true(clock_ms() < before_ms + 1000);
    mailbox_done(&mailbox);
    close(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_become_addresses_in_the_order_of_the_answer, server_start,
                                        server_stop),
        cmocka_unit_test_setup_teardown(what_does_not_exist_is_no_failure_and_a_server_that_fails_is_one,
                                        server_start, server_stop),
        cmocka_unit_test_setup_teardown(a_name_that_is_no_longer_wanted_is_not_asked_for, server_start,
                                        server_stop),
        cmocka_unit_test(it_ends_with_questions_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
