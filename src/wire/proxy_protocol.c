#include "wire/proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>

static const struct bytes text_begin = BYTES_INIT("PROXY ");
/* 2.2: no HTTP, no TLS and no v1 header begins with it. */
static const struct bytes binary_begin = BYTES_INIT("\r\n\r\n\0\r\nQUIT\n");

static enum proxy_protocol_turn bad(struct fail *why, const char *sentence)
{
    fail(why, FAIL_INPUT, "PROXY header: %s", sentence);
    return PROXY_PROTOCOL_BAD;
}

/* ---- version 1: a line of text (2.1) ------------------------------------------------------ */

static bool read_port(struct bytes text, uint16_t *out)
{
    uint64_t port;
    if (!text.len || text.len > 5 || (text.len > 1 && text.at[0] == '0') ||
        !bytes_to_u64(text, UINT16_MAX, &port))
        return false;
    *out = (uint16_t)port;
    return true;
}

static const char *read_addresses(struct bytes rest, bool v6, struct proxy_protocol *out)
{
    struct bytes source, target, source_port, target_port;
    struct proxy_protocol made = {.family = PROXY_PROTOCOL_IP};
    bool four = bytes_cut(&rest, ' ', &source) && bytes_cut(&rest, ' ', &target) &&
                bytes_cut(&rest, ' ', &source_port) && !bytes_cut(&rest, ' ', &target_port);
    if (!four)
        return "two addresses and two ports, each behind one space, are wanted";
    if ((bytes_find(source, ':') < source.len) != v6 || (bytes_find(target, ':') < target.len) != v6 ||
        !address_parse(source, &made.source) || !address_parse(target, &made.target))
        return "an address is none of the family that was said";
    if (!read_port(source_port, &made.source_port) || !read_port(target_port, &made.target_port))
        return "a port is no number from 0 to 65535";
    *out = made;
    return NULL;
}

static enum proxy_protocol_turn read_text(struct bytes have, struct proxy_protocol *out, size_t *used,
                                          struct fail *why)
{
    struct bytes line = bytes_part(have, 0, PROXY_PROTOCOL_TEXT_MAX);
    size_t end = bytes_find(line, '\n');
    if (end == line.len && line.len < PROXY_PROTOCOL_TEXT_MAX)
        return PROXY_PROTOCOL_MORE;
    if (end == line.len)
        return bad(why, "the line has more than 107 bytes");
    if (line.at[end - 1] != '\r')
        return bad(why, "the line does not end in CR LF");
    struct bytes rest = bytes_part(line, text_begin.len, end - 1), family;
    const char *wrong = NULL;
    bytes_cut(&rest, ' ', &family);
    if (bytes_equal(family, BYTES("UNKNOWN")))
        *out = (struct proxy_protocol){.family = PROXY_PROTOCOL_NONE}; /* what follows is to be ignored */
    else if (bytes_equal(family, BYTES("TCP4")) || bytes_equal(family, BYTES("TCP6")))
        wrong = read_addresses(rest, family.at[3] == '6', out);
    else
        wrong = "the family is none of TCP4, TCP6 and UNKNOWN";
    if (wrong)
        return bad(why, wrong);
    *used = end + 1;
    return PROXY_PROTOCOL_DONE;
}

/* ---- version 2: binary (2.2) ---------------------------------------------------------------- */

enum {
    HEAD_SIZE = 16,
    VERSION = 0x2,
    COMMAND_LOCAL = 0x0,
    COMMAND_PROXY = 0x1,
    FAMILY_NONE = 0x0,
    FAMILY_V4 = 0x1,
    FAMILY_V6 = 0x2,
    FAMILY_UNIX = 0x3,
    TRANSPORT_NONE = 0x0,
    TRANSPORT_STREAM = 0x1,
    TYPE_CRC32C = 0x03,
    TLV_HEAD = 3,
};

static uint16_t number16(const char *at)
{
    return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

/* RFC 3720 appendix B.4: the reflected polynomial. A header is short: no table. */
static uint32_t crc32c(uint32_t crc, struct bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        crc ^= (unsigned char)b.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return crc;
}

/* 2.2.3: over the whole header, with zeros where the sum itself stands. */
static bool sum_holds(struct bytes header, size_t at)
{
    uint32_t said = (uint32_t)number16(header.at + at) << 16 | number16(header.at + at + 2);
    uint32_t crc = crc32c(UINT32_MAX, bytes_part(header, 0, at));
    crc = crc32c(crc, bytes_make("\0\0\0\0", 4));
    return ~crc32c(crc, bytes_part(header, at + 4, header.len)) == said;
}

static const char *check_tlvs(struct bytes header, size_t at)
{
    bool summed = false;
    while (at < header.len) {
        if (header.len - at < TLV_HEAD)
            return "a TLV is cut";
        size_t len = number16(header.at + at + 1), value = at + TLV_HEAD;
        if (header.len - value < len)
            return "a TLV is cut";
        if (header.at[at] == TYPE_CRC32C) {
            if (summed || len != 4)
                return "its CRC32C is there twice or has not four bytes";
            if (!sum_holds(header, value))
                return "its CRC32C is wrong";
            summed = true;
        }
        at = value + len;
    }
    return NULL;
}

/* How many bytes of addresses a family has (2.2); the first column is FAMILY_NONE. */
static const size_t sizes[] = {0, 12, 36, 216};

static void read_binary_addresses(const char *at, bool v6, struct proxy_protocol *out)
{
    enum address_family family = v6 ? ADDRESS_V6 : ADDRESS_V4;
    size_t size = v6 ? 16 : 4;
    out->family = PROXY_PROTOCOL_IP;
    address_of_bytes(family, at, &out->source);
    address_of_bytes(family, at + size, &out->target);
    out->source_port = number16(at + 2 * size);
    out->target_port = number16(at + 2 * size + 2);
}

static const char *read_body(struct bytes header, struct proxy_protocol *out)
{
    unsigned command = (unsigned char)header.at[12] & 0xF, family = (unsigned char)header.at[13] >> 4,
             transport = (unsigned char)header.at[13] & 0xF;
    struct proxy_protocol made = {.family = PROXY_PROTOCOL_NONE};
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return "the command is neither LOCAL nor PROXY";
    if (command == COMMAND_LOCAL) { /* the addresses are to be skipped, whatever they are */
        *out = made;
        return NULL;
    }
    if (family > FAMILY_UNIX || transport > TRANSPORT_STREAM ||
        (family == FAMILY_NONE) != (transport == TRANSPORT_NONE))
        return "the addresses are none of a TCP or unix stream connection";
    if (header.len - HEAD_SIZE < sizes[family])
        return "it ends inside the addresses";
    const char *wrong = family == FAMILY_NONE ? NULL : check_tlvs(header, HEAD_SIZE + sizes[family]);
    if (wrong)
        return wrong;
    if (family == FAMILY_UNIX)
        made.family = PROXY_PROTOCOL_UNIX;
    else if (family != FAMILY_NONE)
        read_binary_addresses(header.at + HEAD_SIZE, family == FAMILY_V6, &made);
    *out = made;
    return NULL;
}

static enum proxy_protocol_turn read_binary(struct bytes have, struct proxy_protocol *out, size_t *used,
                                            struct fail *why)
{
    if (have.len > 12 && (unsigned char)have.at[12] >> 4 != VERSION)
        return bad(why, "the version is not 2");
    if (have.len < HEAD_SIZE)
        return PROXY_PROTOCOL_MORE;
    size_t size = HEAD_SIZE + (size_t)number16(have.at + 14);
    if (size > PROXY_PROTOCOL_BINARY_MAX)
        return bad(why, "it has more than 536 bytes");
    if (have.len < size)
        return PROXY_PROTOCOL_MORE;
    const char *wrong = read_body(bytes_part(have, 0, size), out);
    if (wrong)
        return bad(why, wrong);
    *used = size;
    return PROXY_PROTOCOL_DONE;
}

/* ---- either --------------------------------------------------------------------------------- */

static bool may_become(struct bytes have, struct bytes begin)
{
    size_t len = have.len < begin.len ? have.len : begin.len;
    return len == 0 || memcmp(have.at, begin.at, len) == 0;
}

enum proxy_protocol_turn proxy_protocol_read(struct bytes have, struct proxy_protocol *out, size_t *used,
                                             struct fail *why)
{
    bool text = may_become(have, text_begin), binary = may_become(have, binary_begin);
    if (!text && !binary)
        return bad(why, "the connection does not begin with one");
    if (have.len < text_begin.len || (binary && have.len < binary_begin.len))
        return PROXY_PROTOCOL_MORE;
    return text ? read_text(have, out, used, why) : read_binary(have, out, used, why);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void add16(struct text *out, unsigned number)
{
    text_add_c(out, (char)(number >> 8));
    text_add_c(out, (char)number);
}

static void add_text(struct text *out, const struct address *address, bool v6)
{
    char text[INET6_ADDRSTRLEN] = "";
    uint8_t wide[16];
    address_to_v6(address, wide);
    inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? wide : address->at, text, sizeof text);
    text_add_s(out, text);
    text_add_c(out, ' ');
}

static void write_text(struct text *out, const struct proxy_protocol *header, bool v6)
{
    if (header->family != PROXY_PROTOCOL_IP) {
        text_add_s(out, "PROXY UNKNOWN\r\n");
        return;
    }
    text_add_s(out, v6 ? "PROXY TCP6 " : "PROXY TCP4 ");
    add_text(out, &header->source, v6);
    add_text(out, &header->target, v6);
    text_format(out, "%u %u\r\n", (unsigned)header->source_port, (unsigned)header->target_port);
}

static void add_address(struct text *out, const struct address *address, bool v6)
{
    uint8_t wide[16];
    address_to_v6(address, wide);
    text_add(out, v6 ? bytes_make(wide, 16) : bytes_make(address->at, 4));
}

static void write_binary(struct text *out, const struct proxy_protocol *header, bool v6)
{
    bool known = header->family == PROXY_PROTOCOL_IP;
    unsigned family = !known ? FAMILY_NONE : v6 ? FAMILY_V6 : FAMILY_V4;
    text_add(out, binary_begin);
    text_add_c(out, (char)(VERSION << 4 | COMMAND_PROXY));
    text_add_c(out, (char)(family << 4 | (known ? TRANSPORT_STREAM : TRANSPORT_NONE)));
    add16(out, (unsigned)sizes[family]);
    if (!known)
        return;
    add_address(out, &header->source, v6);
    add_address(out, &header->target, v6);
    add16(out, header->source_port);
    add16(out, header->target_port);
}

void proxy_protocol_write(struct text *out, int version, const struct proxy_protocol *header)
{
    bool v6 = header->source.family == ADDRESS_V6 || header->target.family == ADDRESS_V6;
    if (version == 1)
        write_text(out, header, v6);
    else
        write_binary(out, header, v6);
}
