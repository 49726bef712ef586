/*
 * session_keys: the keys that seal browsers' sessions (crypt/envelope.h).
 *
 *   period:  | n - 1 |   n   | n + 1 |
 *   key n:   | opens | seals, opens  | opens |
 *
 * A key is derived from the node's sealing key and its number, which is that of the
 * period and one more for each change on command. So nodes that are given the same
 * sealing key understand each other's cookies, also when one's clock is ahead or its
 * key was changed once more; only how often it was has to be kept.
 */
#ifndef CONTROL_SESSION_KEYS_H
#define CONTROL_SESSION_KEYS_H

#include "control/settings.h"
#include "crypt/envelope.h"

/* Zeroed at the beginning; wipe it when it goes. */
struct session_keys {
    struct envelope_keys keys;
    uint64_t changes;  /* on command */
    bool read;         /* what was kept has been looked for */
    uint64_t failed_s; /* when the sealing key could not be had */
};

/* Makes those of now. True: something has changed. */
bool session_keys_step(struct session_keys *keys, const struct settings *settings, int64_t now_s);
/* The next key seals from the next step on. */
void session_keys_change(struct session_keys *keys, const struct settings *settings);

#endif
