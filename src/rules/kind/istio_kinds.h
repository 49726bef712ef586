/*
 * istio_kinds: the kinds of Istio that are read and checked, not acted on.
 */
#ifndef RULES_KIND_ISTIO_KINDS_H
#define RULES_KIND_ISTIO_KINDS_H

#include "rules/resource.h"

extern const struct kind envoy_filter_kind;
extern const struct kind proxy_config_kind;
extern const struct kind telemetry_kind;
extern const struct kind traffic_extension_kind;
extern const struct kind wasm_plugin_kind;
extern const struct kind workload_group_kind;

#endif
