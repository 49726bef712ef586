/*
 * sidecars: the Sidecar that chooses this node, as listeners inbound and outbound.
 */
#ifndef RULES_COMPILE_SIDECARS_H
#define RULES_COMPILE_SIDECARS_H

#include "rules/compile/work.h"

bool sidecars_compile(struct work *work);

#endif
