/*
 * mapping: claims to groups, by ordered, named rules.
 */
#ifndef RULES_DECIDE_MAPPING_H
#define RULES_DECIDE_MAPPING_H

#include "base/arena.h"
#include "rules/snapshot.h"
#include "wire/json.h"

#define MAPPING_GROUPS_MAX 128

struct mapping_group {
    struct bytes label;
    struct bytes rule; /* name of the first rule that gave it */
};

struct mapping_result {
    struct mapping_group *groups; /* in order of the rules, each label once */
    size_t count;
    bool cut; /* more than MAPPING_GROUPS_MAX */
};

/* Pure. A claim that is a text or a list of texts can match; anything else never does. Labels with control
 * characters are left out. */
void mapping_apply(const struct image *rules, const json_t *claims, struct arena *arena,
                   struct mapping_result *out);
/* The claim at a path, or NULL. Also what outputClaimToHeaders reads. */
const json_t *claim_at(const struct image *rules, const json_t *claims, struct image_rows path);

#endif
