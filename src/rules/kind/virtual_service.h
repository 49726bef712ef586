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

struct http_rewrite {
    struct group group;
    struct bytes uri;
    struct bytes authority;
};

struct http_mirror {
    struct group group;
    struct destination *destination;
    struct percent *percentage; /* NULL: all */
};

struct http_route {
    struct group group;
    struct bytes name;
    FIELD_LIST_OF(struct http_match) match; /* any of them; none matches all */
    FIELD_LIST_OF(struct http_route_destination) route;
    struct http_rewrite *rewrite;
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
};

extern const struct kind virtual_service_kind;

#endif
