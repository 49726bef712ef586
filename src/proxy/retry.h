/*
 * retry: whether a try that ended so may be followed by another one, and when: the
 * meaning of VirtualService retries, as Envoy has it. It does not do it, and knows
 * nothing of budgets (breaker.h) and bodies (keep in pump.h).
 */
#ifndef PROXY_RETRY_H
#define PROXY_RETRY_H

#include "rules/snapshot.h"
#include "wire/http.h"

/* How one try of a request came to its end. */
enum try_end {
    TRY_ANSWERED,     /* by a response's head */
    TRY_UNCONNECTED,  /* connecting failed */
    TRY_CONNECT_LATE, /* connecting took too long */
    TRY_BROKEN,       /* the connection ended before a head came */
    TRY_RESET,        /* the upstream ended the stream before a head came */
    TRY_REFUSED,      /* the upstream says that it did not look at it */
    TRY_BAD,          /* what came was not understood */
    TRY_LATE,         /* perTryTimeout */
    TRY_OVERFLOW,     /* the cluster has enough to do */
    TRY_ENDS,
};

struct try_facts {
    enum try_end end;
    bool sent;  /* a byte of the request left */
    bool stale; /* it met a connection that had died in its rest, and could not have had an effect */
    const struct http_response *response; /* TRY_ANSWERED */
};

bool retry_fits(const struct image *rules, const struct rules_retry *retry, const struct try_facts *facts);
/* Before the `number`-th retry, from 1: Envoy's fully jittered back-off, below (2^number - 1) times the base
 * and ten times the base. */
uint64_t retry_pause_ms(const struct rules_retry *retry, uint32_t number, uint64_t random);
/* The same again without an effect beyond the first (RFC 9110 9.2.2). */
bool retry_idempotent(struct bytes method);
/* The gRPC status in a response's head; false: there is none. */
bool retry_grpc_status(const struct http_response *response, uint32_t *status);

#endif
