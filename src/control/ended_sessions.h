/*
 * ended_sessions: which sessions of browsers have ended before their time, so that
 * a copy of the cookie is worth nothing. Kept, sealed, over restarts; an entry goes
 * when the sessions it speaks of could not live any more.
 */
#ifndef CONTROL_ENDED_SESSIONS_H
#define CONTROL_ENDED_SESSIONS_H

#include "control/settings.h"
#include "wire/login_message.h"

#define ENDED_SESSIONS_MAX 16384

struct ended_sessions {
    struct ended *at; /* heap */
    size_t count;
    size_t room;
    bool read; /* what was kept has been looked for */
    bool unwritten;
    int64_t warned_s;
};

void ended_sessions_done(struct ended_sessions *ended);
void ended_sessions_read(struct ended_sessions *ended, const struct settings *settings, int64_t now_s);
/* When there are too many, the one that ends first by itself gives way. */
void ended_sessions_add(struct ended_sessions *ended, const struct ended *one, int64_t now_s);
/* Writes what is new. */
void ended_sessions_keep(struct ended_sessions *ended, const struct settings *settings);

#endif
