/*
 * virtual_service: networking.istio.io VirtualService, which request goes where.
 */
#ifndef RULES_KIND_VIRTUAL_SERVICE_H
#define RULES_KIND_VIRTUAL_SERVICE_H

#include "rules/kind/common.h"

struct header_changes {
    struct group group;
    struct text_map set;
    struct text_map add;
    struct text_list remove;
};

struct route_headers {
    struct group group;
    struct header_changes *request;
    struct header_changes *response;
};

/* Where a match holds: which node, and by which way the request came. */
struct match_from {
    int64_t port; /* 0: any */
    struct text_list gateways;
    struct text_map labels;
    struct bytes name_space;
};

struct http_match {
    struct group group;
    struct bytes name;
    struct string_match uri;
    struct string_match scheme;
    struct string_match method;
    struct string_match authority;
    struct match_map headers;
    struct match_map without_headers;
    struct match_map query_params;
    struct match_from from;
    bool ignore_uri_case;
};

struct http_route_destination {
    struct group group;
    struct destination *destination;
    int64_t weight;
    struct route_headers *headers;
};

struct regex_rewrite {
    struct group group;
    struct bytes match;
    struct bytes rewrite;
};

struct http_rewrite {
    struct group group;
    struct bytes uri; /* at == NULL: not written */
    struct bytes authority;
    struct regex_rewrite *regex;
};

struct http_redirect {
    struct group group;
    struct bytes uri;            /* at == NULL: not written */
    struct bytes prefix_rewrite; /* the same */
    struct bytes authority;
    int64_t port;
    int derive_port; /* 0: the scheme's, 1: the request's; counts only when written */
    struct bytes scheme;
    int64_t code;
};

struct http_body {
    struct group group;
    struct bytes string;
    struct bytes base64;
};

struct direct_response {
    struct group group;
    int64_t status;
    struct http_body *body;
};

struct http_retry {
    struct group group;
    int64_t attempts;
    int64_t per_try_timeout_ms; /* 0: none */
    struct bytes retry_on;
    bool remote;      /* not acted on yet */
    bool other_hosts; /* counts only when written */
    int64_t back_off_ms;
};

struct fault_delay {
    struct group group;
    int64_t percent;
    struct percent *percentage;
    int64_t fixed_ms;
};

struct fault_abort {
    struct group group;
    int64_t http_status; /* 0: not written */
    struct bytes grpc_status;
    struct percent *percentage;
};

struct http_fault {
    struct group group;
    struct fault_delay *delay;
    struct fault_abort *abort;
};

enum preflights { PREFLIGHTS_UNSPECIFIED, PREFLIGHTS_FORWARD, PREFLIGHTS_IGNORE };

struct cors_policy {
    struct group group;
    struct text_list allow_origin;
    FIELD_LIST_OF(struct string_match) allow_origins;
    struct text_list allow_methods;
    struct text_list allow_headers;
    struct text_list expose_headers;
    int64_t max_age_ms; /* 0: not written */
    bool allow_credentials;
    int unmatched_preflights; /* enum preflights */
};

struct http_mirror {
    struct group group;
    struct destination *destination;
    struct percent *percentage; /* NULL: all */
};

struct delegate {
    struct group group;
    struct bytes name;
    struct bytes name_space;
};

struct http_route {
    struct group group;
    struct bytes name;
    FIELD_LIST_OF(struct http_match) match; /* any of them; none matches all */
    FIELD_LIST_OF(struct http_route_destination) route;
    struct http_redirect *redirect;
    struct direct_response *direct_response;
    struct delegate *delegate;    /* whose routes stand here instead */
    const struct resource *owner; /* whose route it is, when delegates were put in: compile/delegates.h */
    struct http_rewrite *rewrite;
    struct http_retry *retries;
    struct http_fault *fault;
    struct cors_policy *cors;
    struct route_headers *headers;
    int64_t timeout_ms; /* 0: none */
    struct destination *mirror;
    struct percent *mirror_percentage; /* NULL: all */
    FIELD_LIST_OF(struct http_mirror) mirrors;
};

struct tcp_match { /* of tcp[] and tls[] */
    struct group group;
    struct match_from from;
    struct text_list sni_hosts; /* tls[] only */
    struct text_list destination_subnets;
    struct bytes source_subnet; /* tcp[] only */
};

struct tcp_route_destination {
    struct group group;
    struct destination *destination;
    int64_t weight;
};

struct tcp_route {
    struct group group;
    FIELD_LIST_OF(struct tcp_match) match;
    FIELD_LIST_OF(struct tcp_route_destination) route;
};

struct virtual_service {
    struct group group;
    struct text_list hosts;
    struct text_list gateways; /* none: mesh */
    FIELD_LIST_OF(struct http_route) http;
    FIELD_LIST_OF(struct tcp_route) tls;
    FIELD_LIST_OF(struct tcp_route) tcp;
    struct text_list export_to;
};

extern const struct kind virtual_service_kind;

/* Does it hold at gateways, and not inside the mesh too? */
bool virtual_service_at_gateways(const struct virtual_service *service);

#endif
