#include "base/test.h"

#include "wire/client_hello.h"

/* Messages are written here as their parts; lengths are filled in. */
struct hello {
    char at[40000];
    size_t len;
};

static void put(struct hello *h, const void *at, size_t len)
{
    memcpy(h->at + h->len, at, len);
    h->len += len;
}

static void put_number(struct hello *h, size_t size, size_t number)
{
    for (size_t i = size; i-- > 0;)
        h->at[h->len++] = (char)(number >> (8 * i));
}

static void put_vector(struct hello *h, size_t size, struct bytes b)
{
    put_number(h, size, b.len);
    put(h, b.at, b.len);
}

#define GREASE "\x2A\x2A\0\1\0"
#define SNI(len3, len2, len1, name) "\0\0" len3 len2 "\0" len1 name
#define SNI_A SNI("\0\x0B", "\0\x09", "\0\6", "a.Test")
#define ALPN_H2 "\0\x10\0\x0E\0\x0C\2h2\x08http/1.1"

/* A client hello's body around these extensions. */
static void body_make(struct hello *h, struct bytes extensions)
{
    static const char random[32];
    h->len = 0;
    put(h, "\3\3", 2);
    put(h, random, sizeof random);
    put_vector(h, 1, bytes_make(random, 32));
    put_vector(h, 2, bytes_make("\x1A\x1A\x13\1\x13\2", 6));
    put_vector(h, 1, bytes_make("\0", 1));
    if (extensions.at)
        put_vector(h, 2, extensions);
}

/* In records of at most `step` bytes. */
static struct bytes wire_of(struct hello *out, struct bytes body, size_t step)
{
    struct hello message = {.len = 0};
    put_number(&message, 1, 1);
    put_vector(&message, 3, body);
    out->len = 0;
    for (size_t at = 0; at < message.len; at += step) {
        put(out, "\x16\3\1", 3);
        put_vector(out, 2, bytes_part(bytes_make(message.at, message.len), at, at + step));
    }
    return bytes_make(out->at, out->len);
}

static void the_name_is_found_however_the_hello_is_cut(void **state)
{
    (void)state;
    static const struct {
        struct bytes extensions;
        const char *sni;
        bool h2;
    } rows[] = {
        {BYTES_INIT(SNI_A), "a.test", false}, {BYTES_INIT(GREASE SNI_A ALPN_H2 GREASE), "a.test", true},
        {BYTES_INIT(ALPN_H2), "", true},      {BYTES_INIT(GREASE), "", false},
        {BYTES_INIT(""), "", false},          {{0}, "", false},
    };
    static const size_t steps[] = {16384, 100, 7, 1};
    static struct hello body, wire;
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t s = 0; s < ROWS(steps); s++) {
            struct client_hello hello;
            struct fail why;
            body_make(&body, rows[i].extensions);
            struct bytes whole = wire_of(&wire, bytes_make(body.at, body.len), steps[s]);
            for (size_t cut = 0; cut < whole.len; cut++)
                assert_int_equal(client_hello_read(bytes_part(whole, 0, cut), &hello, &why),
                                 CLIENT_HELLO_MORE);
            wire.at[wire.len] = '\x17'; /* what follows is nobody's business */
            assert_int_equal(client_hello_read(bytes_make(wire.at, wire.len + 1), &hello, &why),
                             CLIENT_HELLO_DONE);
            assert_string_equal(hello.sni, rows[i].sni);
            assert_int_equal(client_hello_offers(&hello, BYTES("h2")), rows[i].h2);
            assert_int_equal(client_hello_offers(&hello, BYTES("http/1.1")), rows[i].h2);
            assert_false(client_hello_offers(&hello, BYTES("http/1")));
        }
}

static void refused(struct bytes wire, const char *sentence)
{
    struct client_hello hello = {.sni = "untouched"};
    struct fail why = {0};
    char whole[200] = "TLS hello: ";
    strcat(whole, sentence);
    assert_int_equal(client_hello_read(wire, &hello, &why), CLIENT_HELLO_BAD);
    assert_string_equal(why.text, whole);
    assert_string_equal(hello.sni, "untouched");
}

static void records_and_messages_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes wire;
        const char *why;
    } rows[] = {
        {BYTES_INIT("GET / HTTP/1.1\r\n"), "a record is none of a handshake"},
        {BYTES_INIT("\x80\x2E\1\0\2"), "a record is none of a handshake"}, /* SSL 2 */
        {BYTES_INIT("\x15\3\1\0\2\1\0"), "a record is none of a handshake"},
        {BYTES_INIT("\x16\2"), "a record's version is none of TLS"},
        {BYTES_INIT("\x16\3\1\0\0"), "a record is empty"},
        {BYTES_INIT("\x16\3\1\x40\1"), "a record has more than 16384 bytes"},
        {BYTES_INIT("\x16\3\1\0\1\2"), "the first message is another"},
        {BYTES_INIT("\x16\3\1\0\4\1\0\x3F\xFD"), "it has more than 16384 bytes"},
        {BYTES_INIT("\x16\3\1\0\2\1\0\x17\3\1"), "a record is none of a handshake"},
        {BYTES_INIT("\x16\3\1\0\4\1\0\0\0"), "it is cut"},
        {BYTES_INIT("\x16\3\1\0\5\1\0\0\0x"), "something follows it in its record"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        refused(rows[i].wire, rows[i].why);
}

static void what_does_not_add_up_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes extensions;
        const char *why;
    } rows[] = {
        {BYTES_INIT("\0"), "an extension is cut"},
        {BYTES_INIT("\x2A\x2A\0\2\0"), "an extension is cut"},
        {BYTES_INIT(SNI_A SNI_A), "it names servers twice"},
        {BYTES_INIT("\0\0\0\0"), "the server name is not one name in one list"},
        {BYTES_INIT("\0\0\0\2\0\0"), "the server name is not one name in one list"},
        {BYTES_INIT(SNI("\0\x0C", "\0\x09", "\0\6", "a.Test") "x"),
         "the server name is not one name in one list"},
        {BYTES_INIT(SNI("\0\x0B", "\0\x09", "\0\5", "a.Test")),
         "the server name is not one name in one list"},
        {BYTES_INIT(SNI("\0\x0A", "\0\x08", "\0\x06", "a.Tes")),
         "the server name is not one name in one list"},
        {BYTES_INIT(SNI("\0\5", "\0\3", "\0\0", "")), "the server name is no host of 1 to 255 bytes"},
        {BYTES_INIT("\0\0\0\6\0\4\1\0\1a"), "the server name is no host of 1 to 255 bytes"},
        {BYTES_INIT(SNI("\0\x08", "\0\6", "\0\3", "a\0b")),
         "the server name has other bytes than letters, digits, '-', '.' and '_'"},
        {BYTES_INIT(ALPN_H2 ALPN_H2), "it names protocols twice"},
        {BYTES_INIT("\0\x10\0\2\0\0"), "the protocols are no list"},
        {BYTES_INIT("\0\x10\0\3\0\2h"), "the protocols are no list"},
        {BYTES_INIT("\0\x10\0\4\0\2\2h"), "a protocol's name is cut or empty"},
        {BYTES_INIT("\0\x10\0\3\0\1\0"), "a protocol's name is cut or empty"},
    };
    static struct hello body, wire;
    for (size_t i = 0; i < ROWS(rows); i++) {
        body_make(&body, rows[i].extensions);
        refused(wire_of(&wire, bytes_make(body.at, body.len), 16384), rows[i].why);
    }
}

static void a_body_that_is_none_is_refused(void **state)
{
    (void)state;
    static struct hello body, wire;
    static const struct {
        size_t at; /* this byte is changed */
        int to;
        const char *why;
    } rows[] = {
        {0, 2, "its version is none of TLS"},
        {34, 255, "it is cut"},
        {68, 5, "its session, cipher suites or compressions have an impossible length"},
        {68, 99, "it is cut"},
        {77, 9, "its extensions do not end where it ends"},
        {78, 99, "its extensions do not end where it ends"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        body_make(&body, bytes_make(SNI_A, sizeof SNI_A - 1));
        body.at[rows[i].at] = (char)rows[i].to;
        refused(wire_of(&wire, bytes_make(body.at, body.len), 16384), rows[i].why);
    }
}

static void a_session_has_32_bytes_at_most(void **state)
{
    (void)state;
    static struct hello body, wire;
    static char padding[2000] = {0, 21, (char)(1996 >> 8), (char)(1996 & 255)};
    body_make(&body, bytes_make(padding, sizeof padding));
    body.at[34] = 33; /* the suites' length then is 0x061A, and there are so many bytes */
    refused(wire_of(&wire, bytes_make(body.at, body.len), 16384),
            "its session, cipher suites or compressions have an impossible length");
}

static void what_is_kept_and_waited_for_is_bounded(void **state)
{
    (void)state;
    static struct hello body, wire;
    static char long_list[600] = {0, 16, 1, 2, 1, 0, (char)255};
    struct client_hello hello;
    struct fail why;
    memset(long_list + 7, 'p', 255);
    body_make(&body, bytes_make(long_list, 4 + 258));
    refused(wire_of(&wire, bytes_make(body.at, body.len), 16384), "the protocols have more than 255 bytes");
    static char padding[16000] = {0, 21, (char)(15996 >> 8), (char)(15996 & 255)};
    body_make(&body, bytes_make(padding, sizeof padding));
    wire_of(&wire, bytes_make(body.at, body.len), 16384);
    assert_int_equal(client_hello_read(bytes_make(wire.at, wire.len), &hello, &why), CLIENT_HELLO_DONE);
    wire_of(&wire, bytes_make(body.at, body.len), 16);
    assert_int_equal(client_hello_read(bytes_make(wire.at, CLIENT_HELLO_WIRE_MAX - 1), &hello, &why),
                     CLIENT_HELLO_MORE);
    refused(bytes_make(wire.at, CLIENT_HELLO_WIRE_MAX), "it is not complete within 20480 bytes of records");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found_however_the_hello_is_cut),
        cmocka_unit_test(records_and_messages_that_are_none_are_refused),
        cmocka_unit_test(what_does_not_add_up_is_refused),
        cmocka_unit_test(a_body_that_is_none_is_refused),
        cmocka_unit_test(a_session_has_32_bytes_at_most),
        cmocka_unit_test(what_is_kept_and_waited_for_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
