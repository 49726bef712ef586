/* What every answer says, and which switch of protocols passes. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>

static struct play play;

static void open_simple(void)
{
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* A switch the upstream chose is told as chosen; none that the client did not offer, or must not have. */
static void an_upgrade_is_to_what_was_offered(void **state)
{
    static const struct {
        const char *request, *answer, *starts;
    } rows[] = {
        {"Upgrade: a, b/2\r\n\r\n", "Upgrade: B/2\r\n\r\n", "HTTP/1.1 101 "},
        {"Upgrade: a, b/2\r\n\r\n", "Upgrade: c\r\n\r\n", "HTTP/1.1 502 "},
        {"Upgrade: a, b/2\r\n\r\n", "Upgrade: a, c\r\n\r\n", "HTTP/1.1 502 "},
        {"Upgrade: a\r\n\r\n", "X: y\r\n\r\n", "HTTP/1.1 502 "},
        {"Upgrade: h2c, a\r\n\r\n", "Upgrade: h2c\r\n\r\n", "HTTP/1.1 502 "},
        {"Upgrade: a\r\nContent-Length: 3\r\n\r\nabc", "Upgrade: a\r\n\r\n", "HTTP/1.1 502 "},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[200];
        open_simple();
        int client = play_dial(&play);
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n%s",
                 rows[i].request);
        play_say(&play, client, text);
        int upstream = play_took(&play, PLAY_PORT);
        const char *asked = play_hear(&play, upstream);
        if (i >= 4)
            said_lacks(asked, "pgrade: ");
        snprintf(text, sizeof text, "HTTP/1.1 101 S\r\nConnection: upgrade\r\n%s", rows[i].answer);
        play_say(&play, upstream, text);
        const char *answer = play_hear(&play, client);
        said_begins(answer, rows[i].starts);
        if (i == 0)
            said_has(answer, "upgrade: B/2\r\n");
        play_close(&play);
    }
}

/* ---- fields of every answer ------------------------------------------------------------------ */

static void answers_have_a_date_and_ours_a_server(void **state)
{
    (void)state;
    open_simple();
    play.sim->wall_us = (int64_t)784111777 * 1000000;
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const char *answer = play_hear(&play, client);
    said_has(answer, "\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    said_lacks(answer, "server:");
    play.sim->wall_us += 1000000;
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nDate: then\r\nServer: s\r\nContent-Length: 0\r\n\r\n");
    answer = play_hear(&play, client);
    said_has(answer, "date: then\r\n");
    said_has(answer, "server: s\r\n");
    said_lacks(answer, "date: Sun");
    play_say(&play, client, "HEAD / HTTP/1.1\r\n\r\n");
    answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 400 ");
    said_has(answer, "date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    said_has(answer, "server: selvage\r\n");
    said_ends(answer, "\r\n\r\n"); /* to HEAD, even a broken one: no body */
    play_close(&play);
}

/* What follows was meant for the tunnel, and is no request. */
static void a_refused_connect_ends_the_connection(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const char *answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 404 ");
    said_has(answer, "connection: close\r\n");
    assert_true(sim_ended(play.sim, client));
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_close(&play);
}

/* ---- gRPC -------------------------------------------------------------------------------------- */

static void grpc_clients_hear_of_failures_in_their_own_words(void **state)
{
    static const struct {
        const char *type;
        bool grpc;
    } rows[] = {
        {"application/grpc", true},     {"application/grpc+proto", true},
        {"Application/gRPC;x=y", true}, {"application/grpcx", false},
        {"text/plain", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[200];
        open_simple();
        int client = play_dial(&play);
        snprintf(text, sizeof text, "POST /a.B/C HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\n\r\n",
                 rows[i].type);
        play_say(&play, client, text);
        play_say(&play, play_took(&play, PLAY_PORT), "rubbish\r\n\r\n");
        const char *answer = play_hear(&play, client);
        said_begins(answer, rows[i].grpc ? "HTTP/1.1 200 " : "HTTP/1.1 502 ");
        if (rows[i].grpc) {
            said_has(answer, "content-type: application/grpc\r\n");
            said_has(answer, "grpc-status: 14\r\ngrpc-message: Bad Gateway\r\n");
            said_ends(answer, "\r\n\r\n");
        } else {
            said_lacks(answer, "grpc-status");
        }
        assert_true(bytes_equal(play_record(&play, 1)->grpc_status, bytes_of(rows[i].grpc ? "14" : "")));
        play_close(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_is_to_what_was_offered),
        cmocka_unit_test(answers_have_a_date_and_ours_a_server),
        cmocka_unit_test(a_refused_connect_ends_the_connection),
        cmocka_unit_test(grpc_clients_hear_of_failures_in_their_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
