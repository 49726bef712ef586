#include "rules/kind/assertion.h"
#include "rules/kind/authorization_policy.h"
#include "rules/kind/claim_mapping.h"
#include "rules/kind/core_service.h"
#include "rules/kind/destination_rule.h"
#include "rules/kind/gateway.h"
#include "rules/kind/gateway_api_kinds.h"
#include "rules/kind/istio_kinds.h"
#include "rules/kind/login.h"
#include "rules/kind/mesh_config.h"
#include "rules/kind/peer_authentication.h"
#include "rules/kind/request_authentication.h"
#include "rules/kind/revocation.h"
#include "rules/kind/secret.h"
#include "rules/kind/service_entry.h"
#include "rules/kind/sidecar.h"
#include "rules/kind/trust_bundle.h"
#include "rules/kind/virtual_service.h"
#include "rules/kind/workload_entry.h"

/* The thing to extend when a kind is added. */
const struct kind *const kinds[KIND_COUNT] = {
    [KIND_GATEWAY] = &gateway_kind,
    [KIND_VIRTUAL_SERVICE] = &virtual_service_kind,
    [KIND_DESTINATION_RULE] = &destination_rule_kind,
    [KIND_SERVICE_ENTRY] = &service_entry_kind,
    [KIND_WORKLOAD_ENTRY] = &workload_entry_kind,
    [KIND_SIDECAR] = &sidecar_kind,
    [KIND_PEER_AUTHENTICATION] = &peer_authentication_kind,
    [KIND_REQUEST_AUTHENTICATION] = &request_authentication_kind,
    [KIND_AUTHORIZATION_POLICY] = &authorization_policy_kind,
    [KIND_SECRET] = &secret_kind,
    [KIND_CLAIM_MAPPING] = &claim_mapping_kind,
    [KIND_ASSERTION] = &assertion_kind,
    [KIND_LOGIN] = &login_kind,
    [KIND_TRUST_BUNDLE] = &trust_bundle_kind,
    [KIND_REVOCATION] = &revocation_kind,
    [KIND_GATEWAY_CLASS] = &k8s_gateway_class_kind,
    [KIND_K8S_GATEWAY] = &k8s_gateway_kind,
    [KIND_LISTENER_SET] = &k8s_listener_set_kind,
    [KIND_X_LISTENER_SET] = &x_listener_set_kind,
    [KIND_HTTP_ROUTE] = &http_route_kind,
    [KIND_GRPC_ROUTE] = &grpc_route_kind,
    [KIND_TLS_ROUTE] = &tls_route_kind,
    [KIND_TCP_ROUTE] = &tcp_route_kind,
    [KIND_UDP_ROUTE] = &udp_route_kind,
    [KIND_REFERENCE_GRANT] = &reference_grant_kind,
    [KIND_BACKEND_TLS_POLICY] = &backend_tls_policy_kind,
    [KIND_X_BACKEND_TRAFFIC_POLICY] = &x_backend_traffic_policy_kind,
    [KIND_X_BACKEND] = &x_backend_kind,
    [KIND_X_MESH] = &x_mesh_kind,
    [KIND_SERVICE] = &core_service_kind,
    [KIND_ENDPOINT_SLICE] = &endpoint_slice_kind,
    [KIND_CONFIG_MAP] = &config_map_kind,
    [KIND_ISTIO_OPERATOR] = &istio_operator_kind,
    [KIND_ENVOY_FILTER] = &envoy_filter_kind,
    [KIND_PROXY_CONFIG] = &proxy_config_kind,
    [KIND_TELEMETRY] = &telemetry_kind,
    [KIND_TRAFFIC_EXTENSION] = &traffic_extension_kind,
    [KIND_WASM_PLUGIN] = &wasm_plugin_kind,
    [KIND_WORKLOAD_GROUP] = &workload_group_kind,
};

const struct kind *kind_find(struct bytes group, struct bytes name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (bytes_equal(bytes_of(kinds[i]->group), group) && bytes_equal(bytes_of(kinds[i]->name), name))
            return kinds[i];
    }
    return NULL;
}

const struct kind *kind_named(struct bytes name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (bytes_equal_nocase(bytes_of(kinds[i]->name), name))
            return kinds[i];
    }
    return NULL;
}
