/* Which endpoint is asked, and which is left out for a time, in a simulated world. */
#include "base/test.h"

#include "base/heap.h"
#include "proxy/proxy_fixture.h"

#include <stdlib.h>

static struct play play;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define SAYS(status) "HTTP/1.1 " status " X\r\nContent-Length: 0\r\n\r\n"
#define RESET(reason) "upstream_reset_before_response_started{" reason "}"
#define RETRIES(how) PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("    retries: {" how "}\n")
#define RULE(policy) PLAY_NET("DestinationRule", "r") "  host: b.test\n  trafficPolicy: {" policy "}\n"
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

/* ---- ejection --------------------------------------------------------------------------------- */

#define EJECTS(how)                                                                                          \
    RULE("loadBalancer: {simple: ROUND_ROBIN}, outlierDetection: {baseEjectionTime: 10s, " how "}")

/* One request, answered by whoever gets it: 8080 by `status`, 8081 well. Which one it was. */
static unsigned serve(const char *status)
{
    char answer[100];
    unsigned got = 0;
    snprintf(answer, sizeof answer, SAYS("%s"), status);
    int client = ask(GET);
    for (unsigned i = 0; i < 2; i++) {
        int next = sim_take(play.sim, PLAY_PORT + i);
        known[i] = next >= 0 ? next : known[i];
        if (known[i] >= 0 && play_hear(&play, known[i])[0]) {
            got = PLAY_PORT + i;
            play_say(&play, known[i], i ? SAYS("200") : answer);
        }
    }
    play_hear(&play, client);
    sim_reset(play.sim, client);
    return got;
}

static unsigned served_by_first(const char *status, unsigned requests)
{
    unsigned first = 0;
    for (unsigned i = 0; i < requests; i++)
        first += serve(status) == PLAY_PORT;
    return first;
}

static void an_endpoint_that_fails_is_left_out_for_a_time(void **state)
{
    static const struct {
        const char *name;
        const char *yaml;
        const char *status;
        unsigned first; /* of ten requests, those to the first endpoint */
    } rows[] = {
        {"errors", PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 2, maxEjectionPercent: 50"),
         "500", 2},
        {"no errors",
         PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 2, maxEjectionPercent: 50"), "404", 5},
        {"one at least",
         PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 2, maxEjectionPercent: 1"), "500", 2},
        {"gateway errors",
         PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"),
         "502", 3},
        {"not gateway errors",
         PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 0, consecutiveGatewayErrors: 3"),
         "500", 5},
        {"listed",
         PLAY_GATEWAY TWO PLAY_ROUTE("")
             EJECTS("consecutive5xxErrors: 1, outlierDetectionHttpErrorCodes: [429]"),
         "429", 1},
        {"not listed",
         PLAY_GATEWAY TWO PLAY_ROUTE("")
             EJECTS("consecutive5xxErrors: 1, outlierDetectionHttpErrorCodes: [429]"),
         "500", 5},
        {"too few would be left",
         PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 1, minHealthPercent: 60"), "500", 5},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open(rows[i].yaml);
        assert_int_equal(served_by_first(rows[i].status, 10), rows[i].first);
        play_pass(&play, 10010);
        assert_true(served_by_first("200", 2) == 1);
        play_close(&play);
    }
}

static void an_answer_in_between_ends_the_streak(void **state)
{
    (void)state;
    open(PLAY_GATEWAY TWO PLAY_ROUTE("") EJECTS("consecutive5xxErrors: 2"));
    for (int i = 0; i < 6; i++)
        assert_int_equal(served_by_first(i % 2 ? "200" : "500", 2), 1);
    play_close(&play);
}

static void when_all_are_left_out_nobody_is_asked(void **state)
{
    (void)state;
    open(PLAY_SIMPLE EJECTS("consecutive5xxErrors: 1"));
    assert_int_equal(serve("500"), PLAY_PORT);
    assert_int_equal(serve("500"), 0);
    play_expect(&play, 2, 503, RECORD_UH, "no_healthy_upstream");
    assert_int_equal(play.records[0].ejected, 1);
    play_pass(&play, 10010);
    assert_int_equal(serve("500"), PLAY_PORT);
    play_pass(&play, 10010); /* twice as long this time */
    assert_int_equal(serve("500"), 0);
    play_close(&play);
}

static void failures_of_ours_count_with_the_others_or_apart(void **state)
{
    static const struct {
        const char *name;
        const char *yaml;
        bool ejected;
    } rows[] = {
        {"together", RETRIES("attempts: 0") EJECTS("consecutive5xxErrors: 2"), true},
        {"together, as gateway errors",
         RETRIES("attempts: 0") EJECTS("consecutive5xxErrors: 0, consecutiveGatewayErrors: 2"), true},
        {"apart",
         RETRIES("attempts: 0") EJECTS("consecutive5xxErrors: 0, splitExternalLocalOriginErrors: true, "
                                       "consecutiveLocalOriginFailures: 2"),
         true},
        {"apart, and off",
         RETRIES("attempts: 0") EJECTS("consecutive5xxErrors: 2, splitExternalLocalOriginErrors: true, "
                                       "consecutiveLocalOriginFailures: 0"),
         false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open(rows[i].yaml);
        sim_port(play.sim, PLAY_PORT, SIM_REFUSES);
        ask(GET);
        ask(GET);
        play_expect(&play, 2, 503, RECORD_UF, RESET("connection_failure"));
        ask(GET);
        if (rows[i].ejected)
            play_expect(&play, 3, 503, RECORD_UH, "no_healthy_upstream");
        else
            play_expect(&play, 3, 503, RECORD_UF, RESET("connection_failure"));
        play_close(&play);
    }
}

static void what_another_worker_found_out_counts(void **state)
{
    struct commons *commons = heap_new(struct commons);
    (void)state;
    for (int worker = 0; worker < 2; worker++) {
        play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE EJECTS("consecutive5xxErrors: 2"));
        worker_share(&play.worker, commons);
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        known[0] = known[1] = -1;
        assert_int_equal(serve("500"), PLAY_PORT); /* each one error: together they are two */
        if (worker) {
            assert_int_equal(serve("500"), 0);
            play_expect(&play, 2, 503, RECORD_UH, "no_healthy_upstream");
        }
        play_close(&play);
    }
    free(commons);
}

/* ---- weights ------------------------------------------------------------------------------------ */

#define WEIGHED(policy)                                                                                      \
    PLAY_GATEWAY PLAY_NET("ServiceEntry",                                                                    \
                          "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"        \
                               "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: 8080}]\n"     \
                               "  endpoints: [{address: 10.0.0.1, weight: 3}, {address: 10.0.0.1, ports: "   \
                               "{http: 8081}, weight: 1}]\n" PLAY_ROUTE("")                                  \
                                   RULE("loadBalancer: {simple: " policy "}")

static void endpoints_have_their_weight(void **state)
{
    static const char *const policies[] = {WEIGHED("ROUND_ROBIN"), WEIGHED("RANDOM"),
                                           WEIGHED("LEAST_REQUEST")};
    (void)state;
    for (size_t i = 0; i < ROWS(policies); i++) {
        open(policies[i]);
        unsigned first = served_by_first("200", 80);
        if (i ? first < 48 || first > 72 : first != 60)
            world_wrong("%zu: %u of 80", i, first);
        play_close(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_that_fails_is_left_out_for_a_time),
        cmocka_unit_test(an_answer_in_between_ends_the_streak),
        cmocka_unit_test(when_all_are_left_out_nobody_is_asked),
        cmocka_unit_test(failures_of_ours_count_with_the_others_or_apart),
        cmocka_unit_test(what_another_worker_found_out_counts),
        cmocka_unit_test(endpoints_have_their_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
