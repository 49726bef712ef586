/*
 * mailbox: how the threads of control speak: letters, each taken by one reader.
 *
 * A letter is written by one thread, posted, and from then on belongs to whoever
 * takes it out; nothing else is shared. Everything a letter refers to lies in its
 * own arena. A mailbox has a descriptor to poll beside sockets.
 */
#ifndef CONTROL_MAILBOX_H
#define CONTROL_MAILBOX_H

#include <pthread.h>

#include "base/arena.h"

enum letter_kind {
    LETTER_STOP = 1,       /* to a thread: end yourself */
    LETTER_NUDGE,          /* to a thread: look again now */
    LETTER_SOURCE,         /* source_directory -> control: struct source_letter */
    LETTER_IDENTITY,       /* identity -> control: struct identity_letter */
    LETTER_SIGNING,        /* control -> signing: struct signing_order; back: struct signing_letter */
    LETTER_WANTED,         /* control -> providers: struct providers_order */
    LETTER_NEED,           /* control -> providers: struct need_letter */
    LETTER_KEY_SET,        /* providers -> control: struct key_set_letter */
    LETTER_RING,           /* control -> telemetry: struct ring_letter */
    LETTER_REOPEN,         /* control -> telemetry: open the access log anew */
    LETTER_NAMES,          /* control -> resolver: struct names_order */
    LETTER_NAME,           /* resolver -> control: struct name_letter */
    LETTER_LOG_LEVEL,      /* admin -> control: struct level_letter */
    LETTER_LISTENER,       /* control -> admin: a socket to accept on, or no more */
    LETTER_LOGINS,         /* control -> login_clients: struct logins_order */
    LETTER_LOGIN_ASK,      /* control -> login_clients: struct login_ask_letter */
    LETTER_LOGIN_PROVIDER, /* login_clients -> control: struct login_provider_letter */
    LETTER_LOGIN_ANSWER,   /* login_clients -> control: struct login_answer_letter */
    LETTER_HOLD,           /* control -> signing: struct hold_letter */
    LETTER_ROTATE,         /* admin -> control: struct rotate_letter; control -> signing: a new key now */
};

struct letter {
    struct letter *next;
    enum letter_kind kind;
    struct arena arena;
    void (*wipe)(struct letter *letter); /* NULL, or what to do before it goes: secrets, descriptors */
};

struct mailbox {
    pthread_mutex_t lock;
    struct letter *first;
    struct letter *last;
    int event;
};

void mailbox_init(struct mailbox *mailbox);
/* Nobody may post any more. Letters left inside are freed. */
void mailbox_done(struct mailbox *mailbox);
void mailbox_post(struct mailbox *mailbox, struct letter *take);
/* The oldest letter, now the caller's, or NULL. */
struct letter *mailbox_take(struct mailbox *mailbox);
/* Waits for a letter; false when none came within the time (below 0: for ever). */
bool mailbox_wait(const struct mailbox *mailbox, int64_t timeout_ms);

/* `size` of the struct that begins with a struct letter. */
void *letter_new(enum letter_kind kind, size_t size);
void letter_free(struct letter *letter);

#endif
