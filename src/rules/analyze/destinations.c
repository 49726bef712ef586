/* Where VirtualServices send traffic: hosts, ports and subsets that must exist. */
#include "rules/analyze/destinations.h"

#include "base/map.h"
#include "rules/analyze/analyzers.h"
#include "rules/analyze/hosts.h"

void destinations_each(struct analysis *analysis, const struct object *service, destination_see *see,
                       void *with)
{
    static const char *const blocks[] = {"tcp", "tls", "http"};
    for (size_t i = 0; i < 3; i++)
        TREE_EACH(rule, tree_at(service->spec, blocks[i]))
            TREE_EACH(route, tree_at(rule, "route"))
                see(analysis, service, route, "", with);
    TREE_EACH(rule, tree_at(service->spec, "http")) {
        if (tree_has(rule, "mirror"))
            see(analysis, service, rule, "mirror ", with);
        TREE_EACH(mirror, tree_at(rule, "mirrors"))
            see(analysis, service, mirror, "mirror ", with);
    }
}

/* Of an entry of `route` or `mirrors`, or of a rule: its mirror. */
static const struct yaml_node *destination_of(const struct yaml_node *route)
{
    return tree_has(route, "mirror") ? tree_at(route, "mirror") : tree_at(route, "destination");
}

/* ---- hosts and ports -------------------------------------------------- */

static struct bytes ports_text(const struct host *host, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    TREE_EACH(port, host->ports) {
        text_add_s(&text, port->index ? ", " : "");
        text_add(&text, tree_text(port, host->port_field));
    }
    return text_bytes(&text);
}

static bool has_port(const struct host *host, int64_t number)
{
    int64_t each;
    TREE_EACH(port, host->ports)
        if (tree_number(port, host->port_field, &each) && each == number)
            return true;
    return false;
}

static void port_check(struct analysis *analysis, const struct object *service,
                       const struct yaml_node *destination, const struct host *host)
{
    struct bytes name = tree_text(destination, "host");
    int64_t number = 0;
    if (!tree_has(destination, "port")) {
        if (host->ports && host->ports->count > 1)
            say(analysis, service, destination, "IST0112",
                "%.*s has the ports %.*s: write which one is meant", BYTES_FMT(name),
                BYTES_FMT(ports_text(host, analysis->arena)));
        return;
    }
    tree_number(destination, "port.number", &number);
    if (!has_port(host, number))
        say(analysis, service, tree_at(destination, "port"), "IST0101",
            "referenced host:port not found: \"%.*s:%lld\"", BYTES_FMT(name), (long long)number);
}

static void host_check(struct analysis *analysis, const struct object *service, const struct yaml_node *route,
                       const char *what, void *with)
{
    const struct yaml_node *destination = destination_of(route);
    struct bytes name = tree_text(destination, "host");
    const struct host *host =
        host_meant(analysis, service->namespace, tree_at(service->spec, "exportTo"), name);
    (void)with;
    if (host)
        port_check(analysis, service, destination, host);
    else
        say(analysis, service, destination ? destination : route, "IST0101",
            "referenced %shost not found: \"%.*s\"", what, BYTES_FMT(name));
}

/* VirtualServices that send their own host to a subset, by that host. */
struct own_subset {
    const struct object *service;
    struct own_subset *next;
};

static void own_subset_add(struct map *by_host, struct bytes host, const struct object *service,
                           struct arena *arena)
{
    struct own_subset *first = map_get(by_host, host);
    if (first && first->service == service)
        return;
    struct own_subset *each = arena_new(arena, struct own_subset);
    *each = (struct own_subset){service, first};
    map_put(by_host, host, each);
}

static void own_subsets_add(struct map *by_host, const struct object *service, struct arena *arena)
{
    TREE_EACH(rule, tree_at(service->spec, "http"))
        TREE_EACH(route, tree_at(rule, "route")) {
            struct bytes host = tree_text(route, "destination.host");
            bool meant = tree_text(route, "destination.subset").len > 0;
            TREE_EACH(own, tree_at(service->spec, "hosts"))
                if (meant && bytes_equal(own->text, host))
                    own_subset_add(by_host, host, service, arena);
        }
}

/* What comes through a gateway skips the mesh's rules of the host that it is sent to. */
static void skipped_subsets(struct analysis *analysis, const struct object *service,
                            const struct map *by_host)
{
    if (!tree_first(tree_at(service->spec, "gateways")))
        return;
    TREE_EACH(rule, tree_at(service->spec, "http"))
        TREE_EACH(route, tree_at(rule, "route")) {
            const struct yaml_node *destination = tree_at(route, "destination");
            if (tree_text(destination, "subset").len)
                continue;
            for (const struct own_subset *each = map_get(by_host, tree_text(destination, "host")); each;
                 each = each->next)
                say(analysis, service, tree_at(destination, "host"), "IST0140",
                    "the subsets that VirtualService %.*s chooses for %.*s do not act on what comes through "
                    "a gateway; name the subset here",
                    BYTES_FMT(object_shown(each->service, analysis->arena)),
                    BYTES_FMT(tree_text(destination, "host")));
        }
}

void analyze_destination_hosts(struct analysis *analysis)
{
    struct map by_host;
    map_init(&by_host);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE)
        own_subsets_add(&by_host, service, analysis->arena);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE) {
        destinations_each(analysis, service, host_check, NULL);
        skipped_subsets(analysis, service, &by_host);
    }
    map_done(&by_host);
}

/* ---- subsets ---------------------------------------------------------- */

static struct bytes subset_key(struct analysis *analysis, struct bytes host, struct bytes namespace,
                               struct bytes subset)
{
    struct bytes full = host_in_full(analysis, host, namespace);
    return arena_format(analysis->arena, "%.*s+%.*s", BYTES_FMT(full), BYTES_FMT(subset));
}

static void subset_check(struct analysis *analysis, const struct object *service,
                         const struct yaml_node *route, const char *what, void *with)
{
    const struct map *known = with;
    const struct yaml_node *destination = destination_of(route);
    struct bytes host = tree_text(destination, "host"), subset = tree_text(destination, "subset");
    if (subset.len && !map_get(known, subset_key(analysis, host, service->namespace, subset)))
        say(analysis, service, tree_at(destination, "subset"), "IST0101",
            "referenced %shost+subset in destinationrule not found: \"%.*s+%.*s\"", what, BYTES_FMT(host),
            BYTES_FMT(subset));
}

void analyze_destination_subsets(struct analysis *analysis)
{
    struct map known;
    map_init(&known);
    OBJECTS_EACH(rule, &analysis->objects, OBJECT_DESTINATION_RULE)
        TREE_EACH(subset, tree_at(rule->spec, "subsets"))
            map_put(&known,
                    subset_key(analysis, tree_text(rule->spec, "host"), rule->namespace,
                               tree_text(subset, "name")),
                    &known);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE)
        destinations_each(analysis, service, subset_check, &known);
    map_done(&known);
}
