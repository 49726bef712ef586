/* Gateways that are in each other's way: one port and host twice, one certificate twice. */
#include "rules/analyze/analyzers.h"

struct gateway_view {
    const struct object *object;
    const struct yaml_node *selector;
    struct bytes selector_text;
};

static struct gateway_view view_of(struct analysis *analysis, const struct object *gateway)
{
    const struct yaml_node *selector = tree_at(gateway->spec, "selector");
    return (struct gateway_view){gateway, selector, labels_text(selector, analysis->arena)};
}

static bool pods_shared(const struct analysis *analysis, const struct gateway_view *a,
                        const struct gateway_view *b)
{
    OBJECTS_EACH(pod, &analysis->objects, OBJECT_POD)
        if (labels_fit(a->selector, pod->labels) && labels_fit(b->selector, pod->labels))
            return true;
    return false;
}

static bool text_within(struct bytes part, struct bytes whole)
{
    return part.len == 0 || bytes_find_text(whole, part) < whole.len;
}

/* The same workloads, as far as can be told. */
static bool workloads_shared(const struct analysis *analysis, const struct gateway_view *a,
                             const struct gateway_view *b)
{
    if (bytes_equal(a->selector_text, b->selector_text))
        return true;
    if (!text_within(a->selector_text, b->selector_text) && !text_within(b->selector_text, a->selector_text))
        return false;
    return pods_shared(analysis, a, b);
}

static bool servers_clash(const struct yaml_node *a, const struct yaml_node *b)
{
    if (!bytes_equal(tree_text(a, "port.number"), tree_text(b, "port.number")) ||
        !bytes_equal(tree_text(a, "bind"), tree_text(b, "bind")))
        return false;
    TREE_EACH(host, tree_at(a, "hosts"))
        if (list_holds(tree_at(b, "hosts"), host->text))
            return true;
    return false;
}

/* Of one gateway's servers on a port, the last is who stands there. */
static bool server_last(const struct yaml_node *server)
{
    for (const struct yaml_node *later = server->next; later; later = later->next)
        if (bytes_equal(tree_text(later, "port.number"), tree_text(server, "port.number")))
            return false;
    return true;
}

static bool server_taken(const struct yaml_node *server, const struct object *other)
{
    TREE_EACH(each, tree_at(other->spec, "servers"))
        if (server_last(each) && servers_clash(server, each))
            return true;
    return false;
}

static void server_check(struct analysis *analysis, const struct gateway_view *views, size_t count,
                         size_t own, const struct yaml_node *server)
{
    struct text names;
    text_init_arena(&names, analysis->arena);
    for (size_t i = 0; i < count; i++) {
        if (i == own || !server_taken(server, views[i].object) ||
            !workloads_shared(analysis, &views[own], &views[i]))
            continue;
        text_add_s(&names, names.len ? ", " : "");
        text_add(&names, object_shown(views[i].object, analysis->arena));
    }
    if (names.len)
        say(analysis, views[own].object, server, "IST0145",
            "the gateways %.*s serve port %.*s and hosts %.*s on the same workloads (%.*s)",
            BYTES_FMT(text_bytes(&names)), BYTES_FMT(tree_text(server, "port.number")),
            BYTES_FMT(list_text(tree_at(server, "hosts"), analysis->arena)),
            BYTES_FMT(views[own].selector_text));
}

void analyze_gateway_conflicts(struct analysis *analysis)
{
    size_t count = 0, from = analysis->objects.first[OBJECT_GATEWAY];
    size_t all = analysis->objects.first[OBJECT_GATEWAY + 1] - from;
    struct gateway_view *views = arena_array(analysis->arena, struct gateway_view, all + 1);
    OBJECTS_EACH(gateway, &analysis->objects, OBJECT_GATEWAY)
        views[count++] = view_of(analysis, gateway);
    for (size_t i = 0; i < count; i++)
        TREE_EACH(server, tree_at(views[i].object->spec, "servers"))
            server_check(analysis, views, count, i, server);
}

/* ---- certificates ----------------------------------------------------- */

static bool certificate_same(const struct yaml_node *a, const struct yaml_node *b)
{
    struct bytes name_a = tree_text(a, "credentialName"), name_b = tree_text(b, "credentialName");
    struct bytes file_a = tree_text(a, "serverCertificate"), file_b = tree_text(b, "serverCertificate");
    struct bytes key_a = tree_text(a, "privateKey"), key_b = tree_text(b, "privateKey");
    if (name_a.len || name_b.len)
        return bytes_equal(name_a, name_b);
    return file_a.len && bytes_equal(file_a, file_b) && key_a.len && bytes_equal(key_a, key_b);
}

static void certificates_check(struct analysis *analysis, const struct object *gateway,
                               const struct object *other)
{
    TREE_EACH(server, tree_at(gateway->spec, "servers"))
        TREE_EACH(each, tree_at(other->spec, "servers"))
            if (tree_has(server, "tls") && tree_has(each, "tls") &&
                certificate_same(tree_at(server, "tls"), tree_at(each, "tls")))
                say_once(analysis, gateway, tree_at(server, "tls"), "IST0138",
                         "the gateway %.*s has the same certificate: a client that reuses its HTTP/2 "
                         "connection is answered 404 for the other's hosts",
                         BYTES_FMT(object_shown(other, analysis->arena)));
}

void analyze_gateway_certificates(struct analysis *analysis)
{
    OBJECTS_EACH(gateway, &analysis->objects, OBJECT_GATEWAY)
        OBJECTS_EACH(other, &analysis->objects, OBJECT_GATEWAY)
            if (other != gateway &&
                labels_fit(tree_at(gateway->spec, "selector"), tree_at(other->spec, "selector")))
                certificates_check(analysis, gateway, other);
}
