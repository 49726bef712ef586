#include "wire/limit.h"

static const char *const names[LIMIT_COUNT] = {
    [LIMIT_NONE] = "none",
    [LIMIT_LINE_BYTES] = "request_line_bytes",
    [LIMIT_HEAD_BYTES] = "head_bytes",
    [LIMIT_FIELDS] = "fields",
    [LIMIT_NAME_BYTES] = "field_name_bytes",
    [LIMIT_UNDERSCORES] = "underscores",
    [LIMIT_HEAD_TIME] = "head_time",
    [LIMIT_BODY_BYTES] = "body_bytes",
    [LIMIT_BODY_IDLE] = "body_idle",
    [LIMIT_BODY_RATE] = "body_rate",
    [LIMIT_ANSWER_IDLE] = "answer_idle",
    [LIMIT_ANSWER_RATE] = "answer_rate",
    [LIMIT_UPSTREAM_IDLE] = "upstream_idle",
    [LIMIT_RETAINED_BYTES] = "retained_bytes",
    [LIMIT_INTERIM_ANSWERS] = "interim_answers",
    [LIMIT_HANDSHAKE_TIME] = "tls_handshake_time",
    [LIMIT_IDLE_TIME] = "idle_time",
    [LIMIT_TUNNEL_IDLE] = "tunnel_idle",
    [LIMIT_REQUESTS] = "connection_requests",
    [LIMIT_AGE] = "connection_age",
    [LIMIT_LISTENER_CONNECTIONS] = "listener_connections",
    [LIMIT_ADDRESS_CONNECTIONS] = "address_connections",
    [LIMIT_MEMORY_SHED] = "memory_shed",
    [LIMIT_MEMORY_REFUSED] = "memory_refused",
    [LIMIT_HTTP2_STREAMS] = "http2_streams",
    [LIMIT_HTTP2_NEW_STREAMS] = "http2_new_streams",
    [LIMIT_HTTP2_RESETS] = "http2_resets",
    [LIMIT_HTTP2_FLOOD] = "http2_flood",
    [LIMIT_HTTP2_OWED] = "http2_owed_frames",
    [LIMIT_HTTP2_EMPTY] = "http2_empty_frames",
    [LIMIT_HTTP2_USELESS] = "http2_useless_frames",
    [LIMIT_HTTP2_CONTINUATION] = "http2_continuation",
};

const char *limit_name(enum limit limit)
{
    return names[limit < LIMIT_COUNT ? limit : LIMIT_NONE];
}
