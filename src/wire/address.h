/*
 * address: IPv4 and IPv6 addresses, ports beside them, blocks of them.
 *
 * Text is read by the letter: four decimal parts without leading zeros, RFC
 * 4291 for IPv6, no zones, no names. An IPv4-mapped IPv6 address is the IPv4
 * address: one client has one form, whatever socket it came through.
 */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "base/bytes.h"
#include "base/fail.h"

enum address_family { ADDRESS_NONE, ADDRESS_V4, ADDRESS_V6 };

#define ADDRESS_TEXT_SIZE 40

struct address {
    enum address_family family;
    uint8_t at[16]; /* network order; the first four for IPv4, the rest zero */
};

struct address_block {
    struct address address; /* bits behind the prefix are zero */
    unsigned bits;
};

struct sockaddr;

bool address_parse(struct bytes text, struct address *out);
/* Dotted, or RFC 5952 with "::"; the text lies in `buffer`. Empty for ADDRESS_NONE. */
struct bytes address_text(const struct address *address, char buffer[ADDRESS_TEXT_SIZE]);
bool address_equal(const struct address *a, const struct address *b);
/* From network order: four bytes or sixteen. */
void address_of_bytes(enum address_family family, const void *at, struct address *out);
/* An IPv4 address as ::ffff:a.b.c.d; zeros for ADDRESS_NONE. */
void address_to_v6(const struct address *address, uint8_t out[16]);
/* ADDRESS_NONE and port 0 for other families. `port` may be NULL. */
void address_of_socket(const struct sockaddr *socket, struct address *out, uint16_t *port);

/* HOST, HOST:PORT, [V6] or [V6]:PORT; *host is without brackets, *port 0 when there is none. A bare IPv6
 * address is a host. The host is not looked at further, but never empty. */
bool address_split(struct bytes text, struct bytes *host, uint16_t *port);

/* ADDRESS or ADDRESS/BITS. Bits behind the prefix are ignored, as Istio does. */
bool address_block_parse(struct bytes text, struct address_block *out, struct fail *why);
bool address_block_has(const struct address_block *block, const struct address *address);

#endif
