/* Who resumes a TLS session where, and who has to shake hands in full. */
#include "base/test.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypt/tls_fixture.h"
#include "crypt/tls_inside.h"

/* ---- keys ----------------------------------------------------------------------------- */

static char key_texts[3][TICKET_KEY_SIZE];
static struct ticket_keys *tickets;

static struct bytes key(size_t i)
{
    return bytes_make(key_texts[i], TICKET_KEY_SIZE);
}

static void keys_are(struct ticket_keys *keys, int newest, int before)
{
    struct bytes at[2];
    size_t count = 0;
    if (newest >= 0)
        at[count++] = key((size_t)newest);
    if (before >= 0)
        at[count++] = key((size_t)before);
    ticket_keys_set(keys, at, count);
}

/* ---- virtual hosts: a.test is open to all, b.test wants a certificate, c.test is as a.test
 * ------------------ */

static struct tls_context *hosts[3];

static struct tls_context *choose_host(void *owner, struct bytes sni)
{
    (void)owner;
    if (sni.len != 6 || !bytes_ends(sni, BYTES(".test")) || sni.at[0] < 'a' || sni.at[0] > 'c')
        return NULL;
    return hosts[sni.at[0] - 'a'];
}

static void hosts_end(void)
{
    for (size_t i = 0; i < ROWS(hosts); i++)
        tls_context_unref(hosts[i]);
}

/* As a process of the node makes them: `keys` are its own copy, the certificate may be a newer one. */
static void hosts_begin(struct ticket_keys *keys, struct bytes trust)
{
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&server, false, TLS_VERIFY_NONE);
    settings.tickets = keys;
    hosts[0] = fixture_server(&settings);
    hosts[2] = fixture_server(&settings);
    settings.verify = TLS_VERIFY_REQUIRED;
    settings.trust = trust;
    hosts[1] = fixture_server(&settings);
}

static struct bytes own_roots(void)
{
    return authority_roots_pem(fixture_root, &fixture_arena);
}

static void hosts_again(struct ticket_keys *keys, struct bytes trust)
{
    hosts_end();
    hosts_begin(keys, trust);
}

static int before_each(void **state)
{
    (void)state;
    tickets = ticket_keys_new();
    keys_are(tickets, 0, -1);
    hosts_begin(tickets, own_roots());
    return 0;
}

static int after_each(void **state)
{
    (void)state;
    hosts_end();
    ticket_keys_unref(tickets);
    return 0;
}

/* ---- visits by OpenSSL's own client -------------------------------------------------------- */

struct visit {
    SSL_SESSION *session; /* to be freed; NULL: refused */
    bool reused;
    bool ticket;
    char peer[64]; /* the client, as the server knows it */
    struct fail why;
};

static void show(struct raw_client *raw, const struct identity_pem *who)
{
    struct fail why;
    STACK_OF(X509) *chain = x509_read_all(who->chain, 2, &why);
    EVP_PKEY *own = x509_key_read(who->key, &why);
    assert_int_equal(SSL_use_certificate(raw->ssl, sk_X509_value(chain, 0)), 1);
    assert_int_equal(SSL_use_PrivateKey(raw->ssl, own), 1);
    EVP_PKEY_free(own);
    x509_stack_free(chain);
}

static void visit_note(struct visit *visit, struct raw_client *raw, const struct meeting *meeting)
{
    visit->reused = SSL_session_reused(raw->ssl) == 1;
    visit->why = meeting->server_why;
    if (meeting->server_turn != TLS_DONE)
        return;
    const struct peer *peer = tls_peer(meeting->server);
    assert_int_equal(tls_resumed(meeting->server), visit->reused);
    visit->session = SSL_get1_session(raw->ssl);
    visit->ticket = SSL_SESSION_has_ticket(visit->session);
    if (peer)
        snprintf(visit->peer, sizeof visit->peer, "%.*s", BYTES_FMT(peer->uri));
    SSL_set_shutdown(raw->ssl,
                     SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* so that it stays good for resuming */
}

/* One connection under a name, by somebody with a certificate or without, who offers a session or none. */
static struct visit visit(const char *sni, int version, SSL_SESSION *old, const struct identity_pem *who)
{
    struct visit out = {0};
    struct meeting *meeting = meeting_new_server(tls_context_ref(hosts[0]));
    tls_session_free(meeting->server);
    struct tls_io io = tls_memory_io(&meeting->ends[1]);
    meeting->server = tls_session_new_server(hosts[0], choose_host, &io);
    struct raw_client raw;
    raw_begin(&raw, old, sni, version);
    if (who)
        show(&raw, who);
    raw_meet(&raw, meeting);
    visit_note(&out, &raw, meeting);
    raw_end(&raw);
    meeting_free(meeting);
    return out;
}

static SSL_SESSION *first_session(const char *sni, int version, const struct identity_pem *who)
{
    struct visit first = visit(sni, version, NULL, who);
    assert_non_null(first.session);
    assert_true(first.ticket);
    assert_false(first.reused);
    assert_true(SSL_SESSION_is_resumable(first.session));
    assert_int_equal(SSL_SESSION_get_max_early_data(first.session), 0); /* RFC 8446 8: no 0-RTT */
    return first.session;
}

/* ---- servers ---------------------------------------------------------------------------------- */

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

struct row {
    const char *name;
    const char *from; /* where the session was made */
    const char *to;   /* where it is offered */
    bool shown_first; /* the client has a certificate, then and now */
    bool shown_again;
    bool served;
    bool reused;
};

static const struct row rows[] = {
    {"at home", "a.test", "a.test", false, false, true, true},
    {"at a host that is just the same", "a.test", "c.test", false, false, true, false},
    {"CVE-2025-23419: from an open host to one that wants certificates, without one", "a.test", "b.test",
     false, false, false, false},
    {"CVE-2025-23419: the same, with one", "a.test", "b.test", true, true, true, false},
    {"from a host that wants certificates to an open one", "b.test", "a.test", true, true, true, false},
    {"at home, with a certificate", "b.test", "b.test", true, true, true, true},
    {"at home, where the certificate was shown the first time", "b.test", "b.test", true, false, true, true},
};

static void sessions_stay_where_they_were_made(void **state)
{
    (void)state;
    struct identity_pem who = fixture_identity(CLIENT_ID);
    for (size_t v = 0; v < ROWS(versions); v++) {
        for (size_t i = 0; i < ROWS(rows); i++) {
            const struct row *row = &rows[i];
            print_message("  %s\n", row->name);
            SSL_SESSION *old = first_session(row->from, versions[v], row->shown_first ? &who : NULL);
            struct visit again = visit(row->to, versions[v], old, row->shown_again ? &who : NULL);
            assert_int_equal(again.session != NULL, row->served);
            assert_int_equal(again.reused, row->reused);
            if (!row->served)
                assert_string_equal(again.why.text, "the peer sent no certificate, and one is required");
            bool known = row->served && row->to[0] == 'b';
            assert_string_equal(again.peer, known ? CLIENT_ID : "");
            SSL_SESSION_free(again.session);
            SSL_SESSION_free(old);
        }
    }
}

/* CVE-2022-21654: what was let in under another trust bundle is not let in by its session. */
static void sessions_end_with_their_trust(void **state)
{
    (void)state;
    struct identity_pem who = fixture_identity(CLIENT_ID);
    for (size_t v = 0; v < ROWS(versions); v++) {
        SSL_SESSION *old = first_session("b.test", versions[v], &who);
        hosts_again(tickets, authority_roots_pem(fixture_other, &fixture_arena));
        struct visit again = visit("b.test", versions[v], old, &who);
        assert_null(again.session);
        assert_string_equal(again.why.text,
                            "the peer's certificate is refused: no authority trusted here issued it");
        hosts_again(tickets, own_roots());
        SSL_SESSION_free(old);
    }
}

static void sessions_end_with_the_certificate_that_was_shown(void **state)
{
    (void)state;
    const struct bytes uri = BYTES(CLIENT_ID);
    struct draft draft = fixture_draft(&uri);
    draft.not_after_s = clock_wall_s() + 2;
    struct identity_pem who = fixture_odd(fixture_root, &draft);
    SSL_SESSION *old[ROWS(versions)];
    for (size_t v = 0; v < ROWS(versions); v++)
        old[v] = first_session("b.test", versions[v], &who);
    while (clock_wall_s() <= draft.not_after_s)
        usleep(100 * 1000);
    for (size_t v = 0; v < ROWS(versions); v++) {
        struct visit again = visit("b.test", versions[v], old[v], NULL);
        assert_null(again.session);
        assert_string_equal(again.why.text, "the peer sent no certificate, and one is required");
        SSL_SESSION_free(old[v]);
    }
}

static void sessions_outlive_the_renewal_of_our_certificate(void **state)
{
    (void)state;
    for (size_t v = 0; v < ROWS(versions); v++) {
        SSL_SESSION *old = first_session("a.test", versions[v], NULL);
        hosts_again(tickets, own_roots());
        struct visit again = visit("a.test", versions[v], old, NULL);
        assert_true(again.reused);
        SSL_SESSION_free(again.session);
        SSL_SESSION_free(old);
    }
}

static void processes_with_the_same_keys_share_sessions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int newest;
        int before;
        bool reused;
    } others[] = {{"the same key", 0, -1, true},
                  {"one rotation later", 1, 0, true},
                  {"one rotation earlier", 2, -1, false},
                  {"two rotations later", 2, 1, false},
                  {"without keys", -1, -1, false}};
    for (size_t v = 0; v < ROWS(versions); v++) {
        for (size_t i = 0; i < ROWS(others); i++) {
            print_message("  %s\n", others[i].name);
            hosts_again(tickets, own_roots());
            SSL_SESSION *old = first_session("a.test", versions[v], NULL);
            struct ticket_keys *theirs = ticket_keys_new();
            keys_are(theirs, others[i].newest, others[i].before);
            hosts_again(theirs, own_roots());
            ticket_keys_unref(theirs);
            struct visit again = visit("a.test", versions[v], old, NULL);
            assert_non_null(again.session);
            assert_int_equal(again.reused, others[i].reused);
            assert_int_equal(again.ticket, others[i].newest >= 0);
            SSL_SESSION_free(again.session);
            SSL_SESSION_free(old);
        }
    }
}

/* What was sealed by the key of before is answered with a ticket by the key of now. */
static void a_session_goes_on_over_rotations(void **state)
{
    (void)state;
    for (size_t v = 0; v < ROWS(versions); v++) {
        keys_are(tickets, 0, -1);
        SSL_SESSION *session = first_session("a.test", versions[v], NULL);
        for (int newest = 1; newest < 3; newest++) {
            keys_are(tickets, newest, newest - 1);
            struct visit again = visit("a.test", versions[v], session, NULL);
            assert_true(again.reused);
            SSL_SESSION_free(session);
            session = again.session;
        }
        SSL_SESSION_free(session);
    }
}

static void each_resumption_gives_the_ticket_of_the_next(void **state)
{
    (void)state;
    SSL_SESSION *session = first_session("a.test", TLS1_3_VERSION, NULL);
    for (int i = 0; i < 3; i++) {
        struct visit again = visit("a.test", TLS1_3_VERSION, session, NULL);
        assert_true(again.reused);
        assert_true(again.ticket);
        assert_ptr_not_equal(again.session, session);
        assert_true(SSL_SESSION_is_resumable(again.session));
        SSL_SESSION_free(session);
        session = again.session;
    }
    SSL_SESSION_free(session);
}

static void keys_of_another_size_are_left_out(void **state)
{
    (void)state;
    const struct bytes wrong[] = {BYTES(""), bytes_make(key_texts[0], TICKET_KEY_SIZE - 1)};
    ticket_keys_set(tickets, wrong, ROWS(wrong));
    assert_false(ticket_keys_any(tickets));
}

static void a_name_not_served_is_refused(void **state)
{
    (void)state;
    struct visit none = visit("nobody.test", TLS1_3_VERSION, NULL, NULL);
    assert_null(none.session);
    assert_string_equal(none.why.text, "nothing is served here under the client's server name (SNI)");
}

/* ---- our own clients, in the mesh --------------------------------------------------------------- */

static struct tls_context *mesh_end(const char *uri, bool server, struct bytes trust)
{
    struct identity_pem own = fixture_identity(uri);
    struct tls_settings settings = fixture_settings(&own, true, TLS_VERIFY_REQUIRED);
    settings.tickets = tickets;
    settings.trust = trust;
    return server ? fixture_server(&settings) : fixture_client(&settings);
}

/* One connection, on which the server says a byte: tickets come before it. Answers whether it was resumed. */
static bool connect_once(struct tls_context *client, struct tls_context *server, struct bytes place)
{
    struct meeting *meeting = meeting_new(tls_context_ref(client), "x.test", tls_context_ref(server));
    struct tls_io io = tls_memory_io(&meeting->ends[0]);
    char byte = 'x';
    size_t len = 1;
    tls_session_free(meeting->client);
    meeting->client = tls_session_new_client(client, BYTES("x.test"), place, &io);
    meeting_go(meeting);
    assert_int_equal(meeting->client_turn, TLS_DONE);
    assert_int_equal(meeting->server_turn, TLS_DONE);
    assert_int_equal(tls_write(meeting->server, &byte, &len, &meeting->server_why), TLS_DONE);
    assert_int_equal(tls_read(meeting->client, &byte, &len, &meeting->client_why), TLS_DONE);
    assert_true(bytes_equal(tls_peer(meeting->client)->uri, BYTES(SERVER_ID)));
    assert_true(bytes_equal(tls_peer(meeting->server)->uri, BYTES(CLIENT_ID)));
    bool resumed = tls_resumed(meeting->client);
    assert_int_equal(resumed, tls_resumed(meeting->server));
    meeting_free(meeting);
    return resumed;
}

static void the_mesh_hop_is_resumed_and_both_ends_are_known(void **state)
{
    (void)state;
    struct tls_context *client = mesh_end(CLIENT_ID, false, own_roots());
    struct tls_context *server = mesh_end(SERVER_ID, true, own_roots());
    assert_false(connect_once(client, server, BYTES("one")));
    assert_true(connect_once(client, server, BYTES("one")));
    assert_true(connect_once(client, server, BYTES("one")));
    assert_false(connect_once(client, server, BYTES("another")));
    assert_false(connect_once(client, server, BYTES("")));
    assert_false(connect_once(client, server, BYTES("")));
    struct tls_context *renewed = mesh_end(CLIENT_ID, false, own_roots());
    assert_false(connect_once(renewed, server, BYTES("one")));
    tls_context_unref(renewed);
    tls_context_unref(client);
    tls_context_unref(server);
}

static SSL_SESSION *session_plain(void)
{
    SSL_SESSION *session = first_session("a.test", TLS1_3_VERSION, NULL);
    return session;
}

static void kept_sessions_are_bounded_and_end(void **state)
{
    (void)state;
    struct tls_kept *kept = NULL;
    int64_t until_s = 0;
    assert_null(tls_kept_get(kept, 1, 0, &until_s));
    SSL_SESSION *one = session_plain();
    for (uint64_t server = 1; server <= TLS_KEPT_MAX + 1; server++) {
        SSL_SESSION_up_ref(one);
        tls_kept_put(&kept, server, one, 1000 + (int64_t)server);
    }
    assert_null(tls_kept_get(kept, 1, 0, &until_s)); /* the oldest made room */
    assert_int_equal(until_s, 0);
    SSL_SESSION *got = tls_kept_get(kept, 2, 1001, &until_s);
    assert_ptr_equal(got, one);
    assert_int_equal(until_s, 1002);
    SSL_SESSION_free(got);
    assert_null(tls_kept_get(kept, 2, 1002, &until_s)); /* its certificate has ended */
    tls_kept_free(kept);
    SSL_SESSION_free(one);
}

static int before_all(void **state)
{
    (void)state;
    fixture_begin();
    for (size_t i = 0; i < ROWS(key_texts); i++)
        memset(key_texts[i], (int)('A' + i), TICKET_KEY_SIZE);
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    fixture_end();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_stay_where_they_were_made),
        TEST(sessions_end_with_their_trust),
        TEST(sessions_end_with_the_certificate_that_was_shown),
        TEST(sessions_outlive_the_renewal_of_our_certificate),
        TEST(processes_with_the_same_keys_share_sessions),
        TEST(a_session_goes_on_over_rotations),
        TEST(each_resumption_gives_the_ticket_of_the_next),
        TEST(keys_of_another_size_are_left_out),
        TEST(a_name_not_served_is_refused),
        TEST(the_mesh_hop_is_resumed_and_both_ends_are_known),
        TEST(kept_sessions_are_bounded_and_end),
    };
    return cmocka_run_group_tests(tests, before_all, after_all);
}
