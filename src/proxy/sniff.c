#include "proxy/sniff.h"

#include <stdlib.h>

#include "base/heap.h"

/* RFC 8446 5.1: the first byte of a record is its type, and 22 is a handshake. No text begins with it. */
enum { TLS_HANDSHAKE = 22 };

static enum sniff_turn proxy_look(struct sniff *sniff, struct bytes have, struct fail *why)
{
    size_t used = 0;
    switch (proxy_protocol_read(have, &sniff->proxy, &used, why)) {
    case PROXY_PROTOCOL_MORE:
        return SNIFF_MORE;
    case PROXY_PROTOCOL_BAD:
        return SNIFF_BAD;
    case PROXY_PROTOCOL_DONE:
        break;
    }
    sniff->inlet.at += used;
    return SNIFF_DONE;
}

static enum sniff_turn tls_look(struct sniff *sniff, struct bytes have, struct fail *why)
{
    (void)why;
    if (!have.len)
        return SNIFF_MORE;
    sniff->tls = have.at[0] == TLS_HANDSHAKE;
    return SNIFF_DONE;
}

static enum sniff_turn hello_look(struct sniff *sniff, struct bytes have, struct fail *why)
{
    if (!sniff->tls)
        return SNIFF_DONE;
    switch (client_hello_read(have, &sniff->hello, why)) {
    case CLIENT_HELLO_MORE:
        return SNIFF_MORE;
    case CLIENT_HELLO_BAD:
        return SNIFF_BAD;
    case CLIENT_HELLO_DONE:
        break;
    }
    return SNIFF_DONE;
}

/* In the order in which they can be answered. */
static const struct question {
    unsigned wants;
    enum sniff_turn (*look)(struct sniff *sniff, struct bytes have, struct fail *why);
} questions[] = {
    {SNIFF_PROXY, proxy_look},
    {SNIFF_TLS, tls_look},
    {SNIFF_HELLO, hello_look},
};

static enum sniff_turn look(struct sniff *sniff, struct fail *why)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const struct question *question = &questions[i];
        if (!(sniff->wants & question->wants))
            continue;
        enum sniff_turn turn = question->look(sniff, inlet_buffered(&sniff->inlet), why);
        if (turn != SNIFF_DONE)
            return turn;
        sniff->wants &= ~question->wants;
    }
    return SNIFF_DONE;
}

struct sniff *sniff_new(struct connection *connection, unsigned wants)
{
    struct sniff *sniff = heap_new(struct sniff);
    sniff->wants = wants;
    inlet_init(&sniff->inlet, connection);
    return sniff;
}

enum sniff_turn sniff_step(struct sniff *sniff, struct fail *why)
{
    for (;;) {
        enum sniff_turn turn = look(sniff, why);
        if (turn != SNIFF_MORE)
            return turn;
        long n = inlet_fill(&sniff->inlet);
        if (n == CONNECTION_END)
            return SNIFF_GONE;
        if (n < 0)
            return SNIFF_MORE;
    }
}

bool sniff_begun(const struct sniff *sniff)
{
    return inlet_buffered(&sniff->inlet).len > 0;
}

void sniff_end(struct sniff *sniff)
{
    struct inlet *inlet = &sniff->inlet;
    sniff->wants = 0;
    if (inlet->in)
        connection_unread(inlet->connection, inlet->in, inlet->at);
    inlet->in = NULL;
    inlet_done(inlet);
    connection_wake(inlet->connection); /* those bytes, or an end that was seen, are told by no event again */
}

void sniff_free(struct sniff *sniff)
{
    if (!sniff)
        return;
    inlet_done(&sniff->inlet);
    free(sniff);
}
