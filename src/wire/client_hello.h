/*
 * client_hello: what a TLS client says first, in the clear: which server it wants
 * and what it would speak there. For connections that are sent on without ending
 * their TLS, so nothing is negotiated here and nothing else is kept.
 *
 * RFC 8446 4.1.2 and 5.1, RFC 5246 7.4.1.2, RFC 6066 3, RFC 7301 3.1. What nobody
 * knows (GREASE, RFC 8701) is stepped over; what does not add up is refused.
 */
#ifndef WIRE_CLIENT_HELLO_H
#define WIRE_CLIENT_HELLO_H

#include "base/bytes.h"
#include "base/fail.h"

enum {
    CLIENT_HELLO_MAX = 16 * 1024,      /* the message */
    CLIENT_HELLO_WIRE_MAX = 20 * 1024, /* the same with the records that it came in */
    CLIENT_HELLO_SNI_MAX = 255,
    CLIENT_HELLO_ALPN_MAX = 255,
};

struct client_hello {
    char sni[CLIENT_HELLO_SNI_MAX + 1]; /* lower case, with a NUL; empty: none */
    /* As it came: for each protocol a byte with its length, and its name. */
    char alpn[CLIENT_HELLO_ALPN_MAX];
    size_t alpn_len; /* 0: none */
};

enum client_hello_turn {
    CLIENT_HELLO_MORE, /* so far it is the beginning of one */
    CLIENT_HELLO_DONE,
    CLIENT_HELLO_BAD, /* *why says what */
};

/* `have`: the connection's bytes from its first; what follows the hello is not looked at. */
enum client_hello_turn client_hello_read(struct bytes have, struct client_hello *out, struct fail *why);
/* Whether that protocol is offered. */
bool client_hello_offers(const struct client_hello *hello, struct bytes protocol);

#endif
