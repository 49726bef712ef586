/*
 * front: what stands in front of the node and may say who the client is, and the
 * fields that nobody else may say it with.
 *
 * Default: nobody. A configured proxy is known by its client certificate, else by
 * its address. Identity fields are removed on every path, and only then set.
 */
#ifndef PROXY_FRONT_H
#define PROXY_FRONT_H

#include "proxy/exchange.h"

/* Whether the direct peer is such a proxy (or the node's own workload, on its way out). */
bool front_trusted(const struct exchange *x);
/* Whether an address (IPv4 as ::ffff:) is a front proxy's. */
bool front_has_address(const struct generation *generation, const unsigned char address[16]);
/* Removes from request fields or trailers whatever claims identity: in every letter case, with "_" for "-",
 * repeated. What a trusted proxy may say is kept (see front.c). */
void front_strip(const struct exchange *x, struct http_fields *fields);
/* The client's address: the direct peer's, or what a trusted proxy's X-Forwarded-For says. */
void front_remote(struct exchange *x);
/* X-Forwarded-For, -Proto and XFCC on the request that is sent on. */
void front_set(struct exchange *x, struct http_fields *fields);

#endif
