/* HTTP/2 with clients: whole requests, and how streams and connections end. */
#include "base/test.h"

#include "proxy/http2_fixture.h"

#include <errno.h>
#include <string.h>

#include "proxy/block.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct play play;
static struct peer2 peer;
static struct rules_limits limits;
static int upstream; /* the latest connection to it */

static void open_limited(void)
{
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    play.world.node.limits = &limits;
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static void open_usual(void)
{
    limits_preset(ROLE_GATEWAY, &limits);
    open_limited();
    peer2_dial(&peer, &play);
}

static void close_all(void)
{
    peer2_done(&peer);
    play_close(&play);
}

static void expect_hits(enum limit limit, uint64_t count)
{
    play_pass(&play, 1000);
    for (uint32_t i = 0; i < LIMIT_COUNT; i++)
        if (play.limit_hits[i] != (i == limit ? count : 0))
            world_wrong("%s has bitten %u times", limit_name((enum limit)i), (unsigned)play.limit_hits[i]);
}

/* What the upstream heard of a request; it says `answer`. */
static const char *answered(const char *answer)
{
    int fresh = sim_take(play.sim, PLAY_PORT);
    upstream = fresh < 0 ? upstream : fresh;
    const char *heard = play_hear(&play, upstream);
    play_say(&play, upstream, answer);
    peer2_go(&peer);
    return heard;
}

/* ---- requests and answers ------------------------------------------------------------ */

static void a_request_is_answered(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_GET "x-a: 1\ncookie: a=1\ncookie: b=2\n", true);
    const char *heard = answered(OK);
    said_begins(heard, "GET / HTTP/1.1\r\nhost: h\r\n");
    said_has(heard, "\r\nx-a: 1\r\n");
    said_has(heard, "\r\ncookie: a=1; b=2\r\n");
    struct peer_stream *stream = peer2_stream(&peer, id);
    said_begins(stream->heard, ":status: 200\r\n");
    said_has(stream->heard, "\r\ncontent-length: 2\r\n");
    assert_string_equal(stream->body, "ok");
    assert_true(stream->ended && stream->closed && stream->code == NGHTTP2_NO_ERROR);
    play_expect(&play, 1, 200, 0, "via_upstream");
    assert_int_equal(play_record(&play, 1)->bytes_sent, 2);
    close_all();
}

static void many_are_answered_at_once_in_any_order(void **state)
{
    enum { MANY = 40 };
    int upstreams[MANY];
    (void)state;
    open_usual();
    for (int i = 0; i < MANY; i++) {
        peer2_ask(&peer, PEER_GET, true);
        upstreams[i] = play_took(&play, PLAY_PORT);
    }
    for (int i = MANY - 1; i >= 0; i--) {
        char answer[100];
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%02d", i);
        play_say(&play, upstreams[i], answer);
        peer2_go(&peer);
        char body[8];
        snprintf(body, sizeof body, "%02d", i);
        assert_string_equal(peer2_nth(&peer, (unsigned)i)->body, body);
    }
    play_expect(&play, MANY, 200, 0, "via_upstream");
    close_all();
}

static void a_body_and_trailers_travel_both_ways(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_POST "te: trailers\n", false);
    peer2_send(&peer, id, BYTES("question"), true, "x-t: 1\nx-forwarded-for: 6.6.6.6\n");
    const char *heard = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-u\r\n\r\n"
                                 "6\r\nanswer\r\n0\r\nx-u: 2\r\n\r\n");
    said_has(heard, "8\r\nquestion\r\n0\r\nx-t: 1\r\n\r\n");
    said_lacks(heard, "6.6.6.6");
    struct peer_stream *stream = peer2_stream(&peer, id);
    assert_string_equal(stream->body, "answer");
    said_ends(stream->heard, "\r\n\r\nx-u: 2\r\n\r\n");
    assert_true(stream->ended);
    close_all();
}

static void a_body_that_waits_for_100_gets_it_once_it_is_wanted(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_POST "expect: 100-continue\ncontent-length: 3\n", false);
    struct peer_stream *stream = peer2_stream(&peer, id);
    assert_string_equal(stream->heard, ":status: 100\r\n\r\n");
    peer2_send(&peer, id, BYTES("abc"), true, NULL);
    said_ends(answered("HTTP/1.1 103 E\r\nlink: a\r\n\r\n" OK), "\r\n\r\nabc");
    said_begins(stream->heard, ":status: 100\r\n\r\n:status: 103\r\nlink: a\r\n\r\n:status: 200\r\n");
    close_all();
}

static void an_answer_without_a_body_has_none(void **state)
{
    static const struct {
        const char *name, *request, *answer, *has;
    } rows[] = {
        {"HEAD", ":method: HEAD\n:scheme: http\n:authority: h\n:path: /\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "\r\ncontent-length: 9\r\n"},
        {"304", PEER_GET, "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", "\r\ncontent-length: 9\r\n"},
        {"204", PEER_GET, "HTTP/1.1 204 N\r\n\r\n", ":status: 204\r\n"},
        {"0 bytes", PEER_GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\r\ncontent-length: 0\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_usual();
        int32_t id = peer2_ask(&peer, rows[i].request, true);
        answered(rows[i].answer);
        struct peer_stream *stream = peer2_stream(&peer, id);
        said_has(stream->heard, rows[i].has);
        assert_true(stream->ended && stream->closed && !stream->body_len && !stream->code);
        close_all();
    }
}

/* ---- flow control -------------------------------------------------------------------- */

static void a_reader_without_a_window_holds_up_the_upstream(void **state)
{
    enum { WHOLE = 200000 };
    static char body[WHOLE];
    (void)state;
    limits_preset(ROLE_GATEWAY, &limits);
    open_limited();
    peer2_dial_holding(&peer, &play, 1000);
    int32_t id = peer2_ask(&peer, PEER_GET, true);
    upstream = play_took(&play, PLAY_PORT);
    size_t before = block_live(), said = 0, took;
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
    play.sim->room = 1000;
    do {
        took = sim_say(play.sim, upstream, bytes_make(body + said, WHOLE - said));
        said += took;
        peer2_go(&peer);
    } while (took);
    struct peer_stream *stream = peer2_stream(&peer, id);
    assert_int_equal(stream->body_len, 1000);
    assert_true(said < 100000 && block_live() - before < 12);
    play.sim->room = 65536;
    peer.hold = false;
    nghttp2_session_consume(peer.session, id, stream->body_len);
    peer2_go(&peer);
    while (said < WHOLE) {
        said += sim_say(play.sim, upstream, bytes_make(body + said, WHOLE - said));
        peer2_go(&peer);
    }
    assert_int_equal(stream->body_len, WHOLE);
    assert_true(stream->ended);
    play_expect(&play, 1, 200, 0, "via_upstream");
    close_all();
}

static void an_upstream_that_takes_nothing_holds_up_the_client(void **state)
{
    enum { WHOLE = 300000 };
    static char body[WHOLE];
    (void)state;
    open_usual();
    play.sim->room = 1000;
    int32_t id = peer2_ask(&peer, PEER_POST "content-length: 300000\n", false);
    peer2_send(&peer, id, bytes_make(body, WHOLE), true, NULL);
    struct peer_stream *stream = peer2_stream(&peer, id);
    assert_true(stream->out_len > WHOLE - 200000); /* our window, and what is under way */
    play.sim->room = 65536;
    upstream = play_took(&play, PLAY_PORT);
    size_t taken = 0, got;
    do {
        got = play_drain(&play, upstream, 65536);
        taken += got;
        peer2_go(&peer);
    } while (got);
    assert_true(taken > WHOLE);
    assert_int_equal(stream->out_len, 0);
    play_say(&play, upstream, OK);
    peer2_go(&peer);
    assert_string_equal(stream->body, "ok");
    close_all();
}

/* ---- ends of streams ----------------------------------------------------------------- */

static void an_early_answer_ends_the_request_without_an_error(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_POST "content-length: 9\n", false);
    peer2_send(&peer, id, BYTES("abc"), false, NULL);
    answered("HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno");
    struct peer_stream *stream = peer2_stream(&peer, id);
    said_begins(stream->heard, ":status: 413\r\n");
    assert_string_equal(stream->body, "no");
    assert_true(stream->ended && stream->closed);
    assert_int_equal(stream->code, NGHTTP2_NO_ERROR);
    id = peer2_ask(&peer, PEER_GET, true); /* the connection lives */
    answered(OK);
    assert_string_equal(peer2_stream(&peer, id)->body, "ok");
    close_all();
}

static void a_reset_by_the_client_cancels_the_call(void **state)
{
    static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"};
    (void)state;
    for (size_t i = 0; i < ROWS(answers); i++) {
        open_usual();
        int32_t id = peer2_ask(&peer, PEER_GET, true);
        upstream = play_took(&play, PLAY_PORT);
        play_say(&play, upstream, answers[i]);
        peer2_go(&peer);
        peer2_reset(&peer, id, NGHTTP2_CANCEL);
        play_expect(&play, 1, i ? 200 : 0, RECORD_DC, "http2.remote_reset");
        play_hear(&play, upstream);
        assert_true(sim_ended(play.sim, upstream));
        close_all();
    }
}

static void an_answer_that_breaks_off_is_a_reset(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_GET, true);
    upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    sim_reset(play.sim, upstream);
    peer2_go(&peer);
    struct peer_stream *stream = peer2_stream(&peer, id);
    assert_true(stream->closed && !stream->ended);
    assert_int_equal(stream->code, NGHTTP2_INTERNAL_ERROR);
    play_expect(&play, 1, 200, RECORD_UC, "upstream_reset_after_response_started");
    close_all();
}

static void a_websocket_is_a_tunnel(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer,
                           ":method: CONNECT\n:protocol: websocket\n:scheme: http\n:authority: h\n:path: /c\n"
                           "sec-websocket-version: 13\n",
                           false);
    upstream = play_took(&play, PLAY_PORT);
    const char *heard = play_hear(&play, upstream);
    said_begins(heard, "GET /c HTTP/1.1\r\n");
    said_has(heard, "\r\nupgrade: websocket\r\n");
    said_has(heard, "\r\nsec-websocket-key: ");
    play_say(&play, upstream,
             "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
             "hello");
    peer2_go(&peer);
    struct peer_stream *stream = peer2_stream(&peer, id);
    said_begins(stream->heard, ":status: 200\r\n");
    said_lacks(stream->heard, "upgrade");
    said_lacks(stream->heard, "sec-websocket-accept");
    assert_string_equal(stream->body, "hello");
    peer2_send(&peer, id, BYTES("ping"), false, NULL);
    assert_string_equal(play_hear(&play, upstream), "ping");
    peer2_send(&peer, id, BYTES("end"), true, NULL);
    assert_string_equal(play_hear(&play, upstream), "end");
    play_say(&play, upstream, "last");
    sim_end(play.sim, upstream);
    peer2_go(&peer);
    assert_string_equal(stream->body, "hellolast");
    assert_true(stream->ended);
    play_record(&play, 1);
    close_all();
}

/* ---- ends of connections -------------------------------------------------------------- */

static void a_drain_says_goaway_twice(void **state)
{
    (void)state;
    open_usual();
    int32_t first = peer2_ask(&peer, PEER_GET, true);
    worker_drain(&play.worker, 0);
    peer2_go(&peer);
    assert_int_equal(peer.goaways, 1);
    assert_int_equal(peer.goaway_last, INT32_MAX);
    char head[32];
    const struct bytes block = BYTES("\x82\x86\x84\x01\x01h");
    size_t len = frame_put(head, HTTP2_FRAME_HEADERS, 5, 3, block); /* it was on its way */
    sim_say(play.sim, peer.fd, bytes_make(head, len));
    play_go(&play);
    play_pass(&play, 1000);
    peer2_go(&peer);
    assert_int_equal(peer.goaways, 2);
    assert_int_equal(peer.goaway_last, 3);
    answered(OK);
    assert_string_equal(peer2_stream(&peer, first)->body, "ok");
    assert_false(sim_ended(play.sim, peer.fd));
    answered(OK);
    play_expect(&play, 2, 200, 0, "via_upstream");
    assert_true(sim_ended(play.sim, peer.fd));
    close_all();
}

static void a_client_that_ends_its_side_is_answered(void **state)
{
    (void)state;
    open_usual();
    int32_t whole = peer2_ask(&peer, PEER_GET, true), half = peer2_ask(&peer, PEER_POST, false);
    sim_end(play.sim, peer.fd);
    play_pass(&play, 2000);
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole");
    assert_string_equal(peer2_stream(&peer, whole)->body, "whole");
    assert_true(peer2_stream(&peer, half)->body_len == 0);
    play_expect(&play, 2, 200, 0, "via_upstream");
    assert_true(sim_ended(play.sim, peer.fd));
    close_all();
}

static void a_client_that_is_lost_ends_all_its_requests(void **state)
{
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        open_usual();
        peer2_ask(&peer, PEER_GET, true);
        peer2_ask(&peer, PEER_GET, true);
        if (ended)
            sim_end(play.sim, peer.fd);
        play_pass(&play, 100);
        play_record(&play, 0);
        sim_reset(play.sim, peer.fd);
        peer.fd = -1;
        play_go(&play);
        play_expect(&play, 2, 0, RECORD_DC, "downstream_remote_disconnect");
        close_all();
    }
}

/* ---- what is refused ------------------------------------------------------------------ */

static void what_is_malformed_is_reset_and_recorded(void **state)
{
    static const struct {
        const char *name, *fields, *sentence;
    } rows[] = {
        {"no path", ":method: GET\n:scheme: http\n:authority: h\n", "there is no path"},
        {"a path that is none", ":method: GET\n:scheme: http\n:authority: h\n:path: x\n",
         "the path does not begin with / or holds a character that no path may hold"},
        {"twice", PEER_GET ":path: /\n", "a header field is malformed, or out of its place"},
        {"unknown", PEER_GET ":x: /\n", "a header field is malformed, or out of its place"},
        {"late", ":method: GET\n:scheme: http\n:authority: h\na: 1\n:path: /\n",
         "a header field is malformed, or out of its place"},
        {"status", PEER_GET ":status: 200\n", "a header field is malformed, or out of its place"},
        {"connection", PEER_GET "connection: close\n", "a header field is malformed, or out of its place"},
        {"transfer-encoding", PEER_GET "transfer-encoding: chunked\n",
         "a header field is malformed, or out of its place"},
        {"te", PEER_GET "te: gzip\n", "a header field is malformed, or out of its place"},
        {"hosts that differ", PEER_GET "host: other\n",
         "the Host field and the authority name different hosts"},
        {"user", ":method: GET\n:scheme: http\n:authority: u@h\n:path: /\n",
         "the authority is not HOST or HOST:PORT"},
        {"no host", ":method: GET\n:scheme: http\n:path: /\n",
         "there is neither an authority nor a Host field"},
        {"a control character", PEER_GET "a: x\x01y\n",
         "a header's value holds a control character, or white space around it"},
        {"white space", PEER_GET "a:  x\n",
         "a header's value holds a control character, or white space around it"},
        {"a length that is none", PEER_GET "content-length: +1\n",
         "a header field is malformed, or out of its place"},
        {"a length without a body", PEER_GET "content-length: 1\n",
         "the body is not as long as its Content-Length"},
        {"CONNECT with a path", ":method: CONNECT\n:authority: h:1\n:path: /\n",
         "CONNECT has a scheme or a path"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_usual();
        int32_t id = peer2_ask(&peer, rows[i].fields, true);
        struct peer_stream *stream = peer2_stream(&peer, id);
        play_expect(&play, 1, 400, RECORD_DPE, "http2.violation.of.messaging.rule");
        if (!bytes_equal(play_record(&play, 1)->termination, bytes_of(rows[i].sentence)))
            world_wrong("not: %.*s", BYTES_FMT(play_record(&play, 1)->termination));
        assert_true(stream->closed && !stream->heard_len);
        assert_int_equal(stream->code, NGHTTP2_PROTOCOL_ERROR);
        id = peer2_ask(&peer, PEER_GET, true); /* the connection lives */
        answered(OK);
        assert_string_equal(peer2_stream(&peer, id)->body, "ok");
        close_all();
    }
}

/* What goes beyond a limit of heads is answered. */
static void a_head_beyond_a_limit_is_answered(void **state)
{
    static const struct {
        const char *name, *fields, *sentence;
        unsigned status;
        enum limit limit;
    } rows[] = {
        {"path",
         ":method: GET\n:scheme: http\n:authority: h\n:path: "
         "/01234567890123456789012345678901234567890123456789"
         "01234567890123456789\n",
         "the path is too long", 414, LIMIT_LINE_BYTES},
        {"size",
         PEER_GET "a: 0123456789012345678901234567890123456789012345678901234567890123456789\n"
                  "b: 0123456789012345678901234567890123456789012345678901234567890123456789\n",
         "the header section is too long", 431, LIMIT_HEAD_BYTES},
        {"crumbs", PEER_GET "cookie: a\ncookie: a\ncookie: a\ncookie: a\n",
         "there are too many header fields", 431, LIMIT_FIELDS},
        {"name", PEER_GET "x-0123456789012345: a\n", "a header's name is too long", 431, LIMIT_NAME_BYTES},
        {"underscore", PEER_GET "x_a: 1\n", "a header's name holds '_'", 400, LIMIT_UNDERSCORES},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        limits_preset(ROLE_GATEWAY, &limits);
        limits.line_bytes = 64;
        limits.head_bytes = 330;
        limits.fields = 7;
        limits.name_bytes = 16;
        limits.underscores = UNDERSCORES_REJECT;
        open_limited();
        peer2_dial(&peer, &play);
        int32_t id = peer2_ask(&peer, rows[i].fields, true);
        char status[32];
        snprintf(status, sizeof status, ":status: %u\r\n", rows[i].status);
        said_begins(peer2_stream(&peer, id)->heard, status);
        const struct record *r = play_record(&play, 1);
        assert_true(bytes_equal(r->termination, bytes_of(rows[i].sentence)));
        expect_hits(rows[i].limit, 1);
        close_all();
    }
}

/* ---- what befell others ------------------------------------------------------------------- */

static void cve_2020_11080_settings_without_end_are_refused(void **state)
{
    static char settings[6 * 2000];
    (void)state;
    open_usual();
    for (size_t i = 0; i < sizeof settings; i += 6)
        settings[i + 1] = 3;
    peer2_frame(&peer, HTTP2_FRAME_SETTINGS, 0, 0, bytes_make(settings, sizeof settings));
    peer2_go(&peer);
    assert_int_equal(peer.goaways, 1);
    assert_true(peer.goaway_code != NGHTTP2_NO_ERROR);
    assert_true(sim_ended(play.sim, peer.fd));
    close_all();
}

static void cve_2023_35945_a_reset_behind_goaway_leaves_nothing(void **state)
{
    (void)state;
    open_usual();
    int32_t id = peer2_ask(&peer, PEER_GET, true);
    upstream = play_took(&play, PLAY_PORT);
    nghttp2_submit_goaway(peer.session, 0, 0, NGHTTP2_NO_ERROR, NULL, 0);
    peer2_reset(&peer, id, NGHTTP2_CANCEL);
    play_expect(&play, 1, 0, RECORD_DC, "http2.remote_reset");
    play_hear(&play, upstream);
    assert_true(sim_ended(play.sim, upstream));
    close_all();
}

static void cve_2026_27135_frames_behind_an_error_are_not_read(void **state)
{
    (void)state;
    open_usual();
    char frames[1000];
    size_t len = frame_put(frames, HTTP2_FRAME_PRIORITY, 0, 0, BYTES("12345")); /* it is about no stream */
    for (uint32_t id = 1; id < 20; id += 2)
        len += frame_put(frames + len, HTTP2_FRAME_HEADERS, 5, id, BYTES("\x82\x86\x84\x01\x01h"));
    sim_say(play.sim, peer.fd, bytes_make(frames, len));
    play_go(&play);
    sim_say(play.sim, peer.fd, bytes_make(frames, len)); /* and behind the answer */
    peer2_go(&peer);
    assert_int_equal(peer.goaways, 1);
    assert_int_equal(peer.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    const struct record *r = play_record(&play, 1);
    assert_true(bytes_equal(r->details, BYTES("http2.connection_error")));
    close_all();
}

/* ---- each call fails once ----------------------------------------------------------------- */

static bool run(struct sim_fault fault, bool *hit)
{
    limits_preset(ROLE_GATEWAY, &limits);
    open_limited();
    play.sim->fault = fault;
    memset(play.sim->calls, 0, sizeof play.sim->calls);
    peer2_dial(&peer, &play);
    int32_t id = peer2_ask(&peer, PEER_POST, false);
    peer2_send(&peer, id, BYTES("question"), true, "x-t: 1\n");
    for (int i = 0; i < 3; i++) {
        upstream = sim_take(play.sim, PLAY_PORT);
        if (upstream >= 0)
            play_say(&play, upstream, OK);
        peer2_go(&peer);
        play_pass(&play, 100);
    }
    peer2_go(&peer);
    const struct peer_stream *stream = peer2_stream(&peer, id);
    bool whole = stream->ended && stream->body_len == 2;
    *hit = play.sim->calls[fault.call] >= fault.n;
    peer2_done(&peer);
    play_pass(&play, 100000);
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
    } faults[] = {{SIM_READ, ECONNRESET, false}, {SIM_READ, 0, true},       {SIM_READ, EAGAIN, true},
                  {SIM_WRITE, EPIPE, false},     {SIM_WRITE, 0, true},      {SIM_WRITE, EAGAIN, true},
                  {SIM_CONNECT, EMFILE, false},  {SIM_ACCEPT, EMFILE, true}};
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
        cmocka_unit_test(a_request_is_answered),
        cmocka_unit_test(many_are_answered_at_once_in_any_order),
        cmocka_unit_test(a_body_and_trailers_travel_both_ways),
        cmocka_unit_test(a_body_that_waits_for_100_gets_it_once_it_is_wanted),
        cmocka_unit_test(an_answer_without_a_body_has_none),
        cmocka_unit_test(a_reader_without_a_window_holds_up_the_upstream),
        cmocka_unit_test(an_upstream_that_takes_nothing_holds_up_the_client),
        cmocka_unit_test(an_early_answer_ends_the_request_without_an_error),
        cmocka_unit_test(a_reset_by_the_client_cancels_the_call),
        cmocka_unit_test(an_answer_that_breaks_off_is_a_reset),
        cmocka_unit_test(a_websocket_is_a_tunnel),
        cmocka_unit_test(a_drain_says_goaway_twice),
        cmocka_unit_test(a_client_that_ends_its_side_is_answered),
        cmocka_unit_test(a_client_that_is_lost_ends_all_its_requests),
        cmocka_unit_test(what_is_malformed_is_reset_and_recorded),
        cmocka_unit_test(a_head_beyond_a_limit_is_answered),
        cmocka_unit_test(cve_2020_11080_settings_without_end_are_refused),
        cmocka_unit_test(cve_2023_35945_a_reset_behind_goaway_leaves_nothing),
        cmocka_unit_test(cve_2026_27135_frames_behind_an_error_are_not_read),
        cmocka_unit_test(each_call_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
