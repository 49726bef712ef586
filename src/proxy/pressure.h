/*
 * pressure: whether this worker's memory is about to run out, and what is done
 * then: first idle connections and stocks go and new requests are answered with
 * 503, then new connections are not taken any more. What is under way goes on.
 */
#ifndef PROXY_PRESSURE_H
#define PROXY_PRESSURE_H

#include "proxy/worker.h"

enum pressure { PRESSURE_NONE, PRESSURE_SHED, PRESSURE_REFUSE };

/* By what heap_counted says and the limits in force; costs no system call. Under pressure memory is given
 * back, at most ten times a second. */
enum pressure pressure_now(struct worker *worker);

#endif
