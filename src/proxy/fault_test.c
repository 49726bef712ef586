/* Every call of the world fails once, one after the other, until a way passes untouched. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <errno.h>
#include <stdio.h>

static struct play play;

struct way {
    const char *name;
    const char *yaml;
    const char *request;
    const char *until; /* the upstream answers when it has heard this */
    const char *answer;
    bool answer_ends;  /* with the connection */
    const char *whole; /* how a complete answer ends */
    unsigned requests;
};

#define TCP_RULES                                                                                            \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: TCP, name: p}, hosts: "           \
    "['*']}\n" PLAY_NET(                                                                                     \
        "VirtualService",                                                                                    \
        "v") "  hosts: ['*']\n  gateways: [g]\n  tcp: [{route: [{destination: {host: b.test, port: "         \
             "{number: 90}}}]}]\n" PLAY_NET("ServiceEntry",                                                  \
                                            "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  "          \
                                                 "resolution: STATIC\n"                                      \
                                                 "  ports: [{number: 90, protocol: TCP, name: tcp, "         \
                                                 "targetPort: 8080}]\n  endpoints: [{address: 10.0.0.1}]\n"

#define HEADER_RULE                                                                                          \
    PLAY_NET("DestinationRule", "d") "  host: b.test\n  trafficPolicy: {proxyProtocol: {version: V1}}\n"
#define PROXY_HEADER "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"

static const struct way ways[] = {
    {"GET", PLAY_SIMPLE, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 1},
    {"POST", PLAY_SIMPLE, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", "body",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 1},
    {"chunks", PLAY_SIMPLE,
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-t: 1\r\n\r\n",
     "x-t: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n", false,
     "\r\n0\r\n\r\n", 1},
    {"two in turn", PLAY_SIMPLE, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
     "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 2},
    {"until the end", PLAY_SIMPLE, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\n\r\nwhole", true, "whole\r\n0\r\n\r\n", 1},
    {"continue", PLAY_SIMPLE,
     "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody", "body",
     "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 1},
    {"upgrade", PLAY_SIMPLE, "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
     "\r\n\r\n", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nwhole", true, "whole", 1},
    {"mirror",
     PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_SERVICE("m", "9090")
         PLAY_ROUTE("    mirror: {host: m.test, port: {number: 80}}\n"),
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", "body",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 1},
    {"not found", PLAY_GATEWAY, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody", "-", "", false,
     "\n", 1},
    {"refused", PLAY_SIMPLE, "GET / HTTP/1.1\r\n\r\n", "-", "", false, "\n", 1},
    {"TCP", TCP_RULES, "hello", "hello", "whole", true, "whole", 1},
    {"header to the upstream", TCP_RULES HEADER_RULE, "hello", "hello", "whole", true, "whole", 1},
    {"header", PLAY_SIMPLE, PROXY_HEADER "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", false, "whole", 1},
};

/* Whatever connects to the port is answered by the way's script. */
static void serve(const struct way *way, unsigned port)
{
    static char heard[SIM_SOCKETS][4096];
    int fd;
    while ((fd = sim_take(play.sim, port)) >= 0) {
        char *all = heard[(fd - SIM_FIRST_FD) % SIM_SOCKETS];
        all[0] = '\0';
        for (unsigned i = 0; i < 40; i++) {
            strncat(all, play_hear(&play, fd), 4095 - strlen(all));
            if (!strstr(all, way->until))
                continue;
            all[0] = '\0';
            play_say(&play, fd, way->answer);
            if (way->answer_ends)
                sim_end(play.sim, fd);
            play_go(&play);
        }
        if (sim_ended(play.sim, fd))
            sim_close(play.sim, fd);
    }
}

static void check(const char *answer)
{
    const char *fine = strstr(answer, "HTTP/1.1 200 OK");
    if (!fine)
        return;
    const char *length = strstr(fine, "content-length: 5");
    const char *body = strstr(fine, "\r\n\r\n");
    if (length && body && strlen(body) >= 4 + 5)
        assert_memory_equal(body + 4, "whole", 5);
}

/* What an answer that looks complete holds is complete. */
static bool run(const struct way *way, struct sim_fault fault, bool *hit)
{
    static const struct bytes network = BYTES_INIT("192.0.2.7");
    play_init(&play, ROLE_GATEWAY, way->yaml);
    play.world.node.protocol_networks = &network;
    play.world.node.protocol_network_count = strncmp(way->request, PROXY_HEADER, strlen(PROXY_HEADER)) == 0;
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    sim_port(play.sim, 9090, SIM_SERVES);
    play.sim->fault = fault;
    memset(play.sim->calls, 0, sizeof play.sim->calls);
    int client = play_dial(&play);
    play_say(&play, client, way->request);
    for (int i = 0; i < 4; i++) {
        serve(way, PLAY_PORT);
        serve(way, 9090);
        play_go(&play);
    }
    play_pass(&play, 200); /* accepting is tried again */
    for (int i = 0; i < 4; i++) {
        serve(way, PLAY_PORT);
        serve(way, 9090);
        play_go(&play);
    }
    const char *answer = play_hear(&play, client);
    size_t len = strlen(answer), end = strlen(way->whole);
    bool whole = len >= end && strcmp(answer + len - end, way->whole) == 0;
    *hit = play.sim->calls[fault.call] >= fault.n;
    check(answer);
    sim_close(play.sim, client);
    play_pass(&play, 200000);
    play_go(&play);
    unsigned accepted = (unsigned)play.worker.accepted;
    unsigned records = 0;
    struct bytes bytes;
    while (ring_read(&play.worker.ring, &play.arena, &bytes))
        records++;
    if (!list_empty(&play.worker.exchanges) || !list_empty(&play.worker.clients))
        world_wrong("%s: call %d number %u: something is left over", way->name, fault.call, fault.n);
    if (records > way->requests || (accepted && whole && records != way->requests))
        world_wrong("%s: call %d number %u: %u records", way->name, fault.call, fault.n, records);
    play_close(&play);
    return whole;
}

static void each_call_fails_once(void **state)
{
    static const struct {
        enum sim_call call;
        int error;
        bool harmless; /* the way must be as whole as ever */
    } faults[] = {{SIM_READ, ECONNRESET, false},     {SIM_READ, 0, true},          {SIM_READ, EAGAIN, true},
                  {SIM_WRITE, EPIPE, false},         {SIM_WRITE, 0, true},         {SIM_WRITE, EAGAIN, true},
                  {SIM_CONNECT, ENETUNREACH, false}, {SIM_CONNECT, EMFILE, false}, {SIM_ACCEPT, EMFILE, true},
                  {SIM_ACCEPT, ECONNABORTED, false}};
    (void)state;
    for (size_t w = 0; w < ROWS(ways); w++) {
        unsigned runs = 0;
        for (size_t f = 0; f < ROWS(faults); f++) {
            bool hit = true;
            for (unsigned n = 1; hit; n++, runs++) {
                struct sim_fault fault = {faults[f].call, n, faults[f].error};
                bool whole = run(&ways[w], fault, &hit);
                if (!whole && (faults[f].harmless || !hit))
                    world_wrong("%s: call %d number %u error %d: it did not pass", ways[w].name, fault.call,
                                n, fault.error);
                assert_true(n < 200);
            }
        }
        print_message("  %s: %u runs\n", ways[w].name, runs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
