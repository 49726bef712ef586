/*
 * claims: whether a token's registered claims are good here and now. RFC 7519
 * 4.1. Pure: the payload, the profile and the time in, a judgement out. The
 * signature is another's question (crypt/key_set).
 *
 * Two profiles. istio: what Istio's proxies do, outcome for outcome. strict:
 * what an edge should do; exp is required, times are whole seconds from 1 to
 * the end of the year 9999, the audience is compared byte by byte, an iat in the
 * future is refused. In a profile that is all zero nobody is let in.
 */
#ifndef RULES_DECIDE_CLAIMS_H
#define RULES_DECIDE_CLAIMS_H

#include "base/bytes.h"
#include "base/fail.h"
#include "wire/json.h"

#define CLAIMS_ISTIO_SKEW_S 60 /* jwt_verify_lib's */
#define CLAIMS_STRICT_SKEW_S                                                                                 \
    30                          /* machines that keep time drift less; tokens that live a minute stay short  \
                                 */
#define CLAIMS_AUDIENCES_MAX 64 /* of one token */
#define CLAIMS_ACTORS_MAX 8     /* of one chain: who acts for whom */

enum claims_fault {
    CLAIMS_GOOD,
    CLAIMS_MALFORMED,     /* 401 */
    CLAIMS_EXPIRED,       /* 401 */
    CLAIMS_NOT_YET_VALID, /* 401 */
    CLAIMS_ISSUER,        /* 401 */
    CLAIMS_AUDIENCE,      /* 403 */
    CLAIMS_KIND,          /* 401: a token made for something else */
    CLAIMS_FAULT_COUNT,
};

struct claims_profile {
    bool strict;
    bool any_issuer;
    bool any_audience;           /* Istio: no audiences configured */
    bool require_exp;            /* strict profiles of claims_profile_strict have it */
    bool access_tokens_only;     /* strict: what marks an ID token is refused */
    const struct bytes *issuers; /* exact */
    size_t issuer_count;
    const struct bytes *audiences;
    size_t audience_count;
    int64_t skew_s;
    int64_t max_age_s; /* 0: not judged; else iat is required */
};

/* Both keep `issuers` and `audiences` borrowed. An empty list of audiences means any in the istio profile and
 * none in the strict one. */
struct claims_profile claims_profile_istio(const struct bytes *issuer, const struct bytes *audiences,
                                           size_t audience_count);
struct claims_profile claims_profile_strict(const struct bytes *issuer, const struct bytes *audiences,
                                            size_t audience_count);

/* Types only: what a reader of the claims may rely on. `payload` may be NULL or any JSON. */
bool claims_shape_judge(const json_t *payload, bool strict, enum claims_fault *fault, struct fail *why);
/* Shape, issuer, times, kind, audience, in this order (Istio's); in the strict profile then the actors (RFC
 * 8693 4.1, 4.4): each a named one, none its own subject, the first the one that may_act names, if it does.
 */
bool claims_judge(const json_t *payload, const struct claims_profile *profile, int64_t now_s,
                  enum claims_fault *fault, struct fail *why);
/* For claims that claims_judge has just found good: the seconds from..until-1 in which it goes on saying so.
 */
struct claims_term {
    int64_t from_s;
    int64_t until_s;
};
struct claims_term claims_term(const json_t *payload, const struct claims_profile *profile);
/* Whether a token whose header says `typ` (at NULL: nothing) may be a bearer token: no logout token, no DPoP
 * proof, no security event. RFC 8725 3.11. */
bool claims_typ_judge(struct bytes typ, enum claims_fault *fault, struct fail *why);

/* 401 or 403. */
int claims_fault_status(enum claims_fault fault);
const char *claims_fault_name(enum claims_fault fault);

#endif
