/*
 * gateway_api_kinds: the kinds of Gateway API, read and checked, not acted on.
 */
#ifndef RULES_KIND_GATEWAY_API_KINDS_H
#define RULES_KIND_GATEWAY_API_KINDS_H

#include "rules/resource.h"

extern const struct kind k8s_gateway_class_kind;
extern const struct kind k8s_gateway_kind;
extern const struct kind k8s_listener_set_kind;
extern const struct kind x_listener_set_kind;
extern const struct kind http_route_kind;
extern const struct kind grpc_route_kind;
extern const struct kind tls_route_kind;
extern const struct kind tcp_route_kind;
extern const struct kind udp_route_kind;
extern const struct kind reference_grant_kind;
extern const struct kind backend_tls_policy_kind;
extern const struct kind x_backend_traffic_policy_kind;
extern const struct kind x_backend_kind;
extern const struct kind x_mesh_kind;

#endif
