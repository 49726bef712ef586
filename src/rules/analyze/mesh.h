/*
 * mesh: who of the cluster takes part in the mesh.
 */
#ifndef RULES_ANALYZE_MESH_H
#define RULES_ANALYZE_MESH_H

#include "rules/analyze/analysis.h"

bool pod_ambient(const struct object *pod);
bool namespace_ambient(const struct analysis *analysis, struct bytes name);
/* Has a sidecar, or will be given one? `pod` is a Pod's spec, or a Deployment's template's. */
bool pod_in_mesh(const struct analysis *analysis, struct bytes namespace, const struct yaml_node *labels,
                 const struct yaml_node *annotations, const struct yaml_node *spec);
/* Parts of Istio itself are left alone. */
bool is_control_plane(const struct object *object);
/* A container (or init container) of that name, or NULL. */
const struct yaml_node *container_named(const struct yaml_node *spec, const char *name);

#endif
