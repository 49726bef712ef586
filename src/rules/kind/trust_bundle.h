/*
 * trust_bundle: selvage.dev TrustBundle, the roots of another trust domain, whose
 * workloads are then let in by their own names.
 */
#ifndef RULES_KIND_TRUST_BUNDLE_H
#define RULES_KIND_TRUST_BUNDLE_H

#include "rules/kind/common.h"

enum trust_profile { TRUST_HTTPS_WEB, TRUST_HTTPS_SPIFFE }; /* SPIFFE_Federation.md 5.2 */

struct trust_endpoint {
    struct group group;
    struct bytes url;
    int profile; /* enum trust_profile */
    struct bytes spiffe_id;
};

struct trust_bundle {
    struct group group;
    struct bytes trust_domain;
    struct bytes bundle;             /* as written: PEM, or SPIFFE's JSON */
    struct trust_endpoint *endpoint; /* NULL: what is written is all there is */
};

extern const struct kind trust_bundle_kind;

#endif
