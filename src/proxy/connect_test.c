/* CONNECT, over HTTP/1 and HTTP/2: a tunnel where a route asks for one by name, and nowhere else. */
#include "base/test.h"

#include "proxy/http2_fixture.h"

static struct play play;

#define VIRTUAL(matches, more)                                                                               \
    PLAY_NET("VirtualService", "v")                                                                          \
    "  hosts: ['*']\n  gateways: [g]\n  http:\n  - " matches                                                 \
    "route: [{destination: {host: b.test, port: {number: 80}}}]\n" more
#define RULES(matches, more) PLAY_GATEWAY PLAY_SERVICE("b", "8080") VIRTUAL(matches, more)
#define NAMED "match: [{method: {exact: CONNECT}}]\n    "
#define TUNNELS RULES(NAMED, "")
#define ASK "CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n"

static void open_rules(const char *yaml)
{
    play_open(&play, ROLE_GATEWAY, yaml);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static void untouched(void)
{
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
}

/* ---- where there is none ------------------------------------------------------------------ */

static void connect_without_a_route_by_name_is_404_and_reaches_nobody(void **state)
{
    static const char *const rules[] = {
        PLAY_SIMPLE,
        RULES("match: [{uri: {prefix: /}}]\n    ", ""),
        RULES("match: [{uri: {regex: '.*'}}]\n    ", ""),
        RULES("match: [{method: {prefix: CONN}}]\n    ", ""),
        RULES("match: [{method: {regex: 'CONNECT'}}]\n    ", ""),
        RULES("match: [{method: {exact: connect}}]\n    ", ""),
        RULES("match: [{authority: {exact: 'db.test:5432'}}]\n    ", ""),
        RULES("match: [{headers: {':method': {exact: CONNECT}}}]\n    ", ""),
        RULES("match: [{method: {exact: CONNECT}, uri: {prefix: /}}]\n    ", ""),
        RULES("match: [{method: {exact: CONNECT}, uri: {regex: '.*'}}]\n    ", ""),
        RULES("match: [{method: {exact: CONNECT}, authority: {exact: 'other.test:1'}}]\n    ", ""),
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rules); i++) {
        print_message("  %zu\n", i);
        open_rules(rules[i]);
        int client = play_dial(&play);
        play_say(&play, client, ASK "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const char *answer = play_hear(&play, client);
        said_begins(answer, "HTTP/1.1 404 ");
        said_has(answer, "connection: close\r\n");
        assert_true(sim_ended(play.sim, client)); /* what follows was meant for the tunnel */
        untouched();
        play_expect(&play, 1, 404, RECORD_NR, "route_not_found");
        play_close(&play);
    }
}

static void a_route_for_tunnels_takes_nothing_else(void **state)
{
    static const char *const asked[] = {"GET / HTTP/1.1\r\nHost: db.test:5432\r\n\r\n",
                                        "connect / HTTP/1.1\r\nHost: db.test:5432\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(asked); i++) {
        open_rules(TUNNELS);
        int client = play_dial(&play);
        play_say(&play, client, asked[i]);
        said_begins(play_hear(&play, client), "HTTP/1.1 404 ");
        untouched();
        play_close(&play);
    }
}

static void hostile_heads_are_refused(void **state)
{
    static const struct {
        const char *request;
        const char *sentence;
    } rows[] = {
        {"CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT http://h:1/ HTTP/1.1\r\nHost: h\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT h: HTTP/1.1\r\nHost: h\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT :1 HTTP/1.1\r\nHost: h\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT a@h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT h:1/ HTTP/1.1\r\nHost: h:1\r\n\r\n", "the target of CONNECT is not HOST:PORT"},
        {"CONNECT h:1 HTTP/1.1\r\nHost: other:1\r\n\r\n",
         "the Host field and the request target name different hosts"},
        {"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\n\r\nabc", "CONNECT has a body"},
        {"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "CONNECT has a body"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].request);
        open_rules(TUNNELS);
        int client = play_dial(&play);
        play_say(&play, client, rows[i].request);
        said_begins(play_hear(&play, client), "HTTP/1.1 400 ");
        assert_true(sim_ended(play.sim, client));
        untouched();
        play_expect(&play, 1, 400, RECORD_DPE, "http1.codec_error");
        assert_true(bytes_equal(play_record(&play, 1)->termination, bytes_of(rows[i].sentence)));
        play_close(&play);
    }
}

static void policy_judges_it_by_method_and_host_and_knows_no_path(void **state)
{
    static const struct {
        const char *policy;
        unsigned status;
    } rows[] = {
        {"  {}\n", 403},
        {"  action: ALLOW\n  rules: [{to: [{operation: {methods: [CONNECT]}}]}]\n", 200},
        {"  action: ALLOW\n  rules: [{to: [{operation: {hosts: ['db.test:5432']}}]}]\n", 200},
        {"  action: ALLOW\n  rules: [{to: [{operation: {methods: [GET]}}]}]\n", 403},
        {"  action: ALLOW\n  rules: [{to: [{operation: {paths: ['*']}}]}]\n", 403},
        {"  action: DENY\n  rules: [{to: [{operation: {notPaths: [/open]}}]}]\n", 403},
        {"  action: DENY\n  rules: [{to: [{operation: {methods: [CONNECT]}}]}]\n", 403},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char rules[4096], line[40];
        print_message("  %zu\n", i);
        snprintf(rules, sizeof rules, "%s%s%s", TUNNELS, PLAY_SEC("AuthorizationPolicy", "p"),
                 rows[i].policy);
        open_rules(rules);
        int client = play_dial(&play);
        play_say(&play, client, ASK);
        snprintf(line, sizeof line, "HTTP/1.1 %u ", rows[i].status);
        said_begins(play_hear(&play, client), line);
        if (rows[i].status == 200)
            play_took(&play, PLAY_PORT);
        else
            untouched();
        play_close(&play);
    }
}

/* A 2xx is a tunnel to whoever asked for one. */
static void an_answer_made_here_is_no_tunnel(void **state)
{
    static const struct {
        const char *more;
        const char *fields;
        const char *line;
    } rows[] = {
        {"    directResponse: {status: 200, body: {string: x}}\n", "", "HTTP/1.1 403 "},
        {"    directResponse: {status: 204}\n", "", "HTTP/1.1 403 "},
        {"    directResponse: {status: 418}\n", "", "HTTP/1.1 418 "},
        {"    fault: {abort: {grpcStatus: NOT_FOUND, percentage: {value: 100}}}\n"
         "    route: [{destination: {host: b.test, port: {number: 80}}}]\n",
         "content-type: application/grpc\r\n", "HTTP/1.1 403 "},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char rules[4096], ask[200];
        print_message("  %zu\n", i);
        snprintf(rules, sizeof rules, "%s%s%s", PLAY_GATEWAY PLAY_SERVICE("b", "8080"),
                 PLAY_NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n  - " NAMED "\n",
                 rows[i].more);
        snprintf(ask, sizeof ask, "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n%s\r\n", rows[i].fields);
        open_rules(rules);
        int client = play_dial(&play);
        play_say(&play, client, ask);
        said_begins(play_hear(&play, client), rows[i].line);
        assert_true(sim_ended(play.sim, client));
        play_close(&play);
    }
}

/* ---- where there is one --------------------------------------------------------------------- */

static int tunnel_open(int *client, const char *also)
{
    char text[400];
    open_rules(TUNNELS);
    *client = play_dial(&play);
    snprintf(text, sizeof text, ASK "%s", also);
    play_say(&play, *client, text);
    int upstream = play_took(&play, PLAY_PORT);
    assert_string_equal(play_hear(&play, upstream), also); /* nothing of the head */
    const char *answer = play_hear(&play, *client);
    said_begins(answer, "HTTP/1.1 200 OK\r\n");
    said_lacks(answer, "ontent-");
    said_lacks(answer, "ransfer-");
    said_lacks(answer, "onnection:");
    said_ends(answer, "\r\n\r\n");
    play_say(&play, *client, "ping");
    assert_string_equal(play_hear(&play, upstream), "ping");
    play_say(&play, upstream, "HTTP/1.1 pong");
    assert_string_equal(play_hear(&play, *client), "HTTP/1.1 pong");
    return upstream;
}

static void what_came_with_the_head_goes_through(void **state)
{
    static const char *const also[] = {"", "early", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(also); i++) {
        int client, upstream = tunnel_open(&client, also[i]);
        sim_end(play.sim, client);
        sim_end(play.sim, upstream);
        play_go(&play);
        play_expect(&play, 1, 200, 0, "via_upstream");
        play_close(&play);
    }
}

static void each_end_ends_by_itself(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        int client, upstream = tunnel_open(&client, "");
        int ends[2] = {client, upstream};
        sim_end(play.sim, ends[first]);
        play_go(&play);
        assert_true(sim_ended(play.sim, ends[!first]));
        play_record(&play, 0);
        play_say(&play, ends[!first], "late");
        assert_string_equal(play_hear(&play, ends[first]), "late");
        sim_end(play.sim, ends[!first]);
        play_go(&play);
        assert_true(sim_ended(play.sim, ends[first]));
        const struct record *record = play_record(&play, 1);
        assert_int_equal(record->bytes_received, first == 0 ? 4 : 8);
        assert_int_equal(record->bytes_sent, first == 0 ? 17 : 13);
        play_expect(&play, 1, 200, 0, "via_upstream");
        play_close(&play);
    }
}

static void whoever_breaks_it_is_named(void **state)
{
    (void)state;
    for (int who = 0; who < 2; who++) {
        int client, upstream = tunnel_open(&client, "");
        sim_reset(play.sim, who ? upstream : client);
        play_go(&play);
        play_expect(&play, 1, 200, who ? RECORD_UC : RECORD_DC,
                    who ? "upstream_reset_after_response_started" : "downstream_remote_disconnect");
        play_close(&play);
    }
}

static void an_upstream_that_is_not_there_is_503(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, TUNNELS);
    int client = play_dial(&play);
    play_say(&play, client, ASK);
    play_pass(&play, 1000); /* connecting is tried again */
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 503, RECORD_UF | RECORD_URX,
                "upstream_reset_before_response_started{connection_failure}");
    play_close(&play);
}

static void a_tunnel_at_rest_ends_at_its_time(void **state)
{
    int client;
    (void)state;
    tunnel_open(&client, "");
    play_pass(&play, (uint64_t)play.worker.generation->limits->tunnel_idle_ms + 1000);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 200, RECORD_SI, "stream_idle_timeout");
    assert_int_equal(play.limit_hits[LIMIT_TUNNEL_IDLE], 1);
    play_close(&play);
}

static void a_tunnel_lasts_as_long_as_its_route_lets_it(void **state)
{
    (void)state;
    open_rules(RULES(NAMED, "    timeout: 5s\n"));
    int client = play_dial(&play);
    play_say(&play, client, ASK);
    int upstream = play_took(&play, PLAY_PORT);
    for (int i = 0; i < 4; i++) {
        play_pass(&play, 1000);
        play_say(&play, upstream, "x");
    }
    play_record(&play, 0);
    play_pass(&play, 2000);
    said_ends(play_hear(&play, client), "xxxx");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 200, RECORD_UT, "upstream_reset_after_response_started");
    play_close(&play);
}

static void no_copy_goes_to_a_mirror(void **state)
{
    (void)state;
    open_rules(PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_SERVICE("m", "8081")
                   VIRTUAL(NAMED, "    mirror: {host: m.test, port: {number: 80}}\n"));
    sim_port(play.sim, 8081, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, ASK);
    play_took(&play, PLAY_PORT);
    assert_int_equal(sim_take(play.sim, 8081), -1);
    play_close(&play);
}

/* ---- over HTTP/2 ---------------------------------------------------------------------------- */

#define ASK2 ":method: CONNECT\n:authority: db.test:5432\n"

static void over_http2_it_is_a_stream(void **state)
{
    struct peer2 peer;
    (void)state;
    open_rules(TUNNELS);
    peer2_dial(&peer, &play);
    int32_t id = peer2_ask(&peer, ASK2, false);
    int upstream = play_took(&play, PLAY_PORT);
    peer2_go(&peer);
    struct peer_stream *stream = peer2_stream(&peer, id);
    said_begins(stream->heard, ":status: 200\r\n");
    said_lacks(stream->heard, "content-length");
    assert_false(stream->ended);
    peer2_send(&peer, id, BYTES("ping"), false, NULL);
    peer2_go(&peer);
    assert_string_equal(play_hear(&play, upstream), "ping");
    play_say(&play, upstream, "pong");
    peer2_go(&peer);
    assert_string_equal(stream->body, "pong");
    peer2_send(&peer, id, BYTES("last"), true, NULL);
    peer2_go(&peer);
    assert_string_equal(play_hear(&play, upstream), "last");
    assert_true(sim_ended(play.sim, upstream));
    play_say(&play, upstream, "more");
    sim_end(play.sim, upstream);
    peer2_go(&peer);
    assert_string_equal(stream->body, "pongmore");
    assert_true(stream->ended);
    play_expect(&play, 1, 200, 0, "via_upstream");
    peer2_done(&peer);
    play_close(&play);
}

static void over_http2_a_broken_tunnel_is_a_connect_error(void **state)
{
    struct peer2 peer;
    (void)state;
    open_rules(TUNNELS);
    peer2_dial(&peer, &play);
    int32_t id = peer2_ask(&peer, ASK2, false);
    sim_reset(play.sim, play_took(&play, PLAY_PORT));
    peer2_go(&peer);
    assert_true(peer2_stream(&peer, id)->closed);
    assert_int_equal(peer2_stream(&peer, id)->code, NGHTTP2_CONNECT_ERROR);
    play_record(&play, 1);
    peer2_done(&peer);
    play_close(&play);
}

static void over_http2_what_is_no_tunnel_is_no_2xx(void **state)
{
    static const struct {
        const char *rules;
        const char *ask;
        const char *status;
    } rows[] = {
        {PLAY_SIMPLE, ASK2, ":status: 404\r\n"},
        {TUNNELS, ":method: CONNECT\n:authority: h:1\ncontent-type: application/grpc\nx: y\n",
         ":status: 503\r\n"},
        {PLAY_GATEWAY PLAY_NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n"
                                                      "  - directResponse: {status: 200}\n",
         ":method: CONNECT\n:protocol: websocket\n:scheme: http\n:authority: h\n:path: /\n",
         ":status: 403\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct peer2 peer;
        print_message("  %zu\n", i);
        play_open(&play, ROLE_GATEWAY, rows[i].rules);
        peer2_dial(&peer, &play);
        int32_t id = peer2_ask(&peer, rows[i].ask, false);
        play_pass(&play, 1000);
        peer2_go(&peer);
        said_begins(peer2_stream(&peer, id)->heard, rows[i].status);
        peer2_done(&peer);
        play_close(&play);
    }
}

static void over_http2_hostile_heads_are_reset(void **state)
{
    static const char *const asked[] = {
        ":method: CONNECT\n:authority: h\n",
        ":method: CONNECT\n:authority: h:1\n:path: /\n:scheme: http\n",
        ":method: CONNECT\n:authority: h:1\ncontent-length: 3\n",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(asked); i++) {
        struct peer2 peer;
        print_message("  %zu\n", i);
        open_rules(TUNNELS);
        peer2_dial(&peer, &play);
        int32_t id = peer2_ask(&peer, asked[i], false);
        peer2_go(&peer);
        assert_true(peer2_stream(&peer, id)->closed);
        assert_int_equal(peer2_stream(&peer, id)->code, NGHTTP2_PROTOCOL_ERROR);
        untouched();
        peer2_done(&peer);
        play_close(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_without_a_route_by_name_is_404_and_reaches_nobody),
        cmocka_unit_test(a_route_for_tunnels_takes_nothing_else),
        cmocka_unit_test(hostile_heads_are_refused),
        cmocka_unit_test(policy_judges_it_by_method_and_host_and_knows_no_path),
        cmocka_unit_test(an_answer_made_here_is_no_tunnel),
        cmocka_unit_test(what_came_with_the_head_goes_through),
        cmocka_unit_test(each_end_ends_by_itself),
        cmocka_unit_test(whoever_breaks_it_is_named),
        cmocka_unit_test(an_upstream_that_is_not_there_is_503),
        cmocka_unit_test(a_tunnel_at_rest_ends_at_its_time),
        cmocka_unit_test(a_tunnel_lasts_as_long_as_its_route_lets_it),
        cmocka_unit_test(no_copy_goes_to_a_mirror),
        cmocka_unit_test(over_http2_it_is_a_stream),
        cmocka_unit_test(over_http2_a_broken_tunnel_is_a_connect_error),
        cmocka_unit_test(over_http2_what_is_no_tunnel_is_no_2xx),
        cmocka_unit_test(over_http2_hostile_heads_are_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
