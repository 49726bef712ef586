#include "rules/analyze/hosts.h"

#include "base/map.h"
#include "rules/compile/service.h"

struct hosts {
    struct map by_name; /* "scope/name" -> struct host */
    struct host **wild; /* those that begin with * */
    size_t wild_count;
    size_t wild_room;
};

static struct bytes in_lower(struct arena *arena, struct bytes text)
{
    char *at = arena_raw(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        at[i] = ascii_lower(text.at[i]);
    return bytes_make(at, text.len);
}

struct bytes host_in_full(struct analysis *analysis, struct bytes name, struct bytes namespace)
{
    if (bytes_starts(name, BYTES("*")) || bytes_find(name, '.') < name.len)
        return in_lower(analysis->arena, name);
    struct bytes full =
        arena_format(analysis->arena, "%.*s.%.*s.svc.cluster.local", BYTES_FMT(name), BYTES_FMT(namespace));
    return in_lower(analysis->arena, full);
}

bool hosts_overlap(struct bytes a, struct bytes b)
{
    return host_common(a, b).len > 0;
}

bool exported_to_all(const struct yaml_node *export_to)
{
    return !tree_first(export_to) || list_holds(export_to, BYTES("*"));
}

static struct bytes key_of(struct arena *arena, struct bytes scope, struct bytes name)
{
    return arena_format(arena, "%.*s/%.*s", BYTES_FMT(scope), BYTES_FMT(name));
}

static void wild_add(struct hosts *hosts, struct host *host, struct arena *arena)
{
    if (hosts->wild_count == hosts->wild_room) {
        size_t room = hosts->wild_room ? 2 * hosts->wild_room : 16;
        struct host **at = arena_array(arena, struct host *, room);
        if (hosts->wild_count)
            memcpy(at, hosts->wild, hosts->wild_count * sizeof(*at));
        hosts->wild = at;
        hosts->wild_room = room;
    }
    hosts->wild[hosts->wild_count++] = host;
}

static void host_add(struct analysis *analysis, struct hosts *hosts, struct host host)
{
    struct host *kept = arena_new(analysis->arena, struct host);
    *kept = host;
    kept->next = map_put(&hosts->by_name, key_of(analysis->arena, host.scope, host.name), kept);
    if (bytes_starts(host.name, BYTES("*")))
        wild_add(hosts, kept, analysis->arena);
}

static void entry_add(struct analysis *analysis, struct hosts *hosts, const struct object *entry)
{
    const struct yaml_node *export_to = tree_at(entry->spec, "exportTo");
    struct host host = {.object = entry, .ports = tree_at(entry->spec, "ports"), .port_field = "number"};
    TREE_EACH(name, tree_at(entry->spec, "hosts")) {
        host.name = host_in_full(analysis, name->text, entry->namespace);
        host.scope = BYTES("*");
        if (exported_to_all(export_to)) {
            host_add(analysis, hosts, host);
            continue;
        }
        TREE_EACH(scope, export_to) {
            host.scope = bytes_equal(scope->text, BYTES(".")) ? entry->namespace : scope->text;
            host_add(analysis, hosts, host);
        }
    }
}

/* A Service is exported by an annotation: namespaces with commas between. */
static void service_add_host(struct analysis *analysis, struct hosts *hosts, const struct object *service)
{
    struct bytes rest = label_of(service->annotations, "networking.istio.io/exportTo"), one;
    struct host host = {.scope = BYTES("*"),
                        .name = host_in_full(analysis, service->name, service->namespace),
                        .object = service,
                        .ports = tree_at(service->spec, "ports"),
                        .port_field = "port"};
    if (!rest.len) {
        host_add(analysis, hosts, host);
        return;
    }
    for (bool more = true; more;) {
        more = bytes_cut(&rest, ',', &one);
        one = bytes_trim(one);
        host.scope = bytes_equal(one, BYTES(".")) ? service->namespace : one;
        host_add(analysis, hosts, host);
    }
}

static struct hosts *hosts_of(struct analysis *analysis)
{
    if (analysis->hosts)
        return analysis->hosts;
    struct hosts *hosts = arena_new(analysis->arena, struct hosts);
    map_init(&hosts->by_name);
    OBJECTS_EACH(entry, &analysis->objects, OBJECT_SERVICE_ENTRY)
        entry_add(analysis, hosts, entry);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_SERVICE)
        service_add_host(analysis, hosts, service);
    analysis->hosts = hosts;
    return hosts;
}

void hosts_free(struct hosts *hosts)
{
    if (hosts)
        map_done(&hosts->by_name);
}

static const struct host *seen_from(struct hosts *hosts, struct arena *arena, struct bytes namespace,
                                    const struct yaml_node *export_to, struct bytes name)
{
    const struct host *found = map_get(&hosts->by_name, key_of(arena, BYTES("*"), name));
    if (!found && !tree_first(export_to))
        found = map_get(&hosts->by_name, key_of(arena, namespace, name));
    TREE_EACH(scope, export_to) {
        struct bytes where = bytes_equal(scope->text, BYTES(".")) ? namespace : scope->text;
        if (!found)
            found = map_get(&hosts->by_name, key_of(arena, where, name));
    }
    return found;
}

const struct host *host_meant(struct analysis *analysis, struct bytes namespace,
                              const struct yaml_node *export_to, struct bytes name)
{
    struct hosts *hosts = hosts_of(analysis);
    struct bytes full = host_in_full(analysis, name, namespace);
    const struct host *found = seen_from(hosts, analysis->arena, namespace, export_to, full);
    for (size_t i = 0; !found && i < hosts->wild_count; i++) {
        const struct host *wild = hosts->wild[i];
        bool seen = bytes_equal(wild->scope, BYTES("*")) || bytes_equal(wild->scope, namespace);
        if (seen && host_within(wild->name, full))
            found = wild;
    }
    return found;
}
