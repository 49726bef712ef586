/*
 * policy_index: sorts the rules of a long list of policies by what they ask for, so
 * that few of many have to be judged (rules/decide/candidates).
 */
#ifndef RULES_COMPILE_POLICY_INDEX_H
#define RULES_COMPILE_POLICY_INDEX_H

#include "rules/compile/work.h"

/* RULES_INDEX: one row for these (RULES_POLICY), or none when they are few. */
struct image_rows policy_index_put(struct work *work, struct image_rows policies);

#endif
