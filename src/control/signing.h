/*
 * signing: the thread that rotates the keys by which the Assertion is signed.
 *
 * A key is published before it is used and for long enough after: verifiers
 * fetch key sets when they please. The keys survive restarts, sealed; public
 * halves are shared with the other nodes of the authority through a directory,
 * so that every node publishes all.
 */
#ifndef CONTROL_SIGNING_H
#define CONTROL_SIGNING_H

#include "control/mailbox.h"
#include "control/settings.h"
#include "control/signing_keys.h"

/* LETTER_SIGNING, control -> signing */
struct signing_order {
    struct letter letter;
    bool wanted; /* an Assertion applies to this node */
    struct signing_plan plan;
};

/* What may be told of a key. */
struct signing_fact {
    char kid[64];
    int64_t made_s;
    int64_t from_s;
    int64_t until_s;
    int64_t forget_s;
};

/* LETTER_SIGNING, signing -> control. Private keys are wiped with the letter. */
struct signing_letter {
    struct letter letter;
    struct signing_key *keys; /* the one in use, then the next if there is one; .jwk unset */
    size_t count;
    struct bytes published; /* {"keys":[...]} */
    uint32_t max_age_s;
    struct signing_fact *facts; /* of all that are published, by from_s */
    size_t fact_count;
};

/* LETTER_HOLD */
struct hold_letter {
    struct letter letter;
    bool on;
};

struct signing;
struct signing *signing_start(const struct settings *settings, struct mailbox *out);
void signing_order_post(struct signing *signing, bool wanted, const struct signing_plan *plan);
/* While another control gets ready to replace this one, no key is made that it would not know of. */
void signing_hold(struct signing *signing, bool on);
/* On command: the next key is made and published now. */
void signing_rotate(struct signing *signing);
void signing_stop(struct signing *signing);

#endif
