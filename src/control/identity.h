/*
 * identity: the thread that keeps this node's own certificate fresh.
 *
 * From the embedded authority, from Istio's cacerts, or from files that somebody
 * else renews. A new certificate is posted at half of the old one's life; when
 * that fails the old one stays and it is tried again. The authority's key never
 * leaves this thread.
 */
#ifndef CONTROL_IDENTITY_H
#define CONTROL_IDENTITY_H

#include "control/mailbox.h"
#include "control/settings.h"
#include "crypt/authority.h"

/* What may be told of a key of the embedded authority. */
struct authority_fact {
    bool root; /* else an intermediate */
    char serial[48];
    int64_t made_s;
    int64_t from_s;
    int64_t until_s;
    int64_t forget_s;
};

/* LETTER_IDENTITY. A failure is posted too: chain is then empty. The key is wiped with the letter. */
struct identity_letter {
    struct letter letter;
    struct identity_pem pem;
    struct bytes spiffe_uri;
    struct bytes serial;
    int64_t not_before_s;
    int64_t not_after_s;
    struct bytes problem;             /* why there is no (new) certificate, or empty */
    struct authority_fact *authority; /* of the embedded one: roots, then intermediates */
    size_t authority_count;
    int64_t authority_next_s; /* when it has something to do next; 0: it is none of ours */
};

struct identity;
/* NULL when the settings name no identity. The settings are borrowed until stop. */
struct identity *identity_start(const struct settings *settings, struct mailbox *out);
/* On command. Bits of enum ca_rotate for the embedded authority, whatever they are a new certificate too. */
void identity_rotate(struct identity *identity, unsigned rotate);
void identity_stop(struct identity *identity);

/* One attempt, without a thread. False with *why: nothing is set. */
bool identity_obtain(const struct settings *settings, unsigned rotate, struct arena *arena,
                     struct identity_letter *out, struct fail *why);

#endif
