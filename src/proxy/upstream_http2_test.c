/* HTTP/2 towards upstreams: many calls over one connection, and what becomes of them when it ends. */
#include "base/test.h"

#include "proxy/http2_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_BY(route)                                                                                     \
    PLAY_GATEWAY PLAY_NET("ServiceEntry",                                                                    \
                          "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"        \
                               "  ports: [{number: 80, protocol: HTTP2, name: http2, targetPort: 8080}]\n"   \
                               "  endpoints: [{address: 10.0.0.1}]\n" PLAY_ROUTE(route)
#define SHARED SHARED_BY("")
#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
#define RESET(reason) "upstream_reset_before_response_started{" reason "}"

static struct play play;
static struct peer2 peer;

static void open_shared(void)
{
    play_open(&play, ROLE_GATEWAY, SHARED);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static int ask(const char *request)
{
    int client = play_dial(&play);
    play_say(&play, client, request);
    return client;
}

static void close_all(void)
{
    peer2_done(&peer);
    play_close(&play);
}

static void answer(struct peer2 *by, unsigned n, const char *body)
{
    int32_t id = peer2_nth(by, n)->id;
    peer2_answer(by, id, ":status: 200\n", false);
    peer2_send(by, id, bytes_of(body), true, NULL);
}

/* ---- calls ------------------------------------------------------------------------ */

static void calls_share_one_connection(void **state)
{
    int clients[5];
    (void)state;
    open_shared();
    for (int i = 0; i < 5; i++)
        clients[i] = ask(GET);
    peer2_took(&peer, &play, PLAY_PORT, 100);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    assert_int_equal(peer.count, 5);
    said_begins(peer2_nth(&peer, 0)->heard, ":method: GET\r\n:scheme: http\r\n:authority: h\r\n:path: /\r\n");
    for (unsigned i = 5; i-- > 0;) {
        char body[8];
        snprintf(body, sizeof body, "n%u", i);
        answer(&peer, i, body);
        said_has(play_hear(&play, clients[i]), body);
    }
    play_expect(&play, 5, 200, 0, "via_upstream");
    close_all();
}

static void a_body_trailers_and_interim_answers_travel(void **state)
{
    (void)state;
    open_shared();
    int client = ask("POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n");
    peer2_took(&peer, &play, PLAY_PORT, 100);
    struct peer_stream *stream = peer2_nth(&peer, 0);
    assert_string_equal(stream->body, "abc");
    said_ends(stream->heard, "\r\n\r\nx-t: 1\r\n\r\n");
    assert_true(stream->ended);
    peer2_info(&peer, stream->id, ":status: 103\nlink: a\n");
    peer2_answer(&peer, stream->id, ":status: 200\n", false);
    peer2_send(&peer, stream->id, BYTES("answer"), true, "x-u: 2\n");
    const char *heard = play_hear(&play, client);
    said_begins(heard, "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\n");
    said_ends(heard, "6\r\nanswer\r\n0\r\nx-u: 2\r\n\r\n");
    close_all();
}

static void how_a_grpc_call_ended_is_recorded(void **state)
{
    static const struct {
        const char *type, *head, *trailers;
        const char *status;
    } rows[] = {
        {"application/grpc", ":status: 200\n", "grpc-status: 0\n", "0"},
        {"application/grpc+proto", ":status: 200\n", "grpc-status: 13\ngrpc-message: no\n", "13"},
        {"application/grpc", ":status: 200\ngrpc-status: 5\n", NULL, "5"}, /* nothing but a head */
        {"application/grpc", ":status: 200\n", "x: y\n", ""},
        {"application/grpc", ":status: 200\n", "grpc-status: 17\n", ""},
        {"application/grpc", ":status: 200\n", "grpc-status: ok\n", ""},
        {"text/plain", ":status: 200\n", "grpc-status: 13\n", ""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct peer2 client;
        char fields[200];
        print_message("  %zu\n", i);
        open_shared();
        peer2_dial(&client, &play);
        snprintf(fields, sizeof fields, PEER_POST "te: trailers\ncontent-type: %s\n", rows[i].type);
        peer2_ask(&client, fields, true);
        peer2_took(&peer, &play, PLAY_PORT, 100);
        int32_t id = peer2_nth(&peer, 0)->id;
        peer2_answer(&peer, id, rows[i].head, !rows[i].trailers);
        if (rows[i].trailers)
            peer2_send(&peer, id, BYTES("x"), true, rows[i].trailers);
        peer2_go(&client);
        const struct record *record = play_record(&play, 1);
        assert_true(bytes_equal(record->grpc_status, bytes_of(rows[i].status)));
        assert_int_equal(record->protocol, i + 1 < ROWS(rows) ? RECORD_GRPC : RECORD_HTTP);
        peer2_done(&client);
        close_all();
    }
}

/* What it does not promise to have looked at is sent again (RFC 9113 8.7). */
static void a_call_that_was_refused_is_sent_again(void **state)
{
    static const char *const requests[] = {GET, POST};
    (void)state;
    for (size_t i = 0; i < ROWS(requests); i++) {
        open_shared();
        int client = ask(requests[i]);
        peer2_took(&peer, &play, PLAY_PORT, 100);
        peer2_reset(&peer, peer2_nth(&peer, 0)->id, NGHTTP2_REFUSED_STREAM);
        play_pass(&play, 100);
        peer2_go(&peer);
        answer(&peer, 1, "again");
        said_has(play_hear(&play, client), "again");
        play_expect(&play, 1, 200, 0, "via_upstream");
        close_all();
    }
}

/* GOAWAY comes in the very turn in which a request was to leave: whatever the rules say of retries. */
static void what_could_not_leave_any_more_leaves_elsewhere(void **state)
{
    (void)state;
    for (int body = 0; body < 2; body++) {
        struct peer2 other;
        play_open(&play, ROLE_GATEWAY, SHARED_BY("    retries: {attempts: 0}\n"));
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int first = ask(GET), second = play_dial(&play);
        peer2_took(&peer, &play, PLAY_PORT, 100);
        sim_say(play.sim, peer.fd, BYTES("\0\0\x08\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0"));
        play_say(&play, second, body ? POST : GET);
        peer2_took(&other, &play, PLAY_PORT, 100);
        assert_int_equal(other.count, 1);
        answer(&other, 0, "elsewhere");
        said_has(play_hear(&play, second), "elsewhere");
        answer(&peer, 0, "here");
        said_has(play_hear(&play, first), "here");
        play_expect(&play, 2, 200, 0, "via_upstream");
        peer2_done(&other);
        close_all();
    }
}

static void what_goaway_leaves_out_is_sent_again_elsewhere(void **state)
{
    struct peer2 other;
    (void)state;
    open_shared();
    int first = ask(GET), second = ask(POST);
    peer2_took(&peer, &play, PLAY_PORT, 100);
    int32_t last = peer2_nth(&peer, 0)->id;
    nghttp2_submit_goaway(peer.session, 0, last, NGHTTP2_NO_ERROR, NULL, 0);
    peer2_go(&peer);
    play_pass(&play, 100);
    peer2_took(&other, &play, PLAY_PORT, 100);
    assert_int_equal(other.count, 1);
    answer(&other, 0, "elsewhere");
    said_has(play_hear(&play, second), "elsewhere");
    answer(&peer, 0, "here");
    said_has(play_hear(&play, first), "here");
    play_expect(&play, 2, 200, 0, "via_upstream");
    assert_true(sim_ended(play.sim, peer.fd));
    int third = ask(GET); /* nobody new goes there */
    peer2_go(&other);
    answer(&other, 1, "third");
    said_has(play_hear(&play, third), "third");
    peer2_done(&other);
    close_all();
}

static void no_more_calls_than_the_upstream_takes(void **state)
{
    struct peer2 other;
    (void)state;
    open_shared();
    int first = ask(GET);
    peer2_took(&peer, &play, PLAY_PORT, 1);
    answer(&peer, 0, "one");
    said_has(play_hear(&play, first), "one");
    play_say(&play, first, GET);
    int second = ask(GET);
    peer2_go(&peer);
    assert_int_equal(peer.count, 2);
    peer2_took(&other, &play, PLAY_PORT, 1);
    assert_int_equal(other.count, 1);
    answer(&other, 0, "other");
    said_has(play_hear(&play, second), "other");
    answer(&peer, 1, "two");
    said_has(play_hear(&play, first), "two");
    peer2_done(&other);
    close_all();
}

/* ---- ends --------------------------------------------------------------------------- */

static void what_breaks_has_its_flag(void **state)
{
    static const struct {
        const char *name;
        const char *head; /* said before; NULL: none */
        uint32_t code;    /* of a reset; 0: the connection is lost */
        unsigned status;
        uint32_t flags;
        const char *details;
    } rows[] = {
        {"reset", NULL, NGHTTP2_INTERNAL_ERROR, 503, RECORD_UR, RESET("remote_reset")},
        {"lost", NULL, 0, 503, RECORD_UC, RESET("connection_termination")},
        {"reset inside a body", ":status: 200\n", NGHTTP2_INTERNAL_ERROR, 200, RECORD_UC,
         "upstream_reset_after_response_started"},
        {"lost inside a body", ":status: 200\n", 0, 200, RECORD_UC, "upstream_reset_after_response_started"},
        {"a head that is none", ":status: 101\n", 1, 502, RECORD_UPE, RESET("protocol_error")},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_shared();
        int clients[2] = {ask(POST), ask(POST)};
        peer2_took(&peer, &play, PLAY_PORT, 100);
        for (unsigned n = 0; n < 2; n++) {
            int32_t id = peer2_nth(&peer, n)->id;
            if (rows[i].head)
                peer2_answer(&peer, id, rows[i].head, false);
            if (rows[i].code > 1)
                peer2_reset(&peer, id, rows[i].code);
        }
        if (!rows[i].code) {
            sim_reset(play.sim, peer.fd);
            peer.fd = -1;
        }
        play_pass(&play, 200);
        play_expect(&play, 2, rows[i].status, rows[i].flags, rows[i].details);
        for (unsigned n = 0; n < 2; n++)
            if (rows[i].status == 200)
                assert_true(!strstr(play_hear(&play, clients[n]), "\r\n0\r\n"));
        close_all();
    }
}

/* GOAWAY, and then that it takes no streams at all. */
static void cve_2021_32780_settings_behind_goaway_harm_nobody(void **state)
{
    const nghttp2_settings_entry none = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0};
    (void)state;
    open_shared();
    int client = ask(GET);
    peer2_took(&peer, &play, PLAY_PORT, 100);
    nghttp2_submit_goaway(peer.session, 0, peer2_nth(&peer, 0)->id, NGHTTP2_NO_ERROR, NULL, 0);
    nghttp2_submit_settings(peer.session, 0, &none, 1);
    peer2_go(&peer);
    answer(&peer, 0, "answer");
    said_has(play_hear(&play, client), "answer");
    play_expect(&play, 1, 200, 0, "via_upstream");
    assert_true(sim_ended(play.sim, peer.fd));
    close_all();
}

static void a_client_that_is_lost_resets_its_stream_alone(void **state)
{
    (void)state;
    open_shared();
    int first = ask(GET), second = ask(GET);
    peer2_took(&peer, &play, PLAY_PORT, 100);
    sim_reset(play.sim, first);
    peer2_go(&peer);
    assert_true(peer2_nth(&peer, 0)->closed && peer2_nth(&peer, 0)->code == NGHTTP2_CANCEL);
    answer(&peer, 1, "second");
    said_has(play_hear(&play, second), "second");
    close_all();
}

static void an_upstream_that_takes_nothing_holds_up_the_client(void **state)
{
    enum { WHOLE = 400000 };
    char *request = malloc(WHOLE + 100);
    (void)state;
    open_shared();
    int client = ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n");
    peer2_took(&peer, &play, PLAY_PORT, 100);
    peer.hold = true;
    memset(request, 'a', WHOLE);
    size_t said = 0, took;
    do {
        took = sim_say(play.sim, client, bytes_make(request + said, WHOLE - said));
        said += took;
        peer2_go(&peer);
    } while (took && said < WHOLE);
    struct peer_stream *stream = peer2_nth(&peer, 0);
    assert_int_equal(stream->body_len, 65535);
    assert_true(said < 300000);
    peer.hold = false;
    nghttp2_session_consume(peer.session, stream->id, stream->body_len);
    peer2_go(&peer);
    while (said < 200000 || stream->body_len < 200000) {
        said += sim_say(play.sim, client, bytes_make(request + said, WHOLE - said));
        peer2_go(&peer);
    }
    free(request);
    sim_reset(play.sim, client);
    peer2_go(&peer);
    assert_true(stream->closed);
    close_all();
}

/* ---- each call fails once --------------------------------------------------------------- */

static bool run(struct sim_fault fault, bool *hit)
{
    open_shared();
    play.sim->fault = fault;
    memset(play.sim->calls, 0, sizeof play.sim->calls);
    int client = ask(POST);
    bool took = false, whole = false;
    for (int i = 0; i < 4; i++) {
        int fd = took ? -1 : sim_take(play.sim, PLAY_PORT);
        if (fd >= 0) {
            peer2_took_fd(&peer, &play, fd);
            took = true;
        }
        if (took && peer.count && !peer2_nth(&peer, 0)->closed && peer2_nth(&peer, 0)->ended)
            answer(&peer, 0, "whole");
        play_pass(&play, 100);
        whole |= strstr(play_hear(&play, client), "whole") != NULL;
    }
    *hit = play.sim->calls[fault.call] >= fault.n;
    sim_close(play.sim, client);
    if (took)
        peer2_done(&peer);
    play_pass(&play, 200000);
    if (!list_empty(&play.worker.exchanges) || !list_empty(&play.worker.clients))
        world_wrong("call %d number %u: something is left over", fault.call, fault.n);
    play_close(&play);
    return whole;
}

static void each_call_fails_once(void **state)
{
    static const struct {
        enum sim_call call;
        int error;
        bool harmless;
    } faults[] = {{SIM_READ, ECONNRESET, false}, {SIM_READ, 0, true},  {SIM_READ, EAGAIN, true},
                  {SIM_WRITE, EPIPE, false},     {SIM_WRITE, 0, true}, {SIM_WRITE, EAGAIN, true},
                  {SIM_CONNECT, EMFILE, false}};
    (void)state;
    for (size_t f = 0; f < ROWS(faults); f++) {
        bool hit = true;
        for (unsigned n = 1; hit; n++) {
            bool whole = run((struct sim_fault){faults[f].call, n, faults[f].error}, &hit);
            if (!whole && (faults[f].harmless || !hit))
                world_wrong("call %d number %u error %d: it did not pass", faults[f].call, n,
                            faults[f].error);
            assert_true(n < 200);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_share_one_connection),
        cmocka_unit_test(a_body_trailers_and_interim_answers_travel),
        cmocka_unit_test(how_a_grpc_call_ended_is_recorded),
        cmocka_unit_test(a_call_that_was_refused_is_sent_again),
        cmocka_unit_test(what_could_not_leave_any_more_leaves_elsewhere),
        cmocka_unit_test(what_goaway_leaves_out_is_sent_again_elsewhere),
        cmocka_unit_test(no_more_calls_than_the_upstream_takes),
        cmocka_unit_test(what_breaks_has_its_flag),
        cmocka_unit_test(cve_2021_32780_settings_behind_goaway_harm_nobody),
        cmocka_unit_test(a_client_that_is_lost_resets_its_stream_alone),
        cmocka_unit_test(an_upstream_that_takes_nothing_holds_up_the_client),
        cmocka_unit_test(each_call_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
