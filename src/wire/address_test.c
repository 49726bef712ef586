/* Unit tests of address.c. */
#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "wire/address.h"

static void addresses_are_read_by_the_letter(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out; /* NULL when refused */
    } rows[] = {
        {"1.2.3.4", "1.2.3.4"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::0:1", "2001:db8::1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"::FFFF:102:304", "1.2.3.4"},
        {"", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.256", NULL},
        {"01.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {"1.2.3.", NULL},
        {"0x1.2.3.4", NULL},
        {":", NULL},
        {":::", NULL},
        {"::1::", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7:8::", NULL},
        {"12345::", NULL},
        {"g::", NULL},
        {"1.2.3.4::", NULL},
        {"::1.2.3.4:5", NULL},
        {"1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"fe80::1%eth0", NULL},
        {"[::1]", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char buffer[ADDRESS_TEXT_SIZE];
        struct address address = {0};
        if (address_parse(bytes_of(rows[i].in), &address) != (rows[i].out != NULL))
            print_message("wrong verdict: %s\n", rows[i].in);
        assert_string_equal(address_text(&address, buffer).at, rows[i].out ? rows[i].out : "");
    }
}

static void hosts_and_ports_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *host; /* NULL when refused */
        uint16_t port;
    } rows[] = {
        {"a.test", "a.test", 0},
        {"a.test:80", "a.test", 80},
        {"1.2.3.4:65535", "1.2.3.4", 65535},
        {"[::1]:80", "::1", 80},
        {"[::1]", "::1", 0},
        {"::1", "::1", 0},
        {"", NULL, 0},
        {":80", NULL, 0},
        {"a:", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:+1", NULL, 0},
        {"a:000080", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]80", NULL, 0},
        {"[a]:80", NULL, 0},
        {"[1.2.3.4]:80", NULL, 0},
        {"a:b:80", NULL, 0},
        {"[]", NULL, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes host = {0};
        uint16_t port = 7;
        bool ok = address_split(bytes_of(rows[i].in), &host, &port);
        if (ok != (rows[i].host != NULL))
            print_message("wrong verdict: %s\n", rows[i].in);
        assert_int_equal(ok, rows[i].host != NULL);
        assert_true(bytes_equal(host, bytes_of(rows[i].host)));
        assert_int_equal(port, ok ? rows[i].port : 7);
    }
}

static void blocks_hold_what_shares_their_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *block, *address;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"10.0.0.0/9", "10.128.0.0", false},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"::/0", "1.2.3.4", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::1/128", "::1", true},
        {"1.2.3.4/31", "1.2.3.5", true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct address_block block;
        struct address address;
        struct fail why;
        assert_true(address_block_parse(bytes_of(rows[i].block), &block, &why));
        assert_true(address_parse(bytes_of(rows[i].address), &address));
        assert_int_equal(address_block_has(&block, &address), rows[i].has);
    }
    struct address none = {0};
    assert_false(address_block_has(&(struct address_block){0}, &none));
}

static void bad_blocks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *in, *sentence;
    } rows[] = {
        {"10.0.0/8", "'10.0.0/8' is no IP address or CIDR block like 10.0.0.0/8"},
        {"10.0.0.0/33", "'10.0.0.0/33': the prefix is not a number up to 32"},
        {"10.0.0.0/", "'10.0.0.0/': the prefix is not a number up to 32"},
        {"::/129", "'::/129': the prefix is not a number up to 128"},
        {"::/-1", "'::/-1': the prefix is not a number up to 128"},
        {"::ffff:1.2.3.4/95", "'::ffff:1.2.3.4/95': an IPv4-mapped block needs a prefix of at least 96"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct address_block block;
        struct fail why;
        assert_false(address_block_parse(bytes_of(rows[i].in), &block, &why));
        assert_string_equal(why.text, rows[i].sentence);
    }
}

static void sockets_have_addresses(void **state)
{
    (void)state;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct address address, wanted;
    uint16_t port;
    inet_pton(AF_INET6, "::ffff:1.2.3.4", &in6.sin6_addr);
    address_of_socket((const struct sockaddr *)(const void *)&in6, &address, &port);
    assert_true(address_parse(BYTES("1.2.3.4"), &wanted));
    assert_true(address_equal(&address, &wanted));
    assert_int_equal(port, 80);
    address_of_socket(&other, &address, NULL);
    assert_int_equal(address.family, ADDRESS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_by_the_letter),
        cmocka_unit_test(hosts_and_ports_are_split),
        cmocka_unit_test(blocks_hold_what_shares_their_prefix),
        cmocka_unit_test(bad_blocks_are_refused),
        cmocka_unit_test(sockets_have_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
