/*
 * trace: `selvage trace ID`, one request's way through the nodes, from their
 * access logs.
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "base/text.h"
#include "wire/json.h"

/* argv[0] is "trace". */
int trace_main(int argc, char **argv);

#define TRACE_LINE_MAX ((size_t)64 * 1024)
#define TRACE_HOPS_MAX 1000

struct trace_hops {
    json_t *at[TRACE_HOPS_MAX]; /* access records */
    size_t count;
    size_t dropped; /* beyond TRACE_HOPS_MAX */
};

void trace_hops_done(struct trace_hops *hops);
/* One line of a log: kept when it is a record of that request or trace. */
void trace_take(struct trace_hops *hops, struct bytes id, struct bytes line);
/* In the order in which they began. */
void trace_sort(struct trace_hops *hops);
void trace_write(const struct trace_hops *hops, bool color, struct text *out);

#endif
