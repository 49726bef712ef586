/*
 * spiffe_id: workload names, spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.
 * SPIFFE-ID.md 2; Istio's form from its pkg/spiffe.
 *
 * spiffe_id_parse is for identities that somebody proves; spiffe_istio_parse
 * reads what Istio accepts in policy text, which is laxer, and proves nothing.
 */
#ifndef WIRE_SPIFFE_ID_H
#define WIRE_SPIFFE_ID_H

#include "base/arena.h"
#include "base/fail.h"

#define SPIFFE_ID_MAX 2048          /* SPIFFE-ID.md 2.3, the whole URI */
#define SPIFFE_TRUST_DOMAIN_MAX 255 /* SPIFFE-ID.md 2.3 */

struct spiffe_id {
    struct bytes trust_domain;
    struct bytes path;       /* with its leading "/", or empty */
    struct bytes name_space; /* Istio's form only, else empty */
    struct bytes account;
};

/* By the letter of SPIFFE-ID.md; all parts point into `text`. */
bool spiffe_id_parse(struct bytes text, struct spiffe_id *out, struct fail *why);
bool spiffe_trust_domain_check(struct bytes name, struct fail *why);
/* A trust domain by its name, or the one of a SPIFFE id; points into `text`. */
bool spiffe_trust_domain_parse(struct bytes text, struct bytes *out, struct fail *why);
/* Empty when a part is empty: such a name identifies nobody. */
struct bytes spiffe_id_format(struct arena *arena, struct bytes trust_domain, struct bytes name_space,
                              struct bytes account);

/* Istio's own reading: five parts in Istio's form, their characters not judged, empty parts let through. */
bool spiffe_istio_parse(struct bytes text, struct spiffe_id *out, struct fail *why);
/*
 * The ids and, for those in Istio's form, the same ids in each alias; sorted,
 * each once. What is not in Istio's form stays as it is.
 */
struct bytes *spiffe_aliases_expand(struct arena *arena, const struct bytes *uris, size_t uri_count,
                                    const struct bytes *aliases, size_t alias_count, size_t *count);

#endif
