/*
 * subject: what an attribute of a policy's condition is in the facts of one request:
 * one text, a number, an address, or a list of texts.
 */
#ifndef RULES_DECIDE_SUBJECT_H
#define RULES_DECIDE_SUBJECT_H

#include "rules/decide/claim_texts.h"
#include "rules/decide/facts.h"
#include "rules/snapshot.h"

/* What a condition compares: one text, or a list of which any may match. */
struct subject {
    enum fact_state state;
    struct bytes text;
    const unsigned char *address; /* 16 bytes */
    uint32_t number;
    bool listed; /* a claim: its texts */
    struct claim_texts texts;
    bool empty_counts; /* "*" is also true of an empty text */
    bool fold;
};

/* `key` and `claim` as in struct rules_condition. The arena is only touched when a repeated field must be
 * joined. */
struct subject subject_of(const struct image *rules, uint32_t attribute, struct image_text key,
                          struct image_rows claim, const struct facts *facts, struct arena *arena);

#endif
