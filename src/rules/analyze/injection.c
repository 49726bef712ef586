/* Whether namespaces and Pods get their sidecar, and the configured one. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

/* The values that the injector's ConfigMap holds as JSON text; NULL when it has none. */
static const struct yaml_node *values_of(const struct analysis *analysis, const struct object *map)
{
    struct yaml_stream stream;
    struct fail why;
    struct bytes text = tree_text(map->node, "data.values");
    if (!text.len || !yaml_read(map->file, text, analysis->arena, &stream, &why) || !stream.count)
        return NULL;
    return stream.documents[0];
}

/* The injector of a revision, in whichever namespace it was installed. */
static const struct object *injector_of(const struct analysis *analysis, struct bytes revision)
{
    struct bytes name = BYTES("istio-sidecar-injector");
    if (revision.len && !bytes_equal(revision, BYTES("default")))
        name = arena_format(analysis->arena, "istio-sidecar-injector-%.*s", BYTES_FMT(revision));
    OBJECTS_EACH(map, &analysis->objects, OBJECT_CONFIG_MAP)
        if (bytes_equal(map->name, name))
            return map;
    return NULL;
}

static bool is_enabled(const struct object *namespace)
{
    return bytes_equal(label_of(namespace->labels, "istio-injection"), BYTES("enabled"));
}

/* ---- namespaces ------------------------------------------------------- */

static void labels_check(struct analysis *analysis, const struct object *namespace)
{
    static const char *const others[] = {"istio.io/rev", "istio.io/dataplane-mode"};
    const struct yaml_node *injection = yaml_get(namespace->labels, "istio-injection");
    size_t count = injection ? 1 : 0;
    for (size_t i = 0; i < 2; i++)
        count += yaml_get(namespace->labels, others[i]) && (!injection || is_enabled(namespace));
    if (count > 1)
        say(analysis, namespace, namespace->labels, "IST0123",
            "several labels say how it takes part in the mesh (%.*s); keep one",
            BYTES_FMT(labels_text(namespace->labels, analysis->arena)));
}

static bool injected_by_default(const struct analysis *analysis, struct bytes revision)
{
    const struct object *injector = injector_of(analysis, revision);
    return injector &&
           tree_true(values_of(analysis, injector), "sidecarInjectorWebhook.enableNamespacesByDefault");
}

static void namespace_check(struct analysis *analysis, const struct object *namespace)
{
    struct bytes mode = label_of(namespace->labels, "istio.io/dataplane-mode");
    const struct yaml_node *revision = yaml_get(namespace->labels, "istio.io/rev");
    labels_check(analysis, namespace);
    if (bytes_equal(mode, BYTES("ambient")) || revision || label_of(namespace->labels, "istio-injection").len)
        return;
    if (injected_by_default(analysis, (struct bytes){0}))
        say(analysis, namespace, NULL, "IST0148", "it is injected without a label, as the mesh's values say");
    else
        say(analysis, namespace, NULL, "IST0102",
            "its Pods get no sidecar; label it istio-injection=enabled, or =disabled to say that this is "
            "meant");
}

static bool wants_sidecar(const struct object *pod)
{
    const struct yaml_node *said = yaml_get(pod->labels, "sidecar.istio.io/inject");
    if (!said)
        said = yaml_get(pod->annotations, "sidecar.istio.io/inject");
    return !(said && bytes_equal_nocase(said->text, BYTES("false"))) && !tree_true(pod->spec, "hostNetwork");
}

void analyze_injection(struct analysis *analysis)
{
    OBJECTS_EACH(namespace, &analysis->objects, OBJECT_NAMESPACE)
        if (!bytes_equal(namespace->name, BYTES("istio-system")))
            namespace_check(analysis, namespace);
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD) {
        const struct object *namespace =
            object_find(&analysis->objects, OBJECT_NAMESPACE, (struct bytes){0}, pod->namespace);
        bool meant = namespace && is_enabled(namespace) &&
                     !bytes_equal(namespace->name, BYTES("istio-system")) &&
                     !bytes_equal(label_of(namespace->labels, "istio.io/dataplane-mode"), BYTES("ambient"));
        if (meant && wants_sidecar(pod) && !tree_text(container_named(pod->spec, "istio-proxy"), "image").len)
            say(analysis, pod, NULL, "IST0103",
                "it has no sidecar, which its namespace asks for; restart it");
    }
}

/* ---- image: auto ------------------------------------------------------ */

static bool has_auto_image(const struct yaml_node *spec)
{
    TREE_EACH(container, tree_at(spec, "containers"))
        if (tree_is(container, "name", "istio-proxy") && tree_is(container, "image", "auto"))
            return true;
    return false;
}

static bool webhook_takes(const struct analysis *analysis, const struct yaml_node *namespace_labels,
                          const struct yaml_node *labels)
{
    OBJECTS_EACH(configuration, &analysis->objects, OBJECT_MUTATING_WEBHOOK)
        TREE_EACH(webhook, tree_at(configuration->node, "webhooks"))
            if (bytes_ends(tree_text(webhook, "name"), BYTES("istio.io")) &&
                selector_fits(tree_at(webhook, "namespaceSelector"), namespace_labels) &&
                selector_fits(tree_at(webhook, "objectSelector"), labels))
                return true;
    return false;
}

void analyze_auto_images(struct analysis *analysis)
{
    static const char *const sentence = "image: auto is replaced by injection, and no webhook injects it";
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if (has_auto_image(pod->spec))
            say(analysis, pod, NULL, "IST0147", "%s", sentence);
    OBJECTS_EACH(deployment, &analysis->objects, OBJECT_DEPLOYMENT) {
        const struct yaml_node *template = tree_at(deployment->spec, "template");
        const struct object *namespace =
            object_find(&analysis->objects, OBJECT_NAMESPACE, (struct bytes){0}, deployment->namespace);
        if (has_auto_image(tree_at(template, "spec")) &&
            !webhook_takes(analysis, namespace ? namespace->labels : NULL,
                           tree_at(template, "metadata.labels")))
            say(analysis, deployment, NULL, "IST0146", "%s", sentence);
    }
}
