/* Unit tests of logins on the data path: each wait comes, fails, is late, or its client leaves. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypt/digest.h"
#include "proxy/ended_list.h"
#include "proxy/proxy_fixture.h"
#include "wire/form.h"

#define LOGIN                                                                                                \
    PLAY_HEAD("selvage.dev/v1", "Login", "staff", "foo")                                                     \
    "  hosts: [localhost]\n  issuer: " PLAY_ISSUER "\n  clientId: app\n  publicPaths: [/open]\n"             \
    "  session: {idle: 10m, lifetime: 1h, refresh: 60s}\n"
#define OTHER_LOGIN                                                                                          \
    PLAY_HEAD("selvage.dev/v1", "Login", "staff", "foo")                                                     \
    "  hosts: [localhost]\n  issuer: " PLAY_ISSUER "\n  clientId: other\n"
#define TOKENS                                                                                               \
    PLAY_SEC("RequestAuthentication", "ra")                                                                  \
    "  jwtRules: [{issuer: " PLAY_ISSUER ", audiences: [app]}]\n"
#define PAGE "sec-fetch-mode: navigate\r\n"
#define NOW "1700000000"

static struct play play;
static char cookies[16 * 1024]; /* what the browser sends */
static char place[8 * 1024];    /* where it was sent to last */
static char nonce[128];

static const struct bytes everybody = BYTES_INIT("0.0.0.0/0");
static bool proxied;

static void open_world_of(const char *rules)
{
    play_init(&play, ROLE_EDGE, rules);
    play.world.node.proxy_networks = &everybody;
    play.world.node.proxy_network_count = proxied;
    play.jwks = play_jwks(&play, "k");
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    cookies[0] = place[0] = nonce[0] = '\0';
}

static void open_world(void)
{
    open_world_of(PLAY_SIMPLE LOGIN);
}

static void say(int client, const char *method, const char *path, const char *more)
{
    char text[32 * 1024];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s%s%s\r\n", method, path,
             cookies[0] ? "Cookie: " : "", cookies, cookies[0] ? "\r\n" : "", more);
    play_say(&play, client, text);
}

static void value_copy(const char *from, const char *end, char *out, size_t size)
{
    size_t len = (size_t)(strpbrk(from, end) - from);
    assert_true(len < size);
    memcpy(out, from, len);
    out[len] = '\0';
}

/* Keeps Location and the cookies, in place of those it had. */
static const char *hear(int client)
{
    const char *heard = play_hear(&play, client), *at = strstr(heard, "\r\nlocation: ");
    if (at)
        value_copy(at + 12, "\r", place, sizeof place);
    if (strstr(heard, "\r\nset-cookie: "))
        cookies[0] = '\0';
    for (at = strstr(heard, "\r\nset-cookie: "); at; at = strstr(at + 1, "\r\nset-cookie: ")) {
        size_t len = strlen(cookies);
        if (strstr(at, "Max-Age=0") && strstr(at, "Max-Age=0") < strstr(at + 2, "\r\n"))
            continue;
        if (len)
            strcpy(cookies + len, "; ");
        value_copy(at + 14, ";", cookies + strlen(cookies), 8 * 1024);
    }
    return heard;
}

static void parameter(const char *name, char *out, size_t size)
{
    struct form form;
    struct fail why;
    struct bytes value;
    assert_true(form_read(bytes_of(strchr(place, '?') + 1), &play.arena, &form, &why));
    assert_true(form_get(&form, name, &value) && value.len < size);
    memcpy(out, value.at, value.len);
    out[value.len] = '\0';
}

/* A page is asked for; the browser is at the provider, and comes back with a code. */
static int come_back(void)
{
    static char path[8 * 1024], state[4 * 1024];
    int client = play_dial(&play);
    say(client, "GET", "/page?x=1", PAGE);
    said_begins(hear(client), "HTTP/1.1 302 ");
    parameter("state", state, sizeof state);
    parameter("nonce", nonce, sizeof nonce);
    snprintf(path, sizeof path, "/.selvage/login/callback?code=c&state=%s&iss=https%%3A%%2F%%2Fissuer",
             state);
    say(client, "GET", path, PAGE);
    assert_int_equal(play.wants.logins, 1);
    assert_int_equal(play.wants.login.wish, LOGIN_EXCHANGE);
    assert_true(bytes_equal(play.wants.login.token, BYTES("c")));
    return client;
}

static void answer(enum login_outcome outcome, const char *id_token, const char *refresh_token)
{
    const struct login_answer told = {.outcome = outcome,
                                      .id_token = bytes_of(id_token),
                                      .refresh_token = bytes_of(refresh_token),
                                      .problem = BYTES("as told")};
    worker_login_answer(&play.worker, play.wants.login_id, login_answer_pack(&told, &play.arena));
    play_go(&play);
}

static const char *id_token(const char *subject, const char *of_nonce)
{
    return play_token(&play, "k",
                      arena_format(&play.arena,
                                   "\"aud\":\"app\",\"sub\":\"%s\",\"sid\":\"s1\",\"iat\":" NOW
                                   ",\"exp\":1700003600,\"nonce\":\"%s\"",
                                   subject, of_nonce)
                          .at);
}

static void log_in(void)
{
    int client = come_back();
    answer(LOGIN_DONE, id_token("alice", nonce), "r1");
    said_begins(hear(client), "HTTP/1.1 302 ");
    assert_string_equal(place, "/page?x=1");
    assert_non_null(strstr(cookies, "__Host-selvage-session=1."));
}

static void serve_ok(void)
{
    play_say(&play, play_took(&play, PLAY_PORT),
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/* One request with the session: answered with what it came to. */
static void goes_on(const char *more)
{
    int client = play_dial(&play);
    say(client, "GET", "/page", more);
    serve_ok();
    said_begins(hear(client), "HTTP/1.1 200 ");
}

static void is_refused(const char *more, const char *status)
{
    int client = play_dial(&play);
    say(client, "GET", "/page", more);
    said_begins(play_hear(&play, client), status);
}

/* ---- the code --------------------------------------------------------------------------------- */

static void tokens_that_came_make_a_session(void **state)
{
    (void)state;
    open_world();
    is_refused("", "HTTP/1.1 401 ");
    log_in();
    int client = play_dial(&play);
    say(client, "GET", "/page", "");
    int upstream = play_took(&play, PLAY_PORT);
    const char *asked = play_hear(&play, upstream);
    said_has(asked, "x-selvage-login-id: ");
    said_lacks(asked, "__Host-");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    said_begins(hear(client), "HTTP/1.1 200 ");
    play_close(&play);
}

static void tokens_that_failed_are_told_and_there_is_no_session(void **state)
{
    (void)state;
    static const struct {
        enum login_outcome outcome;
        const char *status;
    } rows[] = {{LOGIN_DENIED, "HTTP/1.1 403 "}, {LOGIN_FAILED, "HTTP/1.1 503 "}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        open_world();
        int client = come_back();
        answer(rows[i].outcome, "", "");
        const char *heard = hear(client);
        said_begins(heard, rows[i].status);
        said_lacks(heard, "selvage-session=1.");
        said_has(heard, "Max-Age=0"); /* the attempt is used up */
        play_close(&play);
    }
}

static void tokens_that_are_late_are_503(void **state)
{
    (void)state;
    open_world();
    int client = come_back();
    play_pass(&play, 11000);
    said_begins(hear(client), "HTTP/1.1 503 ");
    answer(LOGIN_DONE, id_token("alice", nonce), ""); /* nobody's any more */
    play_close(&play);
}

static void a_client_that_left_is_not_waited_for(void **state)
{
    (void)state;
    open_world();
    sim_close(play.sim, come_back());
    play_go(&play);
    answer(LOGIN_DONE, id_token("alice", nonce), "");
    play_close(&play);
}

static void neg_34_another_logins_token_makes_no_session(void **state)
{
    (void)state;
    open_world();
    int client = come_back();
    answer(LOGIN_DONE, id_token("alice", "another"), "");
    const char *heard = hear(client);
    said_begins(heard, "HTTP/1.1 403 ");
    said_lacks(heard, "selvage-session=1.");
    play_close(&play);
}

static void a_token_by_an_unknown_key_waits_for_the_key(void **state)
{
    (void)state;
    open_world();
    int client = come_back();
    const char *token = play_token(&play, "new",
                                   arena_format(&play.arena,
                                                "\"aud\":\"app\",\"sub\":\"a\",\"iat\":" NOW
                                                ",\"exp\":1700003600,\"nonce\":\"%s\"",
                                                nonce)
                                       .at);
    answer(LOGIN_DONE, token, "");
    assert_int_equal(play.wants.keys, 1);
    play.jwks = play_jwks(&play, "new");
    play_keys(&play);
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    play_go(&play);
    said_begins(hear(client), "HTTP/1.1 302 ");
    assert_string_equal(place, "/page?x=1");
    play_close(&play);
}

/* A program's token by a key that is not there yet, with somebody's session beside it. */
static int wait_for_key(const char **token)
{
    open_world_of(PLAY_SIMPLE LOGIN TOKENS);
    log_in();
    *token = play_token(&play, "new", "\"aud\":\"app\",\"sub\":\"bot\",\"exp\":1700003600");
    int client = play_dial(&play);
    say(client, "GET", "/page", arena_format(&play.arena, "Authorization: Bearer %s\r\n", *token).at);
    assert_int_equal(play.wants.keys, 1);
    return client;
}

static void keys_come(const char *kid)
{
    play.jwks = play_jwks(&play, kid);
    play_keys(&play);
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    play_go(&play);
}

static void rules_that_change_while_a_token_waits_are_those_that_hold(void **state)
{
    (void)state;
    const char *token;
    int client = wait_for_key(&token);
    for (int i = 0; i < 3; i++)
        play_rules(&play, PLAY_SIMPLE LOGIN "  forwardIdToken: true\n" TOKENS);
    keys_come("new");
    serve_ok();
    said_begins(hear(client), "HTTP/1.1 200 ");
    play_close(&play);
}

static void a_login_that_changes_while_a_token_waits_closes(void **state)
{
    (void)state;
    const char *token;
    int client = wait_for_key(&token);
    for (int i = 0; i < 3; i++)
        play_rules(&play, PLAY_SIMPLE OTHER_LOGIN TOKENS);
    keys_come("new");
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_close(&play);
}

static void neg_34_a_code_is_not_written_down_when_the_login_has_changed(void **state)
{
    (void)state;
    open_world();
    int client = come_back();
    play_rules(&play, PLAY_SIMPLE OTHER_LOGIN);
    answer(LOGIN_DONE, id_token("alice", nonce), "");
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    struct bytes path = play_record(&play, 2)->path;
    assert_true(bytes_starts(path, BYTES("/.selvage/login/callback?code=...&state=...&iss=")));
    play_close(&play);
}

/* ---- a stale session ----------------------------------------------------------------------------- */

static int ask_stale(const char *more)
{
    open_world();
    log_in();
    play_pass(&play, 61000);
    int client = play_dial(&play);
    say(client, "GET", "/page", more);
    assert_int_equal(play.wants.logins, 2);
    assert_int_equal(play.wants.login.wish, LOGIN_REFRESH);
    assert_true(bytes_equal(play.wants.login.token, BYTES("r1")));
    return client;
}

static void a_refresh_that_came_goes_into_the_cookie(void **state)
{
    (void)state;
    int client = ask_stale("");
    answer(LOGIN_DONE, "", "r2");
    play_say(&play, play_took(&play, PLAY_PORT),
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: public, max-age=60\r\nConnection: "
             "close\r\n\r\n");
    const char *heard = hear(client);
    said_begins(heard, "HTTP/1.1 200 ");
    said_has(heard, "cache-control: private\r\n"); /* for the cookie's sake */
    goes_on("");
    play_pass(&play, 61000);
    say(play_dial(&play), "GET", "/page", "");
    assert_true(bytes_equal(play.wants.login.token, BYTES("r2")));
    answer(LOGIN_DONE, "", "");
    play_took(&play, PLAY_PORT);
    play_close(&play);
}

static void a_refresh_that_was_denied_ends_the_session(void **state)
{
    (void)state;
    int client = ask_stale(PAGE);
    char before[sizeof cookies];
    strcpy(before, cookies);
    answer(LOGIN_DENIED, "", "");
    const char *heard = hear(client);
    said_begins(heard, "HTTP/1.1 302 ");
    said_has(heard, "__Host-selvage-session=; ");
    strcpy(cookies, before);
    is_refused("", "HTTP/1.1 401 "); /* for whoever has a copy */
    play_close(&play);
}

static void a_refresh_for_somebody_else_ends_the_session(void **state)
{
    (void)state;
    int client = ask_stale("");
    answer(LOGIN_DONE, id_token("mallory", "n"), "");
    said_begins(hear(client), "HTTP/1.1 401 ");
    play_close(&play);
}

static void a_refresh_that_fails_is_forgiven_for_a_minute(void **state)
{
    (void)state;
    int client = ask_stale("");
    answer(LOGIN_FAILED, "", "");
    serve_ok();
    said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
    play_pass(&play, 61000);
    client = play_dial(&play);
    say(client, "GET", "/page", "");
    answer(LOGIN_FAILED, "", "");
    const char *heard = play_hear(&play, client);
    said_begins(heard, "HTTP/1.1 503 ");
    said_has(heard, "retry-after: 5\r\n");
    said_lacks(heard, "set-cookie");
    play_close(&play);
}

static void a_refresh_that_is_late_is_forgiven_too(void **state)
{
    (void)state;
    int client = ask_stale("");
    play_pass(&play, 11000);
    serve_ok();
    said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
    play_close(&play);
}

/* Its keys changed, and nobody can ask for them now: that ends no session, and loses no refresh token. */
static void a_refresh_by_a_key_that_is_missing_is_forgiven_too(void **state)
{
    (void)state;
    int client = ask_stale("");
    answer(LOGIN_DONE,
           play_token(&play, "new", "\"aud\":\"app\",\"sub\":\"alice\",\"iat\":" NOW ",\"exp\":1700003600"),
           "r2");
    assert_int_equal(play.wants.keys, 1);
    worker_keys_answer(&play.worker, play.wants.key_set, false);
    play_go(&play);
    serve_ok();
    said_begins(hear(client), "HTTP/1.1 200 ");
    play_pass(&play, 61000);
    client = play_dial(&play);
    say(client, "GET", "/page", "");
    assert_true(bytes_equal(play.wants.login.token, BYTES("r2")));
    answer(LOGIN_DONE, id_token("alice", "n"), "r3");
    serve_ok();
    said_begins(hear(client), "HTTP/1.1 200 ");
    play_close(&play);
}

/* ---- ends ------------------------------------------------------------------------------------------ */

static void a_session_that_idles_is_over(void **state)
{
    (void)state;
    open_world();
    log_in();
    play_pass(&play, 601000);
    is_refused("", "HTTP/1.1 401 ");
    assert_int_equal(play.wants.logins, 1);
    play_close(&play);
}

static void a_provider_session_that_ended_is_over_here(void **state)
{
    (void)state;
    open_world();
    log_in();
    goes_on("");
    const struct ended one = {ended_mark("sid", play.world.result.logins[0].id, BYTES("s1")), 1700000001,
                              1700009999};
    worker_ended(&play.worker, &one);
    is_refused("", "HTTP/1.1 401 ");
    play_close(&play);
}

/* Refreshed ID tokens need not name the provider's session; it ends all the same. */
static void a_provider_session_is_known_after_a_refresh(void **state)
{
    (void)state;
    int client = ask_stale("");
    answer(LOGIN_DONE,
           play_token(&play, "k", "\"aud\":\"app\",\"sub\":\"alice\",\"iat\":" NOW ",\"exp\":1700003600"),
           "");
    serve_ok();
    said_begins(hear(client), "HTTP/1.1 200 ");
    goes_on("");
    const struct ended one = {ended_mark("sid", play.world.result.logins[0].id, BYTES("s1")), 1700000100,
                              1700009999};
    worker_ended(&play.worker, &one);
    is_refused("", "HTTP/1.1 401 ");
    play_close(&play);
}

static void neg_36_what_a_sibling_sends_is_nobodys(void **state)
{
    (void)state;
    open_world();
    log_in();
    int client = play_dial(&play);
    say(client, "POST", "/page", "sec-fetch-site: same-site\r\nContent-Length: 0\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    is_refused("Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://evil.localhost\r\n",
               "HTTP/1.1 401 ");
    goes_on("sec-fetch-site: cross-site\r\n"); /* a link */
    play_close(&play);
}

static const char *back_channel(const char *token)
{
    int client = play_dial(&play);
    play_say(&play, client,
             arena_format(&play.arena,
                          "POST /.selvage/logout/backchannel HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                          "%zu\r\n\r\nlogout_token=%s",
                          strlen(token) + 13, token)
                 .at);
    return play_hear(&play, client);
}

/* However much later: a second login must not fall to the end of the first. */
static void neg_39_a_logout_token_counts_once(void **state)
{
    (void)state;
    open_world();
    log_in();
    goes_on("");
    const char *token = play_token(&play, "k",
                                   "\"aud\":\"app\",\"sub\":\"alice\",\"iat\":" NOW ",\"jti\":\"j1\","
                                   "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}");
    said_begins(back_channel(token), "HTTP/1.1 200 ");
    is_refused("", "HTTP/1.1 401 ");
    said_begins(back_channel(token), "HTTP/1.1 400 ");
    play_pass(&play, 30000);
    play.wants.logins = 0;
    log_in();
    said_begins(back_channel(token), "HTTP/1.1 400 ");
    goes_on("");
    play_close(&play);
}

/* TLS ends at a proxy in front of us; the page's own origin is https all the same. */
static void neg_39_a_page_behind_a_proxy_logs_out(void **state)
{
    (void)state;
    static const struct {
        bool proxied;
        const char *status;
    } rows[] = {{true, "HTTP/1.1 302 "}, {false, "HTTP/1.1 403 "}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        proxied = rows[i].proxied;
        open_world();
        proxied = false;
        int client = play_dial(&play);
        say(client, "POST", "/.selvage/logout",
            "X-Forwarded-Proto: https\r\nOrigin: https://localhost\r\nContent-Length: 0\r\n");
        said_begins(play_hear(&play, client), rows[i].status);
        play_close(&play);
    }
}

static void a_logout_token_whose_body_is_late_is_400(void **state)
{
    (void)state;
    open_world();
    int client = play_dial(&play);
    play_say(
        &play, client,
        "POST /.selvage/logout/backchannel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    play_pass(&play, 6000);
    said_begins(play_hear(&play, client), "HTTP/1.1 400 ");
    client = play_dial(&play);
    play_say(
        &play, client,
        "POST /.selvage/logout/backchannel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    sim_close(play.sim, client);
    play_go(&play);
    play_close(&play);
}

static int group_down(void **state)
{
    (void)state;
    play_keys_drop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_that_came_make_a_session),
        cmocka_unit_test(tokens_that_failed_are_told_and_there_is_no_session),
        cmocka_unit_test(tokens_that_are_late_are_503),
        cmocka_unit_test(a_client_that_left_is_not_waited_for),
        cmocka_unit_test(neg_34_another_logins_token_makes_no_session),
        cmocka_unit_test(a_token_by_an_unknown_key_waits_for_the_key),
        cmocka_unit_test(rules_that_change_while_a_token_waits_are_those_that_hold),
        cmocka_unit_test(a_login_that_changes_while_a_token_waits_closes),
        cmocka_unit_test(neg_34_a_code_is_not_written_down_when_the_login_has_changed),
        cmocka_unit_test(a_refresh_that_came_goes_into_the_cookie),
        cmocka_unit_test(a_refresh_that_was_denied_ends_the_session),
        cmocka_unit_test(a_refresh_for_somebody_else_ends_the_session),
        cmocka_unit_test(a_refresh_that_fails_is_forgiven_for_a_minute),
        cmocka_unit_test(a_refresh_that_is_late_is_forgiven_too),
        cmocka_unit_test(a_refresh_by_a_key_that_is_missing_is_forgiven_too),
        cmocka_unit_test(a_session_that_idles_is_over),
        cmocka_unit_test(a_provider_session_that_ended_is_over_here),
        cmocka_unit_test(a_provider_session_is_known_after_a_refresh),
        cmocka_unit_test(neg_36_what_a_sibling_sends_is_nobodys),
        cmocka_unit_test(neg_39_a_logout_token_counts_once),
        cmocka_unit_test(neg_39_a_page_behind_a_proxy_logs_out),
        cmocka_unit_test(a_logout_token_whose_body_is_late_is_400),
    };
    return cmocka_run_group_tests(tests, NULL, group_down);
}
