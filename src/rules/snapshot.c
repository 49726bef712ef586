#include "rules/snapshot.h"

#include <stddef.h>

/*
 * One line a column that must be checked; a column missing here is a bug that the
 * fuzzer finds, since a wild reference then passes image_open.
 */
#define TEXT(type, member)                                                                                   \
    {                                                                                                        \
        offsetof(struct type, member), IMAGE_TEXT, 0                                                         \
    }
#define ROWS_OF(type, member, table)                                                                         \
    {                                                                                                        \
        offsetof(struct type, member), IMAGE_ROWS, table                                                     \
    }
#define CHOICE(type, member, count)                                                                          \
    {                                                                                                        \
        offsetof(struct type, member), IMAGE_CHOICE, count                                                   \
    }
#define INDEX(type, member, table)                                                                           \
    {                                                                                                        \
        offsetof(struct type, member), IMAGE_INDEX, table                                                    \
    }
#define MATCH(type, member) CHOICE(type, member.match, TEXT_MATCH_COUNT), TEXT(type, member.text)
#define PLAIN_TABLE(type)                                                                                    \
    {                                                                                                        \
        sizeof(struct type), 0, NULL, 0                                                                      \
    }
#define TABLE(type, min)                                                                                     \
    {                                                                                                        \
        sizeof(struct type), sizeof type##_columns / sizeof type##_columns[0], type##_columns, min           \
    }

static const struct image_column rules_name_columns[] = {
    TEXT(rules_name, text),
};

static const struct image_column rules_node_columns[] = {
    TEXT(rules_node, name),
    TEXT(rules_node, name_space),
    TEXT(rules_node, account),
    TEXT(rules_node, workload),
    TEXT(rules_node, app),
    TEXT(rules_node, version),
    TEXT(rules_node, principal),
    ROWS_OF(rules_node, trust_domains, RULES_NAME),
    CHOICE(rules_node, role, ROLE_COUNT),
    CHOICE(rules_node, path_level, 4),
    TEXT(rules_node, deny_reason),
    ROWS_OF(rules_node, proxy_names, RULES_NAME),
    ROWS_OF(rules_node, proxy_networks, RULES_NETWORK),
    ROWS_OF(rules_node, protocol_networks, RULES_NETWORK),
    TEXT(rules_node, proxy_token_field),
    ROWS_OF(rules_node, stripped, RULES_NAME),
    ROWS_OF(rules_node, assertion, RULES_ASSERTION),
    ROWS_OF(rules_node, mapping, RULES_MAPPING),
    TEXT(rules_node, mapping_claim),
    ROWS_OF(rules_node, logins, RULES_LOGIN),
};

static const struct image_column rules_listener_columns[] = {
    TEXT(rules_listener, name),
    TEXT(rules_listener, address),
    CHOICE(rules_listener, direction, DIRECTION_COUNT),
    CHOICE(rules_listener, protocol, SPEAKS_COUNT),
    CHOICE(rules_listener, tls, LISTENER_TLS_COUNT),
    ROWS_OF(rules_listener, servers, RULES_SERVER),
    ROWS_OF(rules_listener, vhosts, RULES_VHOST),
    ROWS_OF(rules_listener, authn, RULES_AUTHN),
    ROWS_OF(rules_listener, deny, RULES_POLICY),
    ROWS_OF(rules_listener, allow, RULES_POLICY),
    ROWS_OF(rules_listener, audit, RULES_POLICY),
    ROWS_OF(rules_listener, deny_index, RULES_INDEX),
    ROWS_OF(rules_listener, allow_index, RULES_INDEX),
    ROWS_OF(rules_listener, audit_index, RULES_INDEX),
    ROWS_OF(rules_listener, tcp, RULES_TCP_ROUTE),
    ROWS_OF(rules_listener, passthrough, RULES_LISTENER),
};

static const struct image_column rules_server_columns[] = {
    ROWS_OF(rules_server, hosts, RULES_NAME),
    ROWS_OF(rules_server, peer_names, RULES_NAME),
    CHOICE(rules_server, tls, SERVER_TLS_COUNT),
    TEXT(rules_server, credential_name),
};

static const struct image_column rules_vhost_columns[] = {
    TEXT(rules_vhost, host),
    CHOICE(rules_vhost, match, HOST_MATCH_COUNT),
    ROWS_OF(rules_vhost, routes, RULES_ROUTE),
    TEXT(rules_vhost, name),
};

static const struct image_column rules_match_columns[] = {
    TEXT(rules_match, name),
    MATCH(rules_match, uri),
    MATCH(rules_match, method),
    MATCH(rules_match, authority),
    MATCH(rules_match, scheme),
    ROWS_OF(rules_match, fields, RULES_FIELD_MATCH),
    ROWS_OF(rules_match, query, RULES_FIELD_MATCH),
};

static const struct image_column rules_field_match_columns[] = {
    TEXT(rules_field_match, name),
    ROWS_OF(rules_field_match, claim, RULES_NAME),
    MATCH(rules_field_match, value),
};

static const struct image_column rules_route_columns[] = {
    TEXT(rules_route, name),
    ROWS_OF(rules_route, matches, RULES_MATCH),
    ROWS_OF(rules_route, destinations, RULES_DESTINATION),
    ROWS_OF(rules_route, mirrors, RULES_DESTINATION),
    ROWS_OF(rules_route, ops, RULES_FIELD_OP),
    TEXT(rules_route, rewrite_uri),
    TEXT(rules_route, rewrite_regex),
    TEXT(rules_route, rewrite_authority),
    CHOICE(rules_route, rewrite, REWRITE_COUNT),
    ROWS_OF(rules_route, retry, RULES_RETRY),
    ROWS_OF(rules_route, redirect, RULES_REDIRECT),
    ROWS_OF(rules_route, direct, RULES_DIRECT),
    ROWS_OF(rules_route, fault, RULES_FAULT),
    ROWS_OF(rules_route, cors, RULES_CORS),
};

static const struct image_column rules_tcp_route_columns[] = {
    TEXT(rules_tcp_route, name),
    ROWS_OF(rules_tcp_route, hosts, RULES_NAME),
    ROWS_OF(rules_tcp_route, to_networks, RULES_NETWORK),
    ROWS_OF(rules_tcp_route, of_networks, RULES_NETWORK),
    ROWS_OF(rules_tcp_route, destinations, RULES_DESTINATION),
};

static const struct image_column rules_retry_columns[] = {
    ROWS_OF(rules_retry, statuses, RULES_NUMBER),
};

static const struct image_column rules_redirect_columns[] = {
    TEXT(rules_redirect, uri),
    TEXT(rules_redirect, authority),
    TEXT(rules_redirect, scheme),
    CHOICE(rules_redirect, path, REDIRECT_PATH_COUNT),
    CHOICE(rules_redirect, port_from, REDIRECT_PORT_COUNT),
};

static const struct image_column rules_direct_columns[] = {
    TEXT(rules_direct, body),
};

static const struct image_column rules_cors_columns[] = {
    ROWS_OF(rules_cors, origins, RULES_FIELD_MATCH),
    TEXT(rules_cors, methods),
    TEXT(rules_cors, headers),
    TEXT(rules_cors, expose),
    TEXT(rules_cors, max_age),
};

static const struct image_column rules_outlier_columns[] = {
    ROWS_OF(rules_outlier, statuses, RULES_NUMBER),
};

static const struct image_column rules_destination_columns[] = {
    INDEX(rules_destination, cluster, RULES_CLUSTER),
    ROWS_OF(rules_destination, ops, RULES_FIELD_OP),
};

static const struct image_column rules_field_op_columns[] = {
    TEXT(rules_field_op, name),
    TEXT(rules_field_op, value),
    ROWS_OF(rules_field_op, parts, RULES_VALUE_PART),
    CHOICE(rules_field_op, op, OP_COUNT),
};

static const struct image_column rules_value_part_columns[] = {
    TEXT(rules_value_part, text),
    TEXT(rules_value_part, other),
    CHOICE(rules_value_part, is, OPERATOR_COUNT),
};

static const struct image_column rules_cluster_columns[] = {
    TEXT(rules_cluster, name),
    TEXT(rules_cluster, host),
    TEXT(rules_cluster, service_name),
    TEXT(rules_cluster, service_namespace),
    TEXT(rules_cluster, subset),
    TEXT(rules_cluster, rule),
    CHOICE(rules_cluster, balance, PICK_COUNT),
    CHOICE(rules_cluster, tls, CLUSTER_TLS_COUNT),
    TEXT(rules_cluster, sni),
    ROWS_OF(rules_cluster, peer_names, RULES_NAME),
    CHOICE(rules_cluster, speaks, CLUSTER_SPEAKS_COUNT),
    ROWS_OF(rules_cluster, outlier, RULES_OUTLIER),
};

static const struct image_column rules_authn_columns[] = {
    TEXT(rules_authn, resource),
    TEXT(rules_authn, issuer),
    ROWS_OF(rules_authn, audiences, RULES_NAME),
    ROWS_OF(rules_authn, places, RULES_TOKEN_PLACE),
    TEXT(rules_authn, payload_field),
    ROWS_OF(rules_authn, claim_fields, RULES_CLAIM_FIELD),
    ROWS_OF(rules_authn, spaced, RULES_NAME),
};

static const struct image_column rules_place_columns[] = {
    TEXT(rules_place, name),
    TEXT(rules_place, prefix),
    CHOICE(rules_place, place, PLACE_COUNT),
};

static const struct image_column rules_claim_field_columns[] = {
    TEXT(rules_claim_field, field),
    ROWS_OF(rules_claim_field, claim, RULES_NAME),
};

static const struct image_column rules_policy_columns[] = {
    TEXT(rules_policy, name_space),
    TEXT(rules_policy, name),
    ROWS_OF(rules_policy, rules, RULES_POLICY_RULE),
};

static const struct image_column rules_policy_rule_columns[] = {
    ROWS_OF(rules_policy_rule, from, RULES_CONDITIONS),
    ROWS_OF(rules_policy_rule, to, RULES_CONDITIONS),
    ROWS_OF(rules_policy_rule, when, RULES_CONDITION),
};

static const struct image_column rules_conditions_columns[] = {
    ROWS_OF(rules_conditions, all, RULES_CONDITION),
};

static const struct image_column rules_condition_columns[] = {
    CHOICE(rules_condition, attribute, ATTRIBUTE_COUNT), TEXT(rules_condition, key),
    ROWS_OF(rules_condition, claim, RULES_NAME),         ROWS_OF(rules_condition, values, RULES_VALUE),
    ROWS_OF(rules_condition, not_values, RULES_VALUE),
};

static const struct image_column rules_value_columns[] = {
    CHOICE(rules_value, match, VALUE_MATCH_COUNT),
    TEXT(rules_value, text),
    CHOICE(rules_value, match2, VALUE_MATCH_COUNT),
    TEXT(rules_value, text2),
};

static const struct image_column rules_index_columns[] = {
    ROWS_OF(rules_index, always, RULES_CANDIDATE),
    ROWS_OF(rules_index, facets, RULES_FACET),
};

static const struct image_column rules_facet_columns[] = {
    CHOICE(rules_facet, attribute, ATTRIBUTE_COUNT),
    CHOICE(rules_facet, part, FACET_PART_COUNT),
    TEXT(rules_facet, key),
    ROWS_OF(rules_facet, claim, RULES_NAME),
    ROWS_OF(rules_facet, prefixes, RULES_NUMBER),
    ROWS_OF(rules_facet, suffixes, RULES_NUMBER),
    ROWS_OF(rules_facet, networks, RULES_NUMBER),
    ROWS_OF(rules_facet, slots, RULES_SLOT),
};

static const struct image_column rules_slot_columns[] = {
    ROWS_OF(rules_slot, candidates, RULES_CANDIDATE),
};

static const struct image_column rules_candidate_columns[] = {
    INDEX(rules_candidate, policy, RULES_POLICY),
    INDEX(rules_candidate, rule, RULES_POLICY_RULE),
};

static const struct image_column rules_mapping_columns[] = {
    TEXT(rules_mapping, name),
    TEXT(rules_mapping, issuer),
    ROWS_OF(rules_mapping, claim, RULES_NAME),
    TEXT(rules_mapping, text),
    ROWS_OF(rules_mapping, list, RULES_NAME),
    ROWS_OF(rules_mapping, groups, RULES_NAME),
    CHOICE(rules_mapping, match, MAPPING_MATCH_COUNT),
};

static const struct image_column rules_assertion_columns[] = {
    TEXT(rules_assertion, issuer),
    ROWS_OF(rules_assertion, audiences, RULES_NAME),
    TEXT(rules_assertion, field),
    TEXT(rules_assertion, key_set_path),
    ROWS_OF(rules_assertion, copied, RULES_NAME),
    ROWS_OF(rules_assertion, labels, RULES_NAME),
    TEXT(rules_assertion, mapping_hash),
};

static const struct image_column rules_login_columns[] = {
    TEXT(rules_login, name),
    ROWS_OF(rules_login, hosts, RULES_NAME),
    ROWS_OF(rules_login, paths, RULES_NAME),
    ROWS_OF(rules_login, public_paths, RULES_NAME),
    TEXT(rules_login, issuer),
    TEXT(rules_login, client_id),
    TEXT(rules_login, scope),
    ROWS_OF(rules_login, parameters, RULES_NAME),
    TEXT(rules_login, cookie),
    TEXT(rules_login, callback_path),
    TEXT(rules_login, logout_path),
    TEXT(rules_login, backchannel_path),
    TEXT(rules_login, after_logout),
    ROWS_OF(rules_login, redirect_hosts, RULES_NAME),
};

static const struct image_column endpoints_cluster_columns[] = {
    ROWS_OF(endpoints_cluster, endpoints, ENDPOINTS_ENDPOINT),
    ROWS_OF(endpoints_cluster, hosts, ENDPOINTS_HOST),
};

static const struct image_column endpoints_endpoint_columns[] = {
    CHOICE(endpoints_endpoint, family, ENDPOINT_FAMILY_COUNT),
    TEXT(endpoints_endpoint, text),
    TEXT(endpoints_endpoint, path),
    ROWS_OF(endpoints_endpoint, names, ENDPOINTS_NAME),
    TEXT(endpoints_endpoint, workload),
};

static const struct image_column endpoints_host_columns[] = {
    TEXT(endpoints_host, name),
    CHOICE(endpoints_host, like.family, ENDPOINT_FAMILY_COUNT),
    TEXT(endpoints_host, like.text),
    TEXT(endpoints_host, like.path),
    ROWS_OF(endpoints_host, like.names, ENDPOINTS_NAME),
    TEXT(endpoints_host, like.workload),
};

static const struct image_column keys_root_columns[] = {
    TEXT(keys_root, published),
};

static const struct image_column keys_set_columns[] = {
    ROWS_OF(keys_set, keys, KEYS_KEY),
    TEXT(keys_set, name),
};

static const struct image_column keys_key_columns[] = {
    CHOICE(keys_key, type, 5), CHOICE(keys_key, alg, 11), TEXT(keys_key, kid),
    TEXT(keys_key, a),         TEXT(keys_key, b),
};

static const struct image_column keys_certificate_columns[] = {
    TEXT(keys_certificate, name),
    TEXT(keys_certificate, chain),
    TEXT(keys_certificate, key),
    TEXT(keys_certificate, trust),
};

static const struct image_column keys_signer_columns[] = {
    TEXT(keys_signer, kid),
    TEXT(keys_signer, der),
};

static const struct image_column rules_limits_columns[] = {
    CHOICE(rules_limits, underscores, UNDERSCORES_COUNT),
};

static const struct image_column keys_ticket_columns[] = {
    TEXT(keys_ticket, key),
};

static const struct image_column keys_domain_columns[] = {
    TEXT(keys_domain, name),
    TEXT(keys_domain, roots),
};

static const struct image_column keys_revoked_columns[] = {
    TEXT(keys_revoked, serial),
};

static const struct image_column keys_session_columns[] = {
    TEXT(keys_session, key),
};

static const struct image_column keys_login_columns[] = {
    TEXT(keys_login, authorization_endpoint),
    TEXT(keys_login, end_session_endpoint),
};

static const struct image_table rules_tables[] = {
    [RULES_NODE] = TABLE(rules_node, 1),
    [RULES_LISTENER] = TABLE(rules_listener, 0),
    [RULES_SERVER] = TABLE(rules_server, 0),
    [RULES_VHOST] = TABLE(rules_vhost, 0),
    [RULES_ROUTE] = TABLE(rules_route, 0),
    [RULES_MATCH] = TABLE(rules_match, 0),
    [RULES_FIELD_MATCH] = TABLE(rules_field_match, 0),
    [RULES_DESTINATION] = TABLE(rules_destination, 0),
    [RULES_FIELD_OP] = TABLE(rules_field_op, 0),
    [RULES_VALUE_PART] = TABLE(rules_value_part, 0),
    [RULES_CLUSTER] = TABLE(rules_cluster, 0),
    [RULES_AUTHN] = TABLE(rules_authn, 0),
    [RULES_TOKEN_PLACE] = TABLE(rules_place, 0),
    [RULES_CLAIM_FIELD] = TABLE(rules_claim_field, 0),
    [RULES_POLICY] = TABLE(rules_policy, 0),
    [RULES_POLICY_RULE] = TABLE(rules_policy_rule, 0),
    [RULES_CONDITIONS] = TABLE(rules_conditions, 0),
    [RULES_CONDITION] = TABLE(rules_condition, 0),
    [RULES_VALUE] = TABLE(rules_value, 0),
    [RULES_MAPPING] = TABLE(rules_mapping, 0),
    [RULES_ASSERTION] = TABLE(rules_assertion, 0),
    [RULES_NAME] = TABLE(rules_name, 0),
    [RULES_NETWORK] = PLAIN_TABLE(rules_network),
    [RULES_NUMBER] = PLAIN_TABLE(rules_number),
    [RULES_TCP_ROUTE] = TABLE(rules_tcp_route, 0),
    [RULES_RETRY] = TABLE(rules_retry, 0),
    [RULES_REDIRECT] = TABLE(rules_redirect, 0),
    [RULES_DIRECT] = TABLE(rules_direct, 0),
    [RULES_FAULT] = PLAIN_TABLE(rules_fault),
    [RULES_CORS] = TABLE(rules_cors, 0),
    [RULES_OUTLIER] = TABLE(rules_outlier, 0),
    [RULES_LIMITS] = TABLE(rules_limits, 1),
    [RULES_INDEX] = TABLE(rules_index, 0),
    [RULES_FACET] = TABLE(rules_facet, 0),
    [RULES_SLOT] = TABLE(rules_slot, 0),
    [RULES_CANDIDATE] = TABLE(rules_candidate, 0),
    [RULES_LOGIN] = TABLE(rules_login, 0),
};

static const struct image_table endpoints_tables[] = {
    [ENDPOINTS_CLUSTER] = TABLE(endpoints_cluster, 0),
    [ENDPOINTS_ENDPOINT] = TABLE(endpoints_endpoint, 0),
    [ENDPOINTS_NAME] = TABLE(rules_name, 0),
    [ENDPOINTS_HOST] = TABLE(endpoints_host, 0),
};

static const struct image_table keys_tables[] = {
    [KEYS_ROOT] = TABLE(keys_root, 1),       [KEYS_SET] = TABLE(keys_set, 0),
    [KEYS_KEY] = TABLE(keys_key, 0),         [KEYS_CERTIFICATE] = TABLE(keys_certificate, 0),
    [KEYS_SIGNER] = TABLE(keys_signer, 0),   [KEYS_TICKET] = TABLE(keys_ticket, 0),
    [KEYS_DOMAIN] = TABLE(keys_domain, 0),   [KEYS_REVOKED] = TABLE(keys_revoked, 0),
    [KEYS_SESSION] = TABLE(keys_session, 0), [KEYS_LOGIN] = TABLE(keys_login, 0),
};

const struct image_schema rules_schema = {IMAGE_RULES, RULES_TABLE_COUNT, rules_tables};
const struct image_schema endpoints_schema = {IMAGE_ENDPOINTS, ENDPOINTS_TABLE_COUNT, endpoints_tables};
const struct image_schema keys_schema = {IMAGE_KEYS, KEYS_TABLE_COUNT, keys_tables};
