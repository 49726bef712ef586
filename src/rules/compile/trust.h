/*
 * trust: roots of other trust domains and revoked serials that apply to the node.
 */
#ifndef RULES_COMPILE_TRUST_H
#define RULES_COMPILE_TRUST_H

#include "rules/compile/work.h"

/* False when two bundles claim one domain. */
bool trust_collect(struct work *work);

#endif
