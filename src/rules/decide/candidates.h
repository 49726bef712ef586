/*
 * candidates: which rules of a long list of policies can match a request at all.
 *
 * What is left out certainly does not match; what is a candidate still has to be
 * judged. They come in the order of the list, so that who walks them finds the
 * same first match as who walks the whole list.
 */
#ifndef RULES_DECIDE_CANDIDATES_H
#define RULES_DECIDE_CANDIDATES_H

#include "rules/decide/facts.h"
#include "rules/snapshot.h"

enum { CANDIDATE_RUNS_MAX = 48 };

struct candidates {
    const struct image *rules;
    uint32_t count;
    struct candidate_run {
        const struct rules_candidate *next;
        const struct rules_candidate *end;
    } runs[CANDIDATE_RUNS_MAX]; /* none is empty */
};

/* False: it cannot be told (a fact is unknown, or there is too much to look up): every rule has to be judged.
 */
bool candidates_find(const struct image *rules, const struct rules_index *index, const struct facts *facts,
                     struct arena *arena, struct candidates *out);
/* NULL at the end. */
const struct rules_candidate *candidates_next(struct candidates *candidates);

#endif
