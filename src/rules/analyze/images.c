/* Pods whose proxy is not the one that their namespace's injector is set to. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

static struct bytes image_set(const struct analysis *analysis, const struct object *map)
{
    struct yaml_stream stream;
    struct fail why;
    struct bytes text = tree_text(map->node, "data.values");
    if (!text.len || !yaml_read(map->file, text, analysis->arena, &stream, &why) || !stream.count)
        return (struct bytes){0};
    const struct yaml_node *global = tree_at(stream.documents[0], "global");
    struct bytes image = tree_text(global, "proxy.image");
    if (bytes_find(image, '/') < image.len)
        return image;
    return arena_format(analysis->arena, "%.*s/%.*s:%.*s", BYTES_FMT(tree_text(global, "hub")),
                        BYTES_FMT(image), BYTES_FMT(tree_text(global, "tag")));
}

/* What the namespace's labels say; false: it is not injected. */
static bool injector_name(const struct analysis *analysis, const struct object *namespace, struct bytes *out)
{
    const struct yaml_node *revision = yaml_get(namespace->labels, "istio.io/rev");
    bool enabled = bytes_equal(label_of(namespace->labels, "istio-injection"), BYTES("enabled"));
    *out = BYTES("istio-sidecar-injector");
    if (revision && revision->text.len && !bytes_equal(revision->text, BYTES("default")))
        *out = arena_format(analysis->arena, "istio-sidecar-injector-%.*s", BYTES_FMT(revision->text));
    return revision || enabled;
}

/* ---- the variant of the image: from the mesh, the namespace, the workload, the Pod --------------------- */

static struct bytes narrower(const struct yaml_node *settings, struct bytes now)
{
    struct bytes variant = tree_text(settings, "image.imageType");
    return variant.len ? variant : now;
}

static struct bytes pod_setting(const struct analysis *analysis, const struct object *pod, struct bytes now)
{
    struct yaml_stream stream;
    struct fail why;
    struct bytes text = label_of(pod->annotations, "proxy.istio.io/config");
    if (!text.len || !yaml_read(pod->file, text, analysis->arena, &stream, &why) || !stream.count)
        return now;
    return narrower(stream.documents[0], now);
}

static struct bytes variant_of(const struct analysis *analysis, const struct object *pod)
{
    struct bytes variant = narrower(tree_at(analysis->mesh, "defaultConfig"), (struct bytes){0});
    for (int step = 0; step < 3; step++)
        OBJECTS_EACH(config, &analysis->objects, OBJECT_PROXY_CONFIG) {
            bool root = bytes_equal(config->namespace, analysis->root_namespace);
            bool chooses = tree_has(config->spec, "selector");
            if (root != (step == 0) || (!root && !bytes_equal(config->namespace, pod->namespace)) ||
                (!root && chooses != (step == 2)) ||
                (step == 2 && !labels_fit(tree_at(config->spec, "selector.matchLabels"), pod->labels)))
                continue;
            variant = narrower(config->spec, variant);
        }
    variant = pod_setting(analysis, pod, variant);
    return bytes_equal(variant, BYTES("default")) ? BYTES("") : variant;
}

static bool image_fits(const struct analysis *analysis, const struct object *pod, struct bytes image)
{
    static const char *const lists[] = {"containers", "initContainers"};
    struct bytes other =
        arena_format(analysis->arena, "%.*s-%.*s", BYTES_FMT(image), BYTES_FMT(variant_of(analysis, pod)));
    for (size_t i = 0; i < 2; i++)
        TREE_EACH(container, tree_at(pod->spec, lists[i])) {
            struct bytes own = tree_text(container, "image");
            if (tree_is(container, "name", "istio-proxy") && !bytes_equal(own, image) &&
                !bytes_equal(own, other))
                return false;
        }
    return true;
}

static void namespace_check(struct analysis *analysis, const struct object *namespace)
{
    struct bytes name;
    struct text pods;
    size_t count;
    const struct object *at = objects_within(&analysis->objects, OBJECT_POD, namespace->name, &count);
    const struct object *injector = NULL;
    text_init_arena(&pods, analysis->arena);
    if (!injector_name(analysis, namespace, &name))
        return;
    OBJECTS_EACH(map, &analysis->objects, OBJECT_CONFIG_MAP)
        if (bytes_equal(map->name, name))
            injector = map;
    for (size_t i = 0; injector && i < count; i++) {
        if (label_of(at[i].annotations, "sidecar.istio.io/proxyImage").len ||
            image_fits(analysis, &at[i], image_set(analysis, injector)))
            continue;
        text_add_s(&pods, pods.len ? ", " : "");
        text_add(&pods, at[i].name);
    }
    if (pods.len)
        say(analysis, namespace, NULL, "IST0158",
            "the Pods %.*s run another proxy image than the one they would be injected with; restart them",
            BYTES_FMT(text_bytes(&pods)));
}

void analyze_images(struct analysis *analysis)
{
    OBJECTS_EACH(namespace, &analysis->objects, OBJECT_NAMESPACE)
        namespace_check(analysis, namespace);
}
