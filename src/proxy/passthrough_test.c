/* TLS that stays encrypted: where a connection goes by the name in its hello. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <errno.h>

#include "proxy/block.h"

static struct play play;
static struct authority *root;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void open_from(enum rules_role role, const char *rules, struct bytes network)
{
    static struct bytes networks[1];
    struct fail why;
    networks[0] = network;
    play_init(&play, role, rules);
    play.world.node.protocol_networks = networks;
    play.world.node.protocol_network_count = network.len > 0;
    assert_true(authority_issue(root, BYTES("spiffe://td/ns/foo/sa/acc"), NULL, 0, 3600, &play.arena,
                                &play.self, &why));
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

/* ---- TLS that stays encrypted ----------------------------------------------------------------------- */

/* What goes to a.test stays encrypted, as does *.w.test; the rest has to be known. */
#define TLS_ROUTES                                                                                           \
    PLAY_NET("VirtualService", "v")                                                                          \
    "  hosts: [a.test, '*.w.test']\n  gateways: [g]\n  tls:\n"                                               \
    "  - match: [{port: 80, sniHosts: [a.test]}]\n"                                                          \
    "    route: [{destination: {host: b.test, port: {number: 90}}}]\n"                                       \
    "  - match: [{port: 80, sniHosts: ['*.w.test']}]\n"                                                      \
    "    route: [{destination: {host: b.test, port: {number: 91}}}]\n" PLAY_NET(                             \
        "ServiceEntry", "b") "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"          \
                             "  ports:\n  - {number: 90, protocol: TLS, name: tls, targetPort: 8080}\n"      \
                             "  - {number: 91, protocol: TLS, name: tls-w, targetPort: 8081}\n"              \
                             "  endpoints: [{address: 10.0.0.1}]\n"
#define PASSTHROUGH                                                                                          \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n"                                                                   \
    "  - {port: {number: 80, protocol: TLS, name: t}, hosts: ['*'], tls: {mode: PASSTHROUGH}}\n" TLS_ROUTES
/* The same port ends TLS for c.test. */
#define MIXED                                                                                                \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n"                                                                   \
    "  - {port: {number: 80, protocol: HTTPS, name: h}, hosts: [c.test], tls: {mode: ISTIO_MUTUAL}}\n"       \
    "  - {port: {number: 80, protocol: TLS, name: t}, hosts: [a.test, '*.w.test'], tls: {mode: "             \
    "PASSTHROUGH}}\n" TLS_ROUTES

/* A hello for that server (none when it is empty), in records of at most `step` bytes. */
static struct bytes hello_for(const char *name, size_t step)
{
    static char message[400], wire[3000];
    size_t n = strlen(name), extensions = n ? 9 + n : 0, body = 2 + 32 + 1 + 4 + 2 + 2 + extensions, len = 0;
    unsigned char *at = (unsigned char *)message;
    memset(message, 0, sizeof message);
    at[0] = 1;
    at[3] = (unsigned char)body;
    memcpy(at + 4, "\3\3", 2);
    memcpy(at + 39, "\0\2\x13\1\1\0", 6);
    at[46] = (unsigned char)extensions;
    if (n) {
        at[50] = (unsigned char)(5 + n);
        at[52] = (unsigned char)(3 + n);
        at[55] = (unsigned char)n;
        memcpy(at + 56, name, n);
    }
    for (size_t from = 0; from < 4 + body; from += step) {
        size_t some = 4 + body - from < step ? 4 + body - from : step;
        const char head[5] = {22, 3, 1, 0, (char)some};
        memcpy(wire + len, head, 5);
        memcpy(wire + len + 5, message + from, some);
        len += 5 + some;
    }
    return bytes_make(wire, len);
}

static void say_bytes(int fd, struct bytes all, size_t step)
{
    for (size_t at = 0; at < all.len;) {
        at += sim_say(play.sim, fd, bytes_part(all, at, at + step));
        play_go(&play);
    }
}

static void open_tls(const char *rules)
{
    open_from(ROLE_GATEWAY, rules, (struct bytes){0});
    sim_port(play.sim, 8081, SIM_SERVES);
}

static void a_hello_goes_on_as_it_came_and_the_tunnel_stands(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned port;
        const char *cluster;
    } rows[] = {
        {"a.test", 8080, "outbound|90||b.test"},
        {"A.Test", 8080, "outbound|90||b.test"},
        {"x.w.test", 8081, "outbound|91||b.test"},
    };
    static const char *const rules[] = {PASSTHROUGH, MIXED};
    for (size_t r = 0; r < ROWS(rules); r++)
        for (size_t i = 0; i < ROWS(rows); i++)
            for (int slow = 0; slow < 2; slow++) {
                char heard[3000];
                open_tls(rules[r]);
                int client = play_dial(&play);
                struct bytes hello = hello_for(rows[i].name, slow ? 50 : 200);
                say_bytes(client, hello, slow ? 1 : 3000);
                int upstream = play_took(&play, rows[i].port);
                play_say(&play, client, "more");
                assert_int_equal(sim_hear(play.sim, upstream, heard, sizeof heard), hello.len + 4);
                assert_memory_equal(heard, hello.at, hello.len);
                assert_memory_equal(heard + hello.len, "more", 4);
                play_say(&play, upstream, "answer");
                assert_string_equal(play_hear(&play, client), "answer");
                sim_end(play.sim, client);
                sim_end(play.sim, upstream);
                play_expect(&play, 1, 0, 0, "");
                const struct record *record = play_record(&play, 1);
                assert_int_equal(record->protocol, 1);
                assert_int_equal(record->server_name.len, strlen(rows[i].name));
                assert_true(bytes_equal_nocase(record->server_name, bytes_of(rows[i].name)));
                assert_true(bytes_equal(record->upstream_cluster, bytes_of(rows[i].cluster)));
                assert_int_equal(record->bytes_received, hello.len + 4);
                assert_int_equal(record->bytes_sent, 6);
                play_close(&play);
            }
}

static void a_name_that_nobody_has_is_closed_with_nr(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *name;
        const char *details;
    } rows[] = {
        {PASSTHROUGH, "unknown.test", "route_not_found"},
        {PASSTHROUGH, "w.test", "route_not_found"},
        {PASSTHROUGH, "", "route_not_found"},
        {MIXED, "unknown.test", "filter_chain_not_found"},
        {MIXED, "", "filter_chain_not_found"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        open_tls(rows[i].rules);
        int client = play_dial(&play);
        say_bytes(client, hello_for(rows[i].name, 200), 3000);
        assert_string_equal(play_hear(&play, client), "");
        assert_true(sim_ended(play.sim, client));
        play_expect(&play, 1, 0, RECORD_NR, rows[i].details);
        assert_true(bytes_equal(play_record(&play, 1)->server_name, bytes_of(rows[i].name)));
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void what_is_no_hello_is_closed_with_a_record(void **state)
{
    (void)state;
    static const struct {
        struct bytes said;
        bool ends;
        const char *why;
    } rows[] = {
        {BYTES_INIT(GET), false, "TLS hello: a record is none of a handshake"},
        {BYTES_INIT("\x16\3\1\0\1\2"), false, "TLS hello: the first message is another"},
        {BYTES_INIT("\x16\3\1\0"), true, "the client left inside its TLS hello"},
        {BYTES_INIT("\x16\3\1\0"), false, "the TLS hello did not come in time"},
        {BYTES_INIT(""), false, "the TLS hello did not come in time"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        open_tls(PASSTHROUGH);
        int client = play_dial(&play);
        say_bytes(client, rows[i].said, 3000);
        if (rows[i].ends)
            sim_end(play.sim, client);
        play_pass(&play, 5000);
        assert_true(sim_ended(play.sim, client));
        play_expect(&play, 1, 0, RECORD_DPE, "tls_refused");
        assert_true(bytes_equal(play_record(&play, 1)->termination, bytes_of(rows[i].why)));
        play_close(&play);
    }
}

static void beside_it_tls_is_ended_as_ever(void **state)
{
    (void)state;
    struct identity_pem who;
    struct play_tls tls;
    struct fail why;
    open_tls(MIXED PLAY_NET("VirtualService",
                            "web") "  hosts: [c.test]\n  gateways: [g]\n  http:\n"
                                   "  - route: [{destination: {host: b.test, port: {number: 90}}}]\n");
    assert_true(
        authority_issue(root, BYTES("spiffe://td/ns/foo/sa/who"), NULL, 0, 3600, &play.arena, &who, &why));
    play_tls_open_for(&play, &tls, play_dial(&play), &who, true, BYTES("c.test"));
    assert_true(tls.open);
    play_tls_say(&tls, "GET / HTTP/1.1\r\nHost: c.test\r\n\r\n");
    play_say(&play, play_took(&play, PLAY_PORT), OK);
    said_begins(play_tls_hear(&tls), "HTTP/1.1 200 OK");
    assert_true(bytes_equal(play_record(&play, 1)->server_name, BYTES("c.test")));
    play_tls_close(&tls);
    play_close(&play);
}

/* The server whose demands it met is there no more. */
static void a_connection_to_a_server_that_is_gone_asks_nothing_more(void **state)
{
    (void)state;
    struct identity_pem who;
    struct play_tls tls;
    struct fail why;
#define ENDED(host)                                                                                          \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: HTTPS, name: h}, "                \
    "hosts: [" host "], tls: {mode: ISTIO_MUTUAL}}\n" PLAY_SERVICE("b", "8080") PLAY_ROUTE("")
    for (int gone = 0; gone < 2; gone++) {
        open_tls(ENDED("c.test"));
        assert_true(authority_issue(root, BYTES("spiffe://td/ns/foo/sa/who"), NULL, 0, 3600, &play.arena,
                                    &who, &why));
        play_tls_open_for(&play, &tls, play_dial(&play), &who, true, BYTES("c.test"));
        play_rules(&play, gone ? ENDED("d.test") : ENDED("c.test, d.test"));
        play_tls_say(&tls, "GET / HTTP/1.1\r\nHost: c.test\r\n\r\n");
        assert_string_equal(play_tls_hear(&tls), "");
        assert_int_equal(sim_take(play.sim, PLAY_PORT) >= 0, !gone);
        assert_int_equal(sim_ended(play.sim, tls.fd), gone);
        play_tls_close(&tls);
        play_close(&play);
    }
}

static void policies_see_the_name(void **state)
{
    (void)state;
    static const char *const names[] = {"a.test", "x.w.test"};
    for (size_t i = 0; i < ROWS(names); i++) {
        open_tls(PASSTHROUGH PLAY_SEC("AuthorizationPolicy",
                                      "p") "  rules: [{when: [{key: connection.sni, values: [a.test]}]}]\n");
        int client = play_dial(&play);
        say_bytes(client, hello_for(names[i], 200), 3000);
        assert_int_equal(sim_take(play.sim, i ? 8081 : 8080) >= 0, i == 0);
        if (i)
            play_expect(&play, 1, 0, RECORD_UAEX, "rbac_access_denied_matched_policy[none]");
        play_close(&play);
    }
}

/* Each call of the world fails once; what is harmless changes nothing, and nothing is ever left over. */
static void a_hello_survives_what_is_harmless(void **state)
{
    (void)state;
    static const struct {
        enum sim_call call;
        int error;
        bool harmless;
    } faults[] = {{SIM_READ, 0, true},           {SIM_READ, EAGAIN, true},
                  {SIM_READ, ECONNRESET, false}, {SIM_WRITE, 0, true},
                  {SIM_WRITE, EAGAIN, true},     {SIM_WRITE, EPIPE, false},
                  {SIM_CONNECT, EMFILE, false},  {SIM_ACCEPT, ECONNABORTED, false}};
    for (size_t f = 0; f < ROWS(faults); f++) {
        bool hit = true;
        for (unsigned n = 1; hit; n++) {
            char heard[400];
            open_tls(MIXED);
            play.sim->fault = (struct sim_fault){faults[f].call, n, faults[f].error};
            memset(play.sim->calls, 0, sizeof play.sim->calls);
            int client = play_dial(&play);
            struct bytes hello = hello_for("a.test", 50);
            say_bytes(client, hello, 60);
            play_pass(&play, 6000);
            hit = play.sim->calls[faults[f].call] >= n;
            int upstream = sim_take(play.sim, 8080);
            size_t len = upstream < 0 ? 0 : sim_hear(play.sim, upstream, heard, sizeof heard);
            bool whole = len == hello.len && memcmp(heard, hello.at, len) == 0;
            if (!whole && (faults[f].harmless || !hit))
                world_wrong("call %d number %u error %d: it did not pass", faults[f].call, n,
                            faults[f].error);
            sim_close(play.sim, client);
            if (upstream >= 0)
                sim_close(play.sim, upstream);
            play_pass(&play, 6000);
            assert_true(list_empty(&play.worker.clients) && list_empty(&play.worker.exchanges));
            play_close(&play);
            assert_true(n < 100);
        }
    }
}

static void without_memory_a_hello_waits_until_there_is_some(void **state)
{
    (void)state;
    open_tls(PASSTHROUGH);
    int client = play_dial(&play);
    struct block *all = block_must();
    block_limit_set(block_live());
    say_bytes(client, hello_for("a.test", 200), 3000);
    assert_int_equal(sim_take(play.sim, 8080), -1);
    block_unref(all);
    play_go(&play);
    block_limit_set(16384);
    play_took(&play, 8080);
    play_close(&play);
}

static void new_rules_close_what_no_longer_passes(void **state)
{
    (void)state;
    open_tls(PASSTHROUGH);
    int client = play_dial(&play);
    say_bytes(client, hello_for("a.test", 200), 3000);
    play_took(&play, 8080);
    for (int i = 0; i < 4; i++)
        play_rules(&play, MIXED PLAY_SEC("AuthorizationPolicy", "p") "  {}\n");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_LR, "rules_changed");
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_goes_on_as_it_came_and_the_tunnel_stands),
        cmocka_unit_test(a_name_that_nobody_has_is_closed_with_nr),
        cmocka_unit_test(what_is_no_hello_is_closed_with_a_record),
        cmocka_unit_test(beside_it_tls_is_ended_as_ever),
        cmocka_unit_test(a_connection_to_a_server_that_is_gone_asks_nothing_more),
        cmocka_unit_test(policies_see_the_name),
        cmocka_unit_test(a_hello_survives_what_is_harmless),
        cmocka_unit_test(without_memory_a_hello_waits_until_there_is_some),
        cmocka_unit_test(new_rules_close_what_no_longer_passes),
    };
    struct fail why;
    root = authority_new_root(BYTES("td"), 10, &why);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    authority_free(root);
    return failed;
}
