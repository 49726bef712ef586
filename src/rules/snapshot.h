/*
 * snapshot: what the data path reads: the compiled rules, and beside them the
 * endpoints and the keys, each an image (wire/image.h) that is replaced by
 * itself. Written by rules/compile and control, read by rules/decide and proxy.
 *
 * Ids that cross from one image to another are stable hashes of names
 * (hash_stable): an id that the other image does not know means "no endpoints"
 * or "no key", never garbage.
 */
#ifndef RULES_SNAPSHOT_H
#define RULES_SNAPSHOT_H

#include "rules/snapshot/cluster.h"
#include "rules/snapshot/endpoints.h"
#include "rules/snapshot/keys.h"
#include "rules/snapshot/listener.h"
#include "rules/snapshot/login.h"
#include "rules/snapshot/node.h"
#include "rules/snapshot/policy.h"
#include "rules/snapshot/route.h"
#include "rules/snapshot/token.h"

enum rules_table {
    RULES_NODE, /* exactly one row */
    RULES_LISTENER,
    RULES_SERVER, /* TLS settings by SNI */
    RULES_VHOST,
    RULES_ROUTE,
    RULES_MATCH,
    RULES_FIELD_MATCH,
    RULES_DESTINATION,
    RULES_FIELD_OP,
    RULES_VALUE_PART,
    RULES_CLUSTER,
    RULES_AUTHN, /* one jwtRule each */
    RULES_TOKEN_PLACE,
    RULES_CLAIM_FIELD,
    RULES_POLICY,
    RULES_POLICY_RULE,
    RULES_CONDITIONS, /* a group of conditions, all of which must hold */
    RULES_CONDITION,
    RULES_VALUE,
    RULES_MAPPING,
    RULES_ASSERTION, /* none or one row */
    RULES_NAME,      /* plain texts */
    RULES_NETWORK,   /* address ranges */
    RULES_NUMBER,
    RULES_TCP_ROUTE,
    RULES_RETRY,
    RULES_REDIRECT,
    RULES_DIRECT,
    RULES_FAULT,
    RULES_CORS,
    RULES_OUTLIER,
    RULES_LIMITS, /* exactly one row */
    RULES_INDEX, /* of a listener's long lists of policies */
    RULES_FACET,
    RULES_SLOT,
    RULES_CANDIDATE,
    RULES_LOGIN,
    RULES_TABLE_COUNT,
};

enum rules_role { ROLE_EDGE, ROLE_GATEWAY, ROLE_SIDECAR, ROLE_COUNT };

struct rules_name {
    struct image_text text;
};

struct rules_network {
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint32_t bits;             /* of 128 */
    uint32_t spare;
};

struct rules_number {
    uint64_t number;
};

struct rules_node {
    struct image_text name;
    struct image_text name_space;
    struct image_text account;
    struct image_text workload; /* label app, or the node's name */
    struct image_text app;
    struct image_text version;
    struct image_text principal;     /* TD/ns/NS/sa/SA, without spiffe:// */
    struct image_rows trust_domains; /* RULES_NAME: the own first, then aliases */
    uint32_t role;                   /* enum rules_role */
    uint32_t path_level;             /* enum path_level */
    uint32_t deny_all;               /* 1: there is no valid set of rules: every request is refused */
    uint32_t spare;
    struct image_text deny_reason;
    /* Front proxies that may say who the client is: by certificate name, by address. Default none. */
    struct image_rows proxy_names;    /* RULES_NAME: SPIFFE ids or DNS names of client certificates */
    struct image_rows proxy_networks; /* RULES_NETWORK */
    struct image_rows
        protocol_networks; /* RULES_NETWORK: who sends PROXY headers, where a listener takes them */
    struct image_text proxy_token_field; /* e.g. cf-access-jwt-assertion; empty: none */
    struct image_rows stripped;  /* RULES_NAME: lower-case fields removed from every request: ours, and all
                                    that claims are mapped to */
    struct image_rows assertion; /* RULES_ASSERTION */
    struct image_rows mapping;   /* RULES_MAPPING, in order */
    struct image_text mapping_claim; /* the claim that the groups become; "groups" */
};

enum rules_direction { DIRECTION_GATEWAY, DIRECTION_INBOUND, DIRECTION_OUTBOUND, DIRECTION_COUNT };
enum rules_protocol { SPEAKS_HTTP, SPEAKS_TCP, SPEAKS_COUNT };
enum rules_listener_tls {
    LISTENER_PLAIN,
    LISTENER_TLS,         /* by servers: SIMPLE, MUTUAL, ISTIO_MUTUAL */
    LISTENER_STRICT,      /* mesh mTLS only */
    LISTENER_PERMISSIVE,  /* mesh mTLS or plain text, told apart by the first byte */
    LISTENER_PASSTHROUGH, /* TLS that stays encrypted: `tcp` by SNI; SPEAKS_TCP */
    LISTENER_TLS_COUNT,
};

struct rules_listener {
    uint64_t id;               /* hash of "ADDRESS:PORT" */
    struct image_text name;    /* ADDRESS:PORT */
    struct image_text address; /* an IP */
    uint32_t port;
    uint32_t direction;
    uint32_t protocol;
    uint32_t tls;
    struct image_rows servers; /* RULES_SERVER */
    struct image_rows vhosts;  /* RULES_VHOST; empty: 404 */
    struct image_rows authn;   /* RULES_AUTHN, all that apply here */
    struct image_rows deny;    /* RULES_POLICY by action */
    struct image_rows allow;
    struct image_rows audit;
    struct image_rows tcp; /* RULES_TCP_ROUTE for SPEAKS_TCP */
    /* RULES_LISTENER: none or one, for LISTENER_TLS: the LISTENER_PASSTHROUGH by whose rules connections go
     * on that are not for `servers` (route_tls decides). Nobody binds it: it is this port seen otherwise. */
    struct image_rows passthrough;
    uint32_t policed;        /* 0: outbound: no authn, no authz */
    uint32_t redirect_https; /* Gateway tls.httpsRedirect */
    uint32_t publishes_keys; /* serves the assertion's key set at its well-known path */
    uint32_t workload_port;  /* what policies call the destination port */
    uint32_t proxy_protocol; /* 1: connections from the node's protocol_networks begin with a PROXY header */
    uint32_t spare;
};

enum rules_server_tls { SERVER_SIMPLE, SERVER_MUTUAL, SERVER_MESH, SERVER_TLS_COUNT };

struct rules_server {
    struct image_rows hosts;      /* RULES_NAME: SNI: exact, "*.x" or "*" */
    uint64_t credential;          /* KEYS_CERTIFICATE id; 0: the node's own identity */
    struct image_rows peer_names; /* RULES_NAME: subjectAltNames; empty: any */
    uint32_t tls;
    uint32_t min_version; /* 12, 13 */
    struct image_text credential_name;
};

enum rules_host_match { HOST_EXACT, HOST_SUFFIX /* "*.x": text is ".x" */, HOST_ANY, HOST_MATCH_COUNT };

struct rules_vhost {
    struct image_text host; /* lower case, without the "*" */
    uint32_t match;         /* vhosts of a listener are sorted: exact, then longer suffixes first, then any */
    uint32_t port;          /* 0 or the only port that may follow the host */
    struct image_rows routes;
    struct image_text name; /* of the VirtualService, or the service host */
};

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

enum rules_balance { PICK_LEAST_REQUEST, PICK_ROUND_ROBIN, PICK_RANDOM, PICK_COUNT };
enum rules_cluster_tls {
    CLUSTER_AUTO, /* mesh mTLS to endpoints that speak it, else plain text (auto mTLS) */
    CLUSTER_PLAIN,
    CLUSTER_TLS,    /* DestinationRule SIMPLE */
    CLUSTER_MUTUAL, /* MUTUAL: with `credential` */
    CLUSTER_MESH,   /* ISTIO_MUTUAL */
    CLUSTER_TLS_COUNT,
};

enum rules_cluster_speaks {
    CLUSTER_HTTP1,
    CLUSTER_HTTP2,
    CLUSTER_AS_CLIENT, /* useClientProtocol */
    CLUSTER_SPEAKS_COUNT,
};

#define RULES_UNLIMITED UINT32_MAX

struct rules_cluster {
    uint64_t id;            /* hash of name; ENDPOINTS_CLUSTER id */
    struct image_text name; /* outbound|PORT|SUBSET|HOST or inbound|PORT|| */
    struct image_text host;
    struct image_text service_name;
    struct image_text service_namespace;
    struct image_text subset;
    uint32_t port;
    uint32_t balance;
    uint32_t tls;
    uint32_t skip_verify;
    uint64_t credential; /* KEYS_CERTIFICATE id for CLUSTER_MUTUAL (and trust for CLUSTER_TLS), 0: none */
    struct image_text sni;
    struct image_rows peer_names; /* RULES_NAME: who may answer; empty: the endpoints' own accounts */
    uint64_t settings;            /* hash of all TLS settings above: a part of the pool's key */
    uint32_t inside;              /* the mesh's own service (MESH_INTERNAL) */
    uint32_t speaks;              /* enum rules_cluster_speaks, for HTTP */
    /* connectionPool; limits are of the whole node, RULES_UNLIMITED when none is written */
    uint32_t connect_timeout_ms;
    uint32_t idle_timeout_ms;     /* of a pooled HTTP connection */
    uint32_t tcp_idle_timeout_ms; /* of a TCP connection; 0: none */
    uint32_t max_connection_ms;   /* 0: none */
    uint32_t max_connections;
    uint32_t max_pending;
    uint32_t max_requests;
    uint32_t max_retries;                 /* at once; not counted when there is a retry budget */
    uint32_t max_requests_per_connection; /* 0: any number */
    uint32_t max_streams;                 /* of one HTTP/2 connection */
    uint32_t ping_interval_ms;            /* http2KeepAlive; 0: none */
    uint32_t ping_timeout_ms;
    uint32_t keepalive_time_s; /* TCP's keep-alive; all three 0: off; one 0: as the system has it */
    uint32_t keepalive_interval_s;
    uint32_t keepalive_probes;
    uint32_t proxy_protocol; /* 0: none, 1, 2 */
    uint32_t has_retry_budget;
    uint32_t retry_budget_parts; /* of a million of the requests at once */
    uint32_t retry_budget_min;   /* retries at once that are always allowed */
    struct image_rows outlier;   /* RULES_OUTLIER: none or one */
};

/* Ejecting endpoints: Envoy's outlier detection. */
struct rules_outlier {
    uint32_t consecutive_5xx;     /* 0: off */
    uint32_t consecutive_gateway; /* 0: off; 502, 503, 504 */
    uint32_t split_local;         /* 1: failures to connect count apart, by consecutive_local */
    uint32_t consecutive_local;   /* 0: off */
    uint32_t interval_ms;
    uint32_t base_ejection_ms; /* times the number of ejections */
    uint32_t max_ejection_percent;
    uint32_t min_health_percent; /* below it nobody is ejected; 0: no such limit */
    struct image_rows statuses;  /* RULES_NUMBER: what counts instead of 5xx; empty: 5xx */
};

struct rules_authn {
    struct image_text resource; /* NAMESPACE/NAME */
    struct image_text issuer;
    struct image_rows audiences;     /* RULES_NAME; empty: any */
    uint64_t key_set;                /* KEYS_SET id */
    struct image_rows places;        /* RULES_TOKEN_PLACE; never empty */
    struct image_text payload_field; /* outputPayloadToHeader, lower case */
    struct image_rows claim_fields;  /* RULES_CLAIM_FIELD */
    uint32_t forward;                /* forwardOriginalToken */
    uint32_t strict;                 /* the edge's profile */
    uint32_t checks_cnf; /* the assertion's `cnf` must name the peer's certificate (token read from the
                            assertion's own field) */
    uint32_t spare;
};

enum rules_token_place { PLACE_FIELD, PLACE_QUERY, PLACE_COUNT };

struct rules_place {
    struct image_text name;   /* lower-case field name, or query parameter */
    struct image_text prefix; /* e.g. "Bearer " */
    uint32_t place;
    uint32_t spare;
};

struct rules_claim_field {
    struct image_text field;
    struct image_rows claim; /* RULES_NAME: the path */
};

struct rules_policy {
    struct image_text name_space;
    struct image_text name;
    struct image_rows rules; /* RULES_POLICY_RULE; empty: matches nothing */
};

struct rules_policy_rule {
    struct image_rows from; /* RULES_CONDITIONS: any group; empty: no condition */
    struct image_rows to;
    struct image_rows when; /* RULES_CONDITION: all */
    uint32_t index;         /* rule[I] as written, since unusable rules are dropped */
    uint32_t spare;
};

struct rules_conditions {
    struct image_rows all; /* RULES_CONDITION */
};

/* What a condition looks at. */
enum rules_attribute {
    ATTRIBUTE_PRINCIPAL, /* TD/ns/NS/sa/SA of the peer's certificate */
    ATTRIBUTE_NAMESPACE,
    ATTRIBUTE_ACCOUNT, /* values NS/SA */
    ATTRIBUTE_TRUST_DOMAIN,
    ATTRIBUTE_REQUEST_PRINCIPAL, /* iss and sub: values hold both, see rules_value.text2 */
    ATTRIBUTE_PEER_IP,
    ATTRIBUTE_REMOTE_IP,
    ATTRIBUTE_DESTINATION_IP,
    ATTRIBUTE_DESTINATION_PORT,
    ATTRIBUTE_HOST,
    ATTRIBUTE_METHOD,
    ATTRIBUTE_PATH,
    ATTRIBUTE_FIELD, /* request.headers[key] */
    ATTRIBUTE_CLAIM, /* request.auth.claims[..]: `claim` */
    ATTRIBUTE_AUDIENCE,
    ATTRIBUTE_PRESENTER,
    ATTRIBUTE_SNI,
    ATTRIBUTE_NEVER, /* known to be never there: Envoy's own metadata */
    ATTRIBUTE_COUNT,
};

struct rules_condition {
    uint32_t attribute;
    uint32_t http; /* 1: meaningless on TCP (compile has handled it for TCP listeners) */
    struct image_text key;
    struct image_rows claim;  /* RULES_NAME */
    struct image_rows values; /* RULES_VALUE: any of them; empty: no positive condition */
    struct image_rows not_values;
};

enum rules_value_match {
    VALUE_EXACT,
    VALUE_PREFIX,
    VALUE_SUFFIX,
    VALUE_PRESENT, /* "*" */
    VALUE_NETWORK,
    VALUE_NUMBER,   /* ports */
    VALUE_TEMPLATE, /* paths with {*} and {**} */
    VALUE_GLOB,     /* `*` anywhere: namespaces */
    VALUE_MATCH_COUNT,
};

struct rules_value {
    uint32_t match;
    uint32_t number;
    struct image_text text;
    uint32_t match2; /* request principals: how `sub` compares; `text` is about `iss` */
    uint32_t spare;
    struct image_text text2;
    struct rules_network network;
};

enum rules_mapping_match {
    MAPPING_EXACT,
    MAPPING_PREFIX,
    MAPPING_SUFFIX,
    MAPPING_IN,
    MAPPING_PASS,
    MAPPING_MATCH_COUNT
};

struct rules_mapping {
    struct image_text name;
    struct image_text issuer; /* empty: any */
    struct image_rows claim;  /* RULES_NAME: the path */
    struct image_text text;   /* exact, prefix, suffix; PASS: prefix put before each */
    struct image_rows list;   /* IN: values; PASS: allow list (RULES_NAME, "x*" is a prefix) */
    struct image_rows groups; /* RULES_NAME: labels given when it matches */
    uint32_t match;
    uint32_t spare;
};

struct rules_assertion {
    struct image_text issuer;
    struct image_rows audiences;
    struct image_text field; /* lower case */
    struct image_text key_set_path;
    struct image_rows copied; /* RULES_NAME: claims taken over as they are */
    struct image_rows labels; /* RULES_NAME in pairs: issuer, label */
    uint32_t lifetime_s;
    uint32_t resign;                /* 1: from a verified assertion, with act (gateways) */
    struct image_text mapping_hash; /* of the mapping rules: claim selvage.rules */
};

enum rules_underscores { UNDERSCORES_ALLOW, UNDERSCORES_REJECT, UNDERSCORES_COUNT };

/*
 * What a worker accepts of whoever calls (settings: `limits`, see rules/limits.h).
 * What is counted over the whole node is divided by the number of workers here.
 * 0 means "no limit" for body_bytes, body_rate, requests, age_ms and the counts of
 * connections.
 */
struct rules_limits {
    /* a request's head */
    int64_t line_bytes;
    int64_t head_bytes;
    int64_t fields;
    int64_t name_bytes;
    int64_t head_ms; /* from its first byte to its last */
    /* bodies, either way */
    int64_t body_bytes; /* of a request */
    int64_t body_idle_ms;
    int64_t body_rate; /* bytes a second, on average over the time that we waited for the client */
    int64_t body_grace_ms;
    int64_t answer_idle_ms; /* without a byte of an answer that the upstream owes */
    int64_t retained_bytes; /* of a request, so that it can be sent again */
    int64_t interim_answers;
    /* connections of clients */
    int64_t handshake_ms;
    int64_t idle_ms;
    int64_t tunnel_idle_ms;
    int64_t requests;
    int64_t age_ms;       /* up to a tenth less, at random */
    int64_t buffer_bytes; /* under way in each direction */
    int64_t listener_connections;
    int64_t address_connections;
    /* HTTP/2 */
    int64_t streams;
    int64_t new_streams;
    int64_t resets;
    int64_t reset_period_ms;
    int64_t flood_bytes;
    int64_t owed_frames;
    int64_t empty_frames;
    int64_t continuation_frames;
    int64_t continuation_bytes;
    int64_t stream_window;
    int64_t connection_window;
    int64_t table_bytes;
    /* memory that one worker may use */
    int64_t memory_bytes;
    int64_t shed_percent;   /* of it: requests are answered with 503 */
    int64_t refuse_percent; /* connections are closed at once */
    uint32_t underscores;   /* enum rules_underscores, in names of fields */
    uint32_t spare;
};

extern const struct image_schema rules_schema;

#endif
