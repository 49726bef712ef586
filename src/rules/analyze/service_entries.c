/* ServiceEntries: TCP that only addresses can tell apart, and ports with two protocols. */
#include "base/map.h"
#include "rules/analyze/analyzers.h"
#include "rules/analyze/hosts.h"

static bool addresses_made(const struct analysis *analysis)
{
    const struct yaml_node *settings = tree_at(analysis->mesh, "defaultConfig.proxyMetadata");
    return tree_is(settings, "ISTIO_META_DNS_CAPTURE", "true") &&
           (tree_is(settings, "ISTIO_META_DNS_AUTO_ALLOCATE", "true") ||
            tree_is(settings, "PILOT_ENABLE_IP_AUTOALLOCATE", "true"));
}

void analyze_entry_addresses(struct analysis *analysis)
{
    if (addresses_made(analysis))
        return;
    OBJECTS_EACH(entry, &analysis->objects, OBJECT_SERVICE_ENTRY) {
        if (tree_first(tree_at(entry->spec, "addresses")) ||
            tree_first(tree_at(entry->node, "status.addresses")))
            continue;
        TREE_EACH(port, tree_at(entry->spec, "ports")) {
            struct bytes protocol = tree_text(port, "protocol");
            if (!protocol.len || bytes_equal_nocase(protocol, BYTES("TCP")))
                say(analysis, entry, port, "IST0134",
                    "TCP carries no host name, so that only addresses tell this host from others; write "
                    "spec.addresses");
        }
    }
}

/* ---- two protocols ---------------------------------------------------- */

struct offer {
    const struct object *entry;
    struct bytes scope, host, number, protocol;
    struct offer *next; /* of the same scope, host and port */
};

struct offers {
    struct map by_key;
    struct offer **at;
    size_t count;
};

static struct bytes key_of(struct arena *arena, struct bytes scope, const struct offer *offer)
{
    return arena_format(arena, "%.*s/%.*s:%.*s", BYTES_FMT(scope), BYTES_FMT(offer->host),
                        BYTES_FMT(offer->number));
}

static void offer_add(struct offers *offers, struct offer offer, struct arena *arena)
{
    struct bytes key = key_of(arena, offer.scope, &offer);
    struct offer *kept = arena_new(arena, struct offer), *first = map_get(&offers->by_key, key);
    *kept = offer;
    if (!first) {
        map_put(&offers->by_key, key, kept);
        offers->at[offers->count++] = kept;
        return;
    }
    kept->next = first->next;
    first->next = kept;
}

static void entry_offers(struct offers *offers, const struct object *entry, struct arena *arena)
{
    const struct yaml_node *export_to = tree_at(entry->spec, "exportTo");
    struct offer offer = {.entry = entry};
    TREE_EACH(host, tree_at(entry->spec, "hosts"))
        TREE_EACH(port, tree_at(entry->spec, "ports")) {
            offer.host = host->text;
            offer.number = tree_text(port, "number");
            offer.protocol = tree_text(port, "protocol");
            offer.scope = BYTES("*");
            if (exported_to_all(export_to)) {
                offer_add(offers, offer, arena);
                continue;
            }
            TREE_EACH(scope, export_to) {
                offer.scope = bytes_equal(scope->text, BYTES(".")) ? entry->namespace : scope->text;
                offer_add(offers, offer, arena);
            }
        }
}

static size_t offers_most(const struct analysis *analysis)
{
    size_t most = 1;
    OBJECTS_EACH(entry, &analysis->objects, OBJECT_SERVICE_ENTRY) {
        const struct yaml_node *hosts = tree_at(entry->spec, "hosts"), *ports = tree_at(entry->spec, "ports");
        const struct yaml_node *scopes = tree_at(entry->spec, "exportTo");
        most += (hosts ? hosts->count : 0) * (ports ? ports->count : 0) * (1 + (scopes ? scopes->count : 0));
    }
    return most;
}

static void differing_say(struct analysis *analysis, const struct offer *each, const struct offer *first,
                          bool *said)
{
    for (; each; each = each->next) {
        bool *once = &said[each->entry - analysis->objects.at];
        if (!*once)
            say(analysis, each->entry, tree_at(each->entry->spec, "ports"), "IST0177",
                "ServiceEntries give %.*s port %.*s different protocols", BYTES_FMT(first->host),
                BYTES_FMT(first->number));
        *once = true;
    }
}

static bool differs(const struct offer *each, const struct offer *first)
{
    for (; each; each = each->next)
        if (!bytes_equal_nocase(each->protocol, first->protocol))
            return true;
    return false;
}

void analyze_entry_protocols(struct analysis *analysis)
{
    struct offers offers = {
        .at = arena_array(analysis->arena, struct offer *, offers_most(analysis)),
    };
    bool *said = arena_array(analysis->arena, bool, analysis->objects.count + 1);
    map_init(&offers.by_key);
    OBJECTS_EACH(entry, &analysis->objects, OBJECT_SERVICE_ENTRY)
        entry_offers(&offers, entry, analysis->arena);
    for (size_t i = 0; i < offers.count; i++) {
        const struct offer *first = offers.at[i], *all = NULL;
        /* Who is seen by everybody is also seen within a narrower scope. */
        if (!bytes_equal(first->scope, BYTES("*")))
            all = map_get(&offers.by_key, key_of(analysis->arena, BYTES("*"), first));
        if (!differs(first, first) && !differs(all, first))
            continue;
        differing_say(analysis, first, first, said);
        differing_say(analysis, all, first, said);
    }
    map_done(&offers.by_key);
}
