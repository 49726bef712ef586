/* Mirrors: copies of requests that nobody waits for. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include "proxy/block.h"

#define MIRROR_PORT 9090
#define MIRRORED                                                                                             \
    PLAY_GATEWAY PLAY_SERVICE("b", "8080") PLAY_SERVICE("m", "9090")                                         \
        PLAY_ROUTE("    mirror: {host: m.test, port: {number: 80}}\n")

#define EXPECTING                                                                                            \
    "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: "                             \
    "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"

static struct play play;

static void open_mirrored(void)
{
    play_open(&play, ROLE_GATEWAY, MIRRORED);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    sim_port(play.sim, MIRROR_PORT, SIM_SERVES);
}

static void answer(int upstream)
{
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void the_copy_arrives_with_its_body_and_its_answer_is_read_away(void **state)
{
    static const char *const requests[] = {
        "GET /a HTTP/1.1\r\nHost: h:80\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        EXPECTING,
    };
    (void)state;
    for (size_t i = 0; i < ROWS(requests); i++) {
        open_mirrored();
        int client = play_dial(&play);
        play_say(&play, client, requests[i]);
        int upstream = play_took(&play, PLAY_PORT), mirror = play_took(&play, MIRROR_PORT);
        const char *copy = play_hear(&play, mirror), *own = play_hear(&play, upstream);
        said_has(copy, i == 0 ? "ost: h-shadow:80\r\n" : "ost: h-shadow\r\n");
        said_has(copy, "x-request-id: ");
        said_has(copy, "traceparent: ");
        said_has(copy, "x-forwarded-for: 192.0.2.7\r\n");
        said_lacks(copy, "xpect");
        said_ends(copy, i == 0 ? "\r\n\r\n" : i == 1 ? "\r\n\r\nabc" : "3\r\nabc\r\n0\r\n\r\n");
        said_ends(own, i == 0 ? "\r\n\r\n" : i == 1 ? "\r\n\r\nabc" : "3\r\nabc\r\n0\r\n\r\n");
        answer(upstream);
        said_ends(play_hear(&play, client), "ok");
        play_expect(&play, 1, 200, 0, "via_upstream");
        answer(mirror);
        assert_true(list_empty(&play.worker.exchanges));
        play_close(&play);
    }
}

static void a_copy_that_fails_is_never_noticed(void **state)
{
    static const char *const ways[] = {"refused", "reset at once",           "reset in the body",
                                       "garbage", "answers before the body", "never answers",
                                       "hangs"};
    (void)state;
    for (size_t i = 0; i < ROWS(ways); i++) {
        print_message("  %s\n", ways[i]);
        open_mirrored();
        sim_port(play.sim, MIRROR_PORT, i == 0 ? SIM_REFUSES : i == 6 ? SIM_HANGS : SIM_SERVES);
        int client = play_dial(&play);
        play_say(&play, client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT),
            mirror = i == 0 || i == 6 ? -1 : play_took(&play, MIRROR_PORT);
        if (i == 1)
            sim_reset(play.sim, mirror);
        play_say_many(&play, client, 'a', 20000);
        if (i == 2)
            sim_reset(play.sim, mirror);
        if (i == 3)
            play_say(&play, mirror, "no HTTP\r\n\r\n");
        if (i == 4)
            answer(mirror);
        play_say_many(&play, client, 'a', 30000);
        assert_true(play_drain(&play, upstream, 5000) > 50000);
        answer(upstream);
        said_ends(play_hear(&play, client), "ok");
        play_expect(&play, 1, 200, 0, "via_upstream");
        play_pass(&play, 40000);
        assert_true(list_empty(&play.worker.exchanges));
        play_record(&play, 1);
        play_close(&play);
    }
}

static void a_slow_copy_does_not_hold_up_the_request_and_is_let_go_of(void **state)
{
    (void)state;
    open_mirrored();
    play.sim->room = 4096;
    size_t before = block_live();
    int client = play_dial(&play);
    play_say(&play, client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
    int upstream = play_took(&play, PLAY_PORT), mirror = play_took(&play, MIRROR_PORT);
    size_t got = 0, left = 500000;
    char piece[4000];
    memset(piece, 'x', sizeof piece);
    while (left) {
        size_t took = sim_say(play.sim, client, bytes_make(piece, left < sizeof piece ? left : sizeof piece));
        left -= took;
        play_go(&play);
        got += play_drain(&play, upstream, 4096);
        assert_true(block_live() - before < 40);
    }
    got += play_drain(&play, upstream, 4096);
    assert_true(got > 500000);
    answer(upstream);
    said_ends(play_hear(&play, client), "ok");
    play_expect(&play, 1, 200, 0, "via_upstream");
    play_drain(&play, mirror, 4096);
    assert_true(sim_ended(play.sim, mirror));
    play_pass(&play, 16000); /* it might still have answered */
    assert_true(list_empty(&play.worker.exchanges));
    play_close(&play);
}

static void a_copy_ends_with_a_request_that_fails(void **state)
{
    (void)state;
    open_mirrored();
    int client = play_dial(&play);
    play_say(&play, client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nabc");
    int mirror = play_took(&play, MIRROR_PORT);
    sim_close(play.sim, client);
    play_hear(&play, mirror);
    assert_true(sim_ended(play.sim, mirror));
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    assert_true(list_empty(&play.worker.exchanges));
    play_close(&play);
}

static void a_copy_whose_body_will_not_come_ends_with_an_early_answer(void **state)
{
    (void)state;
    open_mirrored();
    int client = play_dial(&play);
    play_say(&play, client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nabc");
    answer(play_took(&play, PLAY_PORT));
    play_hear(&play, client);
    play_expect(&play, 1, 200, 0, "via_upstream");
    assert_true(list_empty(&play.worker.exchanges));
    play_close(&play);
}

static void a_copy_that_is_whole_outlives_its_request(void **state)
{
    (void)state;
    open_mirrored();
    int client = play_dial(&play);
    play_say(&play, client, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    int mirror = play_took(&play, MIRROR_PORT);
    answer(play_took(&play, PLAY_PORT));
    play_hear(&play, client);
    sim_close(play.sim, client);
    play_go(&play);
    assert_false(list_empty(&play.worker.exchanges));
    said_ends(play_hear(&play, mirror), "abc");
    answer(mirror);
    assert_true(list_empty(&play.worker.exchanges));
    play_close(&play);
}

/* The copy ends inside the walk over all exchanges that ends its request. */
static void a_request_that_new_rules_forbid_takes_its_copy_along(void **state)
{
    (void)state;
    open_mirrored();
    int client = play_dial(&play);
    play_say(&play, client, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    play_say(&play, play_took(&play, PLAY_PORT), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    play_hear(&play, client);
    int copy = play_took(&play, MIRROR_PORT);
    play_hear(&play, copy);
    for (int i = 0; i < 5; i++)
        play_rules(&play, MIRRORED PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    assert_true(sim_ended(play.sim, client));
    assert_true(sim_ended(play.sim, copy));
    play_expect(&play, 1, 200, RECORD_LR, "rules_changed");
    assert_true(list_empty(&play.worker.exchanges));
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_arrives_with_its_body_and_its_answer_is_read_away),
        cmocka_unit_test(a_copy_that_fails_is_never_noticed),
        cmocka_unit_test(a_slow_copy_does_not_hold_up_the_request_and_is_let_go_of),
        cmocka_unit_test(a_copy_ends_with_a_request_that_fails),
        cmocka_unit_test(a_copy_whose_body_will_not_come_ends_with_an_early_answer),
        cmocka_unit_test(a_copy_that_is_whole_outlives_its_request),
        cmocka_unit_test(a_request_that_new_rules_forbid_takes_its_copy_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
