/* Handshakes in memory: who is let in, who is not, and what both sides are told. */
#include "base/test.h"

#include "crypt/tls_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/clock.h"

static const char *const http_alpn[] = {"h2", "http/1.1", NULL};

static struct meeting *mesh_meeting(const struct identity_pem *client, const struct identity_pem *server)
{
    struct tls_settings client_settings = fixture_settings(client, true, TLS_VERIFY_REQUIRED);
    struct tls_settings server_settings = fixture_settings(server, true, TLS_VERIFY_REQUIRED);
    return meeting_new(fixture_client(&client_settings), "server.test", fixture_server(&server_settings));
}

static void a_good_peer_is_known_on_both_sides(void **state)
{
    (void)state;
    struct identity_pem client = fixture_identity(CLIENT_ID);
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings client_settings = fixture_settings(&client, true, TLS_VERIFY_REQUIRED);
    struct tls_settings server_settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
    static const char *const client_alpn[] = {"http/1.1", "h2", NULL};
    client_settings.alpn = client_alpn;
    server_settings.alpn = http_alpn;
    struct meeting *meeting =
        meeting_new(fixture_client(&client_settings), "Server.Test", fixture_server(&server_settings));
    assert_null(tls_peer(meeting->server));
    meeting_go(meeting);
    assert_int_equal(meeting->client_turn, TLS_DONE);
    assert_int_equal(meeting->server_turn, TLS_DONE);
    const struct peer *peer = tls_peer(meeting->server);
    assert_non_null(peer);
    assert_true(bytes_equal(peer->uri, BYTES(CLIENT_ID)));
    assert_true(bytes_equal(peer->id.account, BYTES("client")));
    assert_true(bytes_equal(peer->dns, BYTES("server.test")));
    assert_int_equal(peer->uri_count, 1);
    assert_in_range(peer->not_after_s - clock_wall_s(), 3500, 3605);
    assert_true(bytes_equal(tls_peer(meeting->client)->uri, BYTES(SERVER_ID)));
    assert_true(bytes_equal(tls_alpn(meeting->server), BYTES("h2")));
    assert_true(bytes_equal(tls_alpn(meeting->client), BYTES("h2")));
    assert_true(bytes_equal(tls_sni(meeting->server), BYTES("server.test")));
    assert_string_equal(tls_version(meeting->server), "TLSv1.3");
    meeting_free(meeting);
}

/* Each row spoils one thing of a good leaf. */
struct odd {
    const char *name;
    const char *why; /* after "the peer's certificate is refused: " */
    const char *uris[2];
    const char *dns;
    uint32_t key_usage;
    const int *purposes;
    int64_t from_s;
    int64_t to_s;
    bool is_ca;
    bool stranger;
};

static const int only_server[] = {NID_server_auth, 0};
static const int only_email[] = {NID_email_protect, 0};

static const struct odd odds[] = {
    {"good", NULL, {CLIENT_ID}, NULL, KU_DIGITAL_SIGNATURE, NULL, -60, 600, false, false},
    {"other root",
     "no authority trusted here issued it",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE,
     NULL,
     -60,
     600,
     false,
     true},
    {"expired", "it has expired", {CLIENT_ID}, NULL, KU_DIGITAL_SIGNATURE, NULL, -60, -30, false, false},
    {"not yet", "it is not yet valid", {CLIENT_ID}, NULL, KU_DIGITAL_SIGNATURE, NULL, 300, 600, false, false},
    {"two URIs",
     "2 URI names, but a workload's certificate has exactly one",
     {CLIENT_ID, SERVER_ID},
     NULL,
     KU_DIGITAL_SIGNATURE,
     NULL,
     -60,
     600,
     false,
     false},
    {"no URI, DNS with its text",
     "0 URI names, but a workload's certificate has exactly one",
     {NULL},
     CLIENT_ID,
     KU_DIGITAL_SIGNATURE,
     NULL,
     -60,
     600,
     false,
     false},
    {"URI no id",
     "the URI name: 'https://td/x' does not begin with spiffe://",
     {"https://td/x"},
     NULL,
     KU_DIGITAL_SIGNATURE,
     NULL,
     -60,
     600,
     false,
     false},
    {"line break in a name",
     "a subject alternative name holds a byte that is no printable ASCII",
     {"spiffe://td/x\n"},
     NULL,
     KU_DIGITAL_SIGNATURE,
     NULL,
     -60,
     600,
     false,
     false},
    {"CA",
     "CA is true, but a workload's certificate may not sign others",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN,
     NULL,
     -60,
     600,
     true,
     false},
    {"keyCertSign",
     "key usage has keyCertSign, which a workload's certificate may not have",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN,
     NULL,
     -60,
     600,
     false,
     false},
    {"cRLSign",
     "key usage has cRLSign, which a workload's certificate may not have",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE | KU_CRL_SIGN,
     NULL,
     -60,
     600,
     false,
     false},
    {"no key usage",
     "no key usage; digitalSignature is required",
     {CLIENT_ID},
     NULL,
     0,
     NULL,
     -60,
     600,
     false,
     false},
    {"server only",
     "its extended key usage does not allow this side of TLS",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE,
     only_server,
     -60,
     600,
     false,
     false},
    {"email only",
     "its extended key usage does not allow this side of TLS",
     {CLIENT_ID},
     NULL,
     KU_DIGITAL_SIGNATURE,
     only_email,
     -60,
     600,
     false,
     false},
};

static struct identity_pem odd_identity(const struct odd *odd)
{
    const struct bytes uris[] = {bytes_of(odd->uris[0]), bytes_of(odd->uris[1])};
    const struct bytes dns = bytes_of(odd->dns);
    struct draft draft = fixture_draft(uris);
    draft.uri_count = odd->uris[1] ? 2 : odd->uris[0] ? 1 : 0;
    draft.dns = &dns;
    draft.dns_count = odd->dns ? 1 : 0;
    draft.key_usage = odd->key_usage;
    draft.purposes = odd->purposes;
    draft.is_ca = odd->is_ca;
    draft.not_before_s = clock_wall_s() + odd->from_s;
    draft.not_after_s = clock_wall_s() + odd->to_s;
    return fixture_odd(odd->stranger ? fixture_other : fixture_root, &draft);
}

static void a_name_with_a_nul_is_refused(void **state)
{
    (void)state;
    const struct bytes uri = BYTES("spiffe://td/ns/a/sa/b\0.elsewhere");
    const struct bytes dns = BYTES("good.test\0.elsewhere");
    struct draft drafts[] = {fixture_draft(&uri), fixture_draft(&uri)};
    drafts[1].uri_count = 0;
    drafts[1].dns = &dns;
    drafts[1].dns_count = 1;
    for (size_t i = 0; i < ROWS(drafts); i++) {
        struct fail why = {0};
        struct certificate_facts facts;
        struct identity_pem odd = fixture_odd(fixture_root, &drafts[i]);
        assert_false(certificate_shape_check(odd.chain, &why));
        assert_string_equal(why.text, "a subject alternative name holds a byte that is no printable ASCII");
        assert_false(certificate_facts(odd.chain, &fixture_arena, &facts, &why));
    }
}

static void check_refusal(const struct odd *odd, enum tls_turn turn, const struct fail *why)
{
    char expected[300];
    snprintf(expected, sizeof expected, "the peer's certificate is refused: %s", odd->why);
    assert_int_equal(turn, TLS_BROKEN);
    assert_string_equal(why->text, expected);
}

static void neg_43_odd_clients_are_refused_by_the_mesh(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(odds); i++) {
        struct identity_pem client = odd_identity(&odds[i]);
        struct identity_pem server = fixture_identity(SERVER_ID);
        struct meeting *meeting = mesh_meeting(&client, &server);
        meeting_go(meeting);
        if (odds[i].why) {
            check_refusal(&odds[i], meeting->server_turn, &meeting->server_why);
            assert_int_equal(meeting->client_turn, TLS_BROKEN);
            assert_true(bytes_starts(bytes_of(meeting->client_why.text),
                                     BYTES("the peer ended TLS with the alert '")));
            assert_null(tls_peer(meeting->server));
        } else {
            assert_int_equal(meeting->server_turn, TLS_DONE);
        }
        meeting_free(meeting);
    }
}

static void neg_43_odd_servers_are_refused_by_the_mesh(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(odds); i++) {
        if (odds[i].purposes == only_server)
            continue;
        struct identity_pem client = fixture_identity(CLIENT_ID);
        struct identity_pem server = odd_identity(&odds[i]);
        struct meeting *meeting = mesh_meeting(&client, &server);
        meeting_go(meeting);
        if (odds[i].why)
            check_refusal(&odds[i], meeting->client_turn, &meeting->client_why);
        else
            assert_int_equal(meeting->client_turn, TLS_DONE);
        meeting_free(meeting);
    }
}

static void a_client_without_certificate(void **state)
{
    (void)state;
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings client_settings = {
        .trust = server.roots, .verify = TLS_VERIFY_REQUIRED, .mesh = true};
    struct tls_settings server_settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
    struct meeting *meeting =
        meeting_new(fixture_client(&client_settings), "", fixture_server(&server_settings));
    meeting_go(meeting);
    assert_int_equal(meeting->server_turn, TLS_BROKEN);
    assert_string_equal(meeting->server_why.text, "the peer sent no certificate, and one is required");
    assert_string_equal(meeting->client_why.text, "the peer ended TLS with the alert 'certificate required'");
    meeting_free(meeting);
    server_settings.verify = TLS_VERIFY_OPTIONAL;
    meeting = meeting_new(fixture_client(&client_settings), "", fixture_server(&server_settings));
    meeting_go(meeting);
    assert_int_equal(meeting->server_turn, TLS_DONE);
    assert_null(tls_peer(meeting->server));
    assert_int_equal(tls_sni(meeting->server).len, 0);
    meeting_free(meeting);
}

static void optional_still_refuses_a_bad_certificate(void **state)
{
    (void)state;
    struct identity_pem client = odd_identity(&odds[1]);
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings client_settings = fixture_settings(&client, true, TLS_VERIFY_REQUIRED);
    struct tls_settings server_settings = fixture_settings(&server, true, TLS_VERIFY_OPTIONAL);
    struct meeting *meeting =
        meeting_new(fixture_client(&client_settings), "", fixture_server(&server_settings));
    meeting_go(meeting);
    check_refusal(&odds[1], meeting->server_turn, &meeting->server_why);
    meeting_free(meeting);
}

static void hosts_are_verified_outside_the_mesh(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *why;
    } rows[] = {
        {"server.test", NULL},
        {"SERVER.test", NULL},
        {"", NULL},
        {"other.test", "the peer's certificate is refused: it is for another host name"},
        {"127.0.0.1", "the peer's certificate is refused: it is for another address"},
    };
    struct identity_pem server = fixture_identity(SERVER_ID);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct tls_settings client_settings = {
            .trust = server.roots, .verify = TLS_VERIFY_REQUIRED, .host = bytes_of(rows[i].host)};
        struct tls_settings server_settings = fixture_settings(&server, false, TLS_VERIFY_NONE);
        struct meeting *meeting =
            meeting_new(fixture_client(&client_settings), rows[i].host, fixture_server(&server_settings));
        meeting_go(meeting);
        assert_int_equal(meeting->client_turn, rows[i].why ? TLS_BROKEN : TLS_DONE);
        if (rows[i].why)
            assert_string_equal(meeting->client_why.text, rows[i].why);
        meeting_free(meeting);
    }
}

static void versions_below_are_refused(void **state)
{
    (void)state;
    static const struct {
        int client;
        int server_min;
        bool mesh;
        bool ok;
    } rows[] = {
        {TLS1_1_VERSION, 0, false, false},  {TLS1_2_VERSION, 0, false, true},
        {TLS1_3_VERSION, 0, false, true},   {TLS1_2_VERSION, 0, true, false},
        {TLS1_2_VERSION, 13, false, false}, {TLS1_2_VERSION, 12, true, true},
    };
    struct identity_pem server = fixture_identity(SERVER_ID);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct tls_settings settings = fixture_settings(&server, rows[i].mesh, TLS_VERIFY_OPTIONAL);
        settings.min_version = rows[i].server_min;
        struct meeting *meeting = meeting_new_server(fixture_server(&settings));
        struct raw_client raw;
        raw_begin(&raw, NULL, "server.test", rows[i].client);
        raw_meet(&raw, meeting);
        assert_int_equal(meeting->server_turn, rows[i].ok ? TLS_DONE : TLS_BROKEN);
        if (!rows[i].ok)
            assert_string_equal(meeting->server_why.text,
                                "the peer offers no TLS version that is allowed here");
        raw_end(&raw);
        meeting_free(meeting);
    }
}

static void what_is_no_tls_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool end;
        enum tls_turn turn;
        const char *why;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, TLS_BROKEN,
         "the client speaks plain HTTP, but this port expects TLS"},
        {"DELETE / HTTP/1.1\r\n", false, TLS_BROKEN,
         "the client speaks plain HTTP, but this port expects TLS"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false, TLS_BROKEN,
         "the client speaks plain HTTP, but this port expects TLS"},
        {"SSH-2.0-x\r\n", false, TLS_BROKEN, "the peer does not speak TLS"},
        {"\x16\x03\x01", true, TLS_BROKEN, "the peer closed during the TLS handshake"},
        {"\x15\x03\x03\x00\x02\x02\x28", false, TLS_BROKEN, NULL},
        {"", true, TLS_CLOSED, NULL},
        {"", false, TLS_WANT_READ, NULL},
    };
    struct identity_pem server = fixture_identity(SERVER_ID);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct tls_settings settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
        struct meeting *meeting = meeting_new_server(fixture_server(&settings));
        struct bytes in = i == 5 ? bytes_make(rows[i].bytes, 7) : bytes_of(rows[i].bytes);
        meeting_feed_server(meeting, in);
        meeting->ways[1].ended = rows[i].end;
        assert_int_equal(tls_handshake(meeting->server, &meeting->server_why), rows[i].turn);
        if (rows[i].why)
            assert_string_equal(meeting->server_why.text, rows[i].why);
        if (rows[i].turn == TLS_BROKEN)
            assert_int_equal(tls_handshake(meeting->server, &meeting->server_why), TLS_BROKEN);
        meeting_free(meeting);
    }
}

static void a_plain_answer_to_a_client_is_named(void **state)
{
    (void)state;
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct meeting *meeting = mesh_meeting(&server, &server);
    meeting_feed_client(meeting, BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_int_equal(tls_handshake(meeting->client, &meeting->client_why), TLS_BROKEN);
    assert_string_equal(meeting->client_why.text, "the server speaks plain HTTP, but TLS is expected of it");
    meeting_free(meeting);
}

static void protocols_that_all_miss_end_the_handshake(void **state)
{
    (void)state;
    static const char *const istio[] = {"istio", NULL};
    static const struct {
        const char *const *client;
        const char *const *server;
        const char *chosen; /* NULL: refused */
    } rows[] = {
        {http_alpn, http_alpn, "h2"}, {istio, http_alpn, NULL}, {NULL, http_alpn, ""}, {http_alpn, NULL, ""}};
    struct identity_pem server = fixture_identity(SERVER_ID);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct tls_settings client_settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
        struct tls_settings server_settings = client_settings;
        client_settings.alpn = rows[i].client;
        server_settings.alpn = rows[i].server;
        struct meeting *meeting =
            meeting_new(fixture_client(&client_settings), "", fixture_server(&server_settings));
        meeting_go(meeting);
        if (rows[i].chosen) {
            assert_int_equal(meeting->server_turn, TLS_DONE);
            assert_true(bytes_equal(tls_alpn(meeting->server), bytes_of(rows[i].chosen)));
        } else {
            assert_int_equal(meeting->server_turn, TLS_BROKEN);
            assert_string_equal(meeting->server_why.text,
                                "the client offers no application protocol (ALPN) that is spoken here");
        }
        meeting_free(meeting);
    }
}

static void settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const empty_name[] = {"", NULL};
    struct identity_pem good = fixture_identity(SERVER_ID);
    struct identity_pem other = fixture_identity(SERVER_ID);
    const struct {
        struct tls_settings settings;
        bool server;
        const char *why;
    } rows[] = {
        {{.verify = TLS_VERIFY_NONE}, true, "a TLS server needs a certificate"},
        {{.chain = good.chain, .key = other.key}, true, "the private key does not belong to the certificate"},
        {{.chain = good.chain, .key = good.key, .verify = TLS_VERIFY_REQUIRED},
         true,
         "verifying clients needs a trust bundle"},
        {{.chain = good.chain, .key = good.key, .verify = TLS_VERIFY_REQUIRED, .mesh = true},
         false,
         "verifying mesh servers needs a trust bundle"},
        {{.chain = BYTES("x"), .key = good.key},
         true,
         "certificate: no certificate: PEM with BEGIN CERTIFICATE is expected"},
        {{.chain = good.chain}, true, "no private key: PEM with BEGIN PRIVATE KEY is expected"},
        {{.trust = BYTES("x"), .verify = TLS_VERIFY_REQUIRED},
         false,
         "trust bundle: no certificate: PEM with BEGIN CERTIFICATE is expected"},
        {{.min_version = 11}, false, "TLS version 11 is none of 12 and 13"},
        {{.min_version = 13, .max_version = 12},
         false,
         "the least TLS version (1.3) is above the greatest (1.2)"},
        {{.alpn = empty_name}, false, "ALPN: '' is empty or one too many"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        assert_null(rows[i].server ? tls_context_new_server(&rows[i].settings, &why)
                                   : tls_context_new_client(&rows[i].settings, &why));
        assert_string_equal(why.text, rows[i].why);
    }
}

static void peers_are_judged_by_the_rules_of_the_place(void **state)
{
    (void)state;
    const struct bytes domains[] = {BYTES("td"), BYTES("alias")};
    const struct bytes wanted[] = {BYTES(SERVER_ID), BYTES(CLIENT_ID)};
    const struct {
        const char *uri;
        unsigned uri_count;
        size_t domains;
        size_t wanted;
        const char *why;
    } rows[] = {
        {CLIENT_ID, 1, 2, 0, NULL},
        {CLIENT_ID, 1, 2, 2, NULL},
        {CLIENT_ID, 1, 2, 1, "the peer is '" CLIENT_ID "', which is not the one expected here"},
        {CLIENT_ID, 2, 2, 0, "the peer's certificate has 2 URI names, not exactly one"},
        {"", 0, 2, 0, "the peer's certificate has 0 URI names, not exactly one"},
        {"https://td/x", 1, 2, 0, "the peer's URI name is no SPIFFE id"},
        {"spiffe://elsewhere/x", 1, 2, 0, "the peer's trust domain 'elsewhere' is not trusted here"},
        {CLIENT_ID, 1, 0, 0, "the peer's trust domain 'td' is not trusted here"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why = {0};
        struct peer peer = {.uri = bytes_of(rows[i].uri), .uri_count = rows[i].uri_count};
        peer.spiffe = spiffe_id_parse(peer.uri, &peer.id, &why);
        assert_int_equal(peer_judge(&peer, domains, rows[i].domains, wanted, rows[i].wanted, &why),
                         !rows[i].why);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
    }
}

static void warming_up_can_be_done_twice(void **state)
{
    (void)state;
    tls_warm_up();
    tls_warm_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_peer_is_known_on_both_sides),
        cmocka_unit_test(neg_43_odd_clients_are_refused_by_the_mesh),
        cmocka_unit_test(neg_43_odd_servers_are_refused_by_the_mesh),
        cmocka_unit_test(a_name_with_a_nul_is_refused),
        cmocka_unit_test(a_client_without_certificate),
        cmocka_unit_test(optional_still_refuses_a_bad_certificate),
        cmocka_unit_test(hosts_are_verified_outside_the_mesh),
        cmocka_unit_test(versions_below_are_refused),
        cmocka_unit_test(what_is_no_tls_is_named),
        cmocka_unit_test(a_plain_answer_to_a_client_is_named),
        cmocka_unit_test(protocols_that_all_miss_end_the_handshake),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
        cmocka_unit_test(peers_are_judged_by_the_rules_of_the_place),
        cmocka_unit_test(warming_up_can_be_done_twice),
    };
    fixture_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_end();
    return failed;
}
