/*
 * action: what a route does with a request besides sending it somewhere: answers,
 * rewrites, faults, CORS.
 */
#ifndef RULES_COMPILE_ACTION_H
#define RULES_COMPILE_ACTION_H

#include "rules/compile/work.h"
#include "rules/kind/virtual_service.h"

void actions_set(struct work *work, struct rules_route *row, const struct http_route *route);

#endif
