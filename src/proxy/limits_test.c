/* Each limit bites: what the client hears, what the record says, and that it is counted. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/block.h"
#include "proxy/census.h"
#include "proxy/pace.h"

static struct play play;
static struct rules_limits limits;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* The usual world under the limits that the test has set. */
static void open_limited(void)
{
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    play.world.node.limits = &limits;
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static void limits_usual(void)
{
    limits_preset(ROLE_GATEWAY, &limits);
}

/* Told within a second. */
static void expect_hits(enum limit limit, uint64_t count)
{
    play_pass(&play, 1000);
    for (uint32_t i = 0; i < LIMIT_COUNT; i++)
        if (play.limit_hits[i] != (i == limit ? count : 0))
            world_wrong("%s has bitten %u times", limit_name((enum limit)i), (unsigned)play.limit_hits[i]);
}

/* ---- heads ------------------------------------------------------------------------ */

static void a_head_beyond_a_limit_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *request;
        unsigned status;
        const char *details;
        const char *sentence;
        enum limit limit;
    } rows[] = {
        {"line", "GET /0123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\n",
         414, "http1.headers_too_large", "the request line is too long", LIMIT_LINE_BYTES},
        {"head",
         "GET / HTTP/1.1\r\nHost: h\r\na: 0123456789012345678901234567890123456789\r\nb: "
         "0123456789012345678901234567890123456789\r\nc: 012345678901234567890123456789\r\n\r\n",
         431, "http1.headers_too_large", "the header section is too long", LIMIT_HEAD_BYTES},
        {"fields", "GET / HTTP/1.1\r\nHost: h\r\ncookie: a\r\ncookie: b\r\ncookie: c\r\ncookie: d\r\n\r\n",
         431, "http1.too_many_headers", "there are too many header fields", LIMIT_FIELDS},
        {"name", "GET / HTTP/1.1\r\nHost: h\r\nx-0123456789012345: a\r\n\r\n", 431, "http1.headers_too_large",
         "a header's name is too long", LIMIT_NAME_BYTES},
        {"underscore", "GET / HTTP/1.1\r\nHost: h\r\nx_a: 1\r\n\r\n", 400, "http1.unexpected_underscore",
         "a header's name holds '_'", LIMIT_UNDERSCORES},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        limits_usual();
        limits.line_bytes = 64;
        limits.head_bytes = 128;
        limits.fields = 4;
        limits.name_bytes = 16;
        limits.underscores = UNDERSCORES_REJECT;
        open_limited();
        int client = play_dial(&play);
        play_say(&play, client, rows[i].request);
        char first[32];
        snprintf(first, sizeof first, "HTTP/1.1 %u ", rows[i].status);
        const char *answer = play_hear(&play, client);
        said_begins(answer, first);
        said_has(answer, "connection: close\r\n");
        play_expect(&play, 1, rows[i].status, RECORD_DPE, rows[i].details);
        assert_true(bytes_equal(play_record(&play, 1)->termination, bytes_of(rows[i].sentence)));
        expect_hits(rows[i].limit, 1);
        play_close(&play);
    }
}

static void what_keeps_the_limits_passes(void **state)
{
    (void)state;
    limits_usual();
    limits.line_bytes = 64;
    limits.head_bytes = 128;
    limits.fields = 4;
    limits.name_bytes = 16;
    limits.body_bytes = 3;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client,
             "POST /012345678901234567890123456789 HTTP/1.1\r\nHost: h\r\nx_a: 1\r\ncookie: a\r\n"
             "Content-Length: 3\r\n\r\nabc");
    int upstream = play_took(&play, PLAY_PORT);
    said_ends(play_hear(&play, upstream), "\r\n\r\nabc");
    play_say(&play, upstream, OK);
    said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
    expect_hits(LIMIT_NONE, 0);
    play_close(&play);
}

static void a_head_has_its_time_as_a_whole(void **state)
{
    (void)state;
    limits_usual();
    limits.head_ms = 2000;
    open_limited();
    int client = play_dial(&play);
    play_pass(&play, 5000); /* before the first byte there is no head */
    for (int i = 0; i < 3; i++) {
        assert_string_equal(play_hear(&play, client), "");
        play_say(&play, client, "G");
        play_pass(&play, 700);
    }
    said_begins(play_hear(&play, client), "HTTP/1.1 408 ");
    play_expect(&play, 1, 408, RECORD_DPE, "request_header_timeout");
    expect_hits(LIMIT_HEAD_TIME, 1);
    play_close(&play);
}

/* ---- bodies ----------------------------------------------------------------------- */

static void a_body_announced_as_too_long_is_413_and_never_asked_for(void **state)
{
    (void)state;
    limits_usual();
    limits.body_bytes = 10;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client,
             "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 413 ");
    play_expect(&play, 1, 413, RECORD_DPE, "request_payload_too_large");
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    expect_hits(LIMIT_BODY_BYTES, 1);
    play_close(&play);
}

static void a_body_that_grows_too_long_is_413_and_the_upstream_sees_no_end(void **state)
{
    (void)state;
    limits_usual();
    limits.body_bytes = 10;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    play_say(&play, client, "a\r\n0123456789\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    said_ends(play_hear(&play, upstream), "0123456789\r\n");
    play_say(&play, client, "1\r\nx\r\n0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 413 ");
    said_lacks(play_hear(&play, upstream), "x");
    assert_true(sim_ended(play.sim, upstream));
    play_expect(&play, 1, 413, RECORD_DPE, "request_payload_too_large");
    expect_hits(LIMIT_BODY_BYTES, 1);
    play_close(&play);
}

static void a_silent_body_is_408_after_its_time(void **state)
{
    (void)state;
    limits_usual();
    limits.body_idle_ms = 3000;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    play_pass(&play, 2900);
    play_say(&play, client, "d");
    play_pass(&play, 2900);
    assert_string_equal(play_hear(&play, client), "");
    play_pass(&play, 200);
    said_begins(play_hear(&play, client), "HTTP/1.1 408 ");
    play_expect(&play, 1, 408, RECORD_SI, "request_body_timeout");
    expect_hits(LIMIT_BODY_IDLE, 1);
    play_close(&play);
}

static void a_dribbled_body_is_408_once_the_grace_is_over(void **state)
{
    (void)state;
    limits_usual();
    limits.body_rate = 100;
    limits.body_grace_ms = 4500;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        assert_string_equal(play_hear(&play, client), "");
        play_pass(&play, 1000);
        play_say(&play, client, "0123456789"); /* a tenth of what is demanded */
    }
    said_begins(play_hear(&play, client), "HTTP/1.1 408 ");
    play_expect(&play, 1, 408, RECORD_SI, "request_body_too_slow");
    expect_hits(LIMIT_BODY_RATE, 1);
    play_close(&play);
}

static void an_upstream_that_owes_an_answer_too_long_is_504(void **state)
{
    (void)state;
    for (int begun = 0; begun < 2; begun++) {
        limits_usual();
        limits.answer_idle_ms = 2000;
        open_limited();
        int client = play_dial(&play);
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_pass(&play, 1500);
        if (begun)
            play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        play_pass(&play, 1500);
        const char *answer = play_hear(&play, client);
        said_begins(answer, begun ? "HTTP/1.1 200 " : "HTTP/1.1 504 ");
        if (begun) {
            assert_false(sim_ended(play.sim, client)); /* what came began the time anew */
            play_pass(&play, 1000);
            assert_true(sim_ended(play.sim, client));
        }
        play_expect(&play, 1, begun ? 200 : 504, RECORD_SI, "stream_idle_timeout");
        expect_hits(LIMIT_UPSTREAM_IDLE, 1);
        play_close(&play);
    }
}

/* What the upstream takes its time for is not the client's fault. */
static void a_body_that_nobody_takes_is_not_slow(void **state)
{
    (void)state;
    limits_usual();
    limits.body_rate = 100;
    limits.body_grace_ms = 1000;
    open_limited();
    play.sim->room = 4096;
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n");
    play_say_many(&play, client, 'x', 300000); /* until nothing is taken any more */
    play_pass(&play, 20000);
    assert_string_equal(play_hear(&play, client), "");
    int upstream = play_took(&play, PLAY_PORT);
    assert_true(play_drain(&play, upstream, 4096) > 4096);
    play_record(&play, 0);
    expect_hits(LIMIT_NONE, 0);
    sim_reset(play.sim, client);
    play_close(&play);
}

static void an_answer_that_is_read_too_slowly_is_cut(void **state)
{
    (void)state;
    limits_usual();
    limits.body_rate = 100000;
    limits.body_grace_ms = 3000;
    open_limited();
    play.sim->room = 4096;
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    play_say_many(&play, upstream, 'x', 1000000);
    char taken[4096];
    for (int i = 0; i < 4; i++) {
        play_record(&play, 0);
        play_pass(&play, 1000);
        assert_true(sim_hear(play.sim, client, taken, sizeof taken) > 0);
        play_go(&play);
    }
    play_expect(&play, 1, 200, RECORD_SI, "response_read_too_slowly");
    expect_hits(LIMIT_ANSWER_RATE, 1);
    play_close(&play);
}

static void an_answer_that_nobody_reads_is_cut(void **state)
{
    (void)state;
    limits_usual();
    limits.body_idle_ms = 2000;
    open_limited();
    play.sim->room = 4096;
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    play_say_many(&play, upstream, 'x', 100000);
    play_pass(&play, 2100);
    play_expect(&play, 1, 200, RECORD_SI, "stream_idle_timeout");
    expect_hits(LIMIT_ANSWER_IDLE, 1);
    play_close(&play);
}

static void one_interim_answer_too_many_is_502(void **state)
{
    (void)state;
    limits_usual();
    limits.interim_answers = 2;
    open_limited();
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    for (int i = 0; i < 3; i++)
        play_say(&play, upstream, "HTTP/1.1 103 Early Hints\r\n\r\n");
    said_has(play_hear(&play, client), "HTTP/1.1 502 ");
    play_expect(&play, 1, 502, RECORD_UPE, "upstream_reset_before_response_started{protocol_error}");
    expect_hits(LIMIT_INTERIM_ANSWERS, 1);
    play_close(&play);
}

/* ---- connections ------------------------------------------------------------------ */

static int kept; /* the upstream's end that rests in the pool */

static void serve(int client, bool last)
{
    play_say(&play, client, GET);
    int upstream = sim_take(play.sim, PLAY_PORT);
    kept = upstream >= 0 ? upstream : kept;
    play_say(&play, kept, OK);
    const char *answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 200 ");
    (last ? said_has : said_lacks)(answer, "connection: close\r\n");
}

static void a_connection_serves_so_many_requests(void **state)
{
    (void)state;
    limits_usual();
    limits.requests = 3;
    open_limited();
    int client = play_dial(&play);
    serve(client, false);
    serve(client, false);
    serve(client, true);
    assert_true(sim_ended(play.sim, client));
    expect_hits(LIMIT_REQUESTS, 1);
    play_close(&play);
}

static void an_old_connection_is_told_to_close(void **state)
{
    (void)state;
    limits_usual();
    limits.age_ms = 10000;
    limits.idle_ms = 9000;
    open_limited();
    int client = play_dial(&play);
    play_pass(&play, 8000);
    serve(client, false);
    play_say(&play, client, "G"); /* its head begins in time and ends too late */
    play_pass(&play, 2100);
    play_say(&play, client, "ET / HTTP/1.1\r\nHost: h\r\n\r\n");
    play_say(&play, client, "");
    int other = play_dial(&play); /* that one rests: it ends when it is old, not later */
    play_pass(&play, 8900);
    assert_false(sim_ended(play.sim, other));
    play_pass(&play, 100);
    assert_true(sim_ended(play.sim, other));
    assert_int_equal(play.limit_hits[LIMIT_AGE], 1);
    play_close(&play);
}

static void an_idle_connection_ends(void **state)
{
    (void)state;
    limits_usual();
    limits.idle_ms = 3000;
    open_limited();
    int client = play_dial(&play);
    play_pass(&play, 2900);
    assert_false(sim_ended(play.sim, client));
    play_pass(&play, 100);
    assert_true(sim_ended(play.sim, client));
    /* Half closed: what crosses the end is not answered by a reset, so that the client can tell. */
    play_say(&play, client, "GET");
    assert_false(worker_idle(&play.worker));
    play_record(&play, 0);
    expect_hits(LIMIT_IDLE_TIME, 1);
    play_pass(&play, 2000);
    assert_true(worker_idle(&play.worker));
    play_close(&play);
}

static void one_connection_too_many_is_closed_at_once(void **state)
{
    (void)state;
    for (int address = 0; address < 2; address++) {
        limits_usual();
        limits.listener_connections = address ? 0 : 2;
        limits.address_connections = address ? 2 : 0;
        open_limited();
        int first = play_dial(&play), second = play_dial(&play), third = play_dial(&play);
        assert_true(sim_ended(play.sim, third));
        assert_true(sim_ended(play.sim, play_dial(&play)));
        play_expect(&play, 1, 0, RECORD_LR, /* one record for both */
                    address ? "downstream_address_connection_limit" : "downstream_connection_limit");
        serve(first, false);
        sim_close(play.sim, second);
        play_go(&play);
        assert_false(sim_ended(play.sim, play_dial(&play))); /* there is a place again */
        expect_hits(address ? LIMIT_ADDRESS_CONNECTIONS : LIMIT_LISTENER_CONNECTIONS, 2);
        play_close(&play);
    }
}

/* All connections come from one balancer, which says for whom. */
static void behind_a_balancer_each_client_counts_for_itself(void **state)
{
    static const char *const clients[] = {"203.0.113.9", "203.0.113.9", "203.0.113.9", "203.0.113.8"};
    static const struct bytes networks[] = {BYTES_INIT("192.0.2.0/24")};
    (void)state;
    limits_usual();
    limits.address_connections = 2;
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    play.world.node.limits = &limits;
    play.world.node.protocol_networks = networks;
    play.world.node.protocol_network_count = 1;
    play_start(&play);
    for (size_t i = 0; i < ROWS(clients); i++) {
        char header[80];
        snprintf(header, sizeof header, "PROXY TCP4 %s 198.51.100.1 5000 443\r\n", clients[i]);
        int client = play_dial(&play);
        play_say(&play, client, header);
        assert_int_equal(sim_ended(play.sim, client), i == 2);
    }
    play_expect(&play, 1, 0, RECORD_LR, "downstream_address_connection_limit");
    expect_hits(LIMIT_ADDRESS_CONNECTIONS, 1);
    play_close(&play);
}

/* ---- memory ------------------------------------------------------------------------- */

static void short_of_memory_requests_are_503_and_then_connections_are_closed(void **state)
{
    (void)state;
    limits_usual();
    limits.memory_bytes = 100 << 20;
    open_limited();
    int idle = play_dial(&play), busy = play_dial(&play);
    play_say(&play, busy, GET);
    int upstream = play_took(&play, PLAY_PORT);
    heap_count(95 << 20);
    int late = play_dial(&play);
    play_say(&play, late, GET);
    const char *answer = play_hear(&play, late);
    said_begins(answer, "HTTP/1.1 503 ");
    said_has(answer, "retry-after: 1\r\n");
    said_has(answer, "connection: close\r\n");
    play_expect(&play, 1, 503, RECORD_OM, "overload");
    assert_true(sim_ended(play.sim, idle));
    heap_count(3 << 20);
    assert_true(sim_ended(play.sim, play_dial(&play)));
    play_expect(&play, 2, 0, RECORD_OM, "overload");
    kept = upstream;
    play_say(&play, upstream, OK); /* what is under way goes on */
    said_begins(play_hear(&play, busy), "HTTP/1.1 200 ");
    heap_uncount(98 << 20);
    serve(play_dial(&play), false);
    play_pass(&play, 1000);
    assert_int_equal(play.limit_hits[LIMIT_MEMORY_SHED], 1);
    assert_int_equal(play.limit_hits[LIMIT_MEMORY_REFUSED], 1);
    play_close(&play);
}

static void what_grows_is_counted_and_comes_back(void **state)
{
    (void)state;
    limits_usual();
    open_limited();
    size_t before = heap_counted();
    int client = play_dial(&play);
    size_t idle = heap_counted();
    assert_true(idle > before);
    play_say(&play, client, GET);
    assert_true(heap_counted() > idle + sizeof(struct exchange));
    play_say(&play, play_took(&play, PLAY_PORT), OK);
    sim_close(play.sim, client);
    play_go(&play);
    play_close(&play);
    assert_int_equal(heap_counted(), 0);
}

/* ---- the parts ------------------------------------------------------------------------ */

static void a_pace_counts_only_the_time_it_is_waited_for(void **state)
{
    (void)state;
    struct pace pace = {0};
    pace_note(&pace, 1000, 0, false);
    pace_note(&pace, 5000, 0, true);
    pace_note(&pace, 6000, 99, true);
    assert_int_equal(pace.waited_ms, 1000);
    assert_false(pace_is_slow(&pace, 100, 1000)); /* not beyond the grace */
    assert_true(pace_is_slow(&pace, 100, 999));
    assert_false(pace_is_slow(&pace, 99, 999));
    assert_false(pace_is_slow(&pace, 0, 0));
    pace_note(&pace, 7000, 200, false);
    pace_note(&pace, 9000, 0, false);
    assert_int_equal(pace.waited_ms, 2000);
    assert_false(pace_is_slow(&pace, 149, 999));
    assert_true(pace_is_slow(&pace, 150, 999));
}

static void the_census_takes_an_ip6_network_as_one(void **state)
{
    (void)state;
    struct census census;
    unsigned char a[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 1}, same[16], other[16];
    unsigned char four[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1}, next[16];
    memcpy(same, a, sizeof a);
    memcpy(other, a, sizeof a);
    memcpy(next, four, sizeof four);
    same[15] = 9;
    other[7] = 2;
    next[15] = 2;
    census_init(&census);
    struct census_entry *one = census_enter(&census, a, 1);
    assert_non_null(one);
    assert_null(census_enter(&census, same, 1));
    assert_ptr_equal(census_enter(&census, same, 2), one);
    struct census_entry *two = census_enter(&census, other, 1), *three = census_enter(&census, four, 1),
                        *last = census_enter(&census, next, 1);
    assert_non_null(two);
    assert_non_null(three);
    assert_non_null(last);
    census_leave(&census, NULL);
    census_leave(&census, one);
    assert_null(census_enter(&census, a, 1));
    census_leave(&census, one);
    census_leave(&census, two);
    census_leave(&census, three);
    census_leave(&census, last);
    assert_int_equal(census.by_address.count, 0);
    census_done(&census);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_beyond_a_limit_is_refused_by_name),
        cmocka_unit_test(what_keeps_the_limits_passes),
        cmocka_unit_test(a_head_has_its_time_as_a_whole),
        cmocka_unit_test(a_body_announced_as_too_long_is_413_and_never_asked_for),
        cmocka_unit_test(a_body_that_grows_too_long_is_413_and_the_upstream_sees_no_end),
        cmocka_unit_test(a_silent_body_is_408_after_its_time),
        cmocka_unit_test(a_dribbled_body_is_408_once_the_grace_is_over),
        cmocka_unit_test(an_upstream_that_owes_an_answer_too_long_is_504),
        cmocka_unit_test(a_body_that_nobody_takes_is_not_slow),
        cmocka_unit_test(an_answer_that_is_read_too_slowly_is_cut),
        cmocka_unit_test(an_answer_that_nobody_reads_is_cut),
        cmocka_unit_test(one_interim_answer_too_many_is_502),
        cmocka_unit_test(a_connection_serves_so_many_requests),
        cmocka_unit_test(an_old_connection_is_told_to_close),
        cmocka_unit_test(an_idle_connection_ends),
        cmocka_unit_test(one_connection_too_many_is_closed_at_once),
        cmocka_unit_test(behind_a_balancer_each_client_counts_for_itself),
        cmocka_unit_test(short_of_memory_requests_are_503_and_then_connections_are_closed),
        cmocka_unit_test(what_grows_is_counted_and_comes_back),
        cmocka_unit_test(a_pace_counts_only_the_time_it_is_waited_for),
        cmocka_unit_test(the_census_takes_an_ip6_network_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
