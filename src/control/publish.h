/*
 * publish: from files, certificates and key sets to images in every worker.
 *
 * One edition after the other: read, compiled, its ports asked for, then sent;
 * what only the one before needed is given up when every worker has the new one.
 * A set with errors changes nothing. All of it runs on control's main thread.
 */
#ifndef CONTROL_PUBLISH_H
#define CONTROL_PUBLISH_H

#include "control/binds.h"
#include "control/credential_files.h"
#include "control/edition.h"
#include "control/ended_sessions.h"
#include "control/key_table.h"
#include "control/keys_image.h"
#include "control/name_table.h"
#include "control/session_keys.h"
#include "control/session_tickets.h"
#include "control/source_directory.h"
#include "control/workers.h"
#include "wire/parcel.h"

struct publish {
    const struct settings *settings;
    struct channel *supervisor;
    struct providers *providers; /* borrowed; NULL in some tests */
    struct signing *signing_thread;
    struct join_server *join_server;     /* borrowed; NULL: nobody joins here */
    struct identity *identity_thread;    /* borrowed; NULL: the node has no certificate */
    struct resolver *resolver;           /* borrowed; NULL in some tests: names stay unknown */
    struct login_clients *login_clients; /* borrowed; NULL in some tests */
    struct workers workers;
    struct binds binds;
    struct key_table keys;
    struct credential_files credential_files;
    struct name_table names; /* of endpoints of before, current and next */

    struct link logins; /* publish_logins.c: what is known of their providers */
    struct session_keys sessions;
    struct ended_sessions ended;
    struct parcel asks[FRAME_WORKERS_MAX]; /* of each worker, coming in */

    struct parsed_files parsed;   /* of the newest files */
    struct edition *before;       /* in force until all workers have `current` */
    struct edition *current;      /* what workers have or get */
    struct edition *next;         /* waits for its ports */
    struct edition *rejected;     /* the newest files, when they may not be put in force */
    struct source_letter *files;  /* of `next` */
    struct source_letter *unkept; /* of `current`, until they are kept as the last good ones */
    uint64_t last_kept_ms;
    bool unkept_told;         /* they could not be written, and the log says so */
    bool from_last_good;      /* `current` (or `next`) came from there */
    char source_problem[500]; /* why the source cannot be read, or empty */

    struct identity_letter *identity; /* the last good one */
    char identity_problem[500];
    bool identity_settled; /* the first attempt has ended, or there is none to make */
    struct signing_letter *signing;
    struct session_tickets tickets;
    bool held; /* another control gets ready: nothing is made that it would not know of */

    uint64_t generation; /* the last one given out */
    unsigned char sent_hash[IMAGE_KINDS][32];
    unsigned char sent_revision[IMAGE_KINDS][32];
    bool kept_read;  /* the key sets of before were looked for */
    bool follows;    /* workers serve by what a control before us gave them */
    bool keys_stale; /* something the keys image is made of has changed */
    bool endpoints_stale;
    bool names_unkept; /* addresses have changed since they were written down */
    uint64_t names_kept_ms;
    bool joined; /* the endpoints image still has clusters of `before` */
    bool ready;  /* was told to the supervisor */
    bool draining;
    bool changed;           /* what status tells has changed */
    uint64_t names_wait_ms; /* until when `next` waits for answers about its names; 0: not yet */
    uint64_t forced_ms;     /* when `current` was put in force */
    uint64_t editions;      /* put in force so far */
    uint64_t rejections;
};

void publish_init(struct publish *publish, const struct settings *settings, struct channel *supervisor);
void publish_done(struct publish *publish);

/* Each takes its letter. */
void publish_source(struct publish *publish, struct source_letter *take);
void publish_identity(struct publish *publish, struct identity_letter *take);
void publish_signing(struct publish *publish, struct signing_letter *take);
void publish_key_set(struct publish *publish, struct key_set_letter *take);
void publish_name(struct publish *publish, struct name_letter *take);

void publish_bound(struct publish *publish, const struct frame *frame);
void publish_worker_frame(struct publish *publish, uint32_t index, const struct frame *frame);
/* What follows from everything that happened in this turn of the loop: call it at the end of each. */
void publish_settle(struct publish *publish);

/* publish_keys.c */
enum { KEYS_WAIT_MS = 6000 }; /* how long the first keys image waits for what is still being fetched */
void publish_keys_want(struct publish *publish); /* orders what current and before need */
struct bytes publish_bundle_text(const struct publish *publish, const struct compile_bundle *bundle);
void publish_keys_flush(struct publish *publish); /* sends a new keys image if there is something new */

/* publish_logins.c */
struct login_provider_letter;
struct login_answer_letter;
void publish_logins_done(struct publish *publish);
void publish_logins_want(struct publish *publish);
bool publish_logins_any(const struct publish *publish);
size_t publish_logins_fill(const struct publish *publish, struct arena *arena,
                           struct keys_login_source **out);
void publish_login_provider(struct publish *publish, struct login_provider_letter *take);
void publish_login_answer(struct publish *publish, struct login_answer_letter *take);
void publish_login_ask(struct publish *publish, uint32_t index, const struct frame *frame);
void publish_ended(struct publish *publish, const struct frame *frame);
/* A worker that comes learns what ended before. */
void publish_ended_tell(struct publish *publish, uint32_t index);

/* publish_names.c */
enum {
    NAMES_WAIT_MS = 5000, /* how long new rules wait for the first answers about their names */
    NAMES_KEEP_MS = 1000, /* addresses are written down this often at most */
};
void publish_names_want(struct publish *publish);      /* orders what before, current and next need */
bool publish_names_waiting(struct publish *publish);   /* whether `next` has to wait for answers */
void publish_endpoints(struct publish *publish);       /* sends an image of what is known now */
void publish_endpoints_flush(struct publish *publish); /* if something has changed */

/* publish_last_good.c */
enum { LAST_GOOD_MS = 1000 };                    /* the last good rules are written this often at most */
void publish_last_good(struct publish *publish); /* takes the files of what is in force now */
void publish_last_good_flush(struct publish *publish, bool now); /* writes them, when it is time or at once */

/* Seals and sends; nothing when the content is what workers have already. */
void publish_image(struct publish *publish, enum image_kind kind, const struct image_head *head, size_t size);

#endif
