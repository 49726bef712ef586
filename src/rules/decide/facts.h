/*
 * facts: what is known of a request, or of a connection, when something is to be
 * decided about it.
 *
 * Each fact is known, absent (known to be missing) or unknown (may turn out to be
 * anything later, as at the edge before a later hop has changed it). Decisions are
 * pure functions of a snapshot and facts.
 */
#ifndef RULES_DECIDE_FACTS_H
#define RULES_DECIDE_FACTS_H

#include "wire/http.h"
#include "wire/json.h"

enum fact_state {
    FACT_ABSENT, /* the zero value: nothing there */
    FACT_KNOWN,
    FACT_UNKNOWN,
};

struct fact {
    enum fact_state state;
    struct bytes text;
};

struct fact_address {
    enum fact_state state;
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct facts {
    bool http;                  /* false: a TCP connection; the HTTP facts below are then absent */
    struct fact principal;      /* TD/ns/NS/sa/SA of the peer's verified certificate */
    struct fact_address peer;   /* the direct peer */
    struct fact_address remote; /* the client behind trusted proxies */
    struct fact_address local;  /* destination.ip */
    enum fact_state port_state;
    uint32_t port; /* the workload's */
    struct fact sni;
    struct fact host; /* :authority as it came */
    struct fact method;
    struct fact path; /* normalised; query and fragment are cut off here */
    /* Request fields; NULL with fields_state UNKNOWN when a later hop may change any of them. */
    enum fact_state fields_state;
    const struct http_fields *fields;
    /* The verified token's payload (a JSON object), or NULL. */
    enum fact_state claims_state;
    const json_t *claims;
    /* Claims whose text is a list of words between spaces, besides scope and permission; top level only. */
    const struct bytes *spaced_claims;
    size_t spaced_count;
    /* Replaces one claim when not empty: the groups that claim mapping gave, as texts. */
    struct bytes mapped_claim;
    const struct bytes *groups;
    size_t group_count;
};

static inline struct fact fact_known(struct bytes text)
{
    return (struct fact){FACT_KNOWN, text};
}

#endif
