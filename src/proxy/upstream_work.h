/*
 * upstream_work: what the last filter knows about its exchange; shared by the two
 * files it consists of and nobody else: upstream_filter.c (what came of a try, and
 * what follows) and upstream_try.c (where a try goes, and what is sent).
 */
#ifndef PROXY_UPSTREAM_WORK_H
#define PROXY_UPSTREAM_WORK_H

#include "proxy/balance.h"
#include "proxy/retry.h"
#include "proxy/upstream.h"

enum progress { PROGRESS_NONE, PROGRESS_READY, PROGRESS_HEAD, PROGRESS_FAILED, PROGRESS_PAUSED };

struct upstream_work {
    enum progress progress;
    uint64_t load;     /* counted at this endpoint; 0: not */
    uint64_t until_ms; /* of the route */
    uint64_t try_until_ms;
    uint64_t sent_us;
    bool asserted; /* the request has an assertion of ours */
    bool stale;    /* the last try met a connection that had died in its rest */
    uint32_t retries;
    uint32_t in_vain;            /* connections that were none for it */
    struct counts_place request; /* of the cluster's requests */
    struct counts_place retry;   /* of its retries */
    struct balance_tried tried;
    struct http1_write how;
    struct call call;
    struct keep keep;
};

/* The route's rule; NULL: never again. */
const struct rules_retry *upstream_retry_rule(const struct exchange *x);
/* The next try: an endpoint, a connection, and the request when there is one at once. */
enum turn upstream_try(struct exchange *x);
/* The connection is there. */
enum turn upstream_send(struct exchange *x);
/* As much of the request as is the same for all tries. */
void upstream_prepare(struct exchange *x);
/* Ends the try: lets go of connection, places and counts. */
void upstream_let_go(struct exchange *x);
/* Waits for it at most as long as the try, or the route, has time. */
enum turn upstream_wait(struct exchange *x, const char *what);
/* The try has come to this end: another one, or the answer. */
enum turn upstream_ended(struct exchange *x, enum try_end end);

#endif
