/* Bytes through sessions: pieces, ends, breaks; who resumes where. */
#include "base/test.h"

#include "crypt/tls_fixture.h"

#include <stdlib.h>

#include "base/heap.h"

static struct meeting *good_meeting(size_t step)
{
    struct identity_pem client = fixture_identity(CLIENT_ID);
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings client_settings = fixture_settings(&client, true, TLS_VERIFY_REQUIRED);
    struct tls_settings server_settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
    struct meeting *meeting =
        meeting_new(fixture_client(&client_settings), "server.test", fixture_server(&server_settings));
    meeting->ways[0].step = meeting->ways[1].step = step;
    meeting_go(meeting);
    assert_int_equal(meeting->client_turn, TLS_DONE);
    assert_int_equal(meeting->server_turn, TLS_DONE);
    return meeting;
}

static void a_handshake_byte_by_byte(void **state)
{
    (void)state;
    meeting_free(good_meeting(1));
}

static void transfer(struct tls_session *from, struct tls_session *to, size_t size)
{
    char *out = heap_alloc(size);
    char *in = heap_alloc(size);
    size_t put = 0;
    size_t got = 0;
    struct fail why;
    for (size_t i = 0; i < size; i++)
        out[i] = (char)(i * 31 >> 3);
    for (int round = 0; got < size && round < 10000000; round++) {
        size_t len = size - put;
        enum tls_turn turn = tls_write(from, out + put, &len, &why);
        assert_true(turn == TLS_DONE || turn == TLS_WANT_WRITE);
        put += len;
        do {
            len = size - got;
            turn = tls_read(to, in + got, &len, &why);
            assert_true(turn == TLS_DONE || turn == TLS_WANT_READ);
            got += len;
        } while (tls_pending(to));
    }
    assert_memory_equal(in, out, size);
    free(in);
    free(out);
}

static void a_megabyte_each_way(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1000, 16 * 1024 + 100};
    for (size_t i = 0; i < ROWS(steps); i++) {
        struct meeting *meeting = good_meeting(steps[i]);
        transfer(meeting->client, meeting->server, 1024 * 1024);
        transfer(meeting->server, meeting->client, 1024 * 1024);
        meeting_free(meeting);
    }
    struct meeting *meeting = good_meeting(1);
    transfer(meeting->client, meeting->server, 20000);
    meeting_free(meeting);
}

static enum tls_turn read_some(struct tls_session *session, size_t room, size_t *got, struct fail *why)
{
    static char buffer[100];
    *got = room;
    return tls_read(session, buffer, got, why);
}

static void write_text(struct tls_session *session, const char *text)
{
    struct fail why;
    size_t len = strlen(text);
    assert_int_equal(tls_write(session, text, &len, &why), TLS_DONE);
    assert_int_equal(len, strlen(text));
}

static void pending_is_told_until_a_read_finds_nothing(void **state)
{
    (void)state;
    struct meeting *meeting = good_meeting(0);
    struct fail why;
    size_t got;
    assert_false(tls_pending(meeting->server));
    write_text(meeting->client, "first");
    write_text(meeting->client, "second");
    assert_int_equal(read_some(meeting->server, 3, &got, &why), TLS_DONE);
    assert_int_equal(got, 3);
    assert_true(tls_pending(meeting->server));
    assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_DONE);
    assert_int_equal(got, 2);
    assert_true(tls_pending(meeting->server)); /* the second record was read ahead */
    assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_DONE);
    assert_int_equal(got, 6);
    write_text(meeting->client, "third");
    meeting->ways[1].to -= 3; /* a record in part */
    assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_WANT_READ);
    assert_int_equal(got, 0);
    assert_false(tls_pending(meeting->server));
    meeting_free(meeting);
}

static void ends_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        bool notify;
        bool cut;
        enum tls_turn turn;
        const char *why;
    } rows[] = {
        {true, false, TLS_CLOSED, NULL},
        {false, false, TLS_BROKEN, "the peer closed without close_notify"},
        {false, true, TLS_BROKEN, "the connection broke"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct meeting *meeting = good_meeting(0);
        struct fail why = {0};
        size_t got;
        write_text(meeting->client, "last");
        if (rows[i].notify)
            tls_close(meeting->client);
        meeting->ways[1].ended = true;
        assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_DONE);
        assert_int_equal(got, 4);
        meeting->ways[1].cut = rows[i].cut;
        assert_int_equal(read_some(meeting->server, 100, &got, &why), rows[i].turn);
        assert_int_equal(got, 0);
        if (rows[i].why)
            assert_string_equal(why.text, rows[i].why);
        else
            write_text(meeting->server, "the other half still goes");
        tls_close(meeting->server);
        meeting_free(meeting);
    }
}

static void a_changed_record_is_noticed(void **state)
{
    (void)state;
    struct meeting *meeting = good_meeting(0);
    struct fail why;
    size_t got;
    write_text(meeting->client, "first");
    meeting->ways[1].at[meeting->ways[1].to - 1] ^= 1;
    assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_BROKEN);
    assert_string_equal(why.text, "a TLS record of the peer's was changed on its way");
    assert_int_equal(read_some(meeting->server, 100, &got, &why), TLS_BROKEN);
    assert_string_equal(why.text, "the TLS session broke before");
    got = 4;
    assert_int_equal(tls_write(meeting->server, "more", &got, &why), TLS_BROKEN);
    assert_int_equal(got, 0);
    meeting_free(meeting);
}

static void a_full_way_stops_writing_and_loses_nothing(void **state)
{
    (void)state;
    struct meeting *meeting = good_meeting(0);
    char *much = heap_alloc((size_t)4 * TLS_MEMORY_SIZE);
    struct fail why;
    size_t len = (size_t)4 * TLS_MEMORY_SIZE;
    assert_int_equal(tls_write(meeting->client, much, &len, &why), TLS_DONE);
    assert_true(len > 0 && len < TLS_MEMORY_SIZE);
    size_t more = 50000;
    assert_int_equal(tls_write(meeting->client, much, &more, &why), TLS_WANT_WRITE);
    assert_int_equal(more, 0);
    free(much);
    meeting_free(meeting);
}

static void a_way_that_breaks_ends_both_sides(void **state)
{
    (void)state;
    struct identity_pem server = fixture_identity(SERVER_ID);
    for (int round = 0; round < 3; round++) {
        struct tls_settings settings = fixture_settings(&server, true, TLS_VERIFY_REQUIRED);
        struct meeting *meeting = meeting_new(fixture_client(&settings), "", fixture_server(&settings));
        for (int i = 0; i < round; i++) {
            tls_handshake(meeting->client, &meeting->client_why);
            tls_handshake(meeting->server, &meeting->server_why);
        }
        meeting->ways[0].cut = meeting->ways[1].cut = true;
        meeting_go(meeting);
        if (meeting->server_turn != TLS_DONE) {
            assert_int_equal(meeting->server_turn, TLS_BROKEN);
            assert_string_equal(meeting->server_why.text, "the connection broke");
        }
        meeting_free(meeting);
    }
}

/* Virtual hosts: a.test is open to all, b.test wants a certificate, c.test is as a.test; nothing else is
 * served. */
static struct tls_context *hosts[3];

static struct tls_context *choose_host(void *owner, struct bytes sni)
{
    (void)owner;
    if (sni.len != 6 || !bytes_ends(sni, BYTES(".test")) || sni.at[0] < 'a' || sni.at[0] > 'c')
        return NULL;
    return hosts[sni.at[0] - 'a'];
}

static void hosts_begin(void)
{
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&server, false, TLS_VERIFY_NONE);
    hosts[0] = fixture_server(&settings);
    hosts[2] = fixture_server(&settings);
    settings.verify = TLS_VERIFY_REQUIRED;
    hosts[1] = fixture_server(&settings);
}

static void hosts_end(void)
{
    for (size_t i = 0; i < ROWS(hosts); i++)
        tls_context_unref(hosts[i]);
}

/* One connection under a name, offering a session. Answers the new session, or NULL when it was refused. */
static SSL_SESSION *visit(const char *sni, int version, SSL_SESSION *old, bool *reused, struct fail *why)
{
    struct meeting *meeting = meeting_new_server(tls_context_ref(hosts[0]));
    tls_session_free(meeting->server);
    struct tls_io io = tls_memory_io(&meeting->ends[1]);
    meeting->server = tls_session_new_server(hosts[0], choose_host, &io);
    struct raw_client raw;
    raw_begin(&raw, old, sni, version);
    raw_meet(&raw, meeting);
    *reused = SSL_session_reused(raw.ssl) == 1;
    *why = meeting->server_why;
    SSL_SESSION *session = meeting->server_turn == TLS_DONE ? SSL_get1_session(raw.ssl) : NULL;
    if (session) /* so that the session stays good for resuming */
        SSL_set_shutdown(raw.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    raw_end(&raw);
    meeting_free(meeting);
    return session;
}

static void tickets_never_leave_their_host(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const struct {
        const char *sni;
        bool served;
        bool reused;
    } rows[] = {{"a.test", true, true}, {"b.test", false, false}, {"c.test", true, false}};
    for (size_t v = 0; v < ROWS(versions); v++) {
        for (size_t i = 0; i < ROWS(rows); i++) {
            bool reused;
            struct fail why;
            SSL_SESSION *old = visit("a.test", versions[v], NULL, &reused, &why);
            assert_non_null(old);
            assert_true(SSL_SESSION_is_resumable(old));
            SSL_SESSION *got = visit(rows[i].sni, versions[v], old, &reused, &why);
            assert_int_equal(got != NULL, rows[i].served);
            if (rows[i].served)
                assert_int_equal(reused, rows[i].reused);
            else
                assert_string_equal(why.text, "the peer sent no certificate, and one is required");
            SSL_SESSION_free(got);
            SSL_SESSION_free(old);
        }
    }
}

static void each_resumption_gives_the_ticket_of_the_next(void **state)
{
    (void)state;
    bool reused;
    struct fail why;
    SSL_SESSION *session = visit("a.test", TLS1_3_VERSION, NULL, &reused, &why);
    for (int i = 0; i < 3; i++) {
        SSL_SESSION *old = session;
        session = visit("a.test", TLS1_3_VERSION, old, &reused, &why);
        assert_non_null(session);
        assert_true(reused);
        assert_ptr_not_equal(session, old);
        assert_true(SSL_SESSION_is_resumable(session));
        SSL_SESSION_free(old);
    }
    SSL_SESSION_free(session);
}

static void tickets_end_with_their_trust(void **state)
{
    (void)state;
    bool reused;
    struct fail why;
    SSL_SESSION *old = visit("a.test", TLS1_3_VERSION, NULL, &reused, &why);
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&server, false, TLS_VERIFY_NONE);
    struct tls_context *kept = hosts[0];
    hosts[0] = fixture_server(&settings);
    SSL_SESSION *got = visit("a.test", TLS1_3_VERSION, old, &reused, &why);
    assert_non_null(got);
    assert_false(reused);
    SSL_SESSION_free(got);
    SSL_SESSION_free(old);
    tls_context_unref(hosts[0]);
    hosts[0] = kept;
}

static void a_name_not_served_is_refused(void **state)
{
    (void)state;
    bool reused;
    struct fail why;
    assert_null(visit("nobody.test", TLS1_3_VERSION, NULL, &reused, &why));
    assert_string_equal(why.text, "nothing is served here under the client's server name (SNI)");
}

static void those_who_verify_give_no_tickets(void **state)
{
    (void)state;
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&server, false, TLS_VERIFY_OPTIONAL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct meeting *meeting = meeting_new_server(fixture_server(&settings));
        struct raw_client raw;
        raw_begin(&raw, NULL, "x", version);
        raw_meet(&raw, meeting);
        assert_int_equal(meeting->server_turn, TLS_DONE);
        assert_false(SSL_SESSION_has_ticket(SSL_get0_session(raw.ssl)));
        raw_end(&raw);
        meeting_free(meeting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_byte_by_byte),
        cmocka_unit_test(a_megabyte_each_way),
        cmocka_unit_test(pending_is_told_until_a_read_finds_nothing),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(a_changed_record_is_noticed),
        cmocka_unit_test(a_full_way_stops_writing_and_loses_nothing),
        cmocka_unit_test(a_way_that_breaks_ends_both_sides),
        cmocka_unit_test(tickets_never_leave_their_host),
        cmocka_unit_test(each_resumption_gives_the_ticket_of_the_next),
        cmocka_unit_test(tickets_end_with_their_trust),
        cmocka_unit_test(a_name_not_served_is_refused),
        cmocka_unit_test(those_who_verify_give_no_tickets),
    };
    fixture_begin();
    hosts_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hosts_end();
    fixture_end();
    return failed;
}
