/*
 * spiffe_id: workload names, spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.
 * SPIFFE-ID.md 2; Istio's form from its pkg/spiffe.
 */
#ifndef WIRE_SPIFFE_ID_H
#define WIRE_SPIFFE_ID_H

#include "base/arena.h"
#include "base/fail.h"

struct spiffe_id {
    struct bytes trust_domain;
    struct bytes path;       /* with its leading "/", or empty */
    struct bytes name_space; /* Istio's form only, else empty */
    struct bytes account;
};

/* By the letter of SPIFFE-ID.md; all parts point into `text`. */
bool spiffe_id_parse(struct bytes text, struct spiffe_id *out, struct fail *why);
bool spiffe_trust_domain_check(struct bytes name, struct fail *why);
struct bytes spiffe_id_format(struct arena *arena, struct bytes trust_domain, struct bytes name_space,
                              struct bytes account);

#endif
