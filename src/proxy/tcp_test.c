/* Raw connections: their endings and times, weights, and the PROXY header that an upstream is sent. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>

static struct play play;

#define GATEWAY                                                                                              \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: TCP, name: p}, hosts: ['*']}\n"
#define ROUTED(destinations)                                                                                 \
    PLAY_NET("VirtualService", "v")                                                                          \
    "  hosts: ['*']\n  gateways: [g]\n  tcp: [{route: [" destinations "]}]\n"
#define SERVICE(name, port, endpoints)                                                                       \
    PLAY_NET("ServiceEntry", name)                                                                           \
    "  hosts: [" name ".test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"                            \
    "  ports: [{number: 90, protocol: TCP, name: tcp, targetPort: " port "}]\n  endpoints: " endpoints "\n"
#define TO(name) "{destination: {host: " name ".test, port: {number: 90}}}"
#define POLICY(what) PLAY_NET("DestinationRule", "d") "  host: b.test\n  trafficPolicy: {" what "}\n"
#define ONE "[{address: 10.0.0.1}]"
#define SIMPLE GATEWAY ROUTED(TO("b")) SERVICE("b", "8080", ONE)

static int open_tunnel(const char *rules, int *upstream)
{
    play_open(&play, ROLE_GATEWAY, rules);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    *upstream = play_took(&play, PLAY_PORT);
    return client;
}

/* ---- endings ------------------------------------------------------------------------------------- */

static void a_connection_that_finds_nobody_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        enum sim_port_state port;
        uint64_t after_ms;
        uint32_t flag;
        const char *details;
    } rows[] = {
        {SIMPLE, SIM_REFUSES, 0, RECORD_UF | RECORD_URX,
         "upstream_reset_before_response_started{connection_failure}"},
        {SIMPLE, SIM_HANGS, 10000, RECORD_UF | RECORD_URX,
         "upstream_reset_before_response_started{connection_timeout}"},
        {SIMPLE POLICY("connectionPool: {tcp: {connectTimeout: 2s}}"), SIM_HANGS, 2000,
         RECORD_UF | RECORD_URX, "upstream_reset_before_response_started{connection_timeout}"},
        {GATEWAY ROUTED(TO("b")) SERVICE("b", "8080", "[]"), SIM_SERVES, 0, RECORD_UH, "no_healthy_upstream"},
        {GATEWAY, SIM_SERVES, 0, RECORD_NR, "route_not_found"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_open(&play, ROLE_GATEWAY, rows[i].rules);
        sim_port(play.sim, PLAY_PORT, rows[i].port);
        int client = play_dial(&play);
        play_say(&play, client, "hello");
        if (rows[i].after_ms) {
            play_pass(&play, rows[i].after_ms - 1);
            assert_false(sim_ended(play.sim, client));
            play_pass(&play, 1);
        }
        assert_true(sim_ended(play.sim, client));
        play_expect(&play, 1, 0, rows[i].flag, rows[i].details);
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void whoever_breaks_a_tunnel_is_named(void **state)
{
    (void)state;
    for (int by_client = 0; by_client < 2; by_client++)
        for (int half = 0; half < 3;
             half++) { /* neither side, the client's or the upstream's is over already */
            int upstream, client = open_tunnel(SIMPLE, &upstream);
            play_say(&play, client, "ping");
            play_say(&play, upstream, "pong");
            play_hear(&play, client);
            play_hear(&play, upstream);
            if (half)
                sim_end(play.sim, half == 1 ? client : upstream);
            play_go(&play);
            sim_reset(play.sim, by_client ? client : upstream);
            play_expect(&play, 1, 0, by_client ? RECORD_DC : RECORD_UC,
                        by_client ? "downstream_remote_disconnect" : "upstream_reset");
            assert_int_equal(play_record(&play, 1)->bytes_received, 4);
            assert_int_equal(play_record(&play, 1)->bytes_sent, 4);
            assert_int_equal(sim_open(play.sim), 0);
            play_close(&play);
        }
}

static void a_client_that_has_said_all_before_the_upstream_is_there_is_answered(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_HANGS);
    int client = play_dial(&play);
    play_say(&play, client, "all");
    sim_end(play.sim, client);
    play_pass(&play, 1000);
    sim_relent(play.sim, PLAY_PORT);
    play_go(&play);
    int upstream = play_took(&play, PLAY_PORT);
    assert_string_equal(play_hear(&play, upstream), "all");
    assert_true(sim_ended(play.sim, upstream));
    play_say(&play, upstream, "answer");
    sim_end(play.sim, upstream);
    assert_string_equal(play_hear(&play, client), "answer");
    play_expect(&play, 1, 0, 0, "");
    play_close(&play);
}

/* ---- times ------------------------------------------------------------------------------------------ */

static void a_tunnel_without_a_byte_either_way_ends_at_its_time(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        uint64_t idle_ms;
    } rows[] = {
        {SIMPLE POLICY("connectionPool: {tcp: {idleTimeout: 20s}}"), 20000},
        {SIMPLE, 3600000},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int half = 0; half < 2; half++) {
            int upstream, client = open_tunnel(rows[i].rules, &upstream);
            play_pass(&play, rows[i].idle_ms - 1000);
            play_say(&play, client, "ping"); /* each byte counts anew, whoever it comes from */
            play_pass(&play, rows[i].idle_ms - 1000);
            play_say(&play, upstream, "pong");
            if (half)
                sim_end(play.sim, client);
            play_pass(&play, rows[i].idle_ms - 1000);
            play_record(&play, 0);
            play_pass(&play, 1000);
            play_expect(&play, 1, 0, RECORD_SI, "stream_idle_timeout");
            assert_int_equal(sim_open(play.sim), 0);
            play_close(&play);
        }
}

static void without_an_idle_time_a_tunnel_may_rest_for_ever(void **state)
{
    (void)state;
    int upstream, client = open_tunnel(SIMPLE POLICY("connectionPool: {tcp: {idleTimeout: 0s}}"), &upstream);
    play_pass(&play, 100 * 3600 * 1000);
    play_say(&play, client, "ping");
    assert_string_equal(play_hear(&play, upstream), "ping");
    play_record(&play, 0);
    play_close(&play);
}

static void a_tunnel_is_cut_at_its_longest_whatever_flows(void **state)
{
    (void)state;
    int upstream, client = open_tunnel(
                      SIMPLE POLICY("connectionPool: {tcp: {maxConnectionDuration: 60s, idleTimeout: 25s}}"),
                      &upstream);
    for (int i = 0; i < 5; i++) {
        play_pass(&play, 11000);
        play_say(&play, i % 2 ? client : upstream, "more");
        play_record(&play, 0);
    }
    play_pass(&play, 4999);
    play_record(&play, 0);
    play_pass(&play, 1);
    play_expect(&play, 1, 0, RECORD_DT, "max_connection_duration_reached");
    play_hear(&play, upstream);
    assert_true(sim_ended(play.sim, upstream));
    assert_int_equal(sim_open(play.sim), 0);
    play_close(&play);
}

static void new_rules_do_not_change_the_times_of_a_tunnel_that_stands(void **state)
{
    (void)state;
    int upstream;
    open_tunnel(SIMPLE POLICY("connectionPool: {tcp: {idleTimeout: 20s}}"), &upstream);
    for (int i = 0; i < 5; i++)
        play_rules(&play, SIMPLE);
    play_pass(&play, 19999);
    play_record(&play, 0);
    play_pass(&play, 1);
    play_expect(&play, 1, 0, RECORD_SI, "stream_idle_timeout");
    play_close(&play);
}

/* ---- weights ---------------------------------------------------------------------------------------- */

static void connections_are_spread_by_weight(void **state)
{
    (void)state;
    unsigned counts[2] = {0, 0};
    play_open(&play, ROLE_GATEWAY,
              GATEWAY ROUTED("{destination: {host: b.test, port: {number: 90}}, weight: 80}, "
                             "{destination: {host: c.test, port: {number: 90}}, weight: 20}, "
                             "{destination: {host: d.test, port: {number: 90}}, weight: 0}")
                  SERVICE("b", "8080", ONE) SERVICE("c", "8081", ONE) SERVICE("d", "8082", ONE));
    for (unsigned port = 8080; port <= 8082; port++)
        sim_port(play.sim, port, SIM_SERVES);
    for (int i = 0; i < 300; i++) {
        int client = play_dial(&play), upstream = -1;
        for (unsigned which = 0; which < 2 && upstream < 0; which++) {
            upstream = sim_take(play.sim, 8080 + which);
            counts[which] += upstream >= 0;
        }
        assert_true(upstream >= 0); /* never the one that weighs nothing */
        sim_close(play.sim, client);
        sim_close(play.sim, upstream);
        play_go(&play);
    }
    if (counts[1] < 40 || counts[1] > 80)
        world_wrong("%u and %u of 300, with weights 80 and 20", counts[0], counts[1]);
    play_close(&play);
}

/* ---- the PROXY header to the upstream ------------------------------------------------------------------ */

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LINE "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n" /* as the simulated world has it */
#define BINARY SIGNATURE "\x21\x11\0\x0C\xC0\0\2\7\xC0\0\2\1\x12\x67\0\x50"
#define HTTP PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("")
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void heard_first(int upstream, struct bytes header)
{
    char heard[4000];
    size_t len = sim_hear(play.sim, upstream, heard, header.len);
    assert_int_equal(len, header.len);
    assert_memory_equal(heard, header.at, header.len);
}

static void the_header_is_the_first_that_an_upstream_hears(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        struct bytes header;
    } rows[] = {
        {SIMPLE POLICY("proxyProtocol: {version: V1}"), BYTES_INIT(LINE)},
        {SIMPLE POLICY("proxyProtocol: {version: V2}"), BYTES_INIT(BINARY)},
        {HTTP POLICY("proxyProtocol: {version: V1}"), BYTES_INIT(LINE)},
        {HTTP POLICY("proxyProtocol: {version: V2}"), BYTES_INIT(BINARY)},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int slow = 0; slow < 2; slow++) {
            play_open(&play, ROLE_GATEWAY, rows[i].rules);
            sim_port(play.sim, PLAY_PORT, SIM_SERVES);
            int client = play_dial(&play);
            play.sim->room = slow ? 7 : 64 * 1024;
            play_say(&play, client, GET);
            int upstream = play_took(&play, PLAY_PORT);
            for (size_t at = 0; slow && at < rows[i].header.len; at += 7) {
                heard_first(upstream, bytes_part(rows[i].header, at, at + 7));
                play_go(&play);
            }
            if (!slow)
                heard_first(upstream, rows[i].header);
            play.sim->room = 64 * 1024;
            said_begins(play_hear(&play, upstream), slow ? "" : "GET / HTTP/1.1\r\n");
            play_close(&play);
        }
}

static void a_server_that_speaks_first_is_told_who_calls_without_waiting(void **state)
{
    (void)state;
    int upstream, client = open_tunnel(SIMPLE POLICY("proxyProtocol: {version: V1}"), &upstream);
    assert_string_equal(play_hear(&play, upstream), LINE);
    play_say(&play, upstream, "220 hello");
    assert_string_equal(play_hear(&play, client), "220 hello");
    assert_int_equal(play_record(&play, 0) == NULL, 1);
    play_close(&play);
}

static void a_header_that_came_is_passed_on(void **state)
{
    (void)state;
    static const struct bytes network = BYTES_INIT("192.0.2.7");
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"PROXY TCP4 203.0.113.9 198.51.100.1 5000 443\r\n",
         "PROXY TCP4 203.0.113.9 198.51.100.1 5000 443\r\n"},
        {"PROXY TCP6 2001:db8::9 2001:db8::1 1 2\r\n", "PROXY TCP6 2001:db8::9 2001:db8::1 1 2\r\n"},
        {"PROXY UNKNOWN\r\n", LINE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_init(&play, ROLE_GATEWAY, SIMPLE POLICY("proxyProtocol: {version: V1}"));
        play.world.node.protocol_networks = &network;
        play.world.node.protocol_network_count = 1;
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        play_say(&play, play_dial(&play), rows[i].in);
        assert_string_equal(play_hear(&play, play_took(&play, PLAY_PORT)), rows[i].out);
        play_close(&play);
    }
}

/* What one client says never goes where another was announced. */
static void a_connection_with_a_header_is_its_clients_alone(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, HTTP POLICY("proxyProtocol: {version: V1}"));
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int clients[2], upstreams[2];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 2; i++) {
            if (!round)
                clients[i] = play_dial(&play);
            play_say(&play, clients[i],
                     i ? "GET /b HTTP/1.1\r\nHost: h\r\n\r\n" : "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
            if (!round)
                upstreams[i] = play_took(&play, PLAY_PORT);
            const char *heard = play_hear(&play, upstreams[i]);
            said_begins(heard, round ? "GET /" : LINE "GET /");
            said_has(heard, i ? "/b" : "/a");
            play_say(&play, upstreams[i], OK);
            said_begins(play_hear(&play, clients[i]), "HTTP/1.1 200 OK");
        }
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_close(&play);
}

static void other_rules_have_another_header(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, HTTP);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    static const struct {
        const char *rules;
        struct bytes header;
    } rows[] = {{HTTP, BYTES_INIT("GET ")},
                {HTTP POLICY("proxyProtocol: {version: V1}"), BYTES_INIT(LINE)},
                {HTTP POLICY("proxyProtocol: {version: V2}"), BYTES_INIT(BINARY)}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_rules(&play, rows[i].rules);
        play_say(&play, client, GET);
        int upstream = play_took(&play, PLAY_PORT);
        heard_first(upstream, rows[i].header);
        play_say(&play, upstream, OK);
        said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    }
    play_close(&play);
}

static void the_header_goes_out_before_tls(void **state)
{
    (void)state;
    char heard[100];
    int upstream;
    open_tunnel(SIMPLE POLICY("proxyProtocol: {version: V1}, tls: {mode: SIMPLE, insecureSkipVerify: true}"),
                &upstream);
    heard_first(upstream, BYTES(LINE));
    assert_true(sim_hear(play.sim, upstream, heard, sizeof heard) > 5);
    assert_memory_equal(heard, "\x16\3\1", 3);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_finds_nobody_says_why),
        cmocka_unit_test(whoever_breaks_a_tunnel_is_named),
        cmocka_unit_test(a_client_that_has_said_all_before_the_upstream_is_there_is_answered),
        cmocka_unit_test(a_tunnel_without_a_byte_either_way_ends_at_its_time),
        cmocka_unit_test(without_an_idle_time_a_tunnel_may_rest_for_ever),
        cmocka_unit_test(a_tunnel_is_cut_at_its_longest_whatever_flows),
        cmocka_unit_test(new_rules_do_not_change_the_times_of_a_tunnel_that_stands),
        cmocka_unit_test(connections_are_spread_by_weight),
        cmocka_unit_test(the_header_is_the_first_that_an_upstream_hears),
        cmocka_unit_test(a_server_that_speaks_first_is_told_who_calls_without_waiting),
        cmocka_unit_test(a_header_that_came_is_passed_on),
        cmocka_unit_test(a_connection_with_a_header_is_its_clients_alone),
        cmocka_unit_test(other_rules_have_another_header),
        cmocka_unit_test(the_header_goes_out_before_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
