/*
 * analyzers: each of them; the table is in analyzers.c.
 */
#ifndef RULES_ANALYZE_ANALYZERS_H
#define RULES_ANALYZE_ANALYZERS_H

#include "base/fail.h"
#include "rules/analyze/analysis.h"

void analyze_alpha(struct analysis *analysis);
void analyze_anonymous(struct analysis *analysis);
void analyze_annotations(struct analysis *analysis);
void analyze_auto_images(struct analysis *analysis);
void analyze_blocked_networks(struct analysis *analysis);
void analyze_claim_routes(struct analysis *analysis);
void analyze_cluster_gateway_selectors(struct analysis *analysis);
void analyze_conditions(struct analysis *analysis);
void analyze_definitions(struct analysis *analysis);
void analyze_deprecated(struct analysis *analysis);
void analyze_destination_hosts(struct analysis *analysis);
void analyze_destination_subsets(struct analysis *analysis);
void analyze_destination_tls(struct analysis *analysis);
void analyze_destination_workloads(struct analysis *analysis);
void analyze_entry_addresses(struct analysis *analysis);
void analyze_entry_protocols(struct analysis *analysis);
void analyze_envoy_filters(struct analysis *analysis);
void analyze_gateway_certificates(struct analysis *analysis);
void analyze_gateway_conflicts(struct analysis *analysis);
void analyze_gateway_names(struct analysis *analysis);
void analyze_gateway_ports(struct analysis *analysis);
void analyze_gateway_secrets(struct analysis *analysis);
void analyze_images(struct analysis *analysis);
void analyze_injection(struct analysis *analysis);
void analyze_lightstep(struct analysis *analysis);
void analyze_mesh_hosts(struct analysis *analysis);
void analyze_mesh_networks(struct analysis *analysis);
void analyze_policies(struct analysis *analysis);
void analyze_port_names(struct analysis *analysis);
void analyze_remote_control(struct analysis *analysis);
void analyze_service_association(struct analysis *analysis);
void analyze_sidecar_selectors(struct analysis *analysis);
void analyze_telemetry_defaults(struct analysis *analysis);
void analyze_telemetry_providers(struct analysis *analysis);
void analyze_telemetry_selectors(struct analysis *analysis);
void analyze_unreachable(struct analysis *analysis);
void analyze_users(struct analysis *analysis);
void analyze_webhooks(struct analysis *analysis);
void analyze_claims(struct analysis *analysis);
void analyze_deny_width(struct analysis *analysis);
void analyze_issuers(struct analysis *analysis);
void analyze_policy_hosts(struct analysis *analysis);
void analyze_policy_shadows(struct analysis *analysis);
void analyze_policy_values(struct analysis *analysis);
void analyze_subsets_twice(struct analysis *analysis);

/* A Secret's document: a certificate with its key that is valid today. */
bool secret_serves(const struct yaml_node *secret, struct arena *arena, struct fail *why);

#endif
