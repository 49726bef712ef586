/*
 * object: any resource as analyzers see it, also of kinds that nothing else
 * here reads (Pods, Deployments, webhooks): where it stands, and its tree.
 */
#ifndef RULES_ANALYZE_OBJECT_H
#define RULES_ANALYZE_OBJECT_H

#include "rules/analyze/tree.h"
#include "rules/resource.h"

enum object_kind {
    OBJECT_VIRTUAL_SERVICE,
    OBJECT_DESTINATION_RULE,
    OBJECT_GATEWAY,
    OBJECT_SERVICE_ENTRY,
    OBJECT_WORKLOAD_ENTRY,
    OBJECT_SIDECAR,
    OBJECT_ENVOY_FILTER,
    OBJECT_PROXY_CONFIG,
    OBJECT_AUTHORIZATION_POLICY,
    OBJECT_REQUEST_AUTHENTICATION,
    OBJECT_PEER_AUTHENTICATION,
    OBJECT_TELEMETRY,
    OBJECT_WASM_PLUGIN,
    OBJECT_CLAIM_MAPPING,
    OBJECT_SERVICE,
    OBJECT_POD,
    OBJECT_DEPLOYMENT,
    OBJECT_NAMESPACE,
    OBJECT_NODE,
    OBJECT_SECRET,
    OBJECT_CONFIG_MAP,
    OBJECT_CLUSTER_GATEWAY, /* the Gateway API's */
    OBJECT_HTTP_ROUTE,
    OBJECT_GRPC_ROUTE,
    OBJECT_DEFINITION, /* CustomResourceDefinition */
    OBJECT_MUTATING_WEBHOOK,
    OBJECT_VALIDATING_WEBHOOK,
    OBJECT_COUNT,
};

#define OBJECT_BIT(kind) (UINT64_C(1) << (kind))

struct object {
    enum object_kind kind;
    struct bytes kind_name;
    struct bytes namespace; /* "default" when none was written; empty for what has none */
    struct bytes name;
    const char *file;
    const struct yaml_node *node, *spec, *labels, *annotations; /* each may be NULL but the first */
};

struct objects {
    struct object *at; /* by kind, namespace, name */
    size_t count;
    size_t first[OBJECT_COUNT + 1]; /* those of kind k are [first[k], first[k + 1]) */
};

/* Everything lies in the arena and in the documents' trees. */
void objects_read(const struct set_document *documents, size_t count, struct arena *arena,
                  struct objects *out);
const struct object *object_find(const struct objects *objects, enum object_kind kind, struct bytes namespace,
                                 struct bytes name);
/* The run of a kind's objects in a namespace. */
const struct object *objects_within(const struct objects *objects, enum object_kind kind,
                                    struct bytes namespace, size_t *count);
bool objects_have(const struct objects *objects, enum object_kind kind);
/* ns/name, or a name in `own`. */
const struct object *object_named(const struct objects *objects, enum object_kind kind, struct bytes own,
                                  struct bytes reference);
/* ns/name for sentences; a name alone when there is no namespace. */
struct bytes object_shown(const struct object *object, struct arena *arena);

#define OBJECTS_EACH(each, objects, of_kind)                                                                 \
    for (const struct object *(each) = (objects)->at + (objects)->first[of_kind],                            \
                             *each##_end = (objects)->at + (objects)->first[(of_kind) + 1];                  \
         (each) < each##_end; (each)++)

#endif
