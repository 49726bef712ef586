/*
 * value: one value of an AuthorizationPolicy's list as a row.
 */
#ifndef RULES_COMPILE_VALUE_H
#define RULES_COMPILE_VALUE_H

#include "rules/compile/work.h"

/* Adds the rows that `text` stands for (several where trust domain aliases apply). False: it is unusable. */
bool value_add(struct work *work, struct rows *rows, enum rules_attribute attribute, struct bytes text,
               struct bytes policy_namespace);
/* 10.0.0.0/8, 2001:db8::1; false when it is neither. */
bool network_read(struct bytes text, struct rules_network *out);

#endif
