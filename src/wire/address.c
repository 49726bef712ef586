#include "wire/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};

static bool parse_v4(struct bytes text, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        struct bytes part;
        uint64_t number;
        if (bytes_cut(&text, '.', &part) != (i < 3))
            return false;
        if (part.len > 3 || (part.len > 1 && part.at[0] == '0') || !bytes_to_u64(part, 255, &number))
            return false;
        out[i] = (uint8_t)number;
    }
    return true;
}

static bool parse_group(struct bytes text, uint8_t out[2])
{
    unsigned number = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = ascii_hex(text.at[i]);
        if (digit < 0)
            return false;
        number = number * 16 + (unsigned)digit;
    }
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
    return text.len >= 1 && text.len <= 4;
}

/* Groups between colons, the last perhaps dotted; answers how many bytes they are, or -1. */
static int parse_groups(struct bytes text, bool dotted, uint8_t out[16])
{
    int len = 0;
    bool more = text.len > 0;
    while (more) {
        struct bytes group;
        more = bytes_cut(&text, ':', &group);
        bool last = !more && dotted && bytes_find(group, '.') < group.len;
        int size = last ? 4 : 2;
        if (len + size > 16 || !(last ? parse_v4(group, out + len) : parse_group(group, out + len)))
            return -1;
        len += size;
    }
    return len;
}

static bool parse_v6(struct bytes text, uint8_t out[16])
{
    uint8_t tail[16];
    size_t gap = bytes_find_text(text, BYTES("::"));
    memset(out, 0, 16);
    if (gap == text.len)
        return parse_groups(text, true, out) == 16;
    int before = parse_groups(bytes_part(text, 0, gap), false, out);
    int after = parse_groups(bytes_part(text, gap + 2, text.len), true, tail);
    if (before < 0 || after < 0 || before + after > 14) /* "::" stands for one group at least */
        return false;
    memcpy(out + 16 - after, tail, (size_t)after);
    return true;
}

static void settle(struct address *address)
{
    if (address->family != ADDRESS_V6 || memcmp(address->at, mapped, sizeof mapped) != 0)
        return;
    address->family = ADDRESS_V4;
    memmove(address->at, address->at + 12, 4);
    memset(address->at + 4, 0, 12);
}

bool address_parse(struct bytes text, struct address *out)
{
    struct address address = {.family = bytes_find(text, ':') < text.len ? ADDRESS_V6 : ADDRESS_V4};
    bool ok = address.family == ADDRESS_V6 ? parse_v6(text, address.at) : parse_v4(text, address.at);
    if (!ok)
        return false;
    settle(&address);
    *out = address;
    return true;
}

struct bytes address_text(const struct address *address, char buffer[ADDRESS_TEXT_SIZE])
{
    buffer[0] = '\0';
    if (address->family != ADDRESS_NONE)
        inet_ntop(address->family == ADDRESS_V4 ? AF_INET : AF_INET6, address->at, buffer, ADDRESS_TEXT_SIZE);
    return bytes_of(buffer);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->at, b->at, sizeof a->at) == 0;
}

void address_of_bytes(enum address_family family, const void *at, struct address *out)
{
    struct address address = {.family = family};
    memcpy(address.at, at, family == ADDRESS_V6 ? 16 : 4);
    settle(&address);
    *out = address;
}

void address_to_v6(const struct address *address, uint8_t out[16])
{
    memcpy(out, address->at, 16);
    if (address->family != ADDRESS_V4)
        return;
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + 12, address->at, 4);
}

void address_of_socket(const struct sockaddr *socket, struct address *out, uint16_t *port)
{
    struct address address = {0};
    uint16_t number = 0;
    if (socket->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)socket;
        address_of_bytes(ADDRESS_V4, &in->sin_addr, &address);
        number = ntohs(in->sin_port);
    } else if (socket->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)socket;
        address_of_bytes(ADDRESS_V6, &in->sin6_addr, &address);
        number = ntohs(in->sin6_port);
    }
    *out = address;
    if (port)
        *port = number;
}

bool address_split(struct bytes text, struct bytes *host, uint16_t *port)
{
    bool literal = text.len && text.at[0] == '[';
    size_t end = bytes_find(text, literal ? ']' : ':');
    if (literal && end == text.len)
        return false;
    if (!literal && bytes_find_last(text, ':') != end)
        end = text.len; /* more than one colon: a bare IPv6 address */
    struct bytes name = bytes_part(text, literal, end);
    struct bytes rest = bytes_part(text, end + literal, text.len);
    struct address address;
    uint64_t number = 0;
    bool colons = bytes_find(name, ':') < name.len;
    if (name.len == 0 || ((literal || colons) && (!address_parse(name, &address) || !colons)))
        return false;
    if (rest.len && (rest.at[0] != ':' || rest.len > 6 ||
                     !bytes_to_u64(bytes_part(rest, 1, rest.len), 65535, &number) || number == 0))
        return false;
    *host = name;
    *port = (uint16_t)number;
    return true;
}

static void mask(struct address *address, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = bits > i * 8 ? bits - i * 8 : 0;
        address->at[i] &= left >= 8 ? 0xFF : (uint8_t)(0xFF00U >> left);
    }
}

bool address_block_parse(struct bytes text, struct address_block *out, struct fail *why)
{
    struct bytes bits_text = text, address_part;
    struct address_block block;
    bool prefix = bytes_cut(&bits_text, '/', &address_part);
    if (!address_parse(address_part, &block.address))
        return fail(why, FAIL_INPUT, "'%.*s' is no IP address or CIDR block like 10.0.0.0/8",
                    BYTES_FMT(text));
    bool v6_text = bytes_find(address_part, ':') < address_part.len;
    uint64_t max = v6_text ? 128 : 32, bits = max;
    if (prefix && (bits_text.len > 3 || !bytes_to_u64(bits_text, max, &bits)))
        return fail(why, FAIL_INPUT, "'%.*s': the prefix is not a number up to %u", BYTES_FMT(text),
                    (unsigned)max);
    if (v6_text && block.address.family == ADDRESS_V4) {
        if (bits < 96)
            return fail(why, FAIL_INPUT, "'%.*s': an IPv4-mapped block needs a prefix of at least 96",
                        BYTES_FMT(text));
        bits -= 96;
    }
    block.bits = (unsigned)bits;
    mask(&block.address, block.bits);
    *out = block;
    return true;
}

bool address_block_has(const struct address_block *block, const struct address *address)
{
    struct address masked = *address;
    settle(&masked);
    mask(&masked, block->bits);
    return address->family != ADDRESS_NONE && address_equal(&masked, &block->address);
}
