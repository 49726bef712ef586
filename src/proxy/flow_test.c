/* What flows: connections that are used again, slow ends and large bodies, TCP. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdlib.h>

#include "proxy/block.h"

static struct play play;

static void open_simple(void)
{
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* ---- the pool ---------------------------------------------------------------------------------- */

static void a_stale_connection_is_tried_once_more_for_idempotent_methods_only(void **state)
{
    static const struct {
        const char *request;
        bool again;
    } tries[] = {{"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", true},
                 {"PUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", true},
                 {"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", false}};
    (void)state;
    for (size_t i = 0; i < ROWS(tries); i++) {
        open_simple();
        int client = play_dial(&play);
        play_say(&play, client, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_hear(&play, upstream);
        play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        play_hear(&play, client);
        play_say(&play, client, tries[i].request);
        assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
        sim_close(play.sim, upstream); /* what it was sent is unread: a reset */
        play_go(&play);
        if (tries[i].again) {
            upstream = play_took(&play, PLAY_PORT);
            const char *heard = play_hear(&play, upstream);
            said_has(heard, " /2 ");
            if (strstr(tries[i].request, "abc"))
                said_ends(heard, "\r\n\r\nabc");
            play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
            play_expect(&play, 2, 200, 0, "via_upstream");
        } else {
            said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
            play_expect(&play, 2, 503, RECORD_UC,
                        "upstream_reset_before_response_started{connection_termination}");
            assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
        }
        play_close(&play);
    }
}

static void a_fresh_connection_that_breaks_is_not_tried_again(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    sim_close(play.sim, play_took(&play, PLAY_PORT));
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_expect(&play, 1, 503, RECORD_UC, "upstream_reset_before_response_started{connection_termination}");
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_close(&play);
}

/* More came than is kept while the second connection was under way: what was lost cannot be sent. */
static void a_body_that_outgrew_what_is_kept_is_never_sent_without_its_beginning(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    play_hear(&play, client);
    play_say(&play, client, "PUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
    play_say_many(&play, client, 'a', 60000);
    sim_port(play.sim, PLAY_PORT, SIM_HANGS);
    sim_reset(play.sim, upstream);
    play_go(&play);
    play_say_many(&play, client, 'b', 60000);
    sim_relent(play.sim, PLAY_PORT);
    play_go(&play);
    assert_string_equal(play_hear(&play, play_took(&play, PLAY_PORT)), "");
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_record(&play, 2);
    play_close(&play);
}

/* ---- slow readers, large bodies ---------------------------------------------------------------- */

static void a_slow_reader_holds_up_the_upstream_and_memory_stays_bounded(void **state)
{
    (void)state;
    open_simple();
    play.sim->room = 4096;
    size_t before = block_live();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    size_t left = 1000000, got = 0;
    while (left) {
        char piece[4096];
        memset(piece, 'x', sizeof piece);
        size_t took =
            sim_say(play.sim, upstream, bytes_make(piece, left < sizeof piece ? left : sizeof piece));
        play_go(&play);
        assert_true(block_live() - before < 12);
        left -= took;
        if (!took)
            got += sim_hear(play.sim, client, piece, 1000);
    }
    got += play_drain(&play, client, 1000);
    assert_true(got > 1000000);
    assert_int_equal(play_record(&play, 1)->bytes_sent, 1000000);
    play_close(&play);
}

/* What the upstream gets rid of while the client reads nothing. */
static size_t said_in_vain(int upstream)
{
    char piece[4096];
    size_t took, all = 0;
    memset(piece, 'x', sizeof piece);
    while ((took = sim_say(play.sim, upstream, bytes_make(piece, sizeof piece)))) {
        all += took;
        play_go(&play);
    }
    return all;
}

static void who_has_kept_up_is_sent_more_at_a_time_and_no_more_than_that(void **state)
{
    static const struct {
        const char *name;
        size_t reads; /* before it stops */
        size_t limit; /* of blocks */
        size_t least, most;
    } rows[] = {
        {"reads nothing", 0, 16384, 28 * 1024, 48 * 1024},
        {"read a little", 500 * 1000, 16384, 28 * 1024, 48 * 1024},
        {"kept up", 3000 * 1000, 16384, 120 * 1024, 288 * 1024},
        {"kept up, while many blocks are in use", 3000 * 1000, 7, 28 * 1024, 48 * 1024},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_simple();
        play.sim->room = 4096;
        block_limit_set(rows[i].limit);
        int client = play_dial(&play);
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_hear(&play, upstream);
        play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        for (size_t read = play_drain(&play, client, 4096); read < rows[i].reads;) {
            play_say_many(&play, upstream, 'x', 4096);
            read += play_drain(&play, client, 4096);
        }
        size_t said = said_in_vain(upstream);
        if (said < rows[i].least || said > rows[i].most)
            world_wrong("%zu bytes", said);
        play_drain(&play, client, 4096);
        sim_close(play.sim, client);
        play_go(&play);
        block_limit_set(16384);
        play_close(&play);
    }
}

static void a_large_upload_waits_for_a_slow_upstream(void **state)
{
    (void)state;
    open_simple();
    play.sim->room = 4096;
    size_t before = block_live();
    int client = play_dial(&play);
    play_say(&play, client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    size_t left = 500000, got = 0;
    while (left) {
        char piece[4096];
        memset(piece, 'x', sizeof piece);
        size_t took = sim_say(play.sim, client, bytes_make(piece, left < sizeof piece ? left : sizeof piece));
        play_go(&play);
        assert_true(block_live() - before < 12);
        left -= took;
        if (!took)
            got += sim_hear(play.sim, upstream, piece, 1000);
    }
    got += play_drain(&play, upstream, 1000);
    assert_true(got > 500000);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    assert_int_equal(play_record(&play, 1)->bytes_received, 500000);
    play_close(&play);
}

static void a_client_that_reads_nothing_is_cut(void **state)
{
    (void)state;
    open_simple();
    play.sim->room = 4096;
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    play_say_many(&play, upstream, 'x', 1000000);
    play_pass(&play, 61000);
    play_expect(&play, 1, 200, RECORD_SI, "stream_idle_timeout");
    assert_true(play_record(&play, 1)->bytes_sent >= 4096); /* what it was sent counts, though not all was */
    play_close(&play);
}

/* The queue was exactly full when everything else had been written: no write makes progress any more. */
static void a_client_that_stops_reading_between_two_parts_is_cut(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc");
    play_pass(&play, 100);
    play.sim->room = 1; /* less than what lies in the queue: full */
    struct bytes more = BYTES("d");
    play.sim->room = 64 * 1024;
    sim_say(play.sim, upstream, more);
    play.sim->room = 1;
    play_go(&play);
    play_pass(&play, 61000);
    play_expect(&play, 1, 200, RECORD_SI, "stream_idle_timeout");
    play_close(&play);
}

static void an_answer_larger_than_the_queue_reaches_a_client_that_asked_to_close(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play.sim->room = 100000;
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n");
    play.sim->room = 1000;
    play_drain(&play, client, 2000);
    play.sim->room = 100000;
    char *body = malloc(30001);
    memset(body, 'y', 30000);
    body[30000] = 0;
    sim_say(play.sim, upstream, bytes_of(body));
    play.sim->room = 1000;
    play_go(&play);
    sim_end(play.sim, client); /* it has said all it had to say, and reads on */
    play_go(&play);
    assert_int_equal(play_drain(&play, client, 100), 30000);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 200, 0, "via_upstream");
    free(body);
    play_close(&play);
}

/* ---- TCP ----------------------------------------------------------------------------------------- */

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

static void a_tcp_tunnel_carries_both_ways_and_each_end_by_itself(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        play_open(&play, ROLE_GATEWAY, TCP_RULES);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = play_dial(&play), upstream = play_took(&play, PLAY_PORT);
        play_say(&play, upstream, "220 hello"); /* a server that speaks first */
        assert_string_equal(play_hear(&play, client), "220 hello");
        play_say(&play, client, "ping");
        assert_string_equal(play_hear(&play, upstream), "ping");
        int one = first ? client : upstream, other = first ? upstream : client;
        sim_end(play.sim, one);
        play_go(&play);
        assert_true(sim_ended(play.sim, other));
        play_record(&play, 0);
        sim_say(play.sim, other, BYTES("late"));
        sim_end(play.sim, other);
        assert_string_equal(play_hear(&play, one), "late");
        assert_true(sim_ended(play.sim, one));
        play_expect(&play, 1, 0, 0, "");
        assert_int_equal(play_record(&play, 1)->protocol, 1);
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void tcp_that_reaches_nobody_or_is_denied_is_cut_with_a_record(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, TCP_RULES);
    int client = play_dial(&play);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_UF | RECORD_URX,
                "upstream_reset_before_response_started{connection_failure}");
    play_close(&play);
    play_open(&play, ROLE_GATEWAY, TCP_RULES PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    client = play_dial(&play);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_UAEX, "rbac_access_denied_matched_policy[none]");
    play_close(&play);
}

static void without_valid_rules_every_request_is_403(void **state)
{
    (void)state;
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    play_start(&play);
    int client = play_dial(&play);
    play_deny_all(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 403 ");
    assert_int_equal(play_record(&play, 1)->flags, RECORD_UAEX);
    assert_true(bytes_equal(play_record(&play, 1)->decision, BYTES("deny")));
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stale_connection_is_tried_once_more_for_idempotent_methods_only),
        cmocka_unit_test(a_fresh_connection_that_breaks_is_not_tried_again),
        cmocka_unit_test(a_body_that_outgrew_what_is_kept_is_never_sent_without_its_beginning),
        cmocka_unit_test(a_slow_reader_holds_up_the_upstream_and_memory_stays_bounded),
        cmocka_unit_test(who_has_kept_up_is_sent_more_at_a_time_and_no_more_than_that),
        cmocka_unit_test(a_large_upload_waits_for_a_slow_upstream),
        cmocka_unit_test(a_client_that_reads_nothing_is_cut),
        cmocka_unit_test(a_client_that_stops_reading_between_two_parts_is_cut),
        cmocka_unit_test(a_tcp_tunnel_carries_both_ways_and_each_end_by_itself),
        cmocka_unit_test(tcp_that_reaches_nobody_or_is_denied_is_cut_with_a_record),
        cmocka_unit_test(without_valid_rules_every_request_is_403),
        cmocka_unit_test(an_answer_larger_than_the_queue_reaches_a_client_that_asked_to_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
