/*
 * token: whose tokens are good, which groups their claims become, and the assertion
 * that the edge makes of them.
 */
#ifndef RULES_SNAPSHOT_TOKEN_H
#define RULES_SNAPSHOT_TOKEN_H

#include "rules/snapshot/plain.h"

struct rules_authn {
    struct image_text resource; /* NAMESPACE/NAME */
    struct image_text issuer;
    struct image_rows audiences;     /* RULES_NAME; empty: any */
    uint64_t key_set;                /* KEYS_SET id */
    struct image_rows places;        /* RULES_TOKEN_PLACE; never empty */
    struct image_text payload_field; /* outputPayloadToHeader, lower case */
    struct image_rows claim_fields;  /* RULES_CLAIM_FIELD */
    struct image_rows spaced;        /* RULES_NAME: spaceDelimitedClaims */
    uint32_t forward;                /* forwardOriginalToken */
    uint32_t strict;                 /* the edge's profile */
    uint32_t checks_cnf; /* the assertion's `cnf` must name the peer's certificate (token read from the
                            assertion's own field) */
    uint32_t spare;
};

enum rules_token_place { PLACE_FIELD, PLACE_QUERY, PLACE_COOKIE, PLACE_COUNT };

struct rules_place {
    struct image_text name;   /* lower-case field name, query parameter or cookie */
    struct image_text prefix; /* e.g. "Bearer " */
    uint32_t place;
    uint32_t spare;
};

struct rules_claim_field {
    struct image_text field;
    struct image_rows claim; /* RULES_NAME: the path */
};

enum rules_mapping_match {
    MAPPING_EXACT,
    MAPPING_PREFIX,
    MAPPING_SUFFIX,
    MAPPING_IN,
    MAPPING_PASS,
    MAPPING_MATCH_COUNT
};

struct rules_mapping {
    struct image_text name;
    struct image_text issuer; /* empty: any */
    struct image_rows claim;  /* RULES_NAME: the path */
    struct image_text text;   /* exact, prefix, suffix; PASS: prefix put before each */
    struct image_rows list;   /* IN: values; PASS: allow list (RULES_NAME, "x*" is a prefix) */
    struct image_rows groups; /* RULES_NAME: labels given when it matches */
    uint32_t match;
    uint32_t spare;
};

struct rules_assertion {
    struct image_text issuer;
    struct image_rows audiences;
    struct image_text field; /* lower case */
    struct image_text key_set_path;
    struct image_rows copied; /* RULES_NAME: claims taken over as they are */
    struct image_rows labels; /* RULES_NAME in pairs: issuer, label */
    uint32_t lifetime_s;
    uint32_t resign;                /* 1: from a verified assertion, with act (gateways) */
    struct image_text mapping_hash; /* of the mapping rules: claim selvage.rules */
};

#endif
