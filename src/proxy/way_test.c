/* The ways of requests over HTTP/1, whole, in a simulated world. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/block.h"

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
         RECORD_UF, "upstream_reset_before_response_started{connection_failure}"},
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
         "HTTP/1.1 503 ", 503, RECORD_UF, "upstream_reset_before_response_started{connection_failure}"},
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
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n");
    play.sim->room = 1000;
    play_drain(&play, client, 2000);
    play.sim->room = 100000;
    char *body = malloc(40001);
    memset(body, 'y', 40000);
    body[40000] = 0;
    sim_say(play.sim, upstream, bytes_of(body));
    play.sim->room = 1000;
    play_go(&play);
    sim_end(play.sim, client); /* it has said all it had to say, and reads on */
    play_go(&play);
    assert_int_equal(play_drain(&play, client, 100), 40000);
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
    play_expect(&play, 1, 0, RECORD_UF, "upstream_reset_before_response_started{connection_failure}");
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
        cmocka_unit_test(a_stale_connection_is_tried_once_more_for_idempotent_methods_only),
        cmocka_unit_test(a_fresh_connection_that_breaks_is_not_tried_again),
        cmocka_unit_test(a_body_that_outgrew_what_is_kept_is_never_sent_without_its_beginning),
        cmocka_unit_test(a_slow_reader_holds_up_the_upstream_and_memory_stays_bounded),
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
