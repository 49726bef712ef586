/* AuthorizationPolicies that choose no workload, or speak of namespaces that do not exist. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

static bool counts(const struct analysis *analysis, const struct object *pod)
{
    return pod_ambient(pod) ||
           pod_in_mesh(analysis, pod->namespace, pod->labels, pod->annotations, pod->spec);
}

/* A Pod of the mesh that the selector chooses, in a namespace or (NULL) in any. */
static bool workload_exists(const struct analysis *analysis, const struct bytes *namespace,
                            const struct yaml_node *labels)
{
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if ((!namespace || bytes_equal(*namespace, pod->namespace)) && labels_fit(labels, pod->labels) &&
            counts(analysis, pod))
            return true;
    return false;
}

static void workloads_check(struct analysis *analysis, const struct object *policy)
{
    bool everywhere = bytes_equal(policy->namespace, analysis->root_namespace);
    const struct yaml_node *selector = tree_at(policy->spec, "selector");
    const struct yaml_node *labels = tree_at(selector, "matchLabels");
    if ((everywhere && !selector) ||
        workload_exists(analysis, everywhere ? NULL : &policy->namespace, labels))
        return;
    say(analysis, policy, selector, "IST0127", "no workload of the mesh has the labels \"%.*s\" in %s%.*s",
        BYTES_FMT(labels_text(labels, analysis->arena)), everywhere ? "any namespace" : "namespace ",
        BYTES_FMT(everywhere ? BYTES("") : policy->namespace));
}

static bool namespace_fits(struct bytes name, struct bytes pattern)
{
    if (bytes_equal(pattern, BYTES("*")))
        return true;
    if (bytes_starts(pattern, BYTES("*")))
        return bytes_ends(name, bytes_part(pattern, 1, pattern.len));
    if (bytes_ends(pattern, BYTES("*")))
        return bytes_starts(name, bytes_part(pattern, 0, pattern.len - 1));
    return bytes_equal_nocase(name, pattern);
}

static bool namespace_exists(const struct analysis *analysis, struct bytes pattern)
{
    OBJECTS_EACH(namespace, &analysis->objects, OBJECT_NAMESPACE)
        if (namespace_fits(namespace->name, pattern))
            return true;
    return bytes_equal(pattern, BYTES("*")) && objects_have(&analysis->objects, OBJECT_NAMESPACE);
}

static void namespaces_check(struct analysis *analysis, const struct object *policy)
{
    static const char *const lists[] = {"source.namespaces", "source.notNamespaces"};
    TREE_EACH(rule, tree_at(policy->spec, "rules"))
        TREE_EACH(from, tree_at(rule, "from"))
            for (size_t i = 0; i < 2; i++)
                TREE_EACH(name, tree_at(from, lists[i]))
                    if (!namespace_exists(analysis, name->text))
                        say(analysis, policy, name, "IST0101", "referenced namespace not found: \"%.*s\"",
                            BYTES_FMT(name->text));
}

void analyze_policies(struct analysis *analysis)
{
    OBJECTS_EACH(policy, &analysis->objects, OBJECT_AUTHORIZATION_POLICY) {
        if (analysis->present & OBJECT_BIT(OBJECT_POD))
            workloads_check(analysis, policy);
        if (analysis->present & OBJECT_BIT(OBJECT_NAMESPACE))
            namespaces_check(analysis, policy);
    }
}
