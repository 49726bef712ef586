#include "rules/analyze/object.h"

#include <stdlib.h>

struct object_form {
    const char *name;
    const char *group;
    bool cluster; /* it has no namespace */
    bool bare;    /* its fields stand beside metadata */
};

/* In the order of enum object_kind. */
static const struct object_form forms[OBJECT_COUNT] = {
    [OBJECT_VIRTUAL_SERVICE] = {.name = "VirtualService", .group = "networking.istio.io"},
    [OBJECT_DESTINATION_RULE] = {.name = "DestinationRule", .group = "networking.istio.io"},
    [OBJECT_GATEWAY] = {.name = "Gateway", .group = "networking.istio.io"},
    [OBJECT_SERVICE_ENTRY] = {.name = "ServiceEntry", .group = "networking.istio.io"},
    [OBJECT_WORKLOAD_ENTRY] = {.name = "WorkloadEntry", .group = "networking.istio.io"},
    [OBJECT_SIDECAR] = {.name = "Sidecar", .group = "networking.istio.io"},
    [OBJECT_ENVOY_FILTER] = {.name = "EnvoyFilter", .group = "networking.istio.io"},
    [OBJECT_PROXY_CONFIG] = {.name = "ProxyConfig", .group = "networking.istio.io"},
    [OBJECT_AUTHORIZATION_POLICY] = {.name = "AuthorizationPolicy", .group = "security.istio.io"},
    [OBJECT_REQUEST_AUTHENTICATION] = {.name = "RequestAuthentication", .group = "security.istio.io"},
    [OBJECT_PEER_AUTHENTICATION] = {.name = "PeerAuthentication", .group = "security.istio.io"},
    [OBJECT_TELEMETRY] = {.name = "Telemetry", .group = "telemetry.istio.io"},
    [OBJECT_WASM_PLUGIN] = {.name = "WasmPlugin", .group = "extensions.istio.io"},
    [OBJECT_CLAIM_MAPPING] = {.name = "ClaimMapping", .group = "selvage.dev"},
    [OBJECT_SERVICE] = {.name = "Service", .group = ""},
    [OBJECT_POD] = {.name = "Pod", .group = ""},
    [OBJECT_DEPLOYMENT] = {.name = "Deployment", .group = "apps"},
    [OBJECT_NAMESPACE] = {.name = "Namespace", .group = "", .cluster = true},
    [OBJECT_NODE] = {.name = "Node", .group = "", .cluster = true},
    [OBJECT_SECRET] = {.name = "Secret", .group = "", .bare = true},
    [OBJECT_CONFIG_MAP] = {.name = "ConfigMap", .group = "", .bare = true},
    [OBJECT_CLUSTER_GATEWAY] = {.name = "Gateway", .group = "gateway.networking.k8s.io"},
    [OBJECT_HTTP_ROUTE] = {.name = "HTTPRoute", .group = "gateway.networking.k8s.io"},
    [OBJECT_GRPC_ROUTE] = {.name = "GRPCRoute", .group = "gateway.networking.k8s.io"},
    [OBJECT_DEFINITION] = {.name = "CustomResourceDefinition",
                           .group = "apiextensions.k8s.io",
                           .cluster = true},
    [OBJECT_MUTATING_WEBHOOK] = {.name = "MutatingWebhookConfiguration",
                                 .group = "admissionregistration.k8s.io",
                                 .cluster = true,
                                 .bare = true},
    [OBJECT_VALIDATING_WEBHOOK] = {.name = "ValidatingWebhookConfiguration",
                                   .group = "admissionregistration.k8s.io",
                                   .cluster = true,
                                   .bare = true},
};

static enum object_kind kind_of(const struct yaml_node *node)
{
    struct bytes group = {0}, api = tree_text(node, "apiVersion"), name = tree_text(node, "kind");
    if (!bytes_cut(&api, '/', &group))
        group = (struct bytes){0};
    for (size_t i = 0; i < OBJECT_COUNT; i++)
        if (bytes_equal(bytes_of(forms[i].name), name) && bytes_equal(bytes_of(forms[i].group), group))
            return (enum object_kind)i;
    return OBJECT_COUNT;
}

/* Kubernetes' own namespaces are nobody's to judge. */
static bool is_system(struct bytes namespace)
{
    static const char *const names[] = {"kube-system", "kube-public", "kube-node-lease",
                                        "local-path-storage"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal(namespace, bytes_of(names[i])))
            return true;
    return false;
}

static bool object_read(const struct set_document *document, struct object *out)
{
    const struct yaml_node *node = document->node;
    enum object_kind kind = kind_of(node);
    if (kind == OBJECT_COUNT)
        return false;
    *out = (struct object){.kind = kind,
                           .kind_name = bytes_of(forms[kind].name),
                           .name = tree_text(node, "metadata.name"),
                           .file = document->file,
                           .node = node,
                           .spec = forms[kind].bare ? node : tree_at(node, "spec"),
                           .labels = tree_at(node, "metadata.labels"),
                           .annotations = tree_at(node, "metadata.annotations")};
    if (!forms[kind].cluster)
        out->namespace = tree_text(node, "metadata.namespace");
    if (!forms[kind].cluster && !out->namespace.len)
        out->namespace = BYTES("default");
    return !is_system(out->namespace);
}

static int compare(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int by_namespace = bytes_compare(x->namespace, y->namespace);
    return by_namespace ? by_namespace : bytes_compare(x->name, y->name);
}

void objects_read(const struct set_document *documents, size_t count, struct arena *arena,
                  struct objects *out)
{
    *out = (struct objects){.at = arena_array(arena, struct object, count + 1)};
    for (size_t i = 0; i < count; i++)
        out->count += object_read(&documents[i], &out->at[out->count]);
    qsort(out->at, out->count, sizeof(*out->at), compare);
    size_t at = 0;
    for (size_t kind = 0; kind <= OBJECT_COUNT; kind++) {
        while (at < out->count && (size_t)out->at[at].kind < kind)
            at++;
        out->first[kind] = at;
    }
}

/* The first of a kind that does not come before namespace and name. */
static size_t lower_bound(const struct objects *objects, enum object_kind kind, struct bytes namespace,
                          struct bytes name)
{
    struct object key = {.kind = kind, .namespace = namespace, .name = name};
    size_t low = objects->first[kind], high = objects->first[kind + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&objects->at[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct object *object_find(const struct objects *objects, enum object_kind kind, struct bytes namespace,
                                 struct bytes name)
{
    size_t at = lower_bound(objects, kind, namespace, name);
    if (at >= objects->first[kind + 1])
        return NULL;
    const struct object *found = &objects->at[at];
    return bytes_equal(found->namespace, namespace) && bytes_equal(found->name, name) ? found : NULL;
}

const struct object *objects_within(const struct objects *objects, enum object_kind kind,
                                    struct bytes namespace, size_t *count)
{
    size_t from = lower_bound(objects, kind, namespace, (struct bytes){0}), to = from;
    while (to < objects->first[kind + 1] && bytes_equal(objects->at[to].namespace, namespace))
        to++;
    *count = to - from;
    return objects->at + from;
}

bool objects_have(const struct objects *objects, enum object_kind kind)
{
    return objects->first[kind + 1] > objects->first[kind];
}

const struct object *object_named(const struct objects *objects, enum object_kind kind, struct bytes own,
                                  struct bytes reference)
{
    struct bytes name = reference, namespace;
    if (bytes_cut(&name, '/', &namespace))
        return object_find(objects, kind, namespace, name);
    return object_find(objects, kind, own, reference);
}

struct bytes object_shown(const struct object *object, struct arena *arena)
{
    if (!object->namespace.len)
        return object->name;
    return arena_format(arena, "%.*s/%.*s", BYTES_FMT(object->namespace), BYTES_FMT(object->name));
}
