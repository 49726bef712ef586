#include "rules/analyze/mesh.h"

bool pod_ambient(const struct object *pod)
{
    return bytes_equal(label_of(pod->annotations, "ambient.istio.io/redirection"), BYTES("enabled"));
}

bool namespace_ambient(const struct analysis *analysis, struct bytes name)
{
    const struct object *found = object_find(&analysis->objects, OBJECT_NAMESPACE, (struct bytes){0}, name);
    if (!found || bytes_equal(label_of(found->labels, "istio-injection"), BYTES("enabled")) ||
        label_of(found->labels, "istio.io/rev").len)
        return false;
    return bytes_equal(label_of(found->labels, "istio.io/dataplane-mode"), BYTES("ambient"));
}

const struct yaml_node *container_named(const struct yaml_node *spec, const char *name)
{
    static const char *const lists[] = {"containers", "initContainers"};
    for (size_t i = 0; i < 2; i++)
        TREE_EACH(container, tree_at(spec, lists[i]))
            if (tree_is(container, "name", name))
                return container;
    return NULL;
}

bool pod_in_mesh(const struct analysis *analysis, struct bytes namespace, const struct yaml_node *labels,
                 const struct yaml_node *annotations, const struct yaml_node *spec)
{
    const struct yaml_node *said = yaml_get(labels, "sidecar.istio.io/inject");
    if (tree_text(container_named(spec, "istio-proxy"), "image").len)
        return true;
    if (!said)
        said = yaml_get(annotations, "sidecar.istio.io/inject");
    if (said)
        return bytes_equal(said->text, BYTES("true"));
    const struct object *own =
        object_find(&analysis->objects, OBJECT_NAMESPACE, (struct bytes){0}, namespace);
    return own && bytes_equal(label_of(own->labels, "istio-injection"), BYTES("enabled"));
}

bool is_control_plane(const struct object *object)
{
    return yaml_get(object->labels, "istio") ||
           bytes_equal(label_of(object->labels, "release"), BYTES("istio"));
}
