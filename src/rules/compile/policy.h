/*
 * policy: AuthorizationPolicies as rows that rules/decide/authz walks.
 *
 * Istio's outcomes, also the odd ones: a value that cannot be used, or a field of
 * HTTP on a TCP listener, drops the whole rule of an ALLOW policy, but only itself
 * of a DENY or AUDIT policy.
 */
#ifndef RULES_COMPILE_POLICY_H
#define RULES_COMPILE_POLICY_H

#include "rules/compile/work.h"

/* Those that apply to this node, into the listener. False: one of them cannot be told (an unknown key). */
bool policies_attach(struct work *work, struct rules_listener *listener);

#endif
