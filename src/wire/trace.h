/*
 * trace: W3C Trace Context, levels 1 and 2: the traceparent and tracestate
 * fields. Randomness comes from the caller.
 */
#ifndef WIRE_TRACE_H
#define WIRE_TRACE_H

#include "base/bytes.h"

#define TRACE_ID_SIZE 16
#define TRACE_SPAN_SIZE 8
#define TRACE_RANDOM_SIZE (TRACE_ID_SIZE + TRACE_SPAN_SIZE)
#define TRACE_TEXT_SIZE 56 /* 00-<32>-<16>-<2> and NUL */
#define TRACE_STATE_MAX 512
#define TRACE_STATE_MEMBERS_MAX 32

enum {
    TRACE_SAMPLED = 1,
    TRACE_RANDOM = 2, /* level 2: the trace id is random */
};

struct trace {
    uint8_t id[TRACE_ID_SIZE];     /* never all zero */
    uint8_t span[TRACE_SPAN_SIZE]; /* never all zero */
    uint8_t flags;                 /* TRACE_ bits; others are not passed on */
};

/* A traceparent value. Version ff and broken ones are refused; a later version is read as far as we know it.
 * On false start a new trace, and drop tracestate with it. */
bool trace_parse(struct bytes text, struct trace *out);
void trace_start(const uint8_t random[TRACE_RANDOM_SIZE], bool sampled, struct trace *out);
/* The same trace, a span of its own. */
void trace_child(const struct trace *parent, const uint8_t random[TRACE_SPAN_SIZE], struct trace *out);
/* The traceparent value; it lies in `buffer`. */
struct bytes trace_text(const struct trace *trace, char buffer[TRACE_TEXT_SIZE]);
/* Whether a tracestate value, several fields joined by ",", may travel on; otherwise it is dropped as a
 * whole. */
bool trace_state_ok(struct bytes value);

#endif
