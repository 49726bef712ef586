/*
 * policy: who may do what: AuthorizationPolicy.
 */
#ifndef RULES_SNAPSHOT_POLICY_H
#define RULES_SNAPSHOT_POLICY_H

#include "rules/snapshot/plain.h"

struct rules_policy {
    struct image_text name_space;
    struct image_text name;
    struct image_rows rules; /* RULES_POLICY_RULE; empty: matches nothing */
};

struct rules_policy_rule {
    struct image_rows from; /* RULES_CONDITIONS: any group; empty: no condition */
    struct image_rows to;
    struct image_rows when; /* RULES_CONDITION: all */
    uint32_t index;         /* rule[I] as written, since unusable rules are dropped */
    uint32_t spare;
};

struct rules_conditions {
    struct image_rows all; /* RULES_CONDITION */
};

/* What a condition looks at. */
enum rules_attribute {
    ATTRIBUTE_PRINCIPAL, /* TD/ns/NS/sa/SA of the peer's certificate */
    ATTRIBUTE_NAMESPACE,
    ATTRIBUTE_ACCOUNT, /* values NS/SA */
    ATTRIBUTE_TRUST_DOMAIN,
    ATTRIBUTE_REQUEST_PRINCIPAL, /* iss and sub: values hold both, see rules_value.text2 */
    ATTRIBUTE_PEER_IP,
    ATTRIBUTE_REMOTE_IP,
    ATTRIBUTE_DESTINATION_IP,
    ATTRIBUTE_DESTINATION_PORT,
    ATTRIBUTE_HOST,
    ATTRIBUTE_METHOD,
    ATTRIBUTE_PATH,
    ATTRIBUTE_FIELD, /* request.headers[key] */
    ATTRIBUTE_CLAIM, /* request.auth.claims[..]: `claim` */
    ATTRIBUTE_AUDIENCE,
    ATTRIBUTE_PRESENTER,
    ATTRIBUTE_SNI,
    ATTRIBUTE_NEVER, /* known to be never there: Envoy's own metadata */
    ATTRIBUTE_COUNT,
};

struct rules_condition {
    uint32_t attribute;
    uint32_t http; /* 1: meaningless on TCP (compile has handled it for TCP listeners) */
    struct image_text key;
    struct image_rows claim;  /* RULES_NAME */
    struct image_rows values; /* RULES_VALUE: any of them; empty: no positive condition */
    struct image_rows not_values;
};

enum rules_value_match {
    VALUE_EXACT,
    VALUE_PREFIX,
    VALUE_SUFFIX,
    VALUE_PRESENT, /* "*" */
    VALUE_NETWORK,
    VALUE_NUMBER,   /* ports */
    VALUE_TEMPLATE, /* paths with {*} and {**} */
    VALUE_GLOB,     /* `*` anywhere: namespaces */
    VALUE_MATCH_COUNT,
};

struct rules_value {
    uint32_t match;
    uint32_t number;
    struct image_text text;
    uint32_t match2; /* request principals: how `sub` compares; `text` is about `iss` */
    uint32_t spare;
    struct image_text text2;
    struct rules_network network;
};

/* Which part of what an attribute says is looked up. */
enum rules_facet_part {
    FACET_WHOLE,
    FACET_ISSUER,    /* of a request principal */
    FACET_SUBJECT,   /* of a request principal */
    FACET_NAMESPACE, /* of a principal: each segment behind /ns/ */
    FACET_ACCOUNT,   /* of a principal: each segment behind /sa/ */
    FACET_PART_COUNT,
};

/* A rule of a list of policies. `order` counts up along the list. */
struct rules_candidate {
    uint32_t policy; /* row of RULES_POLICY */
    uint32_t rule;   /* row of RULES_POLICY_RULE */
    uint32_t order;
    uint32_t spare;
};

/* One place of an open hash table: which rules ask for that value (facet_hash). */
struct rules_slot {
    uint64_t hash;
    struct image_rows candidates; /* RULES_CANDIDATE, by order; none: the place is free */
};

/* Something that rules look at, and which of them can match what a request has there. */
struct rules_facet {
    uint32_t attribute;
    uint32_t part;              /* enum rules_facet_part */
    uint64_t exact_max;         /* of the longest text that is asked for as a whole */
    struct image_text key;      /* ATTRIBUTE_FIELD */
    struct image_rows claim;    /* RULES_NAME: ATTRIBUTE_CLAIM */
    struct image_rows prefixes; /* RULES_NUMBER: which lengths of beginnings are asked for, ascending */
    struct image_rows suffixes; /* RULES_NUMBER: the same of ends */
    struct image_rows networks; /* RULES_NUMBER: the same of addresses, in bits */
    struct image_rows slots;    /* RULES_SLOT; never full */
};

/*
 * Of a long list of policies: every rule is either among `always`, or asks for a value
 * of one facet without which it cannot match. So few of many have to be tried.
 */
struct rules_index {
    struct image_rows always; /* RULES_CANDIDATE, by order */
    struct image_rows facets; /* RULES_FACET */
};

#endif
