/*
 * claim_texts: the texts that a claim stands for when it is matched: the text
 * itself, the words of one that is a list of words (scope), the members of a
 * list, or the groups that claim mapping gave in its place. Numbers, truth values
 * and objects stand for none. Envoy's metadata after jwt_authn has normalised it.
 */
#ifndef RULES_DECIDE_CLAIM_TEXTS_H
#define RULES_DECIDE_CLAIM_TEXTS_H

#include "rules/decide/facts.h"
#include "rules/snapshot.h"

struct claim_texts {
    const json_t *claim;        /* NULL: absent */
    const struct bytes *groups; /* instead of it */
    size_t count;               /* of the groups */
    size_t at;
    struct bytes words; /* what is left of them */
    bool spaced;
};

/* Is a claim of that name, at the top, a list of words? */
bool claim_is_spaced(const struct facts *facts, struct bytes name);
/* `path` in rows of RULES_NAME. Without claims, known to be missing or not: none. */
struct claim_texts claim_texts_begin(const struct image *rules, struct image_rows path,
                                     const struct facts *facts);
bool claim_texts_next(struct claim_texts *texts, struct bytes *out);

#endif
