/* Trying again, and limits, in a simulated world. */
#include "base/test.h"

#include "base/heap.h"
#include "proxy/proxy_fixture.h"

#include <stdlib.h>

#include "proxy/upstream.h"

static struct play play;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
#define SAYS(status) "HTTP/1.1 " status " X\r\nContent-Length: 0\r\n\r\n"
#define RESET(reason) "upstream_reset_before_response_started{" reason "}"
#define RETRIES(how) PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("    retries: {" how "}\n")
#define RULE(policy) PLAY_NET("DestinationRule", "r") "  host: b.test\n  trafficPolicy: {" policy "}\n"
#define POOL(tcp, http) RULE("connectionPool: {tcp: {" tcp "}, http: {" http "}}")
/* Two endpoints: at port 8080 and 8081. */
#define TWO                                                                                                  \
    PLAY_NET("ServiceEntry", "b")                                                                            \
    "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"                                   \
    "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: 8080}]\n"                                \
    "  endpoints: [{address: 10.0.0.1}, {address: 10.0.0.1, ports: {http: 8081}}]\n"

static int known[2]; /* the last connections to the two endpoints */

static void open(const char *yaml)
{
    known[0] = known[1] = -1;
    play_open(&play, ROLE_GATEWAY, yaml);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    sim_port(play.sim, 8081, SIM_SERVES);
}

static int ask(const char *request)
{
    int client = play_dial(&play);
    play_say(&play, client, request);
    return client;
}

/* ---- what is tried again ----------------------------------------------------------------- */

struct again {
    const char *name;
    const char *yaml;
    const char *request;
    const char *first; /* what the upstream says, NULL: it closes the connection */
    bool retried;
    unsigned status; /* when it is not */
    uint32_t flags;
    const char *details;
};

static const struct again agains[] = {
    {"the default leaves a 503 alone", PLAY_SIMPLE, GET, SAYS("503"), false, 503, 0, "via_upstream"},
    {"the default leaves a reset alone", PLAY_SIMPLE, GET, NULL, false, 503, RECORD_UC,
     RESET("connection_termination")},
    {"the default retries what gRPC calls unavailable", PLAY_SIMPLE, GET,
     "HTTP/1.1 200 OK\r\ngrpc-status: 14\r\nContent-Length: 0\r\n\r\n", true, 0, 0, ""},
    {"5xx", RETRIES("attempts: 1, retryOn: 5xx"), GET, SAYS("500"), true, 0, 0, ""},
    {"5xx, also what has effects", RETRIES("attempts: 1, retryOn: 5xx"), POST, SAYS("500"), true, 0, 0, ""},
    {"5xx, no answer", RETRIES("attempts: 1, retryOn: 5xx"), GET, NULL, true, 0, 0, ""},
    {"5xx, but 404", RETRIES("attempts: 1, retryOn: 5xx"), GET, SAYS("404"), false, 404, 0, "via_upstream"},
    {"gateway-error", RETRIES("attempts: 1, retryOn: gateway-error"), GET, SAYS("502"), true, 0, 0, ""},
    {"reset", RETRIES("attempts: 1, retryOn: reset"), GET, NULL, true, 0, 0, ""},
    {"reset, with a body", RETRIES("attempts: 1, retryOn: reset"), POST, NULL, true, 0, 0, ""},
    {"reset-before-request", RETRIES("attempts: 1, retryOn: reset-before-request"), GET, NULL, false, 503,
     RECORD_UC, RESET("connection_termination")},
    {"retriable-4xx", RETRIES("attempts: 1, retryOn: retriable-4xx"), GET, SAYS("409"), true, 0, 0, ""},
    {"a plain number", RETRIES("attempts: 1, retryOn: 'connect-failure,418'"), GET, SAYS("418"), true, 0, 0,
     ""},
    {"another number", RETRIES("attempts: 1, retryOn: 'connect-failure,418'"), GET, SAYS("419"), false, 419,
     0, "via_upstream"},
    {"garbage", RETRIES("attempts: 1, retryOn: reset"), GET, "garbage\r\n\r\n", true, 0, 0, ""},
    {"garbage, but not that", RETRIES("attempts: 1, retryOn: connect-failure"), GET, "garbage\r\n\r\n", false,
     502, RECORD_UPE, RESET("protocol_error")},
    {"no attempts", RETRIES("attempts: 0"), GET, SAYS("503"), false, 503, 0, "via_upstream"},
};

static void again_check(const struct again *row)
{
    open(row->yaml);
    int client = ask(row->request);
    int upstream = play_took(&play, PLAY_PORT);
    said_has(play_hear(&play, upstream), "x-envoy-attempt-count: 1\r\n");
    if (row->first)
        play_say(&play, upstream, row->first);
    else
        sim_close(play.sim, upstream);
    play_go(&play);
    if (row->retried) {
        assert_string_equal(play_hear(&play, client), ""); /* it hears nothing of the first */
        play_pass(&play, 300);
        int next = sim_take(play.sim, PLAY_PORT);
        upstream = next >= 0 ? next : upstream;
        const char *heard = play_hear(&play, upstream);
        said_has(heard, "x-envoy-attempt-count: 2\r\n");
        said_ends(heard, strcmp(row->request, POST) == 0 ? "\r\n\r\nabc" : "\r\n\r\n");
        play_say(&play, upstream, SAYS("200"));
        said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
        play_expect(&play, 1, 200, 0, "via_upstream");
    } else {
        play_pass(&play, 300);
        play_expect(&play, 1, row->status, row->flags, row->details);
    }
    assert_int_equal(play_record(&play, 1)->attempts, row->retried ? 2 : 1);
    play_close(&play);
}

static void ends_that_the_rule_names_are_tried_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(agains); i++) {
        print_message("  %s\n", agains[i].name);
        again_check(&agains[i]);
    }
}

static void when_attempts_are_used_up_the_last_answer_is_it(void **state)
{
    (void)state;
    open(RETRIES("attempts: 2, retryOn: 5xx"));
    int client = ask(GET), upstream = -1;
    for (int i = 0; i < 3; i++) {
        play_pass(&play, 300);
        int next = sim_take(play.sim, PLAY_PORT);
        upstream = next >= 0 ? next : upstream;
        play_hear(&play, upstream);
        play_say(&play, upstream, i < 2 ? SAYS("503") : SAYS("500"));
    }
    said_begins(play_hear(&play, client), "HTTP/1.1 500 ");
    play_expect(&play, 1, 500, RECORD_URX, "via_upstream");
    assert_int_equal(play_record(&play, 1)->attempts, 3);
    assert_int_equal(play_record(&play, 1)->retry_end, RECORD_RETRY_LIMIT);
    play_close(&play);
}

static void a_try_has_its_time_and_the_route_bounds_them_all(void **state)
{
    static const struct {
        const char *yaml;
        uint64_t ms;
        unsigned attempts;
        uint32_t flags;
        const char *details;
    } rows[] = {
        {RETRIES("attempts: 1, perTryTimeout: 1s, retryOn: 5xx"), 2000, 2, RECORD_UT | RECORD_URX,
         "upstream_per_try_timeout"},
        {RETRIES("attempts: 1, perTryTimeout: 1s, retryOn: connect-failure"), 1000, 1, RECORD_UT,
         "upstream_per_try_timeout"},
        {RETRIES("attempts: 5, perTryTimeout: 1s, retryOn: 5xx"), 6000, 6, RECORD_UT | RECORD_URX,
         "upstream_per_try_timeout"},
        {PLAY_GATEWAY PLAY_SERVICE("b", "8080")
             PLAY_ROUTE("    timeout: 1500ms\n    retries: {attempts: 5, perTryTimeout: 1s, retryOn: 5xx}\n"),
         1500, 2, RECORD_UT, "response_timeout"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        open(rows[i].yaml);
        int client = ask(GET);
        play_pass(&play, rows[i].ms - 10);
        play_record(&play, 0);
        play_pass(&play, 1100); /* and the pauses */
        said_begins(play_hear(&play, client), "HTTP/1.1 504 ");
        play_expect(&play, 1, 504, rows[i].flags, rows[i].details);
        assert_int_equal(play_record(&play, 1)->attempts, rows[i].attempts);
        play_close(&play);
    }
}

static void an_answer_that_began_in_time_is_not_cut_by_the_trys(void **state)
{
    (void)state;
    open(RETRIES("attempts: 1, perTryTimeout: 1s, retryOn: 5xx"));
    int client = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    play_pass(&play, 3000);
    play_say(&play, upstream, "bc");
    said_ends(play_hear(&play, client), "\r\n\r\nabc");
    play_expect(&play, 1, 200, 0, "via_upstream");
    play_close(&play);
}

static void a_body_longer_than_what_is_kept_is_not_sent_twice(void **state)
{
    (void)state;
    open(RETRIES("attempts: 2, retryOn: 5xx"));
    int client = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    for (int i = 0; i < 10; i++) {
        play_say_many(&play, client, 'x', 10000);
        play_drain(&play, upstream, 10000);
    }
    play_say(&play, upstream, SAYS("503"));
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_expect(&play, 1, 503, 0, "via_upstream");
    assert_int_equal(play_record(&play, 1)->retry_end, RECORD_RETRY_BODY);
    play_close(&play);
}

static void a_client_that_leaves_in_the_pause_ends_it(void **state)
{
    (void)state;
    open(RETRIES("attempts: 2, retryOn: 5xx, backoff: 10s"));
    int client = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, SAYS("503"));
    sim_reset(play.sim, client);
    play_pass(&play, 20000);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    play_close(&play);
}

static void the_next_try_goes_to_another_endpoint(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        open(PLAY_GATEWAY TWO PLAY_ROUTE(""));
        sim_port(play.sim, PLAY_PORT, SIM_REFUSES);
        int client = ask(GET);
        play_pass(&play, 300);
        play_say(&play, play_took(&play, 8081), SAYS("200"));
        said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
        play_expect(&play, 1, 200, 0, "via_upstream");
        assert_true(play_record(&play, 1)->attempts <= 2);
        play_close(&play);
    }
}

/* ---- limits -------------------------------------------------------------------------------- */

#define OVERFLOW RESET("overflow")

static void overflows(int client, unsigned records)
{
    const char *said = play_hear(&play, client);
    said_begins(said, "HTTP/1.1 503 ");
    said_has(said, "x-envoy-overloaded: true\r\n");
    play_expect(&play, records, 503, RECORD_UO, OVERFLOW);
}

static void calls_beyond_the_connections_wait_in_line(void **state)
{
    (void)state;
    open(PLAY_SIMPLE POOL("maxConnections: 1", "http1MaxPendingRequests: 2"));
    int one = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    int two = ask("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"), three = ask("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    overflows(ask(GET), 1);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_say(&play, upstream, SAYS("200"));
    said_begins(play_hear(&play, one), "HTTP/1.1 200 ");
    said_begins(play_hear(&play, upstream), "GET /2 ");
    play_say(&play, upstream, SAYS("201"));
    said_begins(play_hear(&play, two), "HTTP/1.1 201 ");
    said_begins(play_hear(&play, upstream), "GET /3 ");
    sim_close(play.sim, upstream); /* it may have died in its rest: another try, and a place for it */
    play_go(&play);
    upstream = play_took(&play, PLAY_PORT);
    said_begins(play_hear(&play, upstream), "GET /3 ");
    play_say(&play, upstream, SAYS("202"));
    said_begins(play_hear(&play, three), "HTTP/1.1 202 ");
    play_record(&play, 4);
    play_close(&play);
}

static void who_waits_in_line_may_leave_or_run_late(void **state)
{
    (void)state;
    open(PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("    timeout: 2s\n")
             POOL("maxConnections: 1", "http1MaxPendingRequests: 1"));
    int one = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    int two = ask(GET);
    sim_reset(play.sim, two);
    play_go(&play);
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    play_pass(&play, 1000);
    two = ask(GET); /* its place is free again */
    play_pass(&play, 1000);
    said_begins(play_hear(&play, one), "HTTP/1.1 504 ");
    /* The first one's connection is closed, so one is opened for the second. */
    upstream = play_took(&play, PLAY_PORT);
    play_pass(&play, 1010);
    said_begins(play_hear(&play, two), "HTTP/1.1 504 ");
    play_expect(&play, 3, 504, RECORD_UT, "response_timeout");
    play_close(&play);
}

static void one_that_closes_makes_room_for_one_in_line(void **state)
{
    (void)state;
    open(PLAY_SIMPLE POOL("maxConnections: 1", ""));
    int one = ask(GET), two = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, one), "HTTP/1.1 200 ");
    play_say(&play, play_took(&play, PLAY_PORT), SAYS("200"));
    said_begins(play_hear(&play, two), "HTTP/1.1 200 ");
    play_close(&play);
}

static void requests_at_once_are_limited(void **state)
{
    (void)state;
    open(PLAY_SIMPLE POOL("", "http2MaxRequests: 1"));
    int one = ask(GET);
    int upstream = play_took(&play, PLAY_PORT);
    overflows(ask(GET), 1);
    play_say(&play, upstream, SAYS("200"));
    said_begins(play_hear(&play, one), "HTTP/1.1 200 ");
    one = ask(GET);
    play_hear(&play, upstream);
    play_took(&play, PLAY_PORT); /* made for the second, and kept for who comes next */
    play_record(&play, 2);
    play_close(&play);
}

static void what_other_workers_have_under_way_counts(void **state)
{
    struct commons *commons = heap_new(struct commons);
    struct counts other;
    struct counts_place place;
    (void)state;
    commons->workers = 2;
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE POOL("", "http2MaxRequests: 2"));
    worker_share(&play.worker, commons);
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    counts_init(&other, &commons->counts, 1, 2);
    const struct rules_cluster *cluster = world_cluster(&play.world, "outbound|80||b.test");
    assert_true(counts_enter(&other, counts_key(COUNTS_REQUESTS, cluster->id), 2, &place));
    int one = ask(GET);
    overflows(ask(GET), 1);
    assert_false(counts_enter(&other, counts_key(COUNTS_REQUESTS, cluster->id), 2, &place));
    play_say(&play, play_took(&play, PLAY_PORT), SAYS("200"));
    said_begins(play_hear(&play, one), "HTTP/1.1 200 ");
    assert_true(counts_enter(&other, counts_key(COUNTS_REQUESTS, cluster->id), 2, &place));
    play_close(&play);
    counts_done(&other);
    free(commons);
}

static void retries_at_once_are_limited(void **state)
{
    static const char *const limits[] = {
        POOL("", "maxRetries: 1"),
        RULE("retryBudget: {percent: 10, minRetryConcurrency: 1}"),
    };
    (void)state;
    for (size_t i = 0; i < ROWS(limits); i++) {
        char yaml[4000];
        snprintf(yaml, sizeof yaml, "%s%s", RETRIES("attempts: 2, retryOn: 5xx, backoff: 10s"), limits[i]);
        open(yaml);
        int one = ask(GET), first = play_took(&play, PLAY_PORT);
        int two = ask(GET), second = play_took(&play, PLAY_PORT);
        play_say(&play, first, SAYS("503"));
        play_say(&play, second, SAYS("503"));
        assert_string_equal(play_hear(&play, one), "");
        said_begins(play_hear(&play, two), "HTTP/1.1 503 ");
        play_expect(&play, 1, 503, RECORD_UO, "via_upstream");
        assert_int_equal(play_record(&play, 1)->retry_end, RECORD_RETRY_OVERFLOW);
        sim_close(play.sim, one);
        play_close(&play);
    }
}

static void a_connection_serves_as_many_requests_as_it_may(void **state)
{
    (void)state;
    open(PLAY_SIMPLE POOL("", "maxRequestsPerConnection: 2"));
    int client = play_dial(&play), upstream = -1;
    for (int i = 0; i < 4; i++) {
        play_say(&play, client, GET);
        if (i % 2 == 0)
            upstream = play_took(&play, PLAY_PORT);
        play_hear(&play, upstream);
        play_say(&play, upstream, SAYS("200"));
        said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
        assert_int_equal(sim_ended(play.sim, upstream), i % 2);
    }
    play_close(&play);
}

/* HTTP/2 would have no number for its next stream some day. */
static void no_connection_serves_for_ever(void **state)
{
    struct worker worker = {0};
    struct upstream u = {.worker = &worker, .limits = {.until_ms = TIMER_NEVER}};
    (void)state;
    u.requests = (1 << 29) - 1;
    assert_false(upstream_worn(&u));
    u.requests++;
    assert_true(upstream_worn(&u));
}

#define RESTS(s) "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=" s ", max=9\r\n\r\n"

static void connections_rest_and_live_as_long_as_they_may(void **state)
{
    static const struct {
        const char *yaml, *answer;
        uint64_t ms;
    } rows[] = {{PLAY_SIMPLE, SAYS("200"), 30000},
                {PLAY_SIMPLE POOL("", "idleTimeout: 5s"), SAYS("200"), 5000},
                {PLAY_SIMPLE POOL("maxConnectionDuration: 7s", ""), SAYS("200"), 7000},
                {PLAY_SIMPLE, RESTS("8"), 6000}, /* not to the last moment */
                {PLAY_SIMPLE, RESTS("80"), 30000}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        open(rows[i].yaml);
        int client = ask(GET);
        int upstream = play_took(&play, PLAY_PORT);
        play_say(&play, upstream, rows[i].answer);
        play_hear(&play, client);
        play_hear(&play, upstream);
        play_pass(&play, rows[i].ms - 100);
        assert_false(sim_ended(play.sim, upstream));
        play_pass(&play, 200);
        assert_true(sim_ended(play.sim, upstream));
        play_close(&play);
    }
}

static void connecting_takes_as_long_as_it_may(void **state)
{
    (void)state;
    open(RETRIES("attempts: 0") POOL("connectTimeout: 300ms", ""));
    sim_port(play.sim, PLAY_PORT, SIM_HANGS);
    ask(GET);
    play_pass(&play, 290);
    play_record(&play, 0);
    play_pass(&play, 20);
    play_expect(&play, 1, 503, RECORD_UF, RESET("connection_timeout"));
    play_close(&play);
}

static void keep_alive_probes_are_as_written(void **state)
{
    (void)state;
    open(PLAY_SIMPLE POOL("tcpKeepalive: {time: 7s, interval: 2s, probes: 3}", ""));
    ask(GET);
    int upstream = play_took(&play, PLAY_PORT) - SIM_FIRST_FD;
    const struct io_keepalive *how = &play.sim->sockets[play.sim->sockets[upstream].peer].keepalive;
    assert_int_equal(how->time_s, 7);
    assert_int_equal(how->interval_s, 2);
    assert_int_equal(how->probes, 3);
    play_close(&play);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

#define TCP                                                                                                  \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: TCP, name: p}, hosts: "           \
    "['*']}\n" PLAY_NET("ServiceEntry", "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: "  \
                                             "STATIC\n  ports: [{number: 80, protocol: TCP, name: tcp, "     \
                                             "targetPort: 8080}]\n  endpoints: [{address: "                  \
                                             "10.0.0.1}]\n" PLAY_NET("VirtualService",                       \
                                                                     "v") "  hosts: ['*']\n  gateways: "     \
                                                                          "[g]\n  tcp:\n  - route: "         \
                                                                          "[{destination: {host: b.test, "   \
                                                                          "port: {number: 80}}}]\n"

static void tcp_connections_are_limited_in_number_and_time(void **state)
{
    (void)state;
    open(TCP RULE("connectionPool: {tcp: {maxConnections: 1, maxConnectionDuration: 10s, idleTimeout: 4s}}"));
    int one = ask("a");
    int upstream = play_took(&play, PLAY_PORT);
    int two = ask("b");
    assert_true(sim_ended(play.sim, two));
    play_expect(&play, 1, 0, RECORD_UO, OVERFLOW);
    for (int i = 0; i < 3; i++) {
        play_pass(&play, 3000);
        play_say(&play, upstream, "x");
        play_hear(&play, one);
    }
    play_record(&play, 1);
    play_pass(&play, 1010);
    play_expect(&play, 2, 0, RECORD_DT, "max_connection_duration_reached");
    one = ask("a");
    upstream = play_took(&play, PLAY_PORT);
    play_pass(&play, 4010);
    play_expect(&play, 3, 0, RECORD_SI, "stream_idle_timeout");
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_that_the_rule_names_are_tried_again),
        cmocka_unit_test(when_attempts_are_used_up_the_last_answer_is_it),
        cmocka_unit_test(a_try_has_its_time_and_the_route_bounds_them_all),
        cmocka_unit_test(an_answer_that_began_in_time_is_not_cut_by_the_trys),
        cmocka_unit_test(a_body_longer_than_what_is_kept_is_not_sent_twice),
        cmocka_unit_test(a_client_that_leaves_in_the_pause_ends_it),
        cmocka_unit_test(the_next_try_goes_to_another_endpoint),
        cmocka_unit_test(calls_beyond_the_connections_wait_in_line),
        cmocka_unit_test(who_waits_in_line_may_leave_or_run_late),
        cmocka_unit_test(one_that_closes_makes_room_for_one_in_line),
        cmocka_unit_test(requests_at_once_are_limited),
        cmocka_unit_test(what_other_workers_have_under_way_counts),
        cmocka_unit_test(retries_at_once_are_limited),
        cmocka_unit_test(a_connection_serves_as_many_requests_as_it_may),
        cmocka_unit_test(no_connection_serves_for_ever),
        cmocka_unit_test(connections_rest_and_live_as_long_as_they_may),
        cmocka_unit_test(connecting_takes_as_long_as_it_may),
        cmocka_unit_test(keep_alive_probes_are_as_written),
        cmocka_unit_test(tcp_connections_are_limited_in_number_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
