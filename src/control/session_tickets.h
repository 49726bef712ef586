/*
 * session_tickets: the keys of TLS session tickets, the same for all workers.
 *
 *   |---- seals and opens ----|---- opens ----|
 *   |------- lifetime --------|--- lifetime --|
 *
 * They are kept, sealed, so that sessions are resumed after a restart, and by the
 * successor in an upgrade.
 */
#ifndef CONTROL_SESSION_TICKETS_H
#define CONTROL_SESSION_TICKETS_H

#include "control/settings.h"
#include "crypt/ticket.h"

struct session_ticket_key {
    int64_t from_s;
    unsigned char key[TICKET_KEY_SIZE];
};

/* Newest first. Wipe it when it goes. */
struct session_tickets {
    struct session_ticket_key at[TICKET_KEYS_MAX];
    size_t count;
    bool read;   /* what was kept has been looked for */
    bool wanted; /* a new key, on command */
};

/* Makes the next key when its time has come, forgets those that are too old. True: something has changed. */
bool session_tickets_step(struct session_tickets *tickets, const struct settings *settings, int64_t now_s);

#endif
