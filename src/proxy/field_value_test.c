/* Headers that rules compose, whole ways in a simulated world. */
#include "base/test.h"

#include <stdio.h>

#include "proxy/proxy_fixture.h"

static struct play play;

#define ROUTED(headers)                                                                                      \
    PLAY_GATEWAY PLAY_SERVICE("b", "8080")                                                                   \
        PLAY_NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n  - name: r1\n"           \
                                        "    route: [{destination: {host: b.test, port: {number: 80}}}]\n"   \
                                        "    headers: " headers "\n"
#define ASK "GET /p?q HTTP/1.1\r\nHost: h\r\nX-A: one\r\nX-B: two\r\nX-Mine: forged\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: s\r\nX-C: three\r\n\r\nok"

struct row {
    const char *headers;
    const char *has;   /* at the upstream, or at the client */
    const char *lacks; /* or NULL */
};

static const struct row to_upstream[] = {
    {"{request: {set: {x-z: '100%%'}}}", "\r\nx-z: 100%\r\n", NULL},
    {"{request: {set: {x-z: '%REQ(X-A)%-%REQ(x-b)%'}}}", "\r\nx-z: one-two\r\n", NULL},
    {"{request: {set: {x-z: '%REQ(X-None?X-A):2%'}}}", "\r\nx-z: on\r\n", NULL},
    {"{request: {set: {x-z: '%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)%'}}}", "\r\nx-z: GET /p?q h\r\n",
     NULL},
    {"{request: {set: {x-z: '%PROTOCOL% %ROUTE_NAME%'}}}", "\r\nx-z: HTTP/1.1 r1\r\n", NULL},
    {"{request: {set: {x-z: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%|%DOWNSTREAM_LOCAL_PORT%'}}}",
     "\r\nx-z: 192.0.2.7|80\r\n", NULL},
    {"{request: {add: {x-a: '%REQ(x-a)%'}}}", "\r\nx-a: one\r\n", NULL},
    {"{request: {add: {x-z: '%REQ(x-none)%'}}}", "GET /p?q ", "x-z"},
    {"{request: {set: {x-mine: '%REQ(x-none)%'}}}", "GET /p?q ", "x-mine"},
    {"{request: {set: {x-mine: '%REQUESTED_SERVER_NAME%%DOWNSTREAM_PEER_URI_SAN%%DOWNSTREAM_TLS_VERSION%'}}}",
     "GET /p?q ", "x-mine"},
};

static const struct row to_client[] = {
    {"{response: {set: {x-z: '%RESPONSE_CODE% %RESP(X-C)% %REQ(x-a)%'}}}", "\r\nx-z: 200 three one\r\n",
     NULL},
    {"{response: {set: {x-z: '%UPSTREAM_HOST%'}}}", "\r\nx-z: 10.0.0.1:8080\r\n", NULL},
    {"{response: {remove: [server, x-c]}}", "HTTP/1.1 200 OK\r\n", "server"},
    {"{response: {set: {server: mine}}}", "\r\nserver: mine\r\n", "server: s\r\n"},
    {"{response: {remove: [date]}}", "\r\ndate: ", "date: long ago"},
};

static int way_go(const char *headers)
{
    char rules[4096];
    snprintf(rules, sizeof rules, ROUTED("%s"), headers);
    play_open(&play, ROLE_GATEWAY, rules);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, ASK);
    return client;
}

static void row_check(const struct row *row, const char *said)
{
    said_has(said, row->has);
    if (row->lacks)
        said_lacks(said, row->lacks);
}

static void the_upstream_hears_what_the_rules_compose(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(to_upstream); i++) {
        print_message("  %s\n", to_upstream[i].headers);
        way_go(to_upstream[i].headers);
        row_check(&to_upstream[i], play_hear(&play, play_took(&play, PLAY_PORT)));
        play_close(&play);
    }
}

static void the_client_hears_what_the_rules_compose(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(to_client); i++) {
        print_message("  %s\n", to_client[i].headers);
        int client = way_go(to_client[i].headers);
        play_say(&play, play_took(&play, PLAY_PORT), OK);
        row_check(&to_client[i], play_hear(&play, client));
        play_close(&play);
    }
}

/* The rules that composed it are gone by the time of the answer. */
static void what_was_composed_outlives_the_rules(void **state)
{
    (void)state;
    int client =
        way_go("{response: {set: {x-z: '%RESPONSE_CODE% %ROUTE_NAME% %UPSTREAM_HOST% %RESP(x-c)%'}}}");
    int upstream = play_took(&play, PLAY_PORT);
    for (int i = 0; i < 6; i++)
        play_rules(&play, PLAY_SIMPLE);
    play_say(&play, upstream, OK);
    said_has(play_hear(&play, client), "\r\nx-z: 200 r1 10.0.0.1:8080 three\r\n");
    play_close(&play);
}

static void what_would_be_too_long_is_nothing(void **state)
{
    char ask[20000] = "GET / HTTP/1.1\r\nHost: h\r\nX-A: ";
    (void)state;
    play_open(&play, ROLE_GATEWAY,
              ROUTED("{request: {set: {x-y: '%REQ(x-a)%', x-z: '%REQ(x-a)%%REQ(x-a)%'}}}"));
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    memset(ask + strlen(ask), 'a', 9000);
    strcat(ask, "\r\n\r\n");
    play_say(&play, play_dial(&play), ask);
    const char *heard = play_hear(&play, play_took(&play, PLAY_PORT));
    said_has(heard, "\r\nx-y: aaaa");
    said_lacks(heard, "x-z");
    play_close(&play);
}

/* Ours is there before rules are asked, so that they can take it away. */
static void a_response_made_here_has_the_server_that_rules_leave_it(void **state)
{
    static const struct {
        const char *headers;
        const char *has;
        const char *lacks;
    } rows[] = {
        {"{}", "\r\nserver: selvage\r\n", "mine"},
        {"{response: {remove: [server]}}", "HTTP/1.1 200 OK\r\n", "server"},
        {"{response: {set: {server: mine}}}", "\r\nserver: mine\r\n", "selvage"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char rules[2048];
        snprintf(rules, sizeof rules,
                 PLAY_GATEWAY PLAY_NET("VirtualService",
                                       "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n"
                                            "  - directResponse: {status: 200}\n    headers: %s\n",
                 rows[i].headers);
        play_open(&play, ROLE_GATEWAY, rules);
        int client = play_dial(&play);
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const char *answer = play_hear(&play, client);
        said_has(answer, rows[i].has);
        said_lacks(answer, rows[i].lacks);
        play_close(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_upstream_hears_what_the_rules_compose),
        cmocka_unit_test(the_client_hears_what_the_rules_compose),
        cmocka_unit_test(what_was_composed_outlives_the_rules),
        cmocka_unit_test(what_would_be_too_long_is_nothing),
        cmocka_unit_test(a_response_made_here_has_the_server_that_rules_leave_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
