/*
 * body_read: the whole of a small request body, for a filter that needs it before
 * it can answer.
 */
#ifndef PROXY_BODY_READ_H
#define PROXY_BODY_READ_H

#include "proxy/exchange.h"

struct body_read {
    struct stage sink;
    struct exchange *x;
    struct text text;
    size_t max;
    bool linked;
};

/* x waits (its wait is filled in): resumed with CAME, or FAILED when it is longer, broken or late. */
void body_read_start(struct body_read *read, struct exchange *x, size_t max, uint64_t late_ms);
/* The filter leaves. */
void body_read_done(struct body_read *read);

#endif
