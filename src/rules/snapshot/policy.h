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

#endif
