/* HTTP/2 with clients: what costs more than it should, and who is too slow. */
#include "base/test.h"

#include "proxy/http2_fixture.h"

#include <string.h>

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

/* ---- what costs more than it should ------------------------------------------------------- */

static void say_frames(enum http2_frame_type type, unsigned flags, uint32_t stream, struct bytes payload,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char frame[16 * 1024 + HTTP2_FRAME_HEAD_SIZE];
        sim_say(play.sim, peer.fd, bytes_make(frame, frame_put(frame, type, flags, stream, payload)));
    }
    play_go(&play);
    peer2_go(&peer);
}

static void pings(void)
{
    say_frames(HTTP2_FRAME_PING, 0, 0, BYTES("12345678"), 20);
}

static void empty_frames(void)
{
    say_frames(HTTP2_FRAME_DATA, 0, (uint32_t)peer2_ask(&peer, PEER_POST, false), (struct bytes){0}, 11);
}

static void continuations(void)
{
    say_frames(HTTP2_FRAME_HEADERS, 1, 1, BYTES("\x82"), 1);
    say_frames(HTTP2_FRAME_CONTINUATION, 0, 1, BYTES("\x86"), 5);
}

static void long_continuations(void)
{
    static const char zeroes[600];
    say_frames(HTTP2_FRAME_HEADERS, 1, 1, BYTES("\x82"), 1);
    say_frames(HTTP2_FRAME_CONTINUATION, 0, 1, bytes_make(zeroes, sizeof zeroes), 2);
}

static void resets(void)
{
    for (int i = 0; i < 11 && !peer.goaways; i++)
        peer2_reset(&peer, peer2_ask(&peer, PEER_GET, true), NGHTTP2_CANCEL);
}

/* CVE-2025-8671: the resets are ours, for what the client did. */
static void provoked_resets(void)
{
    for (int i = 0; i < 11 && !peer.goaways; i++) {
        int32_t id = peer2_ask(&peer, PEER_POST, false);
        say_frames(HTTP2_FRAME_WINDOW_UPDATE, 0, (uint32_t)id, BYTES("\x7f\xff\xff\xff"), 1);
    }
}

static void new_streams(void)
{
    for (int i = 0; i < 21; i++)
        peer2_ask_unsaid(&peer, PEER_GET, true);
    peer2_go(&peer);
}

static void priorities(void)
{
    say_frames(HTTP2_FRAME_PRIORITY, 0, 1, bytes_make("\0\0\0\0\1", 5), 11);
}

static void unknown_frames(void)
{
    say_frames((enum http2_frame_type)0x77, 0, 0, BYTES("x"), 11);
}

static void window_updates(void)
{
    say_frames(HTTP2_FRAME_WINDOW_UPDATE, 0, 0, bytes_make("\0\0\0\1", 4), 3000);
}

static void an_excess_ends_the_connection_and_is_counted(void **state)
{
    static const struct {
        const char *name;
        void (*play)(void);
        enum limit limit;
        const char *sentence;
        unsigned requests;
    } rows[] = {
        {"PING", pings, LIMIT_HTTP2_OWED, "too many answers are owed to SETTINGS and PING frames", 0},
        {"empty DATA", empty_frames, LIMIT_HTTP2_EMPTY, "too many frames were empty", 1},
        {"PRIORITY", priorities, LIMIT_HTTP2_USELESS, "too many frames ask for nothing", 0},
        {"unknown", unknown_frames, LIMIT_HTTP2_USELESS, "too many frames ask for nothing", 0},
        {"CONTINUATION (CVE-2024-28182)", continuations, LIMIT_HTTP2_CONTINUATION,
         "a head has too many CONTINUATION frames", 1},
        {"long CONTINUATION", long_continuations, LIMIT_HTTP2_CONTINUATION,
         "a head's CONTINUATION frames are too long", 1},
        {"resets (CVE-2023-44487)", resets, LIMIT_HTTP2_RESETS, "too many streams were reset", 11},
        {"provoked resets (CVE-2025-8671)", provoked_resets, LIMIT_HTTP2_RESETS,
         "too many streams were reset", 11},
        {"new streams", new_streams, LIMIT_HTTP2_NEW_STREAMS, "too many streams were opened at once", 20},
        {"WINDOW_UPDATE", window_updates, LIMIT_HTTP2_FLOOD, "too many frames carry nothing", 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        limits_preset(ROLE_GATEWAY, &limits);
        limits.owed_frames = 10;
        limits.empty_frames = 10;
        limits.useless_frames = 10;
        limits.continuation_frames = 4;
        limits.continuation_bytes = 1000;
        limits.resets = 10;
        limits.new_streams = 20;
        limits.flood_bytes = 4096;
        open_limited();
        sim_port(play.sim, PLAY_PORT, SIM_HANGS);
        peer2_dial(&peer, &play);
        rows[i].play();
        assert_int_equal(peer.goaways, 1);
        assert_int_equal(peer.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
        assert_true(sim_ended(play.sim, peer.fd));
        const struct record *r = play_record(&play, rows[i].requests + 1);
        assert_true(bytes_equal(r->details, BYTES("http2.connection_error")));
        if (!bytes_equal(r->termination, bytes_of(rows[i].sentence)))
            world_wrong("not: %.*s (%.*s)", BYTES_FMT(r->termination), BYTES_FMT(r->failure));
        expect_hits(rows[i].limit, 1);
        close_all();
    }
}

static void what_stays_within_its_limits_costs_nothing(void **state)
{
    (void)state;
    limits_preset(ROLE_GATEWAY, &limits);
    limits.resets = 10;
    limits.reset_period_ms = 1000;
    open_limited();
    sim_port(play.sim, PLAY_PORT, SIM_HANGS);
    peer2_dial(&peer, &play);
    for (int i = 0; i < 30; i++) {
        peer2_reset(&peer, peer2_ask(&peer, PEER_GET, true), NGHTTP2_CANCEL);
        play_pass(&play, 200);
    }
    pings();
    assert_int_equal(peer.goaways, 0);
    expect_hits(LIMIT_NONE, 0);
    close_all();
}

static void more_streams_than_allowed_are_counted(void **state)
{
    (void)state;
    limits_preset(ROLE_GATEWAY, &limits);
    limits.streams = 2;
    open_limited();
    peer2_dial(&peer, &play);
    peer2_ask(&peer, PEER_GET, true);
    peer2_ask(&peer, PEER_GET, true);
    say_frames(HTTP2_FRAME_HEADERS, 5, 5, BYTES("\x82\x86\x84\x01\x01h"), 1);
    expect_hits(LIMIT_HTTP2_STREAMS, 1);
    assert_int_equal(peer.goaways, 1);
    close_all();
}

/* ---- bodies and time -------------------------------------------------------------------- */

static void a_body_that_grows_too_long_is_413(void **state)
{
    static const char *const requests[] = {PEER_POST, PEER_POST "content-length: 20\n"};
    (void)state;
    for (size_t i = 0; i < ROWS(requests); i++) {
        limits_preset(ROLE_GATEWAY, &limits);
        limits.body_bytes = 10;
        open_limited();
        peer2_dial(&peer, &play);
        int32_t id = peer2_ask(&peer, requests[i], false);
        peer2_send(&peer, id, BYTES("0123456789"), false, NULL);
        peer2_send(&peer, id, BYTES("0123456789"), true, NULL);
        said_begins(peer2_stream(&peer, id)->heard, ":status: 413\r\n");
        play_expect(&play, 1, 413, RECORD_DPE, "request_payload_too_large");
        expect_hits(LIMIT_BODY_BYTES, 1);
        close_all();
    }
}

static void a_client_that_is_too_slow_is_given_up(void **state)
{
    static const struct {
        const char *name;
        unsigned piece_ms; /* between two bytes of the body; 0: none comes */
        unsigned status;
        const char *details;
        enum limit limit;
    } rows[] = {
        {"no body", 0, 408, "request_body_timeout", LIMIT_BODY_IDLE},
        {"a slow body", 500, 408, "request_body_too_slow", LIMIT_BODY_RATE},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("  %s\n", rows[i].name);
        open_usual();
        int32_t id = peer2_ask(&peer, PEER_POST, false);
        struct peer_stream *stream = peer2_stream(&peer, id);
        for (unsigned ms = 0; ms < 31000 && !stream->closed; ms += 500) {
            play_pass(&play, 500);
            if (rows[i].piece_ms)
                peer2_send(&peer, id, BYTES("a"), false, NULL);
            else
                peer2_go(&peer);
        }
        said_begins(stream->heard, ":status: 408\r\n");
        play_expect(&play, 1, rows[i].status, RECORD_SI, rows[i].details);
        expect_hits(rows[i].limit, 1);
        close_all();
    }
}

static void those_who_share_a_connection_share_its_rate(void **state)
{
    enum { MANY = 10 };
    int32_t ids[MANY];
    (void)state;
    open_usual();
    for (int i = 0; i < MANY; i++)
        ids[i] = peer2_ask(&peer, PEER_POST, false);
    for (unsigned ms = 0; ms < 20000; ms += 1000) {
        play_pass(&play, 1000);
        for (int i = 0; i < MANY; i++) /* 400 bytes a second, all together */
            peer2_send(&peer, ids[i], BYTES("0123456789012345678901234567890123456789"), false, NULL);
    }
    play_record(&play, 0);
    expect_hits(LIMIT_NONE, 0);
    close_all();
}

static void an_answer_that_nobody_takes_is_reset(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        limits_preset(ROLE_GATEWAY, &limits);
        open_limited();
        peer2_dial_holding(&peer, &play, 0);
        int32_t id = peer2_ask(&peer, PEER_GET, true);
        struct peer_stream *stream = peer2_stream(&peer, id);
        answered(
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n01234567890123456789012345678901234567890123456789"
            "01234567890123456789012345678901234567890123456789");
        for (unsigned ms = 0; ms < 31000 && !stream->closed; ms += 500) {
            play_pass(&play, 500);
            if (slow)
                nghttp2_submit_window_update(peer.session, 0, id, 1);
            peer2_go(&peer);
        }
        assert_int_equal(stream->code, NGHTTP2_INTERNAL_ERROR);
        play_expect(&play, 1, 200, RECORD_SI, slow ? "response_read_too_slowly" : "stream_idle_timeout");
        expect_hits(slow ? LIMIT_ANSWER_RATE : LIMIT_ANSWER_IDLE, 1);
        close_all();
    }
}

static void a_head_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    open_usual();
    say_frames(HTTP2_FRAME_HEADERS, 1, 1, BYTES("\x82"), 1);
    play_pass(&play, 10500);
    play_expect(&play, 1, 408, RECORD_SI, "http2.request_head_timeout");
    assert_true(sim_ended(play.sim, peer.fd));
    expect_hits(LIMIT_HEAD_TIME, 1);
    close_all();
}

static void a_connection_ends_when_it_is_worn_out(void **state)
{
    static const struct {
        const char *name;
        unsigned requests; /* at most */
        unsigned pass_ms;  /* before the second one */
        enum limit limit;
    } rows[] = {
        {"requests", 2, 0, LIMIT_REQUESTS},
        {"age, at the next request", 0, 50000, LIMIT_AGE},
        {"age, at rest", 0, 62000, LIMIT_AGE},
        {"idle", 0, 30000, LIMIT_IDLE_TIME},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        bool rests = i > 1;
        print_message("  %s\n", rows[i].name);
        limits_preset(ROLE_GATEWAY, &limits);
        limits.requests = rows[i].requests;
        limits.age_ms = i == 3 ? 0 : i == 1 ? 40000 : 60000;
        limits.idle_ms = i == 3 ? 20000 : 100000;
        open_limited();
        peer2_dial(&peer, &play);
        int32_t id = peer2_ask(&peer, PEER_GET, true);
        answered(OK);
        if (i == 1) { /* one that lasts keeps it from resting */
            peer2_ask(&peer, PEER_GET, true);
            assert_int_equal(peer.goaways, 0);
        }
        play_pass(&play, rows[i].pass_ms);
        if (!rests) {
            id = peer2_ask(&peer, PEER_GET, true);
            assert_int_equal(peer.goaway_last, INT32_MAX);
            play_pass(&play, 1000);
            int first = upstream;
            answered(OK);
            if (i == 1)
                play_say(&play, first, OK);
            peer2_go(&peer);
            assert_string_equal(peer2_stream(&peer, id)->body, "ok");
        }
        peer2_go(&peer);
        play_pass(&play, 1000); /* between the first GOAWAY and the last */
        peer2_go(&peer);
        assert_int_equal(peer.goaways, 2);
        assert_int_equal(peer.goaway_last, id);
        assert_true(sim_ended(play.sim, peer.fd));
        expect_hits(rows[i].limit, 1);
        close_all();
    }
}

static void a_body_of_another_length_is_reset(void **state)
{
    static const struct {
        struct bytes body;
        bool end;
    } rows[] = {{BYTES_INIT("abcd"), false}, {BYTES_INIT("ab"), true}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        open_usual();
        int32_t id = peer2_ask(&peer, PEER_POST "content-length: 3\n", false);
        peer2_send(&peer, id, rows[i].body, rows[i].end, NULL);
        struct peer_stream *stream = peer2_stream(&peer, id);
        assert_true(stream->closed && !stream->heard_len);
        assert_int_equal(stream->code, NGHTTP2_PROTOCOL_ERROR);
        play_expect(&play, 1, 0, RECORD_DPE, "http2.violation.of.messaging.rule");
        assert_true(bytes_equal(play_record(&play, 1)->termination,
                                BYTES("the body is not as long as its Content-Length")));
        close_all();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excess_ends_the_connection_and_is_counted),
        cmocka_unit_test(what_stays_within_its_limits_costs_nothing),
        cmocka_unit_test(more_streams_than_allowed_are_counted),
        cmocka_unit_test(a_body_that_grows_too_long_is_413),
        cmocka_unit_test(a_body_of_another_length_is_reset),
        cmocka_unit_test(a_client_that_is_too_slow_is_given_up),
        cmocka_unit_test(those_who_share_a_connection_share_its_rate),
        cmocka_unit_test(an_answer_that_nobody_takes_is_reset),
        cmocka_unit_test(a_head_that_does_not_end_is_given_up),
        cmocka_unit_test(a_connection_ends_when_it_is_worn_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
