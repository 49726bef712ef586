#include "base/test.h"

#include "wire/proxy_protocol.h"

#define BEGIN "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xC0\0\2\7\x0A\0\0\1\x12\x34\0\x50"
#define V6 "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\7\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\x01\xBB"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\7\0\0\0\0\0\0\0\0\0\0\xFF\xFF\x0A\0\0\1\x12\x34\0\x50"

static struct bytes shown(struct text *text, const struct proxy_protocol *header)
{
    char source[ADDRESS_TEXT_SIZE], target[ADDRESS_TEXT_SIZE];
    static const char *const families[] = {"none", "ip", "unix"};
    text_format(text, "%s", families[header->family]);
    if (header->family == PROXY_PROTOCOL_IP)
        text_format(text, " %.*s %u %.*s %u", BYTES_FMT(address_text(&header->source, source)),
                    header->source_port, BYTES_FMT(address_text(&header->target, target)),
                    header->target_port);
    return text_bytes(text);
}

static void headers_are_read_up_to_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes in;
        const char *out;
    } rows[] = {
        {"v1, IPv4", BYTES_INIT("PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n"),
         "ip 192.0.2.7 4660 10.0.0.1 80"},
        {"v1, IPv6", BYTES_INIT("PROXY TCP6 2001:db8::7 2001:db8::1 4660 443\r\n"),
         "ip 2001:db8::7 4660 2001:db8::1 443"},
        {"v1, mapped", BYTES_INIT("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 0 65535\r\n"),
         "ip 192.0.2.7 0 10.0.0.1 65535"},
        {"v1, unknown", BYTES_INIT("PROXY UNKNOWN\r\n"), "none"},
        {"v1, unknown with words", BYTES_INIT("PROXY UNKNOWN ffff::1 whatever\r\n"), "none"},
        {"v2, IPv4", BYTES_INIT(BEGIN "\x21\x11\0\x0C" V4), "ip 192.0.2.7 4660 10.0.0.1 80"},
        {"v2, IPv6", BYTES_INIT(BEGIN "\x21\x21\0\x24" V6), "ip 2001:db8::7 4660 2001:db8::1 443"},
        {"v2, mapped", BYTES_INIT(BEGIN "\x21\x21\0\x24" MAPPED), "ip 192.0.2.7 4660 10.0.0.1 80"},
        {"v2, a TLV that nobody knows", BYTES_INIT(BEGIN "\x21\x11\0\x11" V4 "\xEE\0\2ab"),
         "ip 192.0.2.7 4660 10.0.0.1 80"},
        {"v2, an empty TLV and the sum", BYTES_INIT(BEGIN "\x21\x11\0\x16" V4 "\4\0\0\3\0\4\x4E\x8C\x78\xEE"),
         "ip 192.0.2.7 4660 10.0.0.1 80"},
        {"v2, LOCAL", BYTES_INIT(BEGIN "\x20\0\0\0"), "none"},
        {"v2, LOCAL with what is to be skipped", BYTES_INIT(BEGIN "\x20\x11\0\3abc"), "none"},
        {"v2, no family", BYTES_INIT(BEGIN "\x21\0\0\3abc"), "none"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proxy_protocol header;
        char buffer[200], with_more[300];
        struct text text;
        size_t used = 0, len = rows[i].in.len;
        struct fail why = {0};
        memcpy(with_more, rows[i].in.at, len);
        memcpy(with_more + len, "GET", 3);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(proxy_protocol_read(bytes_make(with_more, cut), &header, &used, &why),
                             PROXY_PROTOCOL_MORE);
        if (proxy_protocol_read(bytes_make(with_more, len + 3), &header, &used, &why) != PROXY_PROTOCOL_DONE)
            print_error("%s: %s\n", rows[i].name, why.text);
        text_init_fixed(&text, buffer, sizeof buffer);
        shown(&text, &header);
        assert_string_equal(buffer, rows[i].out);
        assert_int_equal(used, len);
    }
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        const char *why;
    } rows[] = {
        {BYTES_INIT("GET / HTTP/1.1\r\n"), "the connection does not begin with one"},
        {BYTES_INIT("PROXY\tTCP4"), "the connection does not begin with one"},
        {BYTES_INIT("proxy TCP4"), "the connection does not begin with one"},
        {BYTES_INIT("\r\n\r\nX"), "the connection does not begin with one"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), "the line does not end in CR LF"},
        {BYTES_INIT("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n"), "the family is none of TCP4, TCP6 and UNKNOWN"},
        {BYTES_INIT("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"), "the family is none of TCP4, TCP6 and UNKNOWN"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"),
         "two addresses and two ports, each behind one space, are wanted"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"),
         "two addresses and two ports, each behind one space, are wanted"},
        {BYTES_INIT("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n"),
         "two addresses and two ports, each behind one space, are wanted"},
        {BYTES_INIT("PROXY TCP4 ::1 ::2 1 2\r\n"), "an address is none of the family that was said"},
        {BYTES_INIT("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"), "an address is none of the family that was said"},
        {BYTES_INIT("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n"), "an address is none of the family that was said"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"), "a port is no number from 0 to 65535"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"), "a port is no number from 0 to 65535"},
        {BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"), "a port is no number from 0 to 65535"},
        {BYTES_INIT(
             "PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaaaaaaaaaa\r\n"),
         "the line has more than 107 bytes"},
        {BYTES_INIT(BEGIN "\x11"), "the version is not 2"},
        {BYTES_INIT(BEGIN "\x31"), "the version is not 2"},
        {BYTES_INIT(BEGIN "\x22\x11\0\x0C" V4), "the command is neither LOCAL nor PROXY"},
        {BYTES_INIT(BEGIN "\x21\x11\2\x09"), "it has more than 536 bytes"},
        {BYTES_INIT(BEGIN "\x21\x12\0\x0C" V4), "the addresses are none of a TCP or unix stream connection"},
        {BYTES_INIT(BEGIN "\x21\x10\0\x0C" V4), "the addresses are none of a TCP or unix stream connection"},
        {BYTES_INIT(BEGIN "\x21\x41\0\x0C" V4), "the addresses are none of a TCP or unix stream connection"},
        {BYTES_INIT(BEGIN "\x21\x01\0\x0C" V4), "the addresses are none of a TCP or unix stream connection"},
        {BYTES_INIT(BEGIN "\x21\x11\0\x0B" V4), "it ends inside the addresses"},
        {BYTES_INIT(BEGIN "\x21\x21\0\x0C" V4), "it ends inside the addresses"},
        {BYTES_INIT(BEGIN "\x21\x31\0\x0C" V4), "it ends inside the addresses"},
        {BYTES_INIT(BEGIN "\x21\x11\0\x0D" V4 "\4"), "a TLV is cut"},
        {BYTES_INIT(BEGIN "\x21\x11\0\x10" V4 "\4\0\2x"), "a TLV is cut"},
        {BYTES_INIT(BEGIN "\x21\x11\0\x13" V4 "\3\0\4\0\0\0\0"), "its CRC32C is wrong"},
        {BYTES_INIT(BEGIN "\x21\x11\0\x0F" V4 "\3\0\0"), "its CRC32C is there twice or has not four bytes"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proxy_protocol header = {.source_port = 77};
        size_t used = 99;
        struct fail why = {0};
        char sentence[200] = "PROXY header: ";
        strcat(sentence, rows[i].why);
        assert_int_equal(proxy_protocol_read(rows[i].in, &header, &used, &why), PROXY_PROTOCOL_BAD);
        assert_string_equal(why.text, sentence);
        assert_int_equal(header.source_port, 77);
        assert_int_equal(used, 99);
    }
}

static void a_unix_client_has_no_address(void **state)
{
    (void)state;
    char in[16 + 216];
    struct proxy_protocol header;
    size_t used;
    struct fail why;
    memset(in, 'x', sizeof in);
    memcpy(in, BEGIN "\x21\x31\0\xD8", 16);
    assert_int_equal(proxy_protocol_read(bytes_make(in, sizeof in), &header, &used, &why),
                     PROXY_PROTOCOL_DONE);
    assert_int_equal(header.family, PROXY_PROTOCOL_UNIX);
}

static void the_longest_that_is_read_has_536_bytes(void **state)
{
    (void)state;
    char in[PROXY_PROTOCOL_BINARY_MAX] = BEGIN "\x21\x11\2\x08" V4 "\4\1\xF9";
    struct proxy_protocol header;
    size_t used;
    struct fail why = {0};
    assert_int_equal(proxy_protocol_read(bytes_make(in, sizeof in), &header, &used, &why),
                     PROXY_PROTOCOL_DONE);
    assert_int_equal(used, sizeof in);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *target;
        const char *line;
    } rows[] = {
        {"192.0.2.7", "10.0.0.1", "PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n"},
        {"2001:db8::7", "2001:db8::1", "PROXY TCP6 2001:db8::7 2001:db8::1 4660 80\r\n"},
        {"192.0.2.7", "2001:db8::1", "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 4660 80\r\n"},
        {NULL, NULL, "PROXY UNKNOWN\r\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        for (int version = 1; version <= 2; version++) {
            struct proxy_protocol header = {.source_port = 4660, .target_port = 80}, again;
            char buffer[PROXY_PROTOCOL_BINARY_MAX];
            struct text text;
            size_t used;
            struct fail why;
            if (rows[i].source) {
                header.family = PROXY_PROTOCOL_IP;
                assert_true(address_parse(bytes_of(rows[i].source), &header.source));
                assert_true(address_parse(bytes_of(rows[i].target), &header.target));
            }
            text_init_fixed(&text, buffer, sizeof buffer);
            proxy_protocol_write(&text, version, &header);
            if (version == 1)
                assert_string_equal(buffer, rows[i].line);
            assert_int_equal(proxy_protocol_read(text_bytes(&text), &again, &used, &why),
                             PROXY_PROTOCOL_DONE);
            assert_int_equal(used, text.len);
            assert_int_equal(again.family, header.family);
            assert_true(address_equal(&again.source, &header.source));
            assert_true(address_equal(&again.target, &header.target));
            assert_int_equal(again.source_port, rows[i].source ? 4660 : 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_up_to_their_end),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_unix_client_has_no_address),
        cmocka_unit_test(the_longest_that_is_read_has_536_bytes),
        cmocka_unit_test(what_is_written_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
