/*
 * route: which requests and connections go where, and what is changed about them on
 * the way.
 */
#ifndef RULES_SNAPSHOT_ROUTE_H
#define RULES_SNAPSHOT_ROUTE_H

#include "rules/snapshot/plain.h"

enum rules_text_match { TEXT_ANY, TEXT_EXACT, TEXT_PREFIX, TEXT_REGEX, TEXT_PRESENT, TEXT_MATCH_COUNT };

struct rules_text {
    uint32_t match;
    uint32_t fold; /* 1: ignore letter case */
    struct image_text text;
};

struct rules_match {
    struct image_text name;
    struct rules_text uri;
    struct rules_text method;
    struct rules_text authority;
    struct rules_text scheme;
    struct image_rows fields; /* RULES_FIELD_MATCH: headers and withoutHeaders */
    struct image_rows query;  /* RULES_FIELD_MATCH on query parameters */
};

struct rules_field_match {
    struct image_text name;
    struct image_rows claim; /* RULES_NAME: a claim's path, looked at instead of a header; empty: none */
    struct rules_text value;
    uint32_t invert; /* withoutHeaders */
    uint32_t spare;
};

/* Where connections go: the one whose host fits the SNI best, of equals the first. */
struct rules_tcp_route {
    struct image_text name;         /* of the VirtualService, or the service host */
    struct image_rows hosts;        /* RULES_NAME: SNI: exact, "*.x" or "*"; empty: any, also none */
    struct image_rows to_networks;  /* RULES_NETWORK: our address, any of them; empty: any */
    struct image_rows of_networks;  /* RULES_NETWORK: the client's */
    struct image_rows destinations; /* RULES_DESTINATION; each weight above 0 */
};

enum rules_rewrite { REWRITE_NONE, REWRITE_URI, REWRITE_REGEX, REWRITE_COUNT };

struct rules_route {
    struct image_text name;    /* of the http route, or VirtualService's name */
    struct image_rows matches; /* RULES_MATCH, any of them; empty: always */
    struct image_rows destinations;
    struct image_rows mirrors;     /* RULES_DESTINATION; weight is parts of a million */
    struct image_rows ops;         /* RULES_FIELD_OP */
    struct image_text rewrite_uri; /* REWRITE_REGEX: what a match becomes, with \\1 for groups */
    struct image_text rewrite_regex;
    struct image_text rewrite_authority;
    uint32_t rewrite;    /* enum rules_rewrite: REWRITE_URI counts even when it is empty */
    uint32_t timeout_ms; /* 0: none */
    uint32_t weight_sum;
    uint32_t spare;
    /* Each none or one row. */
    struct image_rows retry;    /* RULES_RETRY; none: never again */
    struct image_rows redirect; /* RULES_REDIRECT */
    struct image_rows direct;   /* RULES_DIRECT */
    struct image_rows fault;    /* RULES_FAULT */
    struct image_rows cors;     /* RULES_CORS */
};

/* When to try again: Envoy's retry-on words. */
enum rules_retry_on {
    RETRY_CONNECT_FAILURE = 1,
    RETRY_REFUSED_STREAM = 2,       /* REFUSED_STREAM, or GOAWAY says that it was not processed */
    RETRY_RESET = 4,                /* the connection or stream ended before a response */
    RETRY_RESET_BEFORE_REQUEST = 8, /* the same, and not a byte of the request had been sent */
    RETRY_GATEWAY_ERROR = 16,       /* 502, 503, 504 */
    RETRY_5XX = 32,                 /* any 5xx, or no response at all */
    RETRY_4XX = 64,                 /* retriable-4xx: 409 */
    RETRY_STATUSES = 128,           /* retriable-status-codes: those listed */
    RETRY_RATE_LIMITED = 256,       /* x-envoy-ratelimited is in the response */
};

struct rules_retry {
    uint32_t attempts;           /* retries beyond the first try; 0: none */
    uint32_t on;                 /* bits of enum rules_retry_on */
    uint32_t grpc;               /* bit N: grpc-status N in the response's head */
    uint32_t per_try_timeout_ms; /* 0: only the route's timeout */
    uint32_t back_off_ms;        /* base: Envoy's jittered exponential back-off, at most ten times that */
    uint32_t other_hosts;        /* 1: rather endpoints that were not tried yet */
    struct image_rows statuses;  /* RULES_NUMBER */
    uint32_t preset;             /* 1: nobody wrote it, it is Istio's default */
    uint32_t spare;
};

enum rules_redirect_path { REDIRECT_KEEP, REDIRECT_URI, REDIRECT_PREFIX, REDIRECT_PATH_COUNT };
enum rules_redirect_port {
    REDIRECT_PORT_KEEP,     /* as asked for, but a default one goes when the scheme changes */
    REDIRECT_PORT_WRITTEN,  /* `port` */
    REDIRECT_PORT_SCHEME,   /* the scheme's own: none is shown */
    REDIRECT_PORT_LISTENER, /* the one that the request came to */
    REDIRECT_PORT_COUNT,
};

struct rules_redirect {
    struct image_text uri; /* the whole path, or what the prefix that matched becomes */
    struct image_text authority;
    struct image_text scheme;
    uint32_t path;      /* enum rules_redirect_path */
    uint32_t port_from; /* enum rules_redirect_port */
    uint32_t port;
    uint32_t code;
};

struct rules_direct {
    struct image_text body;
    uint32_t status;
    uint32_t spare;
};

/* Parts are of a million. */
struct rules_fault {
    uint32_t delay_parts;
    uint32_t delay_ms;
    uint32_t abort_parts;
    uint32_t abort_status; /* 0: abort_grpc counts */
    uint32_t abort_grpc;
    uint32_t spare;
};

struct rules_cors {
    struct image_rows origins; /* RULES_FIELD_MATCH without a name: any of them */
    struct image_text methods; /* each list as its field shows it; empty: no such field */
    struct image_text headers;
    struct image_text expose;
    struct image_text max_age; /* seconds */
    uint32_t credentials;
    uint32_t forwards_unmatched; /* 1: preflights of other origins go on to the upstream */
};

struct rules_destination {
    uint32_t cluster; /* row of RULES_CLUSTER */
    uint32_t weight;
    struct image_rows ops;
};

enum rules_op { OP_SET, OP_ADD, OP_REMOVE, OP_COUNT };

/* What stands for something that only the data path knows; Envoy's words are in rules/kind/header_value.c. */
enum rules_operator {
    OPERATOR_NONE, /* plain text */
    OPERATOR_REQUEST_FIELD,
    OPERATOR_RESPONSE_FIELD,
    OPERATOR_STATUS,
    OPERATOR_PROTOCOL,
    OPERATOR_REMOTE,
    OPERATOR_REMOTE_IP,
    OPERATOR_DIRECT,
    OPERATOR_DIRECT_IP,
    OPERATOR_LOCAL,
    OPERATOR_LOCAL_IP,
    OPERATOR_LOCAL_PORT,
    OPERATOR_TLS_VERSION,
    OPERATOR_PEER_URI,
    OPERATOR_SERVER_NAME,
    OPERATOR_UPSTREAM_HOST,
    OPERATOR_ROUTE_NAME,
    OPERATOR_TRACE_ID,
    OPERATOR_COUNT,
};

/* Part of a header's value. */
struct rules_value_part {
    struct image_text text;  /* itself, or the name of a field */
    struct image_text other; /* the field asked when that is absent, or empty */
    uint32_t is;             /* enum rules_operator */
    uint32_t max;            /* bytes of the field's value; 0: all */
};

struct rules_field_op {
    struct image_text name;
    struct image_text value; /* when it has no operators */
    struct image_rows parts; /* RULES_VALUE_PART: else these in a row */
    uint32_t op;
    uint32_t on_response;
};

#endif
