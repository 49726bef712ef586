/*
 * proxy_protocol: what a proxy says about its client before the client's bytes:
 * haproxy's PROXY protocol, versions 1 (a line of text) and 2 (binary).
 *
 * Reads one header and nothing behind it. Addresses are told apart from "none
 * known" (v1 UNKNOWN, v2 LOCAL or no family), where those of the connection hold.
 * TLVs are stepped over; a CRC32C among them is checked.
 */
#ifndef WIRE_PROXY_PROTOCOL_H
#define WIRE_PROXY_PROTOCOL_H

#include "base/text.h"
#include "wire/address.h"

/* The specification's own numbers: 2.1 for a line, 2.2 for the least that every receiver takes. */
#define PROXY_PROTOCOL_TEXT_MAX 107
#define PROXY_PROTOCOL_BINARY_MAX 536

enum proxy_protocol_family {
    PROXY_PROTOCOL_NONE, /* nothing is said of the client: the connection's own addresses hold */
    PROXY_PROTOCOL_IP,
    PROXY_PROTOCOL_UNIX, /* a client on the proxy's own machine, without an address */
};

struct proxy_protocol {
    enum proxy_protocol_family family;
    struct address source; /* the client, as the proxy saw it; both have the same family */
    struct address target; /* what the client connected to */
    uint16_t source_port;
    uint16_t target_port;
};

enum proxy_protocol_turn {
    PROXY_PROTOCOL_MORE, /* so far it is the beginning of one */
    PROXY_PROTOCOL_DONE, /* *out is set, the header has *used bytes */
    PROXY_PROTOCOL_BAD,  /* *why says what */
};

enum proxy_protocol_turn proxy_protocol_read(struct bytes have, struct proxy_protocol *out, size_t *used,
                                             struct fail *why);

/* Version 1 or 2. Addresses of two families become IPv6 ones; without any v1 is UNKNOWN, v2 has no family. */
void proxy_protocol_write(struct text *out, int version, const struct proxy_protocol *header);

#endif
