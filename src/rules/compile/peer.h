/*
 * peer: which PeerAuthentication holds for a port of the workload.
 */
#ifndef RULES_COMPILE_PEER_H
#define RULES_COMPILE_PEER_H

#include "rules/compile/work.h"

/* LISTENER_STRICT, LISTENER_PERMISSIVE (when nothing is said) or LISTENER_PLAIN. */
enum rules_listener_tls peer_tls(struct work *work, int64_t port);

#endif
