/*
 * limit: the bounds that a worker holds whoever calls to, by name, so that each
 * can be counted when it bites: in the worker, in control's metrics, in records.
 *
 * The numbers themselves are in struct rules_limits (rules/snapshot.h).
 */
#ifndef WIRE_LIMIT_H
#define WIRE_LIMIT_H

enum limit {
    LIMIT_NONE, /* nothing bit */
    LIMIT_LINE_BYTES,
    LIMIT_HEAD_BYTES,
    LIMIT_FIELDS,
    LIMIT_NAME_BYTES,
    LIMIT_UNDERSCORES,
    LIMIT_HEAD_TIME,
    LIMIT_BODY_BYTES,
    LIMIT_BODY_IDLE,
    LIMIT_BODY_RATE,
    LIMIT_ANSWER_IDLE, /* the client takes nothing of the answer */
    LIMIT_ANSWER_RATE,
    LIMIT_UPSTREAM_IDLE, /* the upstream owes an answer and brings nothing */
    LIMIT_RETAINED_BYTES,
    LIMIT_INTERIM_ANSWERS,
    LIMIT_HANDSHAKE_TIME,
    LIMIT_IDLE_TIME,
    LIMIT_TUNNEL_IDLE,
    LIMIT_REQUESTS,
    LIMIT_AGE,
    LIMIT_LISTENER_CONNECTIONS,
    LIMIT_ADDRESS_CONNECTIONS,
    LIMIT_MEMORY_SHED,
    LIMIT_MEMORY_REFUSED,
    LIMIT_HTTP2_STREAMS,
    LIMIT_HTTP2_NEW_STREAMS,
    LIMIT_HTTP2_RESETS,
    LIMIT_HTTP2_FLOOD,
    LIMIT_HTTP2_OWED,
    LIMIT_HTTP2_EMPTY,
    LIMIT_HTTP2_USELESS,
    LIMIT_HTTP2_CONTINUATION,
    LIMIT_COUNT,
};

/* As metrics call it: head_bytes. */
const char *limit_name(enum limit limit);

#endif
