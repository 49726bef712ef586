/*
 * Latency at a fixed rate: requests fall due by themselves, whether or not earlier ones were answered.
 *
 *     pace http|https ADDRESS PATH RATE SECONDS CONNECTIONS [TOKENS COUNT]
 *
 * The gaps are exponential (as of many users who know nothing of each other) from a fixed seed, so that every
 * server meets the same ones. A request goes out on a free connection, or waits for one; its latency counts
 * from when it was due, so that a server that stalls pays for every request it kept waiting. The first second
 * is not counted. TOKENS: a file with one token a line, of which COUNT take turns.
 */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

enum { EVENTS = 256, TOKEN_MAX = 4096, REQUESTS_MAX = 1024, WARM_US = 1000000, LAST_US = 1000000 };

struct request {
    char *text;
    size_t len;
};

static struct {
    int epoll;
    struct client *clients;
    struct client **idle; /* a stack: the warmest first */
    unsigned idle_count;
    struct request requests[REQUESTS_MAX];
    unsigned request_count;
    uint64_t sent; /* requests that went out; they fall due in the same order */
    uint64_t *due_us;
    uint64_t due_count;
    uint64_t fallen; /* of those, how many are due by now */
    uint64_t failed;
    uint64_t count_from_us;
    uint32_t *latencies;
    uint32_t *delays; /* ours: a connection was free, and we were late */
    size_t counted;
    size_t delay_count;
} run;

/* ---- what is asked, and when -------------------------------------------------------- */

static void request_add(const char *path, const char *token)
{
    struct request *request = &run.requests[run.request_count++];
    int len =
        asprintf(&request->text, "GET %.200s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n%s%s%s\r\n",
                 path, token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    if (len < 0)
        die("no memory");
    request->len = (size_t)len;
}

static void requests_read(const char *path, const char *tokens, unsigned count)
{
    char line[TOKEN_MAX];
    FILE *file = fopen(tokens, "re");
    if (!file)
        die("the tokens cannot be read");
    while (run.request_count < count && run.request_count < REQUESTS_MAX && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        request_add(path, line);
    }
    fclose(file);
    if (!run.request_count)
        die("there are no tokens");
}

static double uniform(uint64_t *seed)
{
    *seed ^= *seed << 13; /* xorshift, Marsaglia 2003 */
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

static void dues_make(double rate, double seconds)
{
    uint64_t seed = 88172645463325252ULL;
    size_t room = (size_t)(rate * seconds * 1.5) + 1000;
    run.due_us = calloc(room, sizeof *run.due_us);
    run.latencies = calloc(room, sizeof *run.latencies);
    run.delays = calloc(room, sizeof *run.delays);
    if (!run.due_us || !run.latencies || !run.delays)
        die("no memory");
    double at = 0;
    while (run.due_count < room) {
        at -= log(uniform(&seed)) / rate;
        if (at > seconds)
            break;
        run.due_us[run.due_count++] = (uint64_t)(at * 1e6);
    }
}

static void dues_shift(uint64_t start)
{
    for (uint64_t i = 0; i < run.due_count; i++)
        run.due_us[i] += start;
}

/* ---- running --------------------------------------------------------------------------- */

static void took(struct client *client)
{
    if (client->due_us >= run.count_from_us)
        run.latencies[run.counted++] = (uint32_t)(now_us() - client->due_us);
}

static void step(struct client *client)
{
    switch (client_step(client)) {
    case CLIENT_DONE:
        took(client);
        run.idle[run.idle_count++] = client;
        break;
    case CLIENT_FAILED:
        run.failed++;
        client_close(client);
        break;
    case CLIENT_WAITS:
        break;
    }
}

/* `waited`: there was no free connection when it fell due, so the delay is not ours. */
static void send_next(uint64_t now, bool waited)
{
    const struct request *request = &run.requests[run.sent % run.request_count];
    struct client *client = run.idle[--run.idle_count];
    client->due_us = run.due_us[run.sent++];
    if (!waited && client->due_us >= run.count_from_us)
        run.delays[run.delay_count++] = (uint32_t)(now - client->due_us);
    client_ask(client, request->text, request->len);
    step(client);
}

static void send_due(uint64_t now)
{
    while (run.idle_count && run.sent < run.fallen)
        send_next(now, true);
    while (run.fallen < run.due_count && run.due_us[run.fallen] <= now) {
        run.fallen++;
        if (run.idle_count && run.sent + 1 == run.fallen)
            send_next(now, false);
    }
}

static void events_wait(uint64_t until)
{
    struct epoll_event events[EVENTS];
    uint64_t now = now_us();
    uint64_t left = until > now ? until - now : 0;
    struct timespec wait = {(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
    int ready = epoll_pwait2(run.epoll, events, EVENTS, &wait, NULL);
    for (int i = 0; i < ready; i++)
        step(events[i].data.ptr);
}

/* Opens them all and lets each ask once, so that nothing that is counted pays for a handshake. */
static void connect_all(const struct sockaddr_in *to, SSL_CTX *context, unsigned count)
{
    run.clients = calloc(count, sizeof *run.clients);
    run.idle = calloc(count, sizeof *run.idle);
    if (!run.clients || !run.idle)
        die("no memory");
    for (unsigned i = 0; i < count; i++) {
        const struct request *request = &run.requests[i % run.request_count];
        client_open(&run.clients[i], run.epoll, to, INADDR_LOOPBACK, context);
        client_ask(&run.clients[i], request->text, request->len);
    }
    uint64_t until = now_us() + 10 * 1000000ULL;
    while (run.idle_count < count && !run.failed && now_us() < until)
        events_wait(until);
    if (run.idle_count < count)
        die("not all connections could be opened");
}

static void run_all(void)
{
    uint64_t start = now_us();
    dues_shift(start);
    run.count_from_us = start + WARM_US;
    uint64_t end = run.due_us[run.due_count - 1] + LAST_US;
    unsigned count = run.idle_count;
    for (;;) {
        uint64_t now = now_us();
        send_due(now);
        bool all_sent = run.sent == run.due_count;
        if (now >= end || run.failed || (all_sent && run.idle_count == count))
            return;
        events_wait(run.fallen < run.due_count ? run.due_us[run.fallen] : end);
    }
}

static void print_all(unsigned count)
{
    sort_numbers(run.latencies, run.counted);
    sort_numbers(run.delays, run.delay_count);
    printf("{\"requests\": %zu, \"broken\": %lu, \"failed\": %lu, \"unsent\": %lu, \"p50_us\": %u, "
           "\"p99_us\": %u, \"p999_us\": %u, "
           "\"max_us\": %u, \"delay_p99_us\": %u}\n",
           run.counted, run.failed + (run.due_count - run.sent) + (count - run.idle_count), run.failed,
           run.due_count - run.sent, percentile(run.latencies, run.counted, 0.5),
           percentile(run.latencies, run.counted, 0.99), percentile(run.latencies, run.counted, 0.999),
           percentile(run.latencies, run.counted, 1.0), percentile(run.delays, run.delay_count, 0.99));
}

static void free_all(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        client_close(&run.clients[i]);
        SSL_SESSION_free(run.clients[i].session);
    }
    for (unsigned i = 0; i < run.request_count; i++)
        free(run.requests[i].text);
    free(run.clients);
    free(run.idle);
    free(run.due_us);
    free(run.latencies);
    free(run.delays);
    close(run.epoll);
}

/* Before the workload on the same core, when we may (else "load late" tells), and woken to the microsecond.
 */
static void punctual(void)
{
    const struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_FIFO, &first);
    prctl(PR_SET_TIMERSLACK, 1);
}

static double number_read(const char *text, double most)
{
    double number = strtod(text, NULL);
    if (!(number >= 1) || number > most)
        die("a number is too small or too large");
    return number;
}

int main(int count, char **words)
{
    if (count != 7 && count != 9)
        die("usage: pace http|https ADDRESS PATH RATE SECONDS CONNECTIONS [TOKENS COUNT]");
    punctual();
    SSL_CTX *context = strcmp(words[1], "https") == 0 ? client_context() : NULL;
    struct sockaddr_in to = address_read(words[2]);
    unsigned connections = (unsigned)number_read(words[6], 10000);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.count_from_us = UINT64_MAX;
    if (count == 9)
        requests_read(words[3], words[7], (unsigned)number_read(words[8], REQUESTS_MAX));
    else
        request_add(words[3], NULL);
    dues_make(number_read(words[4], 1e6), number_read(words[5], 3600) + WARM_US / 1e6);
    connect_all(&to, context, connections);
    run_all();
    print_all(connections);
    free_all(connections);
    SSL_CTX_free(context);
    return 0;
}
