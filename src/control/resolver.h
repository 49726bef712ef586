/*
 * resolver: the thread that asks name servers for the addresses of endpoints that
 * resources give by name.
 *
 * All names at once on one c-ares channel, by name.h's rules, so that a slow
 * server delays nobody but who asks it. It knows only the names it was given;
 * they are asked for as they stand, no search domain behind them. /etc/hosts
 * comes first, then the servers of the settings or of /etc/resolv.conf.
 */
#ifndef CONTROL_RESOLVER_H
#define CONTROL_RESOLVER_H

#include "base/bytes.h"
#include "control/mailbox.h"
#include "control/name.h"

/* LETTER_NAMES: the whole list, anew. */
struct names_order {
    struct letter letter;
    struct bytes *at; /* lower case, each once */
    size_t count;
};

/* LETTER_NAME: what is known of one name, whenever something was answered. */
struct name_letter {
    struct letter letter;
    struct bytes name;
    struct address *at; /* all of them, in the order in which they were answered */
    size_t count;
    bool ended;  /* the attempt; more may follow from it otherwise */
    bool failed; /* about one family at least */
    int64_t ttl_s;
    struct bytes problem;
};

struct resolver;
/* `servers` are ADDRESS or ADDRESS:PORT, checked; none: those of the system. Both are kept. */
struct resolver *resolver_start(const struct bytes *servers, size_t count, struct mailbox *out);
/* An order to be filled in (everything in its own arena) and posted. */
void resolver_order_post(struct resolver *resolver, struct names_order *take);
void resolver_stop(struct resolver *resolver);

#endif
