/* Records that are made together: which bytes share one, and that all of them arrive, or nothing is left. */
#include "base/test.h"

#include "crypt/tls_fixture.h"
#include "proxy/proxy_fixture.h"
#include "proxy/sealed.h"

enum { RECORD_HEAD = 5, SEALED_MORE = 17 }; /* RFC 8446 5.2: type and tag of a protected record */

/* A server that seals, and a client that listens through memory. */
static struct {
    struct meeting *meeting;
    struct tls_io server_io;
    struct sealed sealed;
    struct slices out;
    char said[128 * 1024];
    size_t said_len;
} two;

static long two_read(void *owner, char *at, size_t room)
{
    (void)owner;
    return two.server_io.read(two.server_io.owner, at, room);
}

static long two_write(void *owner, const char *at, size_t len)
{
    (void)owner;
    if (!two.sealed.making)
        return two.server_io.write(two.server_io.owner, at, len);
    slices_put(&two.sealed.records, bytes_make(at, len));
    return (long)len;
}

static void two_begin(void)
{
    struct identity_pem server = fixture_identity(SERVER_ID);
    struct tls_settings settings = fixture_settings(&server, false, TLS_VERIFY_NONE);
    struct tls_context *context = fixture_server(&settings);
    const struct tls_io io = {two_read, two_write, NULL};
    memset(&two, 0, sizeof two);
    two.meeting = meeting_new(fixture_client(&settings), "a.test", tls_context_ref(context));
    two.server_io = tls_memory_io(&two.meeting->ends[1]);
    tls_session_free(two.meeting->server);
    two.meeting->server = tls_session_new_server(context, NULL, &io);
    tls_context_unref(context);
    meeting_go(two.meeting);
    assert_int_equal(two.meeting->server_turn, TLS_DONE);
}

static void two_end(void)
{
    slices_drop(&two.out);
    sealed_drop(&two.sealed);
    meeting_free(two.meeting);
}

/* A piece of its own to send: by reference, so that it stays one. */
static void put_piece(size_t len)
{
    struct block *block = block_must();
    for (size_t i = 0; i < len; i++)
        two.said[two.said_len + i] = block->data[i] = (char)((two.said_len + i) * 31 >> 3);
    block->used = BLOCK_ROOM; /* nothing is put behind it */
    slices_put_block(&two.out, block, bytes_make(block->data, len));
    two.said_len += len;
    block_unref(block);
}

/* The lengths of what the records hold, as text. */
static const char *records_read(const char *at, size_t len)
{
    static char text[256];
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < len;) {
        size_t record = (size_t)((unsigned char)at[i + 3] << 8 | (unsigned char)at[i + 4]);
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%zu", i ? " " : "", record - SEALED_MORE);
        i += RECORD_HEAD + record;
    }
    return text;
}

static size_t records_gather(char *to)
{
    size_t len = 0;
    for (uint32_t i = 0; i < two.sealed.records.count; i++) {
        const struct slice *slice = slices_at(&two.sealed.records, i);
        memcpy(to + len, slice->at, slice->len);
        len += slice->len;
    }
    return len;
}

static void client_hears(const char *at, size_t len, const char *want)
{
    static char got[128 * 1024];
    size_t all = 0;
    for (size_t i = 0; i < len; i += 1000) {
        size_t room = sizeof got;
        meeting_feed_client(two.meeting, bytes_make(at + i, len - i < 1000 ? len - i : 1000));
        while (tls_read(two.meeting->client, got + all, &room, &two.meeting->client_why) == TLS_DONE) {
            all += room;
            room = sizeof got - all;
        }
        two.meeting->ways[0].from = two.meeting->ways[0].to = 0; /* all was taken */
    }
    assert_int_equal(all, two.sealed.plain);
    assert_memory_equal(got, want, all);
}

static void few_bytes_share_a_record_with_what_follows(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t pieces[8];
        const char *records;
    } rows[] = {
        {"one", {5000}, "5000"},
        {"a head and its body", {300, 9000}, "9300"},
        {"a head and a long body", {300, 20000}, "16384 3916"},
        {"a frame's head before each 16 KB", {9, 16384, 9, 16384}, "16384 16384 18"},
        {"large ones stay where they lie", {5000, 6000}, "5000 6000"},
        {"two whole records", {32768}, "16384 16384"},
        {"no more at once than 64 KB", {32768, 32768, 32768}, "16384 16384 16384 16384"},
        {"a rest and the last few", {20000, 40}, "16384 3656"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        static char records[128 * 1024];
        struct fail why;
        two_begin();
        for (size_t k = 0; k < 8 && rows[i].pieces[k]; k++)
            put_piece(rows[i].pieces[k]);
        assert_int_equal(sealed_make(&two.sealed, two.meeting->server, &two.out, &why), TLS_DONE);
        size_t len = records_gather(records);
        assert_string_equal(records_read(records, len), rows[i].records);
        client_hears(records, len, two.said);
        size_t plain = two.sealed.plain;
        assert_int_equal(sealed_gone(&two.sealed), plain);
        assert_int_equal(two.sealed.records.count, 0);
        two_end();
    }
}

/* ---- on a connection ------------------------------------------------------------------------------------
 */

enum { BODY = 300000, ROOM = 3000 };

#define SIDECAR                                                                                              \
    PLAY_NET("Sidecar", "s")                                                                                 \
    "  ingress:\n  - {port: {number: 80, protocol: HTTP, name: http}, defaultEndpoint: "                     \
    "'127.0.0.1:8080'}\n" PLAY_SEC("PeerAuthentication", "pa") "  mtls: {mode: STRICT}\n"

static struct play play;

/* A long answer to a client that has not read any of it, over queues much smaller than a record. */
static int open_full(struct play_tls *tls)
{
    struct identity_pem who = fixture_identity(CLIENT_ID);
    play_init(&play, ROLE_SIDECAR, SIDECAR);
    play.self = fixture_identity("spiffe://td/ns/foo/sa/acc");
    play_start(&play);
    sim_port(play.sim, 8080, SIM_SERVES);
    play_tls_open(&play, tls, play_dial(&play), &who, true);
    assert_true(tls->open);
    play_tls_say(tls, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    play.sim->room = ROOM;
    int upstream = play_took(&play, 8080);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    return upstream;
}

/* Says what is taken of `left` bytes; answers what is left then. */
static size_t say_some(int fd, size_t left)
{
    char piece[ROOM];
    memset(piece, 'x', sizeof piece);
    size_t took = sim_say(play.sim, fd, bytes_make(piece, left < sizeof piece ? left : sizeof piece));
    play_go(&play);
    return left - took;
}

static void a_reader_that_takes_little_gets_all_of_it(void **state)
{
    (void)state;
    struct play_tls tls;
    struct fail why;
    static char got[BODY + 1000];
    int upstream = open_full(&tls);
    size_t left = BODY, all = 0, head;
    for (int round = 0; round < 10000 && (!all || all < BODY + head); round++) {
        size_t room = sizeof got - all;
        left = say_some(upstream, left);
        if (tls_read(tls.session, got + all, &room, &why) == TLS_DONE)
            all += room;
        head = bytes_find_text(bytes_make(got, all), BYTES("\r\n\r\n")) + 4;
        assert_true(block_live() - play.blocks < 16);
    }
    assert_int_equal(left, 0);
    assert_int_equal(all, BODY + head);
    assert_int_equal(strspn(got + head, "x"), BODY);
    assert_int_equal(play_record(&play, 1)->bytes_sent, BODY);
    play_tls_close(&tls);
    play_close(&play);
}

static void a_client_that_leaves_takes_what_waits_with_it(void **state)
{
    (void)state;
    struct play_tls tls;
    int upstream = open_full(&tls);
    say_some(upstream, BODY);
    assert_true(block_live() > play.blocks);
    play_tls_close(&tls);
    play_expect(&play, 1, 200, RECORD_DC, "downstream_remote_disconnect");
    play_close(&play); /* asserts that no block is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_bytes_share_a_record_with_what_follows),
        cmocka_unit_test(a_reader_that_takes_little_gets_all_of_it),
        cmocka_unit_test(a_client_that_leaves_takes_what_waits_with_it),
    };
    fixture_begin();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    play_keys_drop();
    fixture_end();
    return failed;
}
