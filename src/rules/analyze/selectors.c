/*
 * Selectors of Sidecars and Telemetries, which must choose something, and not
 * what another one chooses; and selectors that act on nothing.
 */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/mesh.h"

/* What a kind calls its selector, and which codes it uses. */
struct chooser {
    enum object_kind kind;
    const char *selector;
    const char *plural;
    const char *clash; /* two choose one Pod */
    const char *whole; /* two for the namespace; NULL: judged elsewhere */
};

static const struct chooser sidecars = {OBJECT_SIDECAR, "workloadSelector.labels", "Sidecars", "IST0110",
                                        "IST0111"};
static const struct chooser telemetries = {OBJECT_TELEMETRY, "selector.matchLabels", "Telemetries", "IST0159",
                                           NULL};

static bool chooses(const struct chooser *chooser, const struct object *object, const struct object *pod)
{
    const struct yaml_node *labels = tree_at(object->spec, chooser->selector);
    return tree_first(labels) && labels_fit(labels, pod->labels);
}

static struct bytes names_of(const struct chooser *chooser, const struct object *at, size_t count,
                             const struct object *pod, struct arena *arena)
{
    struct text names;
    text_init_arena(&names, arena);
    for (size_t i = 0; i < count; i++) {
        bool whole = !pod && !tree_first(tree_at(at[i].spec, chooser->selector));
        if (!whole && !(pod && chooses(chooser, &at[i], pod)))
            continue;
        text_add_s(&names, names.len ? ", " : "");
        text_add(&names, at[i].name);
    }
    return text_bytes(&names);
}

/* Does it choose anything? Those that choose nothing are said at once. */
static void found_check(struct analysis *analysis, const struct chooser *chooser, const struct object *object)
{
    const struct yaml_node *labels = tree_at(object->spec, chooser->selector);
    size_t count;
    const struct object *pods = objects_within(&analysis->objects, OBJECT_POD, object->namespace, &count);
    if (!tree_first(labels))
        return;
    for (size_t i = 0; i < count; i++)
        if (labels_fit(labels, pods[i].labels))
            return;
    say(analysis, object, labels, "IST0101", "referenced selector not found: \"%.*s\"",
        BYTES_FMT(labels_text(labels, analysis->arena)));
}

static void ambient_say(struct analysis *analysis, const struct object *object, bool *said, const char *what)
{
    bool *once = &said[object - analysis->objects.at];
    if (!*once)
        say(analysis, object, NULL, "IST0167", "it has no effect: %s is in ambient mode", what);
    *once = true;
}

static void pod_check(struct analysis *analysis, const struct chooser *chooser, const struct object *pod,
                      bool *said)
{
    size_t count, choosing = 0;
    const struct object *at = objects_within(&analysis->objects, chooser->kind, pod->namespace, &count);
    for (size_t i = 0; i < count; i++)
        choosing += chooses(chooser, &at[i], pod);
    bool ambient = chooser->kind == OBJECT_SIDECAR && pod_ambient(pod);
    if (choosing < 2 && !ambient)
        return;
    struct bytes names = names_of(chooser, at, count, pod, analysis->arena);
    for (size_t i = 0; i < count; i++) {
        if (!chooses(chooser, &at[i], pod))
            continue;
        if (ambient)
            ambient_say(analysis, &at[i], said, "the chosen workload");
        else
            say(analysis, &at[i], tree_at(at[i].spec, chooser->selector), chooser->clash,
                "the %s %.*s choose the same Pod %.*s", chooser->plural, BYTES_FMT(names),
                BYTES_FMT(object_shown(pod, analysis->arena)));
    }
}

static void choosers_check(struct analysis *analysis, const struct chooser *chooser)
{
    bool *said = arena_array(analysis->arena, bool, analysis->objects.count + 1);
    OBJECTS_EACH(object, &analysis->objects, chooser->kind)
        found_check(analysis, chooser, object);
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        pod_check(analysis, chooser, pod, said);
}

void analyze_telemetry_selectors(struct analysis *analysis)
{
    choosers_check(analysis, &telemetries);
}

/* ---- for a whole namespace -------------------------------------------- */

static void whole_check(struct analysis *analysis, const struct chooser *chooser, const char *code,
                        const struct object *object)
{
    size_t count, whole = 0;
    const struct object *at = objects_within(&analysis->objects, chooser->kind, object->namespace, &count);
    for (size_t i = 0; i < count; i++)
        whole += !tree_first(tree_at(at[i].spec, chooser->selector));
    if (whole > 1)
        say(analysis, object, NULL, code, "the %s %.*s are all for the whole namespace %.*s", chooser->plural,
            BYTES_FMT(names_of(chooser, at, count, NULL, analysis->arena)), BYTES_FMT(object->namespace));
}

void analyze_sidecar_selectors(struct analysis *analysis)
{
    bool *said = arena_array(analysis->arena, bool, analysis->objects.count + 1);
    choosers_check(analysis, &sidecars);
    OBJECTS_EACH(sidecar, &analysis->objects, OBJECT_SIDECAR) {
        if (tree_first(tree_at(sidecar->spec, sidecars.selector)))
            continue;
        if (namespace_ambient(analysis, sidecar->namespace))
            ambient_say(analysis, sidecar, said, "the namespace");
        else
            whole_check(analysis, &sidecars, sidecars.whole, sidecar);
    }
}

void analyze_telemetry_defaults(struct analysis *analysis)
{
    OBJECTS_EACH(telemetry, &analysis->objects, OBJECT_TELEMETRY)
        if (!tree_has(telemetry->spec, "selector"))
            whole_check(analysis, &telemetries, "IST0160", telemetry);
}

/* ---- gateways of the Gateway API -------------------------------------- */

static void ineffective_check(struct analysis *analysis, const struct object *policy)
{
    size_t count;
    const struct yaml_node *selector = tree_at(policy->spec, "selector");
    const struct object *pods = objects_within(&analysis->objects, OBJECT_POD, policy->namespace, &count);
    if (!selector || tree_has(policy->spec, "targetRef"))
        return;
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *name = yaml_get(pods[i].labels, "gateway.networking.k8s.io/gateway-name");
        if (name && labels_fit(tree_at(selector, "matchLabels"), pods[i].labels))
            say_once(analysis, policy, selector, "IST0166",
                     "a selector does not attach to the Gateway API gateway %.*s; name it in targetRefs",
                     BYTES_FMT(name->text));
    }
}

void analyze_cluster_gateway_selectors(struct analysis *analysis)
{
    static const enum object_kind policies[] = {OBJECT_AUTHORIZATION_POLICY, OBJECT_REQUEST_AUTHENTICATION,
                                                OBJECT_TELEMETRY, OBJECT_WASM_PLUGIN};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
        OBJECTS_EACH(policy, &analysis->objects, policies[i])
            ineffective_check(analysis, policy);
}
