/*
 * assertion: selvage.dev Assertion, the short-lived token with which the edge
 * vouches for a user towards the mesh.
 */
#ifndef RULES_KIND_ASSERTION_H
#define RULES_KIND_ASSERTION_H

#include "rules/kind/common.h"

struct assertion {
    struct group group;
    struct selector *selector;
    struct bytes issuer;
    struct text_list audiences;
    struct bytes header;
    int64_t lifetime_ms;
    struct bytes key_set_path;
    int64_t rotate_every_ms;
    int64_t publish_ahead_ms;
    int64_t keep_published_ms;
    struct text_map subject_prefix; /* issuer -> label; an issuer that is absent stands for itself */
    struct text_list claims;
    bool resign; /* a gateway: verify the assertion, sign a new one with act */
};

extern const struct kind assertion_kind;

#endif
