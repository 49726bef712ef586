/*
 * claim_field: a claim as the value of a header (outputClaimToHeaders).
 *
 * Texts as they are, numbers and truth values written out, the members of a list
 * with commas between them. What could be read as something else than it is has no
 * value: a text with a control character, a member of a list that holds a comma,
 * an object.
 */
#ifndef RULES_DECIDE_CLAIM_FIELD_H
#define RULES_DECIDE_CLAIM_FIELD_H

#include "base/arena.h"
#include "wire/json.h"

/* `claim` may be NULL. False: the header is not set. */
bool claim_field_value(const json_t *claim, struct arena *arena, struct bytes *out);

#endif
