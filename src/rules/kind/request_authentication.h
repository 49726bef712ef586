/*
 * request_authentication: security.istio.io RequestAuthentication, whose tokens are believed.
 */
#ifndef RULES_KIND_REQUEST_AUTHENTICATION_H
#define RULES_KIND_REQUEST_AUTHENTICATION_H

#include "rules/kind/target_ref.h"

struct jwt_header {
    struct group group;
    struct bytes name;
    struct bytes prefix;
};

struct claim_to_header {
    struct group group;
    struct bytes header;
    struct bytes claim;
};

struct jwt_rule {
    struct group group;
    struct bytes issuer;
    struct text_list audiences;
    struct bytes jwks_uri;
    struct bytes jwks; /* the key set itself, JSON */
    FIELD_LIST_OF(struct jwt_header) from_headers;
    struct text_list from_params;
    struct text_list from_cookies;
    bool forward_original_token;
    struct bytes output_payload_to_header;
    FIELD_LIST_OF(struct claim_to_header) output_claim_to_headers;
    struct text_list space_delimited_claims; /* besides scope and permission */
    int64_t timeout_ms;                      /* 5 s when absent */
};

struct request_authentication {
    struct group group;
    struct selector *selector;
    struct target_ref *target_ref;
    struct target_ref_list target_refs;
    FIELD_LIST_OF(struct jwt_rule) jwt_rules;
};

extern const struct kind request_authentication_kind;

#endif
