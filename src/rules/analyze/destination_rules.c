/* DestinationRules: TLS that verifies nobody, subsets that choose nothing, hosts that do not exist. */
#include "rules/analyze/analyzers.h"
#include "rules/analyze/hosts.h"

/* A credential brings its authorities, but sidecars only use it where a workloadSelector says so. */
static bool verifies_nobody(const struct object *rule, const struct yaml_node *tls)
{
    bool credential = tree_text(tls, "credentialName").len && tree_has(rule->spec, "workloadSelector");
    return (tree_is(tls, "mode", "SIMPLE") || tree_is(tls, "mode", "MUTUAL")) &&
           !tree_text(tls, "caCertificates").len && !credential;
}

void analyze_destination_tls(struct analysis *analysis)
{
    OBJECTS_EACH(rule, &analysis->objects, OBJECT_DESTINATION_RULE) {
        const struct yaml_node *tls = tree_at(rule->spec, "trafficPolicy.tls");
        struct bytes host = tree_text(rule->spec, "host");
        if (verifies_nobody(rule, tls))
            say(analysis, rule, tls, "IST0128",
                "mode %.*s without caCertificates leaves the server of %.*s unverified",
                BYTES_FMT(tree_text(tls, "mode")), BYTES_FMT(host));
        TREE_EACH(port, tree_at(rule->spec, "trafficPolicy.portLevelSettings")) {
            tls = tree_at(port, "tls");
            if (verifies_nobody(rule, tls))
                say(analysis, rule, tls, "IST0129",
                    "mode %.*s without caCertificates leaves the server of %.*s at port %.*s unverified",
                    BYTES_FMT(tree_text(tls, "mode")), BYTES_FMT(host),
                    BYTES_FMT(tree_text(port, "port.number")));
        }
    }
}

/* ---- one subset twice -------------------------------------------------- */

/* DestinationRules of one namespace and host are merged: of a subset the oldest one's definition stands. */
static const struct yaml_node *defined_before(struct analysis *analysis, const struct object *rule,
                                              const struct yaml_node *subset, const struct object **by)
{
    size_t count;
    const struct object *at =
        objects_within(&analysis->objects, OBJECT_DESTINATION_RULE, rule->namespace, &count);
    for (size_t i = 0; i < count && &at[i] != rule; i++) {
        if (!bytes_equal_nocase(tree_text(at[i].spec, "host"), tree_text(rule->spec, "host")))
            continue;
        TREE_EACH(other, tree_at(at[i].spec, "subsets"))
            if (bytes_equal(tree_text(other, "name"), tree_text(subset, "name")) &&
                !tree_same(other, subset, NULL)) {
                *by = &at[i];
                return other;
            }
    }
    return NULL;
}

void analyze_subsets_twice(struct analysis *analysis)
{
    const struct object *by;
    OBJECTS_EACH(rule, &analysis->objects, OBJECT_DESTINATION_RULE)
        TREE_EACH(subset, tree_at(rule->spec, "subsets"))
            if (defined_before(analysis, rule, subset, &by))
                say(analysis, rule, subset, "SEL0109",
                    "%.*s defines the subset %.*s of this host differently; the oldest definition stands",
                    BYTES_FMT(by->name), BYTES_FMT(tree_text(subset, "name")));
}

/* ---- subsets ---------------------------------------------------------- */

/* Labels that endpoints get from where their Pod runs. */
static struct bytes place_label(const struct analysis *analysis, const struct object *pod, struct bytes name)
{
    struct bytes machine = tree_text(pod->spec, "nodeName");
    static const char *const places[] = {"topology.kubernetes.io/region", "topology.kubernetes.io/zone",
                                         "topology.istio.io/subzone"};
    if (bytes_equal(name, BYTES("kubernetes.io/hostname")))
        return machine;
    const struct object *node = object_find(&analysis->objects, OBJECT_NODE, (struct bytes){0}, machine);
    for (size_t i = 0; node && i < 3; i++)
        if (bytes_equal(name, bytes_of(places[i])))
            return label_of(node->labels, places[i]);
    return (struct bytes){0};
}

static bool label_fits(const struct analysis *analysis, const struct object *pod,
                       const struct yaml_node *label)
{
    struct bytes place = place_label(analysis, pod, label->key);
    if (place.len)
        return bytes_equal(place, label->text);
    TREE_EACH(own, pod->labels)
        if (bytes_equal(own->key, label->key))
            return bytes_equal(own->text, label->text);
    return false;
}

/* `but` are labels that the subset overrides. */
static bool all_fit(const struct analysis *analysis, const struct object *pod, const struct yaml_node *labels,
                    const struct yaml_node *but)
{
    TREE_EACH(label, labels) {
        bool overridden = false;
        TREE_EACH(other, but)
            overridden = overridden || bytes_equal(other->key, label->key);
        if (!overridden && !label_fits(analysis, pod, label))
            return false;
    }
    return true;
}

static bool subset_chooses(const struct analysis *analysis, const struct yaml_node *subset,
                           const struct yaml_node *workloads)
{
    const struct yaml_node *labels = tree_at(subset, "labels");
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if (all_fit(analysis, pod, labels, NULL) && all_fit(analysis, pod, workloads, labels))
            return true;
    return false;
}

/* Endpoints that are written down need no Pod. */
static bool endpoint_fits(const struct object *entry, const struct yaml_node *subset)
{
    TREE_EACH(endpoint, tree_at(entry->spec, "endpoints"))
        if (labels_fit(tree_at(subset, "labels"), tree_at(endpoint, "labels")))
            return true;
    return false;
}

static bool workload_entry_fits(const struct analysis *analysis, const struct yaml_node *subset,
                                const struct yaml_node *workloads)
{
    OBJECTS_EACH(entry, &analysis->objects, OBJECT_WORKLOAD_ENTRY)
        if (labels_fit(tree_at(subset, "labels"), tree_at(entry->spec, "labels")) &&
            labels_fit(workloads, tree_at(entry->spec, "labels")))
            return true;
    return false;
}

static void subsets_check(struct analysis *analysis, const struct object *rule, const struct host *host)
{
    const struct yaml_node *workloads = NULL;
    if (host->object->kind == OBJECT_SERVICE_ENTRY)
        workloads = tree_at(host->object->spec, "workloadSelector.labels");
    TREE_EACH(subset, tree_at(rule->spec, "subsets")) {
        bool entry = host->object->kind == OBJECT_SERVICE_ENTRY;
        if (subset_chooses(analysis, subset, workloads) ||
            (entry && (endpoint_fits(host->object, subset) ||
                       (workloads && workload_entry_fits(analysis, subset, workloads)))))
            continue;
        say(analysis, rule, subset, "IST0173",
            "the subset %.*s (%.*s) chooses no workload: what is sent there is answered 503",
            BYTES_FMT(tree_text(subset, "name")),
            BYTES_FMT(labels_text(tree_at(subset, "labels"), analysis->arena)));
    }
}

/* Without Pods only ServiceEntries tell who there is. */
static bool subsets_known(const struct analysis *analysis, const struct host *host)
{
    return analysis->present & OBJECT_BIT(OBJECT_POD) || host->object->kind == OBJECT_SERVICE_ENTRY;
}

void analyze_destination_workloads(struct analysis *analysis)
{
    OBJECTS_EACH(rule, &analysis->objects, OBJECT_DESTINATION_RULE) {
        const struct yaml_node *name = tree_at(rule->spec, "host");
        const struct host *host =
            name ? host_meant(analysis, rule->namespace, tree_at(rule->spec, "exportTo"), name->text) : NULL;
        if (!host)
            say(analysis, rule, name, "IST0174", "no service of the mesh has the host %.*s",
                BYTES_FMT(name ? name->text : (struct bytes){0}));
        else if (subsets_known(analysis, host))
            subsets_check(analysis, rule, host);
    }
}
