/*
 * gateways: Gateways that choose this node, as listeners.
 */
#ifndef RULES_COMPILE_GATEWAYS_H
#define RULES_COMPILE_GATEWAYS_H

#include "rules/compile/work.h"

bool gateways_compile(struct work *work);

#endif
