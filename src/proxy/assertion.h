/*
 * assertion: the short-lived JWT by which this node tells the mesh who asks.
 *
 * ES256, bound to the node's own certificate (cnf), used again for half its life:
 * with the token it was made from, and with others of which it says the same
 * (assertion_keep). A gateway makes a new one from a verified one,
 * naming the one who signed before as `act`.
 */
#ifndef PROXY_ASSERTION_H
#define PROXY_ASSERTION_H

#include "proxy/exchange.h"

/* Its `typ`: what tells it from every other token. */
#define ASSERTION_TYPE "selvage+jwt"

/* Adds the assertion's field to the request that goes to a mesh upstream, when there is somebody to speak of.
 * False: it could not be signed (nothing may be sent then). */
bool assertion_add(struct exchange *x, struct http_fields *fields, struct fail *why);

#endif
