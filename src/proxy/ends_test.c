/*
 * Every way in which an exchange can end, by its flags and its details: the names
 * that Envoy and Istio give them.
 */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

static struct play play;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define RESET(reason) "upstream_reset_before_response_started{" reason "}"
#define ROUTED(more) PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE(more)
#define RULE(policy) PLAY_NET("DestinationRule", "r") "  host: b.test\n  trafficPolicy: {" policy "}\n"
#define TCP                                                                                                  \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: TCP, name: p}, hosts: "           \
    "['*']}\n" PLAY_SERVICE("b", "8080")
#define TCP_ROUTE                                                                                            \
    PLAY_NET("VirtualService", "v")                                                                          \
    "  hosts: ['*']\n  gateways: [g]\n  tcp:\n  - route: [{destination: {host: b.test, port: {number: "      \
    "80}}}]\n"

/* What happens, in this order; each may be nothing. */
struct way {
    const char *name;
    const char *yaml;
    const char *request;
    enum sim_port_state port;
    const char *answer;
    enum { STAYS, CLOSES, LEAVES } then; /* the upstream closes, the client leaves */
    uint64_t pass_ms;
    unsigned status;
    uint32_t flags;
    const char *details;
};

static const struct way ways[] = {
    {"answered", PLAY_SIMPLE, GET, SIM_SERVES, "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n", STAYS, 0, 200,
     0, "via_upstream"},
    {"NR: no route", PLAY_GATEWAY, GET, SIM_SERVES, NULL, STAYS, 0, 404, RECORD_NR, "route_not_found"},
    {"NR: no TCP route", TCP, "a", SIM_SERVES, NULL, STAYS, 0, 0, RECORD_NR, "route_not_found"},
    {"UH: no endpoint", PLAY_GATEWAY PLAY_ROUTE(""), GET, SIM_SERVES, NULL, STAYS, 0, 503, RECORD_UH,
     "no_healthy_upstream"},
    {"UF: refused", ROUTED("    retries: {attempts: 0}\n"), GET, SIM_REFUSES, NULL, STAYS, 0, 503, RECORD_UF,
     RESET("connection_failure")},
    {"UF: too late", ROUTED("    retries: {attempts: 0}\n"), GET, SIM_HANGS, NULL, STAYS, 10010, 503,
     RECORD_UF, RESET("connection_timeout")},
    {"UF,URX: refused again and again", PLAY_SIMPLE, GET, SIM_REFUSES, NULL, STAYS, 500, 503,
     RECORD_UF | RECORD_URX, RESET("connection_failure")},
    {"UF,URX: TCP", TCP TCP_ROUTE, "a", SIM_REFUSES, NULL, STAYS, 0, 0, RECORD_UF | RECORD_URX,
     RESET("connection_failure")},
    {"UC: before a head", PLAY_SIMPLE, GET, SIM_SERVES, "", CLOSES, 0, 503, RECORD_UC,
     RESET("connection_termination")},
    {"UC: inside a head", PLAY_SIMPLE, GET, SIM_SERVES, "HTTP/1.1 200 ", CLOSES, 0, 503, RECORD_UC,
     RESET("connection_termination")},
    {"UC: inside a body", PLAY_SIMPLE, GET, SIM_SERVES, "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\na",
     CLOSES, 0, 200, RECORD_UC, "upstream_reset_after_response_started"},
    {"UC,URX: again and again", ROUTED("    retries: {attempts: 1, retryOn: reset}\n"), GET, SIM_SERVES, "",
     CLOSES, 500, 503, RECORD_UC | RECORD_URX, RESET("connection_termination")},
    {"UT: the route's time", ROUTED("    timeout: 1s\n"), GET, SIM_SERVES, "", STAYS, 1010, 504, RECORD_UT,
     "response_timeout"},
    {"UT: the try's time", ROUTED("    retries: {attempts: 1, perTryTimeout: 1s, retryOn: refused-stream}\n"),
     GET, SIM_SERVES, "", STAYS, 1010, 504, RECORD_UT, "upstream_per_try_timeout"},
    {"UT,URX: the tries' time", ROUTED("    retries: {attempts: 1, perTryTimeout: 1s, retryOn: 5xx}\n"), GET,
     SIM_SERVES, "", STAYS, 2100, 504, RECORD_UT | RECORD_URX, "upstream_per_try_timeout"},
    {"UT: inside a body", ROUTED("    timeout: 1s\n"), GET, SIM_SERVES,
     "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\na", STAYS, 1010, 200, RECORD_UT,
     "upstream_reset_after_response_started"},
    {"URX: the last answer", ROUTED("    retries: {attempts: 1, retryOn: 5xx}\n"), GET, SIM_SERVES,
     "HTTP/1.1 503 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", STAYS, 500, 503, RECORD_URX,
     "via_upstream"},
    {"UPE: no HTTP", PLAY_SIMPLE, GET, SIM_SERVES, "hello\r\n\r\n", STAYS, 0, 502, RECORD_UPE,
     RESET("protocol_error")},
    {"DC: while it waits", PLAY_SIMPLE, GET, SIM_SERVES, "", LEAVES, 0, 0, RECORD_DC,
     "downstream_remote_disconnect"},
    {"DC: while it is answered", PLAY_SIMPLE, GET, SIM_SERVES, "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\na",
     LEAVES, 0, 200, RECORD_DC, "downstream_remote_disconnect"},
    {"DPE: no HTTP", PLAY_SIMPLE, "hello\r\n\r\n", SIM_SERVES, NULL, STAYS, 0, 400, RECORD_DPE,
     "http1.codec_error"},
    {"DPE: a path that is none", PLAY_SIMPLE, "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", SIM_SERVES, NULL, STAYS,
     0, 400, RECORD_DPE, "path_normalization_failed"},
    {"SI: a body that stalls", PLAY_SIMPLE, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
     SIM_SERVES, "", STAYS, 31000, 408, RECORD_SI, "request_body_timeout"},
    {"SI: a TCP connection that rests", TCP TCP_ROUTE RULE("connectionPool: {tcp: {idleTimeout: 2s}}"), "a",
     SIM_SERVES, "", STAYS, 2010, 0, RECORD_SI, "stream_idle_timeout"},
    {"DT: a TCP connection that lasts",
     TCP TCP_ROUTE RULE("connectionPool: {tcp: {maxConnectionDuration: 2s}}"), "a", SIM_SERVES, "", STAYS,
     2010, 0, RECORD_DT, "max_connection_duration_reached"},
    {"UAEX: denied", PLAY_SIMPLE PLAY_SEC("AuthorizationPolicy", "p") "  {}\n", GET, SIM_SERVES, NULL, STAYS,
     0, 403, RECORD_UAEX, "rbac_access_denied_matched_policy[none]"},
    {"FI: failed on purpose", ROUTED("    fault: {abort: {httpStatus: 555, percentage: {value: 100}}}\n"),
     GET, SIM_SERVES, NULL, STAYS, 0, 555, RECORD_FI, "fault_filter_abort"},
};

static void upstream_plays(const struct way *way)
{
    int fd;
    while (way->answer && (fd = sim_take(play.sim, PLAY_PORT)) >= 0) {
        play_hear(&play, fd);
        play_say(&play, fd, way->answer);
        if (way->then == CLOSES)
            sim_close(play.sim, fd);
        play_go(&play);
    }
}

static void way_check(const struct way *way)
{
    play_open(&play, ROLE_GATEWAY, way->yaml);
    sim_port(play.sim, PLAY_PORT, way->port);
    int client = play_dial(&play);
    play_say(&play, client, way->request);
    for (int i = 0; i < 3; i++) { /* tries */
        upstream_plays(way);
        play_pass(&play, way->pass_ms / 3);
    }
    if (way->then == LEAVES)
        sim_reset(play.sim, client);
    play_pass(&play, way->pass_ms - 2 * (way->pass_ms / 3));
    play_expect(&play, 1, way->status, way->flags, way->details);
    play_close(&play);
}

static void each_end_has_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(ways); i++) {
        print_message("  %s\n", ways[i].name);
        way_check(&ways[i]);
    }
}

static void what_the_cluster_has_no_place_for_overflows(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE RULE("connectionPool: {http: {http2MaxRequests: 1}}"));
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int one = play_dial(&play), two = play_dial(&play);
    play_say(&play, one, GET);
    play_say(&play, two, GET);
    play_expect(&play, 1, 503, RECORD_UO, RESET("overflow"));
    play_close(&play);
}

static void what_we_end_says_so(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, GET);
    worker_cut(&play.worker);
    play_expect(&play, 1, 0, RECORD_LR, "drain_timeout");
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_its_name),
        cmocka_unit_test(what_the_cluster_has_no_place_for_overflows),
        cmocka_unit_test(what_we_end_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
