/* Several VirtualServices for one host within the mesh, where only one of them can act. */
#include "base/map.h"
#include "rules/analyze/analyzers.h"
#include "rules/analyze/hosts.h"

struct claim {
    const struct object *object;
    struct bytes scope, host;
    struct claim *next; /* of the same scope and host */
};

struct claims {
    struct claim **at; /* one for each scope and host, with its chain */
    size_t count;
    struct map by_key;
    struct arena *arena;
};

static bool in_mesh(const struct object *service)
{
    const struct yaml_node *gateways = tree_at(service->spec, "gateways");
    return !tree_first(gateways) || list_holds(gateways, BYTES("mesh"));
}

static size_t hosts_count(const struct analysis *analysis)
{
    size_t count = 0;
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE) {
        const struct yaml_node *hosts = tree_at(service->spec, "hosts");
        const struct yaml_node *scopes = tree_at(service->spec, "exportTo");
        count += (hosts ? hosts->count : 0) * (1 + (scopes ? scopes->count : 0));
    }
    return count;
}

static void claim_add(struct claims *claims, const struct object *object, struct bytes scope,
                      struct bytes host)
{
    struct bytes key = arena_format(claims->arena, "%.*s/%.*s", BYTES_FMT(scope), BYTES_FMT(host));
    struct claim *claim = arena_new(claims->arena, struct claim);
    struct claim *first = map_get(&claims->by_key, key);
    *claim = (struct claim){object, scope, host, NULL};
    if (!first) {
        map_put(&claims->by_key, key, claim);
        claims->at[claims->count++] = claim;
        return;
    }
    claim->next = first->next;
    first->next = claim;
}

static void service_claims(struct analysis *analysis, struct claims *claims, const struct object *service)
{
    const struct yaml_node *export_to = tree_at(service->spec, "exportTo");
    TREE_EACH(host, tree_at(service->spec, "hosts")) {
        struct bytes name = host_in_full(analysis, host->text, service->namespace);
        if (exported_to_all(export_to)) {
            claim_add(claims, service, BYTES("*"), name);
            continue;
        }
        TREE_EACH(scope, export_to)
            claim_add(claims, service,
                      bytes_equal(scope->text, BYTES(".")) ? service->namespace : scope->text, name);
    }
}

/* Those of `first`'s chain, and with a scope of its own also what everybody sees. */
static size_t rivals(const struct claims *claims, const struct claim *first, const struct claim **out)
{
    size_t count = 0;
    const struct claim *own = first;
    do
        out[count++] = own;
    while ((own = own->next));
    if (bytes_equal(first->scope, BYTES("*")))
        return count;
    for (size_t i = 0; i < claims->count; i++)
        if (bytes_equal(claims->at[i]->scope, BYTES("*")) && hosts_overlap(first->host, claims->at[i]->host))
            for (const struct claim *each = claims->at[i]; each; each = each->next)
                out[count++] = each;
    return count;
}

static struct bytes names_of(const struct claim **all, size_t count, struct arena *arena)
{
    struct text text;
    text_init_arena(&text, arena);
    for (size_t i = 0; i < count; i++) {
        text_add_s(&text, i ? ", " : "");
        text_add(&text, object_shown(all[i]->object, arena));
    }
    return text_bytes(&text);
}

void analyze_mesh_hosts(struct analysis *analysis)
{
    size_t most = hosts_count(analysis);
    struct claims claims = {.at = arena_array(analysis->arena, struct claim *, most + 1),
                            .arena = analysis->arena};
    const struct claim **all = arena_array(analysis->arena, const struct claim *, most + 1);
    bool *said = arena_array(analysis->arena, bool, analysis->objects.count + 1);
    map_init(&claims.by_key);
    OBJECTS_EACH(service, &analysis->objects, OBJECT_VIRTUAL_SERVICE)
        if (in_mesh(service))
            service_claims(analysis, &claims, service);
    for (size_t i = 0; i < claims.count; i++) {
        size_t count = rivals(&claims, claims.at[i], all);
        struct bytes names = count > 1 ? names_of(all, count, analysis->arena) : (struct bytes){0};
        for (size_t j = 0; count > 1 && j < count; j++) {
            bool *once = &said[all[j]->object - analysis->objects.at];
            if (!*once)
                say(analysis, all[j]->object, tree_at(all[j]->object->spec, "hosts"), "IST0109",
                    "the VirtualServices %.*s all route %.*s within the mesh, and only the oldest acts; make "
                    "them one",
                    BYTES_FMT(names), BYTES_FMT(claims.at[i]->host));
            *once = true;
        }
    }
    map_done(&claims.by_key);
}
