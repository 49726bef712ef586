/* The runner's contract with filters, and the permit, with filters made for it. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include "proxy/listen.h"
#include "proxy/upstream.h"

static struct play play;
static char trail[400];
static struct client_facts facts = {.address_text = BYTES_INIT("192.0.2.7:1"),
                                    .local_text = BYTES_INIT("l:1")};
static unsigned status; /* answered */
static enum exchange_end end;

static void note(const char *what)
{
    strncat(trail, what, sizeof trail - strlen(trail) - 1);
}

/* ---- a client without a connection --------------------------------------------------- */

static void on_info(struct exchange *x, const struct http_response *info)
{
    (void)x;
    (void)info;
}

static void on_head(struct exchange *x, bool whole, struct bytes body)
{
    (void)body;
    status = x->response.status;
    note("H");
    if (whole)
        exchange_finish(x);
}

static void on_done(struct exchange *x)
{
    end = x->end;
    note("D");
}

static const struct client_ops client_ops = {on_info, on_head, on_done};

static struct exchange *exchange_on(const struct filter *const *chain)
{
    const struct rules_listener *row = listen_row(play.worker.generation, play.listener_id);
    struct exchange *x = exchange_new(&play.worker, chain, row, play.worker.generation);
    trail[0] = '\0';
    status = 0;
    end = END_OPEN;
    x->client_ops = &client_ops;
    x->facts = &facts;
    x->request = (struct http_request){.method = BYTES("GET"),
                                       .scheme = BYTES("http"),
                                       .authority = BYTES("h"),
                                       .path = BYTES("/"),
                                       .minor = 1};
    http_fields_init(&x->request.fields, &x->arena);
    x->original_path = x->request.path;
    return x;
}

static void run(const struct filter *const *chain, const char *expected)
{
    exchange_start(exchange_on(chain));
    play_go(&play);
    assert_string_equal(trail, expected);
}

/* ---- filters ----------------------------------------------------------------------------- */

#define NOTES(name)                                                                                          \
    static enum turn name##_enter(struct exchange *x)                                                        \
    {                                                                                                        \
        (void)x;                                                                                             \
        note(#name);                                                                                         \
        return NEXT;                                                                                         \
    }                                                                                                        \
    static void name##_reply(struct exchange *x)                                                             \
    {                                                                                                        \
        (void)x;                                                                                             \
        note(#name "r");                                                                                     \
    }                                                                                                        \
    static void name##_leave(struct exchange *x)                                                             \
    {                                                                                                        \
        (void)x;                                                                                             \
        note(#name "l");                                                                                     \
    }                                                                                                        \
    static const struct filter name = {#name, name##_enter, NULL, name##_reply, name##_leave};

NOTES(a)
NOTES(b)

static enum turn answer_enter(struct exchange *x)
{
    note("!");
    return exchange_answer(x, 200, BYTES("ok"));
}
static const struct filter answers = {.name = "answers", .enter = answer_enter};
static const struct filter nothing = {.name = "nothing"};

static void filters_are_entered_in_order_and_left_in_reverse(void **state)
{
    static const struct filter *const chain[] = {&a, &nothing, &b, &answers, &a, NULL};
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    run(chain, "ab!brarHblalD");
    assert_int_equal(end, END_FINE);
    play_close(&play);
}

static void a_chain_without_an_answer_is_500(void **state)
{
    static const struct filter *const chain[] = {&a, &b, NULL};
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    run(chain, "abbrarHblalD");
    assert_int_equal(status, 500);
    play_close(&play);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void wait_cancel(struct exchange *x)
{
    (void)x;
    note("c");
}

static enum turn wait_enter(struct exchange *x)
{
    note("w");
    x->wait =
        (struct wait){.what = "a test", .until_ms = x->worker->loop.now_ms + 1000, .cancel = wait_cancel};
    return WAIT;
}

static enum turn wait_resume(struct exchange *x)
{
    static const char *const names[] = {"came", "failed", "late"};
    note(names[x->wait.result]);
    return NEXT;
}

static void wait_leave(struct exchange *x)
{
    (void)x;
    note("wl");
}

static const struct filter waits = {
    .name = "waits", .enter = wait_enter, .resume = wait_resume, .leave = wait_leave};
static const struct filter *const waiting[] = {&a, &waits, &answers, NULL};

static struct exchange *wait_begin(void)
{
    struct exchange *x = exchange_on(waiting);
    exchange_start(x);
    play_go(&play);
    assert_string_equal(trail, "aw");
    return x;
}

static void what_came_is_told_once_and_late_calls_change_nothing(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    struct exchange *x = wait_begin();
    exchange_resume(x, WAIT_CAME);
    exchange_resume(x, WAIT_FAILED);
    play_pass(&play, 5000);
    assert_string_equal(trail, "awcame!arHwlalD");
    play_close(&play);
}

static void what_failed_is_told(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    exchange_resume(wait_begin(), WAIT_FAILED);
    play_pass(&play, 5000);
    assert_string_equal(trail, "awfailed!arHwlalD");
    play_close(&play);
}

static void what_is_late_is_cancelled_and_told(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    wait_begin();
    play_pass(&play, 999);
    assert_string_equal(trail, "aw");
    play_pass(&play, 2);
    assert_string_equal(trail, "awclate!arHwlalD");
    play_close(&play);
}

static void a_client_that_leaves_cancels_the_wait_and_filters_leave(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    exchange_client_gone(wait_begin());
    play_pass(&play, 5000);
    assert_string_equal(trail, "awcwlalD");
    assert_int_equal(end, END_CUT);
    play_close(&play);
}

static void a_client_that_leaves_between_coming_and_resuming_is_gone(void **state)
{
    (void)state;
    play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
    struct exchange *x = wait_begin();
    exchange_resume(x, WAIT_CAME);
    exchange_client_gone(x);
    play_pass(&play, 5000);
    assert_string_equal(trail, "awwlalD");
    play_close(&play);
}

/* ---- changes behind policy, and permits ----------------------------------------------------- */

static unsigned changes; /* still to make */

static enum turn change_enter(struct exchange *x)
{
    note("x");
    if (changes) {
        changes--;
        x->request.path = BYTES("/changed");
        x->rewritten = true;
    }
    return NEXT;
}

static enum turn permit_enter(struct exchange *x)
{
    note(permit_holds(x) ? "+" : "-");
    return exchange_answer(x, 200, BYTES("ok"));
}

static const struct filter change = {.name = "change", .enter = change_enter};
static const struct filter permits = {.name = "permits", .enter = permit_enter};
static const struct filter *const changing[] = {&a, &filter_policy, &change, &permits, NULL};

static void a_change_behind_policy_is_judged_again_once(void **state)
{
    static const struct {
        unsigned changes;
        const char *trail;
        unsigned status;
    } rows[] = {{0, "ax+arHalD", 200}, {1, "axx+arHalD", 200}, {2, "axxarHalD", 500}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        changes = rows[i].changes;
        run(changing, rows[i].trail);
        assert_int_equal(status, rows[i].status);
        play_close(&play);
    }
}

static void a_change_that_policy_forbids_is_403(void **state)
{
    (void)state;
    play_open(
        &play, ROLE_GATEWAY,
        PLAY_SIMPLE PLAY_SEC("AuthorizationPolicy", "p") "  rules: [{to: [{operation: {paths: [/]}}]}]\n");
    changes = 1;
    run(changing, "axarHalD");
    assert_int_equal(status, 403);
    play_close(&play);
}

enum tamper { NOT, NO_POLICY, METHOD, PATH, HOST, TOKEN, LISTENER, PEER, TAMPERS };
static enum tamper tamper;

static enum turn tamper_enter(struct exchange *x)
{
    static struct rules_listener other;
    static unsigned char token[sizeof(void *)];
    static struct client_facts somebody;
    static struct peer peer;
    switch (tamper) {
    case METHOD:
        x->request.method = BYTES("POST");
        break;
    case PATH:
        x->request.path = BYTES("/other");
        break;
    case HOST:
        x->request.authority = BYTES("other");
        break;
    case TOKEN:
        x->token = (struct token *)(void *)token;
        break;
    case LISTENER:
        other = *x->listener;
        other.id++;
        x->listener = &other;
        break;
    case PEER:
        somebody = facts;
        peer.sha256[0] = 1;
        somebody.peer = &peer;
        x->facts = &somebody;
        break;
    case NOT:
    case NO_POLICY:
    case TAMPERS:
        break;
    }
    return NEXT;
}

static void tamper_leave(struct exchange *x)
{
    x->token = NULL;
    x->facts = &facts;
}

static const struct filter tampers = {.name = "tampers", .enter = tamper_enter, .leave = tamper_leave};

static void nothing_is_sent_without_a_permit_for_just_that(void **state)
{
    static const struct filter *const full[] = {&filter_trace, &tampers,         &filter_policy,
                                                &filter_route, &filter_upstream, NULL};
    static const struct filter *const without[] = {&filter_trace, &filter_route, &filter_upstream, NULL};
    static const struct filter *const behind[] = {&filter_trace, &filter_policy,   &filter_route,
                                                  &tampers,      &filter_upstream, NULL};
    (void)state;
    for (tamper = NOT; tamper < TAMPERS; tamper++) {
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        exchange_start(exchange_on(tamper == NOT ? full : tamper == NO_POLICY ? without : behind));
        play_pass(&play, 1000);
        if (tamper == NOT) {
            play_expect(&play, 1, 503, RECORD_UF | RECORD_URX,
                        "upstream_reset_before_response_started{connection_failure}");
        } else {
            play_expect(&play, 1, 500, RECORD_UAEX, "no_permit");
            assert_int_equal(play.sim->calls[SIM_CONNECT], 0);
        }
        play_close(&play);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_entered_in_order_and_left_in_reverse),
        cmocka_unit_test(a_chain_without_an_answer_is_500),
        cmocka_unit_test(what_came_is_told_once_and_late_calls_change_nothing),
        cmocka_unit_test(what_failed_is_told),
        cmocka_unit_test(what_is_late_is_cancelled_and_told),
        cmocka_unit_test(a_client_that_leaves_cancels_the_wait_and_filters_leave),
        cmocka_unit_test(a_client_that_leaves_between_coming_and_resuming_is_gone),
        cmocka_unit_test(a_change_behind_policy_is_judged_again_once),
        cmocka_unit_test(a_change_that_policy_forbids_is_403),
        cmocka_unit_test(nothing_is_sent_without_a_permit_for_just_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
