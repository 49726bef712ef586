/*
 * snapshot: what the data path reads: the compiled rules, and beside them the
 * endpoints and the keys, each an image (wire/image.h) that is replaced by
 * itself. Written by rules/compile and control, read by rules/decide and proxy.
 *
 * Ids that cross from one image to another are stable hashes of names
 * (hash_stable): an id that the other image does not know means "no endpoints"
 * or "no key", never garbage.
 */
#ifndef RULES_SNAPSHOT_H
#define RULES_SNAPSHOT_H

#include "rules/snapshot/cluster.h"
#include "rules/snapshot/endpoints.h"
#include "rules/snapshot/keys.h"
#include "rules/snapshot/listener.h"
#include "rules/snapshot/login.h"
#include "rules/snapshot/node.h"
#include "rules/snapshot/policy.h"
#include "rules/snapshot/route.h"
#include "rules/snapshot/token.h"

enum rules_table {
    RULES_NODE, /* exactly one row */
    RULES_LISTENER,
    RULES_SERVER, /* TLS settings by SNI */
    RULES_VHOST,
    RULES_ROUTE,
    RULES_MATCH,
    RULES_FIELD_MATCH,
    RULES_DESTINATION,
    RULES_FIELD_OP,
    RULES_VALUE_PART,
    RULES_CLUSTER,
    RULES_AUTHN, /* one jwtRule each */
    RULES_TOKEN_PLACE,
    RULES_CLAIM_FIELD,
    RULES_POLICY,
    RULES_POLICY_RULE,
    RULES_CONDITIONS, /* a group of conditions, all of which must hold */
    RULES_CONDITION,
    RULES_VALUE,
    RULES_MAPPING,
    RULES_ASSERTION, /* none or one row */
    RULES_NAME,      /* plain texts */
    RULES_NETWORK,   /* address ranges */
    RULES_NUMBER,
    RULES_TCP_ROUTE,
    RULES_RETRY,
    RULES_REDIRECT,
    RULES_DIRECT,
    RULES_FAULT,
    RULES_CORS,
    RULES_OUTLIER,
    RULES_LIMITS, /* exactly one row */
    RULES_INDEX,  /* of a listener's long lists of policies */
    RULES_FACET,
    RULES_SLOT,
    RULES_CANDIDATE,
    RULES_LOGIN,
    RULES_TABLE_COUNT,
};

extern const struct image_schema rules_schema;

#endif
