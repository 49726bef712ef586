#include "rules/kind/virtual_service.h"

#include "rules/kind/virtual_service_parts.h"

static const struct field header_changes_fields[] = {
    {"set", FIELD_TEXT, FIELD_MAP, offsetof(struct header_changes, set), .help = "headers to replace"},
    {"add", FIELD_TEXT, FIELD_MAP, offsetof(struct header_changes, add), .help = "headers to add"},
    {"remove", FIELD_TEXT, FIELD_LIST, offsetof(struct header_changes, remove),
     .help = "headers to take out"},
};
static FIELD_TABLE(header_changes, struct header_changes);

static const struct field route_headers_fields[] = {
    {"request", FIELD_GROUP, 0, offsetof(struct route_headers, request), &header_changes_table,
     .help = "on the way up"},
    {"response", FIELD_GROUP, 0, offsetof(struct route_headers, response), &header_changes_table,
     .help = "on the way back"},
};
static FIELD_TABLE(route_headers, struct route_headers);

static const struct field http_match_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct http_match, name), .help = "a name, for logs"},
    {"uri", FIELD_MATCH, 0, offsetof(struct http_match, uri), .help = "the path"},
    {"scheme", FIELD_MATCH, 0, offsetof(struct http_match, scheme), .help = "http or https"},
    {"method", FIELD_MATCH, 0, offsetof(struct http_match, method), .help = "the method"},
    {"authority", FIELD_MATCH, 0, offsetof(struct http_match, authority), .help = "the host asked for"},
    {"headers", FIELD_MATCH, FIELD_MAP, offsetof(struct http_match, headers),
     .help = "headers that must match"},
    {"withoutHeaders", FIELD_MATCH, FIELD_MAP, offsetof(struct http_match, without_headers),
     .help = "headers that must not match"},
    {"queryParams", FIELD_MATCH, FIELD_MAP, offsetof(struct http_match, query_params),
     .help = "query parameters that must match"},
    {"port", FIELD_INT, 0, offsetof(struct http_match, from.port), .max = 65535,
     .help = "the port asked for"},
    {"gateways", FIELD_TEXT, FIELD_LIST, offsetof(struct http_match, from.gateways),
     .help = "through which gateway, of those of the VirtualService"},
    {"ignoreUriCase", FIELD_BOOL, 0, offsetof(struct http_match, ignore_uri_case),
     .help = "letter case of the path does not count"},
    {"sourceLabels", FIELD_TEXT, FIELD_MAP, offsetof(struct http_match, from.labels),
     .help = "labels of the node that calls; without effect beside gateways"},
    {"sourceNamespace", FIELD_TEXT, 0, offsetof(struct http_match, from.name_space),
     .help = "namespace of the node that calls; without effect beside gateways"},
    {"statPrefix", FIELD_TEXT, FIELD_NOT_YET, .help = "a prefix of metrics"},
};
static FIELD_TABLE(http_match, struct http_match);

static const struct field http_route_destination_fields[] = {
    {"destination", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct http_route_destination, destination),
     &destination_table, .help = "where to"},
    {"weight", FIELD_INT, 0, offsetof(struct http_route_destination, weight), .max = INT32_MAX,
     .help = "its share among the destinations"},
    {"headers", FIELD_GROUP, 0, offsetof(struct http_route_destination, headers), &route_headers_table,
     .help = "changes to headers"},
};
static FIELD_TABLE(http_route_destination, struct http_route_destination);

static const struct field http_rewrite_fields[] = {
    {"uri", FIELD_TEXT, 0, offsetof(struct http_rewrite, uri),
     .help = "what the path, or the prefix that matched, becomes"},
    {"authority", FIELD_TEXT, 0, offsetof(struct http_rewrite, authority), .help = "what the host becomes"},
    {"uriRegexRewrite", FIELD_GROUP, 0, offsetof(struct http_rewrite, regex), &uri_regex_rewrite_table,
     .help = "by a regular expression"},
};
static FIELD_TABLE(http_rewrite, struct http_rewrite);

static const struct field http_mirror_fields[] = {
    {"destination", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct http_mirror, destination),
     &destination_table, .help = "who gets a copy"},
    {"percentage", FIELD_GROUP, 0, offsetof(struct http_mirror, percentage), &percent_table,
     .help = "of how many"},
};
static FIELD_TABLE(http_mirror, struct http_mirror);

static const struct field http_route_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct http_route, name), .help = "a name, for logs"},
    {"match", FIELD_GROUP, FIELD_LIST | FIELD_NULLS, offsetof(struct http_route, match), &http_match_table,
     .help = "any of these must match; all requests when absent"},
    {"route", FIELD_GROUP, FIELD_LIST, offsetof(struct http_route, route), &http_route_destination_table,
     .help = "destinations by weight"},
    {"redirect", FIELD_GROUP, 0, offsetof(struct http_route, redirect), &http_redirect_table,
     .help = "answer with a redirect"},
    {"directResponse", FIELD_GROUP, 0, offsetof(struct http_route, direct_response), &direct_response_table,
     .help = "answer at once"},
    {"delegate", FIELD_GROUP, 0, offsetof(struct http_route, delegate), &delegate_table,
     .help = "another VirtualService goes on"},
    {"rewrite", FIELD_GROUP, 0, offsetof(struct http_route, rewrite), &http_rewrite_table,
     .help = "changes of path and host"},
    {"timeout", FIELD_DURATION, 0, offsetof(struct http_route, timeout_ms), .min = 1,
     .help = "longest time to the response"},
    {"retries", FIELD_GROUP, 0, offsetof(struct http_route, retries), &http_retry_table,
     .help = "trying again"},
    {"fault", FIELD_GROUP, 0, offsetof(struct http_route, fault), &http_fault_table,
     .help = "faults on purpose"},
    {"mirror", FIELD_GROUP, 0, offsetof(struct http_route, mirror), &destination_table, .oneof = 1,
     .help = "who gets a copy"},
    {"mirrors", FIELD_GROUP, FIELD_LIST, offsetof(struct http_route, mirrors), &http_mirror_table, .oneof = 1,
     .help = "who gets copies"},
    {"mirrorPercentage", FIELD_GROUP, 0, offsetof(struct http_route, mirror_percentage), &percent_table,
     .help = "copies of how many"},
    {"mirrorPercent", FIELD_INT, FIELD_NOT_YET | FIELD_DEPRECATED, .max = 100,
     .help = "use mirrorPercentage"},
    {"mirror_percent", FIELD_INT, FIELD_NOT_YET | FIELD_DEPRECATED, .max = 100,
     .help = "use mirrorPercentage"},
    {"corsPolicy", FIELD_GROUP, 0, offsetof(struct http_route, cors), &cors_policy_table,
     .help = "what browsers may do for pages of other origins"},
    {"headers", FIELD_GROUP, 0, offsetof(struct http_route, headers), &route_headers_table,
     .help = "changes to headers"},
};
static FIELD_TABLE(http_route, struct http_route);

static const struct field virtual_service_fields[] = {
    {"hosts", FIELD_TEXT, FIELD_LIST, offsetof(struct virtual_service, hosts),
     .help = "hosts that clients ask for"},
    {"gateways", FIELD_TEXT, FIELD_LIST, offsetof(struct virtual_service, gateways),
     .help = "gateways it holds at: NAMESPACE/NAME, NAME or mesh, which holds when absent"},
    {"http", FIELD_GROUP, FIELD_LIST, offsetof(struct virtual_service, http), &http_route_table,
     .help = "routes of requests; the first that matches counts"},
    {"tls", FIELD_GROUP, FIELD_LIST, offsetof(struct virtual_service, tls), &tls_route_table,
     .help = "routes of TLS that stays encrypted, by SNI"},
    {"tcp", FIELD_GROUP, FIELD_LIST, offsetof(struct virtual_service, tcp), &tcp_route_table,
     .help = "routes of connections"},
    {"exportTo", FIELD_TEXT, FIELD_LIST, offsetof(struct virtual_service, export_to),
     .help = "namespaces that see it"},
};
static FIELD_TABLE(virtual_service, struct virtual_service);

const struct kind virtual_service_kind = {
    .id = KIND_VIRTUAL_SERVICE,
    .name = "VirtualService",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &virtual_service_table,
    .check = virtual_service_check,
    .help = "Which request goes to which service.",
};
