/* From the first byte to a codec: PROXY headers, TLS told from plain text, TLS that stays encrypted. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "proxy/block.h"

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
        cmocka_unit_test(a_hello_goes_on_as_it_came_and_the_tunnel_stands),
        cmocka_unit_test(a_name_that_nobody_has_is_closed_with_nr),
        cmocka_unit_test(what_is_no_hello_is_closed_with_a_record),
        cmocka_unit_test(beside_it_tls_is_ended_as_ever),
        cmocka_unit_test(a_connection_to_a_server_that_is_gone_asks_nothing_more),
        cmocka_unit_test(policies_see_the_name),
        cmocka_unit_test(a_hello_survives_what_is_harmless),
        cmocka_unit_test(without_memory_a_hello_waits_until_there_is_some),
        cmocka_unit_test(new_rules_close_what_no_longer_passes),
        cmocka_unit_test(a_client_that_said_nothing_yet_is_not_waited_for_at_the_end),
    };
    struct fail why;
    root = authority_new_root(BYTES("td"), 10, &why);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    authority_free(root);
    return failed;
}
