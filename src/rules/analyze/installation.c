/* What concerns an installation as a whole: networks, definitions, fields going away, conditions. */
#include "rules/analyze/analyzers.h"

/* ---- networks --------------------------------------------------------- */

static bool registry_known(const struct analysis *analysis, struct bytes name)
{
    static const char *const own[] = {"Kubernetes", "External", "Mock"};
    for (size_t i = 0; i < 3; i++)
        if (bytes_equal(name, bytes_of(own[i])))
            return true;
    OBJECTS_EACH(secret, &analysis->objects, OBJECT_SECRET) {
        if (!bytes_equal(label_of(secret->labels, "istio/multiCluster"), BYTES("true")))
            continue;
        TREE_EACH(cluster, tree_at(secret->node, "data"))
            if (bytes_equal(cluster->key, name))
                return true;
        TREE_EACH(cluster, tree_at(secret->node, "stringData"))
            if (bytes_equal(cluster->key, name))
                return true;
    }
    return false;
}

void analyze_mesh_networks(struct analysis *analysis)
{
    struct object networks = {.kind_name = BYTES("MeshNetworks"),
                              .name = BYTES("meshnetworks"),
                              .namespace = analysis->root_namespace,
                              .file = "meshNetworks",
                              .node = analysis->mesh_networks};
    TREE_EACH(network, tree_at(analysis->mesh_networks, "networks"))
        TREE_EACH(endpoint, tree_at(network, "endpoints")) {
            const struct yaml_node *name = tree_at(endpoint, "fromRegistry");
            if (name && !registry_known(analysis, name->text))
                say(analysis, &networks, name, "IST0126", "no cluster %.*s is known for the network %.*s",
                    BYTES_FMT(name->text), BYTES_FMT(network->key));
        }
}

/* ---- key sets fetched from anywhere ----------------------------------- */

static bool fetches_bounded(const struct object *deployment)
{
    TREE_EACH(container, tree_at(deployment->spec, "template.spec.containers"))
        TREE_EACH(variable, tree_at(container, "env"))
            if (tree_is(variable, "name", "BLOCKED_CIDRS_IN_JWKS_URIS") && tree_text(variable, "value").len)
                return true;
    return false;
}

void analyze_blocked_networks(struct analysis *analysis)
{
    const size_t *first = analysis->objects.first;
    size_t count = first[OBJECT_REQUEST_AUTHENTICATION + 1] - first[OBJECT_REQUEST_AUTHENTICATION];
    OBJECTS_EACH(deployment, &analysis->objects, OBJECT_DEPLOYMENT)
        if (count && bytes_equal(label_of(deployment->labels, "app"), BYTES("istiod")) &&
            !fetches_bounded(deployment))
            say(analysis, deployment, NULL, "IST0175",
                "BLOCKED_CIDRS_IN_JWKS_URIS is not set, and %zu RequestAuthentication%s name where it "
                "fetches keys",
                count, count == 1 ? "" : "s");
}

/* ---- definitions ------------------------------------------------------ */

struct least { /* of what this much of Istio is written for */
    const char *name;
    unsigned minor; /* of version 1 */
};

static const struct least leasts[] = {
    {"grpcroutes.gateway.networking.k8s.io", 1},
    {"backendtlspolicies.gateway.networking.k8s.io", 4},
    {"tlsroutes.gateway.networking.k8s.io", 5},
    {"tcproutes.gateway.networking.k8s.io", 6},
};

/* v1.4.0-rc.1 -> 1, 4 */
static bool version_read(struct bytes text, uint64_t *major, uint64_t *minor)
{
    struct bytes rest = text, word;
    if (bytes_starts(rest, BYTES("v")))
        rest = bytes_part(rest, 1, rest.len);
    if (!bytes_cut(&rest, '.', &word) || !bytes_to_u64(word, 1000, major))
        return false;
    return bytes_cut(&rest, '.', &word) && bytes_to_u64(word, 1000, minor);
}

void analyze_definitions(struct analysis *analysis)
{
    uint64_t major, minor;
    OBJECTS_EACH(definition, &analysis->objects, OBJECT_DEFINITION) {
        struct bytes version = label_of(definition->annotations, "gateway.networking.k8s.io/bundle-version");
        if (!version_read(version, &major, &minor))
            continue;
        for (size_t i = 0; i < sizeof leasts / sizeof leasts[0]; i++)
            if (bytes_equal(definition->name, bytes_of(leasts[i].name)) &&
                (major < 1 || (major == 1 && minor < leasts[i].minor)))
                say(analysis, definition, NULL, "IST0176",
                    "version %.*s is too old: from 1.%u.0 on its resources are read", BYTES_FMT(version),
                    leasts[i].minor);
    }
}

/* ---- going away ------------------------------------------------------- */

static void definition_deprecated(struct analysis *analysis, const struct object *definition)
{
    static const char *const gone[] = {"ClusterRbacConfig", "RbacConfig", "ServiceRole",
                                       "ServiceRoleBinding"};
    for (size_t i = 0; i < 4; i++)
        if (tree_is(definition->spec, "group", "rbac.istio.io") &&
            tree_is(definition->spec, "names.kind", gone[i]))
            say(analysis, definition, NULL, "IST0002", "%s of rbac.istio.io is gone; use AuthorizationPolicy",
                gone[i]);
}

void analyze_deprecated(struct analysis *analysis)
{
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE)
        TREE_EACH(rule, tree_at(service->spec, "http")) {
            int64_t percent;
            const struct yaml_node *delay = tree_at(rule, "fault.delay");
            if (tree_number(delay, "percent", &percent) && percent > 0)
                say_once(analysis, service, tree_at(delay, "percent"), "IST0002",
                         "percent is going away; write percentage: {value: NUMBER}");
        }
    OBJECTS_EACH(sidecar, &analysis->objects, OBJECT_SIDECAR)
        if (tree_has(sidecar->spec, "outboundTrafficPolicy.egressProxy"))
            say(analysis, sidecar, tree_at(sidecar->spec, "outboundTrafficPolicy.egressProxy"), "IST0002",
                "egressProxy is ignored");
    OBJECTS_EACH(definition, &analysis->objects, OBJECT_DEFINITION)
        definition_deprecated(analysis, definition);
}

/* ---- conditions ------------------------------------------------------- */

struct concern { /* which conditions are bad news when false */
    enum object_kind kind;
    const char *types[4];
    bool by_parent;
};

static const struct concern concerns[] = {
    {OBJECT_SERVICE, {"istio.io/WaypointBound"}, false},
    {OBJECT_SERVICE_ENTRY, {"istio.io/WaypointBound"}, false},
    {OBJECT_WORKLOAD_ENTRY, {"istio.io/WaypointBound"}, false},
    {OBJECT_AUTHORIZATION_POLICY, {"ZtunnelAccepted", "WaypointAccepted"}, false},
    {OBJECT_CLUSTER_GATEWAY, {"Accepted", "Programmed", "ResolvedRefs"}, false},
    {OBJECT_HTTP_ROUTE, {"Accepted", "Programmed", "ResolvedRefs"}, true},
    {OBJECT_GRPC_ROUTE, {"Accepted", "Programmed", "ResolvedRefs"}, true},
};

static void conditions_check(struct analysis *analysis, const struct concern *concern,
                             const struct object *object, const struct yaml_node *conditions)
{
    TREE_EACH(condition, conditions) {
        struct bytes type = tree_text(condition, "type");
        /* Of a policy this one says true, and yet something is left out. */
        bool bad = object->kind == OBJECT_AUTHORIZATION_POLICY &&
                   bytes_equal(type, BYTES("WaypointAccepted")) &&
                   tree_is(condition, "reason", "PartiallyInvalid");
        for (size_t i = 0; i < 4 && concern->types[i]; i++)
            bad = bad || (bytes_equal(type, bytes_of(concern->types[i])) &&
                          bytes_equal_nocase(tree_text(condition, "status"), BYTES("False")));
        if (bad)
            say_once(analysis, object, condition, "IST0171", "%.*s is %.*s (%.*s): %.*s", BYTES_FMT(type),
                     BYTES_FMT(tree_text(condition, "status")), BYTES_FMT(tree_text(condition, "reason")),
                     BYTES_FMT(tree_text(condition, "message")));
    }
}

void analyze_conditions(struct analysis *analysis)
{
    for (size_t i = 0; i < sizeof concerns / sizeof concerns[0]; i++)
        OBJECTS_EACH(object, &analysis->objects, concerns[i].kind) {
            if (!concerns[i].by_parent)
                conditions_check(analysis, &concerns[i], object, tree_at(object->node, "status.conditions"));
            TREE_EACH(parent, concerns[i].by_parent ? tree_at(object->node, "status.parents") : NULL)
                conditions_check(analysis, &concerns[i], object, tree_at(parent, "conditions"));
        }
}
