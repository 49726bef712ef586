/*
 * jwt_svid: is this token a workload's identity, for us and now? JWT-SVID.md 2
 * to 4. Pure; the signature is another's question: by the jwt-svid keys of the
 * trust domain that sub names (crypt/bundle), never by its x509-svid keys.
 */
#ifndef RULES_DECIDE_JWT_SVID_H
#define RULES_DECIDE_JWT_SVID_H

#include "rules/decide/claims.h"
#include "wire/jws.h"
#include "wire/spiffe_id.h"

struct jwt_svid_scope {
    struct bytes trust_domain; /* whose keys verified it */
    const struct bytes *audiences;
    size_t audience_count;
};

/* *id points into the payload. */
bool jwt_svid_judge(const struct jws *jws, const json_t *payload, const struct jwt_svid_scope *scope,
                    int64_t now_s, struct spiffe_id *id, enum claims_fault *fault, struct fail *why);

#endif
