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

/* LETTER_IDENTITY. A failure is posted too: chain is then empty. The key is wiped with the letter. */
struct identity_letter {
    struct letter letter;
    struct identity_pem pem;
    struct bytes spiffe_uri;
    struct bytes serial;
    int64_t not_before_s;
    int64_t not_after_s;
    struct bytes problem; /* why there is no (new) certificate, or empty */
};

struct identity;
/* NULL when the settings name no identity. The settings are borrowed until stop. */
struct identity *identity_start(const struct settings *settings, struct mailbox *out);
void identity_stop(struct identity *identity);

/* One attempt, without a thread. False with *why: nothing is set. */
bool identity_obtain(const struct settings *settings, struct arena *arena, struct identity_letter *out,
                     struct fail *why);

#endif
