/*
 * authn: RequestAuthentications as rows, and the Assertion and ClaimMappings
 * that this node acts on.
 */
#ifndef RULES_COMPILE_AUTHN_H
#define RULES_COMPILE_AUTHN_H

#include "rules/compile/work.h"

/* The rules for tokens that apply to this node, sorted by issuer; made once. */
struct image_rows authn_rows(struct work *work);
/* The key set that an issuer's discovery leads to; answers its id. */
uint64_t key_set_of_issuer(struct work *work, struct bytes issuer);
/* Finds the Assertion that applies. False: there are two. */
bool assertion_choose(struct work *work);
/* Fills in assertion, mapping, mapping_claim and stripped of the node's row. */
bool identity_fill(struct work *work, struct rules_node *node);

#endif
