/* Istio's annotations on Namespaces, Services, Pods and Deployments. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/annotation.h"
#include "rules/analyze/mesh.h"

static bool is_istios(struct bytes name)
{
    struct bytes rest = name, domain;
    bytes_cut(&rest, '/', &domain);
    return bytes_ends(domain, BYTES("istio.io")) || bytes_equal(name, BYTES("kubernetes.io/ingress.class"));
}

/* Set by Istio itself. */
static bool is_own(struct bytes name)
{
    return bytes_equal(name, BYTES("sidecar.istio.io/status")) ||
           bytes_equal(name, BYTES("gateway.istio.io/controller-version")) ||
           bytes_equal(name, BYTES("istio.io/rev"));
}

/* A Deployment's own annotations do not reach its Pods. */
static unsigned place_of(const struct object *object)
{
    static const struct {
        enum object_kind kind;
        unsigned on;
    } places[] = {{OBJECT_POD, ON_POD}, {OBJECT_SERVICE, ON_SERVICE}, {OBJECT_NAMESPACE, ON_NAMESPACE}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i].kind == object->kind)
            return places[i].on;
    return 0;
}

static struct bytes places_text(unsigned on, struct arena *arena)
{
    static const char *const names[] = {"Pod",          "Service",       "Namespace",
                                        "ServiceEntry", "WorkloadEntry", "AuthorizationPolicy",
                                        "Gateway",      "GatewayClass",  "Ingress"};
    struct text text;
    text_init_arena(&text, arena);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (on & 1U << i)
            text_format(&text, "%s%s", text.len ? ", " : "", names[i]);
    return text_bytes(&text);
}

static void deprecated_say(struct analysis *analysis, const struct object *object,
                           const struct yaml_node *value)
{
    bool inject = bytes_equal(value->key, BYTES("sidecar.istio.io/inject"));
    if (inject && yaml_get(object->labels, "sidecar.istio.io/inject"))
        return;
    say(analysis, object, value, "IST0135", "the annotation %.*s is going away%s", BYTES_FMT(value->key),
        inject ? "; use the label of that name" : "");
}

static void annotation_check(struct analysis *analysis, const struct object *object,
                             const struct yaml_node *value)
{
    struct fail why;
    const struct annotation *known = annotation_find(value->key);
    if (!known) {
        say(analysis, object, value, "IST0108", "no annotation %.*s is known", BYTES_FMT(value->key));
        return;
    }
    if (known->deprecated)
        deprecated_say(analysis, object, value);
    if (known->on & ON_ANY)
        return;
    if (!(known->on & place_of(object)))
        say(analysis, object, value, "IST0107", "the annotation %.*s acts on %.*s alone",
            BYTES_FMT(value->key), BYTES_FMT(places_text(known->on, analysis->arena)));
    else if (known->check && !known->check(value->text, analysis->arena, &why))
        say(analysis, object, value, "IST0125", "the value '%.*s' of %.*s %s", BYTES_FMT(value->text),
            BYTES_FMT(value->key), why.text);
}

static const enum object_kind annotated[] = {OBJECT_NAMESPACE, OBJECT_SERVICE, OBJECT_POD, OBJECT_DEPLOYMENT};

void analyze_annotations(struct analysis *analysis)
{
    for (size_t i = 0; i < sizeof annotated / sizeof annotated[0]; i++)
        OBJECTS_EACH(object, &analysis->objects, annotated[i])
            TREE_EACH(value, object->annotations)
                if (is_istios(value->key) && !is_own(value->key))
                    annotation_check(analysis, object, value);
}

/* ---- unfinished features ---------------------------------------------- */

/* Set by the CNI plugin, which there is when no init container redirects. */
static bool is_set_by_cni(const struct object *object, struct bytes name)
{
    static const char *const names[] = {
        "sidecar.istio.io/interceptionMode", "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/excludeInboundPorts", "traffic.sidecar.istio.io/includeOutboundIPRanges"};
    bool cni = object->kind == OBJECT_POD;
    TREE_EACH(container, tree_at(object->spec, "initContainers"))
        cni = cni && !tree_is(container, "name", "istio-init");
    for (size_t i = 0; cni && i < 4; i++)
        if (bytes_equal(name, bytes_of(names[i])))
            return true;
    return false;
}

void analyze_alpha(struct analysis *analysis)
{
    for (size_t i = 0; i < sizeof annotated / sizeof annotated[0]; i++)
        OBJECTS_EACH(object, &analysis->objects, annotated[i])
            TREE_EACH(value, object->annotations) {
                const struct annotation *known = annotation_find(value->key);
                if (known && known->alpha && !is_own(value->key) && !is_set_by_cni(object, value->key))
                    say(analysis, object, value, "IST0136", "the annotation %.*s is of an unfinished feature",
                        BYTES_FMT(value->key));
            }
}
