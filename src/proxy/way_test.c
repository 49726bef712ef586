/* The ways of requests over HTTP/1, whole, in a simulated world. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

static struct play play;

static void open_simple(void)
{
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* ---- requests and answers that are complete ------------------------------------------ */

struct row {
    const char *name;
    const char *request;
    const char *heard; /* how the upstream's copy ends */
    const char *answer;
    const char *first; /* the answer's line as the client sees it */
    const char *last;  /* its end */
    unsigned status;
    bool stays; /* both connections go on */
};

static const struct row rows[] = {
    {"GET", "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n", "\r\n\r\nok", 200, true},
    {"POST by length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\nabc",
     "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 201 Created\r\n", "\r\n\r\n", 201, true},
    {"POST of no length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n", 200, true},
    {"POST in chunks",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
     "\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, true},
    {"trailers",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: 1\r\n\r\n",
     "1\r\na\r\n0\r\nx-t: 1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx-u: 2\r\n\r\n",
     "HTTP/1.1 200 OK\r\n", "\r\n\r\n1\r\nx\r\n0\r\nx-u: 2\r\n\r\n", 200, true},
    {"trailers that claim identity",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Selvage-Assertion: "
     "a\r\n"
     "X_Forwarded_For: 1.2.3.4\r\nx-real-ip: b\r\nx_request_id: c\r\nx-t: 1\r\n\r\n",
     "1\r\na\r\n0\r\nx-t: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
     "\r\n\r\n", 200, true},
    {"HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\n", "\r\n\r\n", 200, true},
    {"204", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
     "HTTP/1.1 204 No Content\r\n", "\r\n\r\n", 204, true},
    {"304", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n", "\r\n\r\n",
     304, true},
    {"an answer until the end of the connection", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\n\r\nabc", "HTTP/1.1 200 OK\r\n", "3\r\nabc\r\n0\r\n\r\n", 200, false},
    {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
     "\r\n\r\nx", 200, false},
};

static void row_go(const struct row *row)
{
    int client = play_dial(&play);
    play_say(&play, client, row->request);
    int upstream = play_took(&play, PLAY_PORT);
    said_ends(play_hear(&play, upstream), row->heard);
    play_say(&play, upstream, row->answer);
    if (!row->stays)
        sim_end(play.sim, upstream);
    const char *answer = play_hear(&play, client);
    said_begins(answer, row->first);
    said_ends(answer, row->last);
    play_expect(&play, 1, row->status, 0, "via_upstream");
    if (!row->stays)
        return;
    assert_false(sim_ended(play.sim, client));
    play_say(&play, client, row->request);
    said_ends(play_hear(&play, upstream), row->heard);
    play_say(&play, upstream, row->answer);
    said_ends(play_hear(&play, client), row->last);
    play_expect(&play, 2, row->status, 0, "via_upstream");
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
}

static void requests_and_answers_pass(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_simple();
        row_go(&rows[i]);
        play_close(&play);
    }
}

/* Whatever a socket gives at once: the same. */
static void requests_pass_in_single_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_simple();
        int client = play_dial(&play);
        for (const char *at = rows[i].request; *at; at++)
            play_say(&play, client, (char[]){*at, 0});
        int upstream = play_took(&play, PLAY_PORT);
        play_hear(&play, upstream);
        for (const char *at = rows[i].answer; *at; at++)
            play_say(&play, upstream, (char[]){*at, 0});
        if (!rows[i].stays)
            sim_end(play.sim, upstream);
        said_begins(play_hear(&play, client), rows[i].first);
        play_expect(&play, 1, rows[i].status, 0, "via_upstream");
        play_close(&play);
    }
}

static void what_was_pipelined_is_answered_in_order(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(
        &play, client,
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\naGET /3 "
        "HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    said_begins(play_hear(&play, upstream), "GET /1 ");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    said_begins(play_hear(&play, upstream), "POST /2 ");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
    said_begins(play_hear(&play, upstream), "GET /3 ");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
    const char *all = play_hear(&play, client);
    assert_true(strstr(all, "\r\n\r\n1HTTP/1.1") && strstr(all, "\r\n\r\n2HTTP/1.1"));
    said_ends(all, "\r\n\r\n3");
    play_record(&play, 3);
    play_close(&play);
}

static void an_http10_client_that_wants_to_stay_is_told_that_it_may(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const char *answer = play_hear(&play, client);
    said_has(answer, "onnection: keep-alive\r\n");
    assert_false(sim_ended(play.sim, client));
    play_close(&play);
}

static void continue_is_said_once_the_body_is_wanted(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client,
             "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    said_lacks(play_hear(&play, upstream), "xpect");
    assert_string_equal(play_hear(&play, client), "HTTP/1.1 100 Continue\r\n\r\n");
    play_say(&play, client, "hi");
    assert_string_equal(play_hear(&play, upstream), "hi");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play_expect(&play, 1, 200, 0, "via_upstream");
    play_close(&play);
}

static void a_refused_body_is_never_asked_for_and_the_connection_ends(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_GATEWAY);
    int client = play_dial(&play);
    play_say(&play, client,
             "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 404 Not Found");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 404, RECORD_NR, "route_not_found");
    play_close(&play);
}

/* ---- interim answers, upgrades ------------------------------------------------------------ */

static void interim_answers_are_relayed(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    const char *answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 200 OK");
    said_lacks(answer, "link");
    play_expect(&play, 1, 200, 0, "via_upstream");
    play_close(&play);
}

/* Its bytes and the news that it is connected come together. */
static void an_upstream_that_speaks_before_it_is_asked_is_heard(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                                          "SSH-2.0-x\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(answers); i++) {
        open_simple();
        int client = play_dial(&play), upstream = -1;
        sim_say(play.sim, client, BYTES("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
        while (upstream < 0) {
            loop_turn(&play.worker.loop, 0);
            upstream = sim_take(play.sim, PLAY_PORT);
        }
        sim_say(play.sim, upstream, bytes_of(answers[i]));
        said_begins(play_hear(&play, client), i == 0 ? "HTTP/1.1 503 Busy" : "HTTP/1.1 502 ");
        play_record(&play, 1);
        play_close(&play);
    }
}

static void after_eight_interim_answers_it_is_502(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    char all[1000] = "";
    for (int i = 0; i < 9; i++)
        strcat(all, "HTTP/1.1 103 Early Hints\r\n\r\n");
    strcat(all, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    play_say(&play, upstream, all);
    said_has(play_hear(&play, client), "HTTP/1.1 502 Bad Gateway");
    play_expect(&play, 1, 502, RECORD_UPE, "upstream_reset_before_response_started{protocol_error}");
    play_close(&play);
}

static int tunnel_open(int *client)
{
    open_simple();
    *client = play_dial(&play);
    play_say(&play, *client, "GET /t HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    said_has(play_hear(&play, upstream), "pgrade: x\r\n");
    play_say(&play, upstream,
             "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello");
    const char *answer = play_hear(&play, *client);
    said_begins(answer, "HTTP/1.1 101 Switching Protocols\r\n");
    said_ends(answer, "\r\n\r\nhello");
    play_say(&play, *client, "ping");
    assert_string_equal(play_hear(&play, upstream), "ping");
    play_say(&play, upstream, "pong");
    assert_string_equal(play_hear(&play, *client), "pong");
    return upstream;
}

static void a_tunnel_whose_client_ends_first_goes_on_the_other_way(void **state)
{
    (void)state;
    int client, upstream = tunnel_open(&client);
    sim_end(play.sim, client);
    play_go(&play);
    assert_true(sim_ended(play.sim, upstream));
    play_record(&play, 0);
    play_say(&play, upstream, "late");
    assert_string_equal(play_hear(&play, client), "late");
    sim_end(play.sim, upstream);
    play_go(&play);
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 101, 0, "via_upstream");
    play_close(&play);
}

static void a_tunnel_whose_upstream_ends_first_goes_on_the_other_way(void **state)
{
    (void)state;
    int client, upstream = tunnel_open(&client);
    sim_end(play.sim, upstream);
    play_go(&play);
    assert_true(sim_ended(play.sim, client));
    play_record(&play, 0);
    sim_say(play.sim, client, BYTES("late")); /* and the end in the same turn */
    sim_end(play.sim, client);
    assert_string_equal(play_hear(&play, upstream), "late");
    assert_true(sim_ended(play.sim, upstream));
    play_expect(&play, 1, 101, 0, "via_upstream");
    play_close(&play);
}

static void a_tunnel_whose_upstream_breaks_after_its_end_is_over(void **state)
{
    (void)state;
    int client, upstream = tunnel_open(&client);
    sim_end(play.sim, upstream);
    play_go(&play);
    sim_reset(play.sim, upstream);
    play_say(&play, client, "more");
    play_record(&play, 1);
    play_close(&play);
}

static void an_upgrade_nobody_asked_for_is_502(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    play_say(&play, play_took(&play, PLAY_PORT),
             "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 502 ");
    play_expect(&play, 1, 502, RECORD_UPE, "upstream_reset_before_response_started{protocol_error}");
    play_close(&play);
}

/* ---- answers that come early, or not whole --------------------------------------------------- */

static void an_early_answer_is_whole_and_the_rest_of_the_body_is_read_away(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const char *answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 413 ");
    said_ends(answer, "\r\n\r\nno");
    play_hear(&play, upstream);
    assert_true(sim_ended(play.sim, upstream));
    play_say(&play, client, "defghijGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    said_begins(play_hear(&play, play_took(&play, PLAY_PORT)), "GET /2 ");
    play_expect(&play, 1, 413, 0, "via_upstream");
    play_close(&play);
}

static void a_truncated_answer_is_cut_and_never_looks_whole(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(answers); i++) {
        open_simple();
        int client = play_dial(&play);
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_say(&play, upstream, answers[i]);
        sim_end(play.sim, upstream);
        const char *answer = play_hear(&play, client);
        if (*answer) /* when it breaks in the same turn, nothing has left yet */
            said_begins(answer, "HTTP/1.1 200 OK");
        said_lacks(answer, "\r\n0\r\n\r\n");
        assert_true(sim_ended(play.sim, client));
        play_expect(&play, 1, 200, RECORD_UC, "upstream_reset_after_response_started");
        play_close(&play);
    }
}

static void garbage_from_the_upstream_is_502(void **state)
{
    static const char *const answers[] = {"SSH-2.0-x\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                          "HTTP/1.1 200 OK\r\n bad: 1\r\n\r\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(answers); i++) {
        open_simple();
        int client = play_dial(&play);
        play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_say(&play, upstream, answers[i]);
        said_begins(play_hear(&play, client), "HTTP/1.1 502 Bad Gateway");
        play_hear(&play, upstream);
        assert_true(sim_ended(play.sim, upstream));
        play_expect(&play, 1, 502, RECORD_UPE, "upstream_reset_before_response_started{protocol_error}");
        play_close(&play);
    }
}

/* ---- answers of our own ------------------------------------------------------------------------ */

static void answers_of_our_own(void **state)
{
    static const struct {
        const char *name;
        const char *yaml;
        const char *request;
        const char *first;
        unsigned status;
        uint32_t flags;
        const char *details;
    } own[] = {
        {"connecting is refused", PLAY_SIMPLE, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 503 ", 503,
         RECORD_UF | RECORD_URX, "upstream_reset_before_response_started{connection_failure}"},
        {"no endpoint", PLAY_GATEWAY PLAY_ROUTE(""), "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 503 ",
         503, RECORD_UH, "no_healthy_upstream"},
        {"no route", PLAY_GATEWAY, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 ", 404, RECORD_NR,
         "route_not_found"},
        {"no host", PLAY_SIMPLE, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", 400, RECORD_DPE,
         "http1.codec_error"},
        {"no HTTP", PLAY_SIMPLE, "hello\r\n\r\n", "HTTP/1.1 400 ", 400, RECORD_DPE, "http1.codec_error"},
        {"two lengths", PLAY_SIMPLE,
         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 400 ", 400,
         RECORD_DPE, "http1.codec_error"},
        {"a bad chunk", PLAY_SIMPLE, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         "HTTP/1.1 503 ", 503, RECORD_UF | RECORD_URX,
         "upstream_reset_before_response_started{connection_failure}"},
        {"denied", PLAY_SIMPLE PLAY_SEC("AuthorizationPolicy", "p") "  {}\n",
         "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 403 ", 403, RECORD_UAEX,
         "rbac_access_denied_matched_policy[none]"},
        {"redirected",
         PLAY_NET("Gateway",
                  "g") "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: HTTP, name: "
                       "p}, hosts: ['*'], tls: {httpsRedirect: true}}\n",
         "GET /x HTTP/1.1\r\nHost: h:80\r\n\r\n", "HTTP/1.1 301 ", 301, 0, "direct_response"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(own); i++) {
        print_message("  %s\n", own[i].name);
        play_open(&play, ROLE_GATEWAY, own[i].yaml);
        int client = play_dial(&play);
        play_say(&play, client, own[i].request);
        play_pass(&play, 1000); /* connecting is tried again */
        const char *answer = play_hear(&play, client);
        said_begins(answer, own[i].first);
        said_has(answer, "x-request-id: ");
        if (own[i].status == 301)
            said_has(answer, "location: https://h/x\r\n");
        play_expect(&play, 1, own[i].status, own[i].flags, own[i].details);
        sim_close(play.sim, client);
        play_pass(&play, 100000);
        play_record(&play, 1);
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void a_wrong_chunk_is_400_and_the_upstream_sees_no_end(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, client, "zz\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 400 ");
    const char *heard = play_hear(&play, upstream);
    said_ends(heard, "1\r\na\r\n");
    assert_true(sim_ended(play.sim, upstream));
    play_expect(&play, 1, 400, RECORD_DPE, "http1.codec_error");
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_answers_pass),
        cmocka_unit_test(requests_pass_in_single_bytes),
        cmocka_unit_test(what_was_pipelined_is_answered_in_order),
        cmocka_unit_test(an_http10_client_that_wants_to_stay_is_told_that_it_may),
        cmocka_unit_test(continue_is_said_once_the_body_is_wanted),
        cmocka_unit_test(a_refused_body_is_never_asked_for_and_the_connection_ends),
        cmocka_unit_test(interim_answers_are_relayed),
        cmocka_unit_test(an_upstream_that_speaks_before_it_is_asked_is_heard),
        cmocka_unit_test(after_eight_interim_answers_it_is_502),
        cmocka_unit_test(a_tunnel_whose_client_ends_first_goes_on_the_other_way),
        cmocka_unit_test(a_tunnel_whose_upstream_ends_first_goes_on_the_other_way),
        cmocka_unit_test(a_tunnel_whose_upstream_breaks_after_its_end_is_over),
        cmocka_unit_test(an_upgrade_nobody_asked_for_is_502),
        cmocka_unit_test(an_early_answer_is_whole_and_the_rest_of_the_body_is_read_away),
        cmocka_unit_test(a_truncated_answer_is_cut_and_never_looks_whole),
        cmocka_unit_test(garbage_from_the_upstream_is_502),
        cmocka_unit_test(answers_of_our_own),
        cmocka_unit_test(a_wrong_chunk_is_400_and_the_upstream_sees_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
