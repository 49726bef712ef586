/* The end of a worker: who asks once more, who is idle, who comes in the last moment. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

enum { SPREAD_MS = 1000, PATIENCE_MS = SPREAD_MS / 5, CLIENTS = 10 };

#define ASK "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct play play;

static void open_simple(void)
{
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* One request from its head to its answer. */
static const char *exchanged(int client)
{
    play_say(&play, client, ASK);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, ANSWER);
    return play_hear(&play, client);
}

static void served(int client)
{
    const char *answer = exchanged(client);
    said_begins(answer, "HTTP/1.1 200 OK\r\n");
    said_has(answer, "\r\nconnection: close\r\n");
    sim_end(play.sim, client);
    play_go(&play);
    assert_true(sim_ended(play.sim, client));
}

static void who_asks_is_told_that_it_was_the_last_answer(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    said_lacks(exchanged(client), "\r\nconnection: close\r\n");
    worker_drain(&play.worker, SPREAD_MS);
    play_pass(&play, PATIENCE_MS / 2);
    assert_false(sim_ended(play.sim, client));
    served(client);
    assert_true(worker_idle(&play.worker));
    play_close(&play);
}

static unsigned ended_count(const int clients[CLIENTS])
{
    unsigned count = 0;
    for (int i = 0; i < CLIENTS; i++)
        count += sim_ended(play.sim, clients[i]);
    return count;
}

static void idle_ones_are_let_go_evenly(void **state)
{
    (void)state;
    int clients[CLIENTS];
    open_simple();
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = play_dial(&play);
    worker_drain(&play.worker, SPREAD_MS);
    play_pass(&play, PATIENCE_MS - 10);
    assert_int_equal(ended_count(clients), 0);
    play_pass(&play, (SPREAD_MS - PATIENCE_MS) / 2);
    assert_in_range(ended_count(clients), CLIENTS / 2 - 1, CLIENTS / 2 + 1);
    play_pass(&play, (SPREAD_MS - PATIENCE_MS) / 2 + 20);
    assert_int_equal(ended_count(clients), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        sim_end(play.sim, clients[i]);
    play_go(&play);
    assert_true(worker_idle(&play.worker));
    play_close(&play);
}

static void without_a_spread_they_go_at_once(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    worker_drain(&play.worker, 0);
    play_pass(&play, 1);
    assert_true(sim_ended(play.sim, client));
    play_close(&play);
}

/* Half closed, not reset: what it says in the same moment crosses the end, and it hears a clean one. */
static void an_idle_one_is_not_reset(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    worker_drain(&play.worker, 0);
    play_pass(&play, 1);
    assert_int_equal(sim_say(play.sim, client, BYTES(ASK)), sizeof ASK - 1);
    play_go(&play);
    said_begins(play_hear(&play, client), "");
    assert_true(sim_ended(play.sim, client));
    sim_end(play.sim, client);
    play_go(&play);
    assert_true(worker_idle(&play.worker));
    play_close(&play);
}

static void a_request_that_comes_with_its_turn_is_answered(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    worker_drain(&play.worker, 0);
    assert_int_equal(sim_say(play.sim, client, BYTES(ASK)), sizeof ASK - 1); /* nobody has seen it yet */
    play_pass(&play, 1);
    int upstream = play_took(&play, PLAY_PORT);
    play_hear(&play, upstream);
    play_say(&play, upstream, ANSWER);
    said_has(play_hear(&play, client), "\r\nconnection: close\r\n");
    play_close(&play);
}

static void who_waited_to_be_accepted_is_served(void **state)
{
    (void)state;
    open_simple();
    int client = sim_dial(play.sim, play.listener); /* no turn: it waits in the queue */
    worker_drain(&play.worker, SPREAD_MS);
    play_go(&play);
    served(client);
    play_close(&play);
}

static void new_rules_do_not_close_who_may_ask_once_more(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    worker_drain(&play.worker, SPREAD_MS);
    play_rules(&play, PLAY_SIMPLE);
    served(client);
    play_close(&play);
}

static void what_is_under_way_goes_on_until_it_is_cut(void **state)
{
    (void)state;
    open_simple();
    int client = play_dial(&play);
    play_say(&play, client, ASK);
    worker_drain(&play.worker, SPREAD_MS);
    play_pass(&play, 5 * SPREAD_MS);
    assert_false(worker_idle(&play.worker));
    assert_false(sim_ended(play.sim, client));
    worker_cut(&play.worker);
    play_go(&play);
    assert_true(worker_idle(&play.worker));
    play_expect(&play, 1, 0, RECORD_LR, "drain_timeout");
    play_close(&play);
}

/* After an upgrade to fewer workers: one more socket of an address that it has already. */
static void a_second_socket_of_an_address_is_served_too(void **state)
{
    (void)state;
    open_simple();
    int second = sim_listen(play.sim);
    worker_listen(&play.worker, play.listener_id, 1, second);
    play_go(&play);
    int clients[] = {play_dial(&play), sim_dial(play.sim, second)};
    for (size_t i = 0; i < ROWS(clients); i++) {
        play_go(&play);
        play_say(&play, clients[i], "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        play_hear(&play, upstream);
        play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        said_begins(play_hear(&play, clients[i]), "HTTP/1.1 200 OK\r\n");
    }
    worker_unlisten(&play.worker, play.listener_id); /* both of them */
    play_go(&play);
    assert_false(play.sim->sockets[play.listener - SIM_FIRST_FD].used);
    assert_false(play.sim->sockets[second - SIM_FIRST_FD].used);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_is_told_that_it_was_the_last_answer),
        cmocka_unit_test(idle_ones_are_let_go_evenly),
        cmocka_unit_test(without_a_spread_they_go_at_once),
        cmocka_unit_test(an_idle_one_is_not_reset),
        cmocka_unit_test(a_request_that_comes_with_its_turn_is_answered),
        cmocka_unit_test(who_waited_to_be_accepted_is_served),
        cmocka_unit_test(new_rules_do_not_close_who_may_ask_once_more),
        cmocka_unit_test(what_is_under_way_goes_on_until_it_is_cut),
        cmocka_unit_test(a_second_socket_of_an_address_is_served_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
