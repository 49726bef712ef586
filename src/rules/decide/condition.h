/*
 * condition: does one condition of an AuthorizationPolicy hold?
 *
 * Three values (Kleene): MAYBE when the facts it looks at are unknown. What is
 * built from these with all_of and any_of is YES or NO only when every possible
 * value of the unknowns gives the same.
 */
#ifndef RULES_DECIDE_CONDITION_H
#define RULES_DECIDE_CONDITION_H

#include "rules/decide/facts.h"
#include "rules/snapshot.h"

enum truth { NO, MAYBE, YES }; /* in this order: AND is the least, OR the greatest */

/* The arena is only touched when a repeated field must be joined. */
enum truth condition_holds(const struct image *rules, const struct rules_condition *condition,
                           const struct facts *facts, struct arena *arena);
/* An address with IPv4 as ::ffff:a.b.c.d. */
bool network_holds(const struct rules_network *network, const unsigned char address[16]);
/* Any of them (RULES_NETWORK). */
bool networks_hold(const struct image *rules, struct image_rows networks, const unsigned char address[16]);

#endif
