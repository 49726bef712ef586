/* Streams that are reset: whose fault that is, and who loses a connection for it. */
#include "base/test.h"

#include <string.h>

#include "proxy/proxy_fixture.h"

static struct play play;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

enum { HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, LAST = 5 }; /* LAST: END_STREAM and END_HEADERS */

static void frame_say(int fd, char type, char flags, unsigned stream, struct bytes what)
{
    char frame[64] = {0, 0, (char)what.len, type, flags, 0, 0, (char)(stream >> 8), (char)stream};
    memcpy(frame + 9, what.at, what.len);
    assert_int_equal(sim_say(play.sim, fd, bytes_make(frame, 9 + what.len)), 9 + what.len);
    play_go(&play);
}

/* ---- the client resets ------------------------------------------------------------------ */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define ASKED BYTES("\x82\x86\x84\x41\x01h") /* GET http://h/ */
#define CANCEL BYTES("\0\0\0\x08")

static int http2_dial(void)
{
    int client = play_dial(&play);
    play_say(&play, client, PREFACE);
    frame_say(client, SETTINGS, 0, 0, BYTES(""));
    return client;
}

/* One that is told `answer`, and reset afterwards. */
static void reset_one(int client, unsigned stream, const char *answer)
{
    frame_say(client, HEADERS, LAST, stream, ASKED);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, answer);
    frame_say(client, RST_STREAM, 0, stream, CANCEL);
    sim_close(play.sim, upstream);
    play_go(&play);
    play_hear(&play, client);
}

static void whole_one(int client, unsigned stream)
{
    frame_say(client, HEADERS, LAST, stream, ASKED);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, OK);
    sim_close(play.sim, upstream);
    play_go(&play);
    play_hear(&play, client);
}

static void only_resets_of_no_use_end_a_connection_and_only_where_they_are_most(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *answer;
        unsigned resets, whole;
        bool ended;
    } rows[] = {
        {"unanswered, as many as are allowed", "", 200, 0, false},
        {"unanswered, one more", "", 201, 0, true},
        {"unanswered, among as many that were not reset", "", 202, 202, false},
        {"unanswered, among fewer", "", 201, 200, true},
        {"inside of the answer", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 300, 0, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = http2_dial();
        unsigned stream = 1;
        for (unsigned n = 0; n < rows[i].whole; n++, stream += 2)
            whole_one(client, stream);
        for (unsigned n = 0; n < rows[i].resets; n++, stream += 2)
            reset_one(client, stream, rows[i].answer);
        assert_int_equal(sim_ended(play.sim, client), rows[i].ended);
        sim_close(play.sim, client);
        play_go(&play);
        play_close(&play);
    }
}

/* ---- the codec changes --------------------------------------------------------------------- */

static void what_becomes_http2_while_it_is_let_go_gets_its_answer(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, "PRI");
    worker_drain(&play.worker, 0);
    sim_say(play.sim, client, bytes_of(&PREFACE[3]));
    sim_say(play.sim, client,
            BYTES("\0\0\0\x04\0\0\0\0\0" /* SETTINGS */
                  "\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01h"));
    play_pass(&play, 1);
    int upstream = play_took(&play, PLAY_PORT);
    assert_false(sim_ended(play.sim, client));
    play_say(&play, upstream, OK);
    play_expect(&play, 1, 200, 0, "via_upstream");
    play_pass(&play, 1000);
    play_hear(&play, client);
    assert_true(sim_ended(play.sim, client));
    sim_close(play.sim, client);
    play_go(&play);
    play_close(&play);
}

/* ---- a connection that rests ---------------------------------------------------------------- */

/* RFC 9113 6.8: it is told in advance, so that nothing that it says meanwhile is lost. */
static void what_is_asked_as_the_rest_ends_gets_its_answer(void **state)
{
    (void)state;
    for (int asks = 0; asks < 2; asks++) {
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = http2_dial();
        play_hear(&play, client);
        play_pass(&play, 60000);
        assert_memory_equal(play_hear(&play, client), "\0\0\x08\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 17);
        if (asks) {
            whole_one(client, 1);
            play_expect(&play, 1, 200, 0, "via_upstream");
        }
        assert_false(sim_ended(play.sim, client));
        play_pass(&play, 1000);
        play_hear(&play, client);
        assert_true(sim_ended(play.sim, client));
        play_pass(&play, 2000);
        assert_true(worker_idle(&play.worker));
        play_close(&play);
    }
}

/* ---- clients leave, and we reset ---------------------------------------------------------- */

#define SHARED                                                                                               \
    PLAY_GATEWAY PLAY_NET("ServiceEntry",                                                                    \
                          "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"        \
                               "  ports: [{number: 80, protocol: HTTP2, name: http2, targetPort: 8080}]\n"   \
                               "  endpoints: [{address: 10.0.0.1}]\n" PLAY_ROUTE("")

static void leave_many(unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        int client = play_dial(&play);
        play_say(&play, client, GET);
        sim_reset(play.sim, client);
        play_go(&play);
    }
}

static void many_clients_that_leave_take_nobody_elses_call_along(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, SHARED);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play), other = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    frame_say(upstream, SETTINGS, 0, 0, BYTES(""));
    leave_many(99);
    play_hear(&play, upstream);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    leave_many(1);
    play_say(&play, other, GET);
    int fresh = play_took(&play, PLAY_PORT); /* before the upstream takes them for an attack */
    frame_say(fresh, SETTINGS, 0, 0, BYTES(""));
    frame_say(fresh, HEADERS, LAST, 1, BYTES("\x88"));
    said_begins(play_hear(&play, other), "HTTP/1.1 200 ");
    frame_say(upstream, HEADERS, LAST, 1, BYTES("\x88"));
    said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
    play_hear(&play, upstream);
    assert_true(sim_ended(play.sim, upstream));
    assert_false(sim_ended(play.sim, fresh));
    play_close(&play);
}

/* Each has cost us a request: it is no attack. */
static void an_upstream_that_resets_many_calls_keeps_its_connection(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, SHARED);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play), upstream = -1;
    for (unsigned n = 0; n < 250; n++) {
        play_say(&play, client, GET);
        if (upstream < 0) {
            upstream = play_took(&play, PLAY_PORT);
            frame_say(upstream, SETTINGS, 0, 0, BYTES(""));
        }
        play_hear(&play, upstream);
        frame_say(upstream, RST_STREAM, 0, 1 + 2 * n, CANCEL);
        said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    }
    assert_false(sim_ended(play.sim, upstream));
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_resets_of_no_use_end_a_connection_and_only_where_they_are_most),
        cmocka_unit_test(what_becomes_http2_while_it_is_let_go_gets_its_answer),
        cmocka_unit_test(what_is_asked_as_the_rest_ends_gets_its_answer),
        cmocka_unit_test(many_clients_that_leave_take_nobody_elses_call_along),
        cmocka_unit_test(an_upstream_that_resets_many_calls_keeps_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
