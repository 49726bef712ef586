/*
 * providers: the thread that fetches the key sets of token issuers.
 *
 * All at once on one curl multi handle, so that a slow issuer delays nobody. A
 * set that was read once stays until a newer one is good; there is never a key
 * that no issuer published. Bundles of other trust domains are read in the same way. A token that names an
 * unknown key may trigger one fetch a minute and set.
 */
#ifndef CONTROL_PROVIDERS_H
#define CONTROL_PROVIDERS_H

#include "control/mailbox.h"
#include "control/settings.h"

struct provider_wanted {
    uint64_t id;
    struct bytes issuer;
    struct bytes jwks_uri;  /* empty: by discovery */
    int64_t timeout_ms;     /* 0: 5 s */
    bool bundle;            /* what is read are roots of the trust domain `issuer` */
    struct bytes spiffe_id; /* of the server that has them; empty: the web's authorities vouch for it */
    struct bytes roots;     /* for that server until a bundle was read: PEM or SPIFFE's JSON */
};

/* LETTER_WANTED: the whole list, anew. */
struct providers_order {
    struct letter letter;
    struct provider_wanted *at;
    size_t count;
};

/* LETTER_NEED */
struct need_letter {
    struct letter letter;
    uint64_t id;
};

/* LETTER_KEY_SET: the end of each attempt, and the answer to each need. */
struct key_set_letter {
    struct letter letter;
    uint64_t id;
    bool tried;        /* false: the limit forbade an attempt */
    bool answer;       /* of a need */
    struct bytes text; /* a good set; empty: keep what there is */
    struct bytes problem;
    int64_t fetched_s; /* wall time, for text */
};

struct provider_times {
    int64_t refresh_min_ms;
    int64_t refresh_max_ms;
    int64_t retry_min_ms;
    int64_t retry_max_ms;
    int64_t need_every_ms;
};
extern const struct provider_times provider_times_default; /* 60 s, 20 min, 1 s, 60 s, 60 s */

struct providers;
/* False-like NULL when extraRootCAs cannot be read. */
struct providers *providers_start(struct bytes extra_root_cas, const struct provider_times *times,
                                  struct mailbox *out, struct fail *why);
/* An order to be filled in (everything in its own arena) and posted. */
void providers_order_post(struct providers *providers, struct providers_order *take);
void providers_need(struct providers *providers, uint64_t id);
void providers_stop(struct providers *providers);

/* {"issuer":..., "jwks_uri":...}: the issuer must be the one asked, the address as safe as its own. */
bool discovery_read(struct bytes text, struct bytes issuer, struct arena *arena, struct bytes *jwks_uri,
                    struct fail *why);

#endif
