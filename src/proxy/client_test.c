/* From the first byte to a codec: PROXY headers, TLS told from plain text. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>

static struct play play;
static struct authority *root;

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define LINE "PROXY TCP4 203.0.113.9 198.51.100.1 5000 443\r\n"
#define FROM "203.0.113.9:5000"
#define DIRECT "192.0.2.7:4711" /* as the simulated world has it */
#define TCP_SERVICE                                                                                          \
    PLAY_NET("ServiceEntry", "b")                                                                            \
    "  hosts: [b.test]\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"                                   \
    "  ports: [{number: 90, protocol: TCP, name: tcp, targetPort: 8080}]\n  endpoints: [{address: "          \
    "10.0.0.1}]\n"
#define TCP_RULES                                                                                            \
    PLAY_NET("Gateway", "g")                                                                                 \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: TCP, name: p}, hosts: "           \
    "['*']}\n" PLAY_NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  tcp: [{route: "           \
                                               "[{destination: {host: b.test, port: {number: "               \
                                               "90}}}]}]\n" TCP_SERVICE
#define SIDECAR(mode)                                                                                        \
    PLAY_NET("Sidecar", "s")                                                                                 \
    "  ingress:\n  - {port: {number: 80, protocol: HTTP, name: http}, defaultEndpoint: "                     \
    "'127.0.0.1:8080'}\n" PLAY_SEC("PeerAuthentication", "pa") "  mtls: {mode: " mode "}\n"

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

static void open_proxied(enum rules_role role, const char *rules)
{
    open_from(role, rules, BYTES("192.0.2.0/24"));
}

static void record_says(const char *remote, const char *local)
{
    const struct record *r = play_record(&play, 1);
    if (!bytes_equal(r->remote, bytes_of(remote)) || !bytes_equal(r->local, bytes_of(local)))
        world_wrong("remote %.*s, local %.*s", BYTES_FMT(r->remote), BYTES_FMT(r->local));
    bool proxied = strcmp(remote, DIRECT) != 0;
    assert_true(bytes_equal(r->direct, proxied ? BYTES(DIRECT) : BYTES("")));
}

/* ---- PROXY headers ------------------------------------------------------------------------------ */

static void a_header_says_who_the_client_is(void **state)
{
    (void)state;
    static const struct {
        struct bytes header;
        const char *remote;
        const char *local;
        const char *forwarded;
    } rows[] = {
        {BYTES_INIT(LINE), FROM, "198.51.100.1:443", "x-forwarded-for: 203.0.113.9\r\n"},
        {BYTES_INIT("PROXY TCP6 2001:db8::9 2001:db8::1 5 443\r\n"), "[2001:db8::9]:5", "[2001:db8::1]:443",
         "x-forwarded-for: 2001:db8::9\r\n"},
        {BYTES_INIT("PROXY UNKNOWN\r\n"), DIRECT, "192.0.2.1:80", "x-forwarded-for: 192.0.2.7\r\n"},
        {BYTES_INIT("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), DIRECT, "192.0.2.1:80",
         "x-forwarded-for: 192.0.2.7\r\n"},
        {BYTES_INIT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xCB\0\x71\x09\xC6\x33\x64\1\x13\x88\1\xBB"), FROM,
         "198.51.100.1:443", "x-forwarded-for: 203.0.113.9\r\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int slow = 0; slow < 2; slow++) {
            open_proxied(ROLE_GATEWAY, PLAY_SIMPLE);
            int client = play_dial(&play);
            for (size_t at = 0; at < rows[i].header.len;) {
                struct bytes part = bytes_part(rows[i].header, at, slow ? at + 1 : SIZE_MAX);
                at += sim_say(play.sim, client, part);
                play_go(&play);
            }
            play_say(&play, client, GET);
            int upstream = play_took(&play, PLAY_PORT);
            said_has(play_hear(&play, upstream), rows[i].forwarded);
            play_say(&play, upstream, OK);
            said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
            record_says(rows[i].remote, rows[i].local);
            play_close(&play);
        }
}

static void what_begins_without_a_header_is_closed_with_a_record(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        bool ends;
        const char *why;
    } rows[] = {
        {GET, false, "PROXY header: the connection does not begin with one"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 x 2\r\n" GET, false,
         "PROXY header: a port is no number from 0 to 65535"},
        {"PROXY TCP4 1.2.3", true, "the client left inside its PROXY header"},
        {"PROXY TCP4 1.2.3", false, "the PROXY header did not come in time"},
        {"", false, "the PROXY header did not come in time"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        open_proxied(ROLE_GATEWAY, PLAY_SIMPLE);
        int client = play_dial(&play);
        play_say(&play, client, rows[i].said);
        if (rows[i].ends)
            sim_end(play.sim, client);
        play_pass(&play, 5000);
        assert_string_equal(play_hear(&play, client), "");
        assert_true(sim_ended(play.sim, client));
        play_expect(&play, 1, 0, RECORD_DPE, "proxy_protocol_refused");
        assert_true(bytes_equal(play_record(&play, 1)->termination, bytes_of(rows[i].why)));
        assert_int_equal(sim_open(play.sim), 0);
        play_close(&play);
    }
}

static void who_only_looks_leaves_no_record(void **state)
{
    (void)state;
    open_proxied(ROLE_GATEWAY, PLAY_SIMPLE);
    int client = play_dial(&play);
    sim_close(play.sim, client);
    play_record(&play, 0);
    play_close(&play);
}

static void a_header_has_its_own_time_however_it_dribbles(void **state)
{
    (void)state;
    open_proxied(ROLE_GATEWAY, PLAY_SIMPLE);
    int client = play_dial(&play);
    for (size_t i = 0; i < sizeof LINE - 1 && !sim_ended(play.sim, client); i++) {
        sim_say(play.sim, client, bytes_make(&LINE[i], 1));
        play_pass(&play, 500);
    }
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_DPE, "proxy_protocol_refused");
    play_close(&play);
}

static void from_anywhere_else_a_header_is_just_bytes(void **state)
{
    (void)state;
    static const char *const networks[] = {"", "192.0.3.0/24", "2001:db8::/32"};
    for (size_t i = 0; i < ROWS(networks); i++) {
        open_from(ROLE_GATEWAY, PLAY_SIMPLE, bytes_of(networks[i]));
        int client = play_dial(&play);
        play_say(&play, client, LINE);
        said_begins(play_hear(&play, client), "HTTP/1.1 400 ");
        assert_true(bytes_equal(play_record(&play, 1)->remote, BYTES(DIRECT)));
        play_close(&play);
    }
}

static void headers_are_taken_at_the_ports_that_were_named(void **state)
{
    (void)state;
    static const struct {
        int64_t port;
        bool taken;
    } rows[] = {{80, true}, {443, false}};
    static const struct bytes network = BYTES_INIT("192.0.2.7");
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        play.world.node.protocol_networks = &network;
        play.world.node.protocol_network_count = 1;
        play.world.node.protocol_ports = &rows[i].port;
        play.world.node.protocol_port_count = 1;
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = play_dial(&play);
        play_say(&play, client, GET);
        if (rows[i].taken)
            assert_true(sim_ended(play.sim, client));
        else
            play_took(&play, PLAY_PORT);
        play_close(&play);
    }
}

static void policies_see_the_proxy_as_source_and_the_client_as_remote(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool allowed;
    } rows[] = {
        {"ipBlocks: [192.0.2.7]", true},
        {"ipBlocks: [203.0.113.9]", false},
        {"remoteIpBlocks: [203.0.113.9]", true},
        {"remoteIpBlocks: [192.0.2.7]", false},
    };
    for (int tcp = 0; tcp < 2; tcp++)
        for (size_t i = 0; i < ROWS(rows); i++) {
            char rules[4000];
            snprintf(rules, sizeof rules,
                     "%s" PLAY_SEC("AuthorizationPolicy", "p") "  rules: [{from: [{source: {%s}}]}]\n",
                     tcp ? TCP_RULES : PLAY_SIMPLE, rows[i].condition);
            open_proxied(ROLE_GATEWAY, rules);
            int client = play_dial(&play);
            play_say(&play, client, LINE);
            play_say(&play, client, GET);
            assert_int_equal(sim_take(play.sim, PLAY_PORT) >= 0, rows[i].allowed);
            if (!rows[i].allowed) {
                const struct record *r = play_record(&play, 1);
                assert_int_equal(r->flags, RECORD_UAEX);
                assert_true(bytes_equal(r->remote, BYTES(FROM)));
            }
            play_close(&play);
        }
}

/* The balancer passes bytes; who wrote X-Forwarded-For is who the header names. */
static void the_word_of_a_front_proxy_is_believed_by_the_headers_address(void **state)
{
    (void)state;
    static const struct {
        struct bytes believed;
        const char *remote;
    } rows[] = {{BYTES_INIT("203.0.113.0/24"), "9.9.9.9"}, {BYTES_INIT("192.0.2.7"), FROM}};
    static const struct bytes network = BYTES_INIT("192.0.2.7");
    for (size_t i = 0; i < ROWS(rows); i++) {
        play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        play.world.node.protocol_networks = &network;
        play.world.node.protocol_network_count = 1;
        play.world.node.proxy_networks = &rows[i].believed;
        play.world.node.proxy_network_count = 1;
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = play_dial(&play);
        play_say(&play, client, LINE "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n");
        play_say(&play, play_took(&play, PLAY_PORT), OK);
        record_says(rows[i].remote, "198.51.100.1:443");
        play_close(&play);
    }
}

static void a_header_stands_before_tls_and_before_nothing_at_all(void **state)
{
    (void)state;
    static const char *const modes[] = {SIDECAR("STRICT"), SIDECAR("PERMISSIVE")};
    for (size_t i = 0; i < ROWS(modes); i++) {
        struct identity_pem who;
        struct play_tls tls;
        struct fail why;
        open_proxied(ROLE_SIDECAR, modes[i]);
        assert_true(authority_issue(root, BYTES("spiffe://td/ns/foo/sa/who"), NULL, 0, 3600, &play.arena,
                                    &who, &why));
        int client = play_dial(&play);
        play_say(&play, client, LINE);
        play_tls_open(&play, &tls, client, &who, true);
        assert_true(tls.open);
        play_tls_say(&tls, GET);
        play_say(&play, play_took(&play, PLAY_PORT), OK);
        said_begins(play_tls_hear(&tls), "HTTP/1.1 200 OK");
        record_says(FROM, "198.51.100.1:443");
        play_tls_close(&tls);
        play_close(&play);
    }
    open_proxied(ROLE_SIDECAR, SIDECAR("PERMISSIVE"));
    int client = play_dial(&play);
    play_say(&play, client, LINE GET);
    play_say(&play, play_took(&play, PLAY_PORT), OK);
    record_says(FROM, "198.51.100.1:443");
    play_close(&play);
}

static void a_tcp_connection_may_say_nothing_behind_its_header(void **state)
{
    (void)state;
    open_proxied(ROLE_GATEWAY, TCP_RULES);
    int client = play_dial(&play);
    assert_int_equal(sim_take(play.sim, PLAY_PORT), -1);
    play_say(&play, client, LINE);
    int upstream = play_took(&play, PLAY_PORT);
    sim_end(play.sim, client);
    play_go(&play);
    assert_string_equal(play_hear(&play, upstream), "");
    assert_true(sim_ended(play.sim, upstream));
    play_say(&play, upstream, "bye");
    assert_string_equal(play_hear(&play, client), "bye");
    sim_end(play.sim, upstream);
    record_says(FROM, "198.51.100.1:443");
    play_close(&play);
}

/* ---- TLS told from plain text -------------------------------------------------------------------- */

static void an_http_client_may_be_silent_where_it_may_speak_either(void **state)
{
    (void)state;
    open_from(ROLE_SIDECAR, SIDECAR("PERMISSIVE"), (struct bytes){0});
    int client = play_dial(&play), idle = play_dial(&play);
    play_pass(&play, 30000);
    play_say(&play, client, GET);
    play_say(&play, play_took(&play, PLAY_PORT), OK);
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play_pass(&play, 31000);
    assert_true(sim_ended(play.sim, idle));
    play_record(&play, 1);
    play_close(&play);
}

static void without_a_certificate_tls_is_refused_with_a_record(void **state)
{
    (void)state;
    play_open(&play, ROLE_SIDECAR, SIDECAR("PERMISSIVE"));
    int client = play_dial(&play);
    play_say(&play, client, "\x16\3\1");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_DPE, "tls_refused");
    play_close(&play);
}

static void a_client_that_said_nothing_yet_is_not_waited_for_at_the_end(void **state)
{
    (void)state;
    open_proxied(ROLE_GATEWAY, PLAY_SIMPLE);
    int client = play_dial(&play);
    worker_drain(&play.worker, 0);
    play_go(&play);
    assert_true(sim_ended(play.sim, client));
    assert_true(worker_idle(&play.worker));
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_says_who_the_client_is),
        cmocka_unit_test(what_begins_without_a_header_is_closed_with_a_record),
        cmocka_unit_test(who_only_looks_leaves_no_record),
        cmocka_unit_test(a_header_has_its_own_time_however_it_dribbles),
        cmocka_unit_test(from_anywhere_else_a_header_is_just_bytes),
        cmocka_unit_test(headers_are_taken_at_the_ports_that_were_named),
        cmocka_unit_test(policies_see_the_proxy_as_source_and_the_client_as_remote),
        cmocka_unit_test(the_word_of_a_front_proxy_is_believed_by_the_headers_address),
        cmocka_unit_test(a_header_stands_before_tls_and_before_nothing_at_all),
        cmocka_unit_test(a_tcp_connection_may_say_nothing_behind_its_header),
        cmocka_unit_test(an_http_client_may_be_silent_where_it_may_speak_either),
        cmocka_unit_test(without_a_certificate_tls_is_refused_with_a_record),
        cmocka_unit_test(a_client_that_said_nothing_yet_is_not_waited_for_at_the_end),
    };
    struct fail why;
    root = authority_new_root(BYTES("td"), 10, &why);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    authority_free(root);
    return failed;
}
