/*
 * retry: when a request is tried again, from VirtualServices or by default.
 */
#ifndef RULES_COMPILE_RETRY_H
#define RULES_COMPILE_RETRY_H

#include "rules/compile/work.h"
#include "rules/kind/virtual_service.h"

/* RULES_RETRY, one row or, for attempts 0, none; NULL: the policy where none is written. */
struct image_rows retry_of(struct work *work, const struct http_retry *retry);
/* Istio's policy where none is written: RULES_RETRY, one row. */
struct image_rows retry_preset(struct work *work, bool inbound);

#endif
