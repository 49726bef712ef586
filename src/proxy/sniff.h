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
#include "wire/client_hello.h"
#include "wire/proxy_protocol.h"

enum sniff_question {
    SNIFF_PROXY = 1, /* whom does the proxy speak for? The header has to be there, and is used up */
    SNIFF_TLS = 2,   /* TLS or plain text? */
    SNIFF_HELLO = 4, /* which server is wanted? For TLS only, which has to be there without SNIFF_TLS */
};

enum sniff_turn {
    SNIFF_MORE, /* bytes will wake the connection */
    SNIFF_DONE,
    SNIFF_GONE, /* the client left before all was known */
    SNIFF_BAD,  /* what came is no answer: *why */
};

struct sniff {
    unsigned wants; /* enum sniff_question: not answered yet */
    bool tls;       /* TLS follows */
    struct proxy_protocol proxy;
    struct client_hello hello;
    struct inlet inlet;
};

/* On the heap. */
struct sniff *sniff_new(struct connection *connection, unsigned wants);
enum sniff_turn sniff_step(struct sniff *sniff, struct fail *why);
/* Whether the client has said anything that is not used up. */
bool sniff_begun(const struct sniff *sniff);
/* What was read goes back to the connection, also when not everything is known. */
void sniff_end(struct sniff *sniff);
void sniff_free(struct sniff *sniff);

#endif
