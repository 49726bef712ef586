/*
 * retry: when a request is tried again, from VirtualServices or by default.
 */
#ifndef RULES_COMPILE_RETRY_H
#define RULES_COMPILE_RETRY_H

#include "rules/compile/work.h"

/* Istio's policy where none is written: RULES_RETRY, one row. */
struct image_rows retry_preset(struct work *work, bool inbound);

#endif
