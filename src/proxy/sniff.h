/*
 * sniff: what a client's connection is, by its first bytes.
 *
 * One question after another, in the order in which the bytes answer them. It
 * only looks: when the last question is answered, what was read goes back to the
 * connection, so that TLS or a codec begins at the first byte.
 */
#ifndef PROXY_SNIFF_H
#define PROXY_SNIFF_H

#include "proxy/http1_io.h"

enum sniff_question {
    SNIFF_TLS = 1, /* TLS or plain text? */
};

enum sniff_turn {
    SNIFF_MORE, /* bytes will wake the connection */
    SNIFF_DONE,
    SNIFF_GONE, /* the client left before all was known */
};

struct sniff {
    unsigned wants; /* enum sniff_question: not answered yet */
    bool tls;       /* TLS follows */
    struct inlet inlet;
};

void sniff_begin(struct sniff *sniff, struct connection *connection, unsigned wants);
enum sniff_turn sniff_step(struct sniff *sniff);
/* What was read goes back to the connection, also when not everything is known. */
void sniff_end(struct sniff *sniff);
/* Its memory goes. */
void sniff_done(struct sniff *sniff);

#endif
