/*
 * mesh: what the MeshConfig among the resources changes for this node.
 */
#ifndef RULES_COMPILE_MESH_H
#define RULES_COMPILE_MESH_H

#include "rules/compile/work.h"

/* Takes the MeshConfig of the ConfigMap istio in the root namespace, else of an IstioOperator, into
 * work->node. */
void mesh_apply(struct work *work);

#endif
