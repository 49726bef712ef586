/*
 * person: who is signed in at this terminal, kept in a file that only they can read.
 *
 * One sign-in at a time, in login.json of the state directory. The file is replaced
 * all at once, never written through a link, and not read when others could have
 * written it. The lock keeps two commands from using one refresh token.
 */
#ifndef CLI_PERSON_H
#define CLI_PERSON_H

#include "base/arena.h"
#include "base/fail.h"

struct person {
    struct bytes issuer;
    struct bytes client;
    struct bytes scope;
    struct bytes resource; /* empty: none */
    struct bytes roots;    /* a PEM file beside the system's roots; empty: none */
    struct bytes access_token;
    struct bytes id_token;      /* empty: none */
    struct bytes refresh_token; /* empty: none */
    int64_t until_s;            /* of the access token; 0: not known */
};

struct person_store {
    const char *directory;
    const char *path;
    int lock; /* a descriptor, held until person_close */
};

/* `given` (--state), else $XDG_STATE_HOME/selvage, else ~/.local/state/selvage; made when missing, mode 0700.
 * Waits for whoever holds the lock. */
bool person_open(const char *given, struct arena *arena, struct person_store *out, struct fail *why);
void person_close(struct person_store *store);
/* FAIL_DENIED: nobody is signed in. Texts lie in the arena. */
bool person_read(const struct person_store *store, struct arena *arena, struct person *out, struct fail *why);
bool person_write(const struct person_store *store, const struct person *person, struct fail *why);
bool person_remove(const struct person_store *store, struct fail *why);

#endif
