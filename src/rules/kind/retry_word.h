/*
 * retry_word: the words of retryOn, which are Envoy's x-envoy-retry-on and
 * x-envoy-retry-grpc-on.
 */
#ifndef RULES_KIND_RETRY_WORD_H
#define RULES_KIND_RETRY_WORD_H

#include "base/bytes.h"

enum { RETRY_STATUSES_MAX = 64 };

struct retry_words {
    uint32_t on;   /* bits of enum rules_retry_on */
    uint32_t grpc; /* bit N: status N */
    uint32_t statuses[RETRY_STATUSES_MAX];
    uint32_t status_count;
};

/* Adds one word, or a status such as 503. False: it is neither, or there are too many. */
bool retry_word_read(struct bytes word, struct retry_words *words);

#endif
