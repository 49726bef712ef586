/*
 * mesh_config: Istio's MeshConfig, what holds for a whole mesh. It is no kind: it
 * lies as text in the ConfigMap `istio`, or in an IstioOperator's spec.
 */
#ifndef RULES_KIND_MESH_CONFIG_H
#define RULES_KIND_MESH_CONFIG_H

#include "rules/kind/common.h"

struct mesh_config {
    struct group group;
    struct bytes trust_domain;
    struct text_list trust_domain_aliases;
    struct bytes root_namespace;
};

struct config_map {
    struct group group;
    struct text_map data;
    struct mesh_config *mesh; /* of the ConfigMap `istio` alone */
};

struct istio_operator {
    struct group group;
    struct mesh_config *mesh; /* NULL: none */
};

extern const struct field_table mesh_config_table;
extern const struct kind config_map_kind;
extern const struct kind istio_operator_kind;

#endif
