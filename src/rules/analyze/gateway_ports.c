/* What Gateways stand on: workloads that their selector chooses, and Services that offer their ports. */
#include "rules/analyze/analyzers.h"

struct offered { /* which of a Gateway's servers a Service offers; a bit each is too few, so bytes */
    bool *servers;
    size_t pods;
};

/* A port number of the Service that reaches `number` on the workload, or is it. */
static bool service_offers(const struct object *service, int64_t number)
{
    int64_t port, target;
    TREE_EACH(each, tree_at(service->spec, "ports")) {
        if (!tree_is(each, "protocol", "TCP"))
            continue;
        if (tree_number(each, "targetPort", &target) && target && target == number)
            return true;
        if (tree_number(each, "port", &port) && port == number)
            return true;
    }
    return false;
}

static void pod_count(const struct analysis *analysis, const struct object *gateway, const struct object *pod,
                      struct offered *offered)
{
    size_t count;
    const struct object *at = objects_within(&analysis->objects, OBJECT_SERVICE, pod->namespace, &count);
    offered->pods++;
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        if (!labels_fit(tree_at(at[i].spec, "selector"), pod->labels))
            continue;
        TREE_EACH(server, tree_at(gateway->spec, "servers"))
            if (tree_number(server, "port.number", &number) && service_offers(&at[i], number))
                offered->servers[server->index] = true;
    }
}

static void selector_unknown(struct analysis *analysis, const struct object *gateway)
{
    const struct yaml_node *selector = tree_at(gateway->spec, "selector");
    say(analysis, gateway, selector, "IST0101", "referenced selector not found: \"%.*s\"",
        BYTES_FMT(labels_text(selector, analysis->arena)));
}

static void ports_check(struct analysis *analysis, const struct object *gateway)
{
    const struct yaml_node *servers = tree_at(gateway->spec, "servers");
    struct offered offered = {arena_array(analysis->arena, bool, servers ? servers->count + 1 : 1), 0};
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if (labels_fit(tree_at(gateway->spec, "selector"), pod->labels))
            pod_count(analysis, gateway, pod, &offered);
    if (!offered.pods) {
        selector_unknown(analysis, gateway);
        return;
    }
    TREE_EACH(server, servers)
        if (tree_has(server, "port") && !offered.servers[server->index])
            say_once(analysis, gateway, tree_at(server, "port"), "IST0162",
                     "no Service of the gateway's Pods (%.*s) offers port %.*s",
                     BYTES_FMT(labels_text(tree_at(gateway->spec, "selector"), analysis->arena)),
                     BYTES_FMT(tree_text(server, "port.number")));
}

void analyze_gateway_ports(struct analysis *analysis)
{
    OBJECTS_EACH(gateway, &analysis->objects, OBJECT_GATEWAY)
        ports_check(analysis, gateway);
}

/* ---- secrets ---------------------------------------------------------- */

/* Where its Pods are, for there its Secrets are; NULL: it has none. Without any Pod known: where it is. */
static const struct bytes *namespace_of(const struct analysis *analysis, const struct object *gateway)
{
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if (labels_fit(tree_at(gateway->spec, "selector"), pod->labels))
            return &pod->namespace;
    return analysis->present & OBJECT_BIT(OBJECT_POD) ? NULL : &gateway->namespace;
}

static void credential_check(struct analysis *analysis, const struct object *gateway,
                             const struct yaml_node *name, struct bytes namespace)
{
    struct fail why;
    const struct object *secret = object_named(&analysis->objects, OBJECT_SECRET, namespace, name->text);
    if (!secret)
        say(analysis, gateway, name, "IST0101", "referenced credentialName not found: \"%.*s\" in %.*s",
            BYTES_FMT(name->text), BYTES_FMT(namespace));
    else if (!secret_serves(secret->node, analysis->arena, &why))
        say(analysis, gateway, name, "IST0161", "the Secret %.*s cannot be served with: %s",
            BYTES_FMT(object_shown(secret, analysis->arena)), why.text);
}

void analyze_gateway_secrets(struct analysis *analysis)
{
    OBJECTS_EACH(gateway, &analysis->objects, OBJECT_GATEWAY) {
        const struct bytes *namespace = namespace_of(analysis, gateway);
        if (!namespace) {
            selector_unknown(analysis, gateway);
            continue;
        }
        TREE_EACH(server, tree_at(gateway->spec, "servers"))
            if (tree_text(server, "tls.credentialName").len)
                credential_check(analysis, gateway, tree_at(server, "tls.credentialName"), *namespace);
    }
}
