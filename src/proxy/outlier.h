/*
 * outlier: endpoints that answer badly are left out for a time (DestinationRule
 * outlierDetection). What one worker finds out, all of the node know (wire/health.h).
 */
#ifndef PROXY_OUTLIER_H
#define PROXY_OUTLIER_H

#include "proxy/exchange.h"
#include "proxy/retry.h"

/* A try at x->endpoint, known as `id`, ended so. */
void outlier_tell(struct exchange *x, uint64_t id, const struct try_facts *facts);
bool outlier_is_ejected(const struct worker *worker, uint64_t id);

#endif
