/* Clients that leave, times that run out, rules that change under way. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include "proxy/block.h"

static struct play play;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

static void open_simple(const char *yaml)
{
    play_open(&play, ROLE_GATEWAY, yaml);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* ---- the client leaves ---------------------------------------------------------------- */

static void a_client_that_leaves_between_requests_leaves_no_record(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    sim_close(play.sim, play_dial(&play));
    play_go(&play);
    play_record(&play, 0);
    assert_int_equal(sim_open(play.sim), 0);
    play_close(&play);
}

static void a_client_that_leaves_inside_a_head_leaves_a_record(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        open_simple(PLAY_SIMPLE);
        int client = play_dial(&play);
        play_say(&play, client, "GET / HT");
        if (reset)
            sim_reset(play.sim, client);
        else
            sim_close(play.sim, client);
        play_go(&play);
        play_expect(&play, 1, 400, RECORD_DPE, "http1.codec_error");
        play_close(&play);
    }
}

static void a_client_that_leaves_in_any_phase_is_one_record_and_no_connection_stays(void **state)
{
    static const char *const phases[] = {"connecting", "body", "waiting for the head", "answer"};
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(phases); i++) {
        size_t phase = i % ROWS(phases);
        if (i >= ROWS(phases) && (phase == 0 || phase == 2))
            continue; /* the end of what it sends is not the end of what it hears */
        print_message("  %s\n", phases[phase]);
        open_simple(PLAY_SIMPLE);
        if (phase == 0)
            sim_port(play.sim, PLAY_PORT, SIM_HANGS);
        int client = play_dial(&play);
        play_say(&play, client,
                 phase == 1 ? "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc" : GET);
        if (phase == 3)
            play_say(&play, play_took(&play, PLAY_PORT), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        if (i < ROWS(phases))
            sim_reset(play.sim, client);
        else
            sim_close(play.sim, client);
        play_go(&play);
        play_expect(&play, 1, phase == 3 ? 200 : 0, RECORD_DC, "downstream_remote_disconnect");
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

enum { LONG = 200000 };

/* The upstream's long answer, a little at a time; how much of its body the client takes meanwhile. */
static size_t pour(int upstream, int client)
{
    static char body[LONG], heard[700];
    size_t said = 0, taken = 0, got;
    memset(body, '#', LONG);
    sim_say(play.sim, upstream, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"));
    do {
        said += sim_say(play.sim, upstream, bytes_make(body + said, LONG - said));
        play_go(&play);
        got = sim_hear(play.sim, client, heard, sizeof heard);
        for (size_t i = 0; i < got; i++)
            taken += heard[i] == '#';
        play_go(&play);
    } while (got || said < LONG);
    return taken;
}

/* As `printf ... | nc -N` does. */
static void a_client_that_ends_its_side_is_answered_in_full_and_closed(void **state)
{
    static const struct {
        const char *name;
        const char *requests;
        unsigned count;
    } rows[] = {
        {"one", GET, 1},
        {"two in a row", GET GET, 2},
        {"a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 1},
        {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", 1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_simple(PLAY_SIMPLE);
        int client = play_dial(&play);
        play.sim->room = 1000;
        sim_say(play.sim, client, bytes_of(rows[i].requests));
        sim_end(play.sim, client);
        play_pass(&play, 2000);
        play_record(&play, 0);
        int upstream = play_took(&play, PLAY_PORT);
        for (unsigned n = 0; n < rows[i].count; n++) {
            play_hear(&play, upstream);
            assert_int_equal(pour(upstream, client), LONG);
        }
        play_expect(&play, rows[i].count, 200, 0, "via_upstream");
        assert_true(sim_ended(play.sim, client));
        sim_close(play.sim, upstream);
        play_go(&play);
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void a_client_that_ends_its_side_and_is_then_lost_is_noticed(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play);
    play_say(&play, client, GET);
    sim_end(play.sim, client);
    play_pass(&play, 2000);
    play_record(&play, 0);
    sim_reset(play.sim, client);
    play_go(&play);
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    assert_int_equal(sim_open(play.sim), 0);
    play_close(&play);
}

/* ---- times ---------------------------------------------------------------------------------- */

static void a_late_connection_is_503(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_HANGS);
    int client = play_dial(&play);
    play_say(&play, client, GET);
    play_pass(&play, 31000); /* three tries */
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_expect(&play, 1, 503, RECORD_UF | RECORD_URX,
                "upstream_reset_before_response_started{connection_timeout}");
    play_close(&play);
}

static void a_late_head_is_504_and_the_upstream_is_let_go_of(void **state)
{
    (void)state;
    open_simple(PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("    timeout: 2s\n"));
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_pass(&play, 1990);
    play_record(&play, 0);
    play_pass(&play, 20);
    said_begins(play_hear(&play, client), "HTTP/1.1 504 ");
    play_hear(&play, upstream);
    assert_true(sim_ended(play.sim, upstream));
    play_expect(&play, 1, 504, RECORD_UT, "response_timeout");
    play_close(&play);
}

static void a_body_beyond_the_routes_time_is_cut(void **state)
{
    (void)state;
    open_simple(PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE("    timeout: 2s\n"));
    int client = play_dial(&play);
    play_say(&play, client, GET);
    play_say(&play, play_took(&play, PLAY_PORT), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    play_pass(&play, 2010);
    play_hear(&play, client);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 200, RECORD_UT, "upstream_reset_after_response_started");
    play_close(&play);
}

static void a_dribbled_head_is_408(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play);
    for (int i = 0; i < 11; i++) {
        play_say(&play, client, "G");
        play_pass(&play, 1000);
    }
    said_begins(play_hear(&play, client), "HTTP/1.1 408 ");
    play_expect(&play, 1, 408, RECORD_DPE, "request_header_timeout");
    sim_close(play.sim, client);
    play_close(&play);
}

static void a_body_that_stalls_is_408(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    play_pass(&play, 31000);
    said_begins(play_hear(&play, client), "HTTP/1.1 408 ");
    play_expect(&play, 1, 408, RECORD_SI, "request_body_timeout");
    play_close(&play);
}

/* ---- rules that change ------------------------------------------------------------------------- */

#define MARKED(value)                                                                                        \
    PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_ROUTE(                                                       \
        "    headers: {request: {set: {user-agent: 'one of the old rules'}}, response: {set: {x-v: '" value  \
        "'}}}\n")

static int tunnel(int client)
{
    play_say(&play, client, "GET /t HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 101 ");
    return upstream;
}

static void an_exchange_keeps_the_rules_it_began_with(void **state)
{
    (void)state;
    open_simple(MARKED("one"));
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_rules(&play, MARKED("two"));
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_has(play_hear(&play, client), "x-v: one\r\n");
    play_say(&play, client, GET);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_has(play_hear(&play, client), "x-v: two\r\n");
    play_close(&play);
}

/* Each play_rules makes two generations: rules, endpoints. */
static void a_session_on_old_rules_is_judged_again_and_stays(void **state)
{
    (void)state;
    open_simple(MARKED("one"));
    int client = play_dial(&play), waiting = play_dial(&play);
    int upstream = tunnel(client);
    play_say(&play, waiting, GET);
    int late = play_took(&play, PLAY_PORT);
    for (int i = 0; i < 5; i++)
        play_rules(&play, MARKED("two"));
    play_record(&play, 0);
    list_for(link, &play.worker.exchanges)
    {
        struct exchange *x = container_of(link, struct exchange, link);
        assert_true(play.worker.generation->sequence - x->generation->sequence < 4);
    }
    play_say(&play, late, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_has(play_hear(&play, waiting), "x-v: one\r\n");
    const struct record *r = play_record(&play, 1);
    assert_true(bytes_equal(r->user_agent, BYTES("one of the old rules")));
    assert_true(bytes_equal(r->upstream_host, BYTES("10.0.0.1:8080")));
    play_say(&play, client, "on");
    said_ends(play_hear(&play, upstream), "on");
    sim_close(play.sim, client);
    play_go(&play);
    sim_close(play.sim, upstream);
    r = play_record(&play, 2);
    assert_true(bytes_equal(r->route, BYTES("v")) || r->route.len > 0);
    play_close(&play);
}

static void a_session_that_new_rules_forbid_is_cut(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play);
    tunnel(client);
    for (int i = 0; i < 5; i++)
        play_rules(&play, PLAY_SIMPLE PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 101, RECORD_LR, "rules_changed");
    play_close(&play);
}

static void a_tunnel_that_new_rules_forbid_is_cut_at_once(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play), other = play_dial(&play);
    tunnel(client);
    play_say(&play, other, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_rules(&play, PLAY_SIMPLE PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 101, RECORD_LR, "rules_changed");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); /* it has an end of its own */
    said_begins(play_hear(&play, other), "HTTP/1.1 200 ");
    play_say(&play, other, GET);
    said_begins(play_hear(&play, other), "HTTP/1.1 403 ");
    play_close(&play);
}

static void a_tunnel_does_not_grow_with_the_changes_it_lives_through(void **state)
{
    (void)state;
    open_simple(MARKED("one"));
    int client = play_dial(&play);
    tunnel(client);
    size_t used = 0;
    for (int i = 0; i < 40; i++) {
        play_rules(&play, MARKED("two"));
        struct exchange *x = container_of(play.worker.exchanges.next, struct exchange, link);
        if (i == 10)
            used = x->arena.used;
        assert_true(i <= 10 || x->arena.used == used);
    }
    play_close(&play);
}

#define ELSEWHERE PLAY_GATEWAY PLAY_SERVICE("b", "8081") PLAY_ROUTE("")

static void connections_to_endpoints_that_are_gone_end_when_their_calls_do(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int busy = play_dial(&play), client = play_dial(&play);
    play_say(&play, busy, GET);
    int used = play_took(&play, PLAY_PORT);
    play_say(&play, client, GET);
    int idle = play_took(&play, PLAY_PORT);
    play_hear(&play, used);
    play_hear(&play, idle);
    play_say(&play, idle, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    play_rules(&play, MARKED("the endpoint stays"));
    play_go(&play);
    assert_false(sim_ended(play.sim, idle));
    assert_int_equal(play.worker.loads.count, 2); /* the cluster's and the endpoint's */
    play_rules(&play, ELSEWHERE);
    play_go(&play);
    assert_true(sim_ended(play.sim, idle));
    assert_false(sim_ended(play.sim, used));
    assert_int_equal(play.worker.loads.count, 3); /* the old one has a call under way */
    play_say(&play, used, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, busy), "HTTP/1.1 200 OK");
    assert_true(sim_ended(play.sim, used));
    play_rules(&play, ELSEWHERE PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    assert_int_equal(play.worker.loads.count, 2);
    play_close(&play);
}

/* ---- a shared connection that leads nowhere --------------------------------------------------------- */

#define SHARED                                                                                               \
    PLAY_GATEWAY PLAY_NET("ServiceEntry",                                                                    \
                          "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"        \
                               "  ports: [{number: 80, protocol: HTTP2, name: http2, targetPort: 8080}]\n"   \
                               "  endpoints: [{address: 10.0.0.1}]\n" PLAY_ROUTE("    timeout: 2s\n")

static void late_calls_take_nobody_else_to_a_connection_that_says_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes said; /* while the call waits */
        bool again;        /* the next call goes over the same connection */
    } rows[] = {
        {"silence", BYTES_INIT(""), false},
        {"a PING", BYTES_INIT("\0\0\x08\x06\0\0\0\0\0abcdefgh"), true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_simple(SHARED);
        int client = play_dial(&play), other = play_dial(&play);
        play_say(&play, client, GET);
        int upstream = play_took(&play, PLAY_PORT);
        sim_say(play.sim, upstream, BYTES("\0\0\0\x04\0\0\0\0\0")); /* SETTINGS */
        play_go(&play);
        play_say(&play, other, GET);
        play_pass(&play, 1900);
        sim_say(play.sim, upstream, rows[i].said);
        play_go(&play);
        play_pass(&play, 200);
        play_go(&play);
        said_begins(play_hear(&play, client), "HTTP/1.1 504 ");
        said_begins(play_hear(&play, other), "HTTP/1.1 504 ");
        play_say(&play, client, GET);
        assert_int_equal(sim_take(play.sim, PLAY_PORT) < 0, rows[i].again);
        sim_close(play.sim, client);
        play_go(&play);
        play_close(&play);
    }
}

/* ---- no memory ------------------------------------------------------------------------------------ */

static void without_memory_reading_waits_until_there_is_some(void **state)
{
    (void)state;
    open_simple(PLAY_SIMPLE);
    int client = play_dial(&play);
    struct block *all = block_must();
    block_limit_set(block_live());
    play_say(&play, client, GET);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    block_unref(all);
    play_go(&play);
    block_limit_set(16384);
    play_say(&play, play_took(&play, PLAY_PORT), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play_close(&play);
}

/* ---- stricter rules for connections that stand ------------------------------------------------------ */

#define SIDECAR(mode)                                                                                        \
    PLAY_NET("Sidecar", "s")                                                                                 \
    "  ingress:\n  - {port: {number: 80, protocol: HTTP, name: http}, defaultEndpoint: "                     \
    "'127.0.0.1:8080'}\n" PLAY_SEC("PeerAuthentication", "pa") "  mtls: {mode: " mode "}\n"

static void a_plain_connection_asks_nothing_more_once_mutual_tls_is_demanded(void **state)
{
    (void)state;
    play_open(&play, ROLE_SIDECAR, SIDECAR("PERMISSIVE"));
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    int client = play_dial(&play);
    play_say(&play, client, GET);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play_rules(&play, SIDECAR("STRICT"));
    play_say(&play, client, GET);
    assert_string_equal(play_hear(&play, client), "");
    assert_true(sim_ended(play.sim, client));
    assert_string_equal(play_hear(&play, upstream), "");
    play_record(&play, 1);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_between_requests_leaves_no_record),
        cmocka_unit_test(a_client_that_leaves_inside_a_head_leaves_a_record),
        cmocka_unit_test(a_client_that_leaves_in_any_phase_is_one_record_and_no_connection_stays),
        cmocka_unit_test(a_client_that_ends_its_side_is_answered_in_full_and_closed),
        cmocka_unit_test(a_client_that_ends_its_side_and_is_then_lost_is_noticed),
        cmocka_unit_test(a_late_connection_is_503),
        cmocka_unit_test(a_late_head_is_504_and_the_upstream_is_let_go_of),
        cmocka_unit_test(a_body_beyond_the_routes_time_is_cut),
        cmocka_unit_test(a_dribbled_head_is_408),
        cmocka_unit_test(a_body_that_stalls_is_408),
        cmocka_unit_test(an_exchange_keeps_the_rules_it_began_with),
        cmocka_unit_test(a_session_on_old_rules_is_judged_again_and_stays),
        cmocka_unit_test(a_session_that_new_rules_forbid_is_cut),
        cmocka_unit_test(a_tunnel_that_new_rules_forbid_is_cut_at_once),
        cmocka_unit_test(a_tunnel_does_not_grow_with_the_changes_it_lives_through),
        cmocka_unit_test(connections_to_endpoints_that_are_gone_end_when_their_calls_do),
        cmocka_unit_test(late_calls_take_nobody_else_to_a_connection_that_says_nothing),
        cmocka_unit_test(without_memory_reading_waits_until_there_is_some),
        cmocka_unit_test(a_plain_connection_asks_nothing_more_once_mutual_tls_is_demanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
