/*
 * limit_hits: how often each limit has bitten in this worker, told to control
 * once a second as long as there is something to tell.
 */
#ifndef PROXY_LIMIT_HITS_H
#define PROXY_LIMIT_HITS_H

#include "proxy/worker.h"

void limit_hits_init(struct worker *worker);
void limit_hits_done(struct worker *worker);
/* LIMIT_NONE is fine, and nothing. */
void limit_hit(struct worker *worker, enum limit limit);

#endif
