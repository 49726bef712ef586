/* Bytes through sessions: pieces, ends, breaks. */
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
    };
    fixture_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_end();
    return failed;
}
