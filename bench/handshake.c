/*
 * New TLS connections, one request each, as many as go in a time; or many that stay open and idle.
 *
 *     handshake full|resumed ADDRESS PATH SECONDS CONNECTIONS
 *     handshake hold ADDRESS PATH COUNT
 *
 * full, resumed: CONNECTIONS at a time; each connects, shakes hands, asks once and reads until the server
 * closes, so that every connection that is counted was finished by both ends. A resumed one brings the newest
 * ticket of its predecessor.
 * hold: COUNT connections that asked once and stay; prints a line when they are there, and one at the end of
 * standard input with how many are still open.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"

enum { EVENTS = 256, LATENCIES_MAX = 1 << 20, HOLD_AT_ONCE = 64, SOURCES = 200, WAIT_MS = 100 };
static const uint32_t source_first = 0x7f000102; /* 127.0.1.2 */

static struct {
    struct sockaddr_in to;
    SSL_CTX *context;
    int epoll;
    bool resume;
    bool hold;
    char request[512];
    size_t request_len;
    uint64_t opened;
    uint64_t done;
    uint64_t resumed;
    uint64_t failed;
    uint32_t *latencies;
} run;

static void connection_begin(struct client *client)
{
    if (!run.resume) {
        SSL_SESSION_free(client->session);
        client->session = NULL;
    }
    client->due_us = now_us();
    client_open(client, run.epoll, &run.to, source_first + (uint32_t)(run.opened++ % SOURCES), run.context);
    client_ask(client, run.request, run.request_len);
}

static void connection_count(struct client *client, enum client_turn turn)
{
    if (turn == CLIENT_FAILED) {
        run.failed++;
        return;
    }
    run.resumed += SSL_session_reused(client->ssl) != 0;
    if (run.done < LATENCIES_MAX)
        run.latencies[run.done] = (uint32_t)(now_us() - client->due_us);
    run.done++;
}

static void print_churn(uint64_t took_us)
{
    size_t kept = run.done < LATENCIES_MAX ? run.done : LATENCIES_MAX;
    sort_numbers(run.latencies, kept);
    printf("{\"requests\": %lu, \"resumed\": %lu, \"broken\": %lu, \"duration_us\": %lu, \"p50_us\": %u, "
           "\"p99_us\": %u}\n",
           run.done, run.resumed, run.failed, took_us, percentile(run.latencies, kept, 0.5),
           percentile(run.latencies, kept, 0.99));
}

static void churn(unsigned seconds, unsigned count)
{
    struct client *clients = calloc(count, sizeof *clients);
    run.latencies = calloc(LATENCIES_MAX, sizeof *run.latencies);
    if (!clients || !run.latencies)
        die("no memory");
    uint64_t start = now_us(), end = start + seconds * 1000000ULL;
    for (unsigned i = 0; i < count; i++) {
        clients[i].until_end = true;
        connection_begin(&clients[i]);
    }
    while (now_us() < end) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(run.epoll, events, EVENTS, WAIT_MS);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            enum client_turn turn = client_step(client);
            if (turn == CLIENT_WAITS)
                continue;
            connection_count(client, turn);
            client_close(client);
            connection_begin(client);
        }
    }
    print_churn(now_us() - start);
    for (unsigned i = 0; i < count; i++) {
        client_close(&clients[i]);
        SSL_SESSION_free(clients[i].session);
    }
    free(clients);
    free(run.latencies);
}

static unsigned open_now(const struct client *clients, unsigned count)
{
    unsigned open = 0;
    for (unsigned i = 0; i < count; i++) {
        struct pollfd look = {.fd = clients[i].fd, .events = POLLRDHUP};
        open += clients[i].state == CLIENT_IDLE && poll(&look, 1, 0) == 0;
    }
    return open;
}

static void print_open(const struct client *clients, unsigned count)
{
    printf("{\"open\": %u, \"broken\": %lu}\n", open_now(clients, count), run.failed);
    fflush(stdout);
}

static void hold(unsigned count)
{
    struct client *clients = calloc(count, sizeof *clients);
    if (!clients)
        die("no memory");
    while (run.done + run.failed < count) {
        while (run.opened < count && run.opened - run.done - run.failed < HOLD_AT_ONCE)
            connection_begin(&clients[run.opened]);
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(run.epoll, events, EVENTS, WAIT_MS);
        for (int i = 0; i < ready; i++) {
            struct client *client = events[i].data.ptr;
            enum client_turn turn = client_step(client);
            run.done += turn == CLIENT_DONE;
            run.failed += turn == CLIENT_FAILED;
            if (turn == CLIENT_FAILED)
                client_close(client);
        }
    }
    print_open(clients, count);
    while (getchar() != EOF)
        ;
    print_open(clients, count);
    for (unsigned i = 0; i < count; i++) {
        client_close(&clients[i]);
        SSL_SESSION_free(clients[i].session);
    }
    free(clients);
}

static void prepare(const char *address, const char *path)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run.to = address_read(address);
    run.context = client_context();
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.request_len =
        (size_t)snprintf(run.request, sizeof run.request, "GET %.200s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                         path, run.hold ? "" : "Connection: close\r\n");
}

static unsigned number_read(const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);
    if (!number || number > 1000000)
        die("a number is from 1 to 1,000,000");
    return (unsigned)number;
}

int main(int count, char **words)
{
    run.hold = count == 5 && strcmp(words[1], "hold") == 0;
    run.resume = count == 6 && strcmp(words[1], "resumed") == 0;
    if (!run.hold && !run.resume && !(count == 6 && strcmp(words[1], "full") == 0))
        die("usage: handshake full|resumed ADDRESS PATH SECONDS CONNECTIONS, or hold ADDRESS PATH COUNT");
    prepare(words[2], words[3]);
    if (run.hold)
        hold(number_read(words[4]));
    else
        churn(number_read(words[4]), number_read(words[5]));
    close(run.epoll);
    SSL_CTX_free(run.context);
    return 0;
}
