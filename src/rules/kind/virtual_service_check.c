#include "rules/kind/virtual_service_parts.h"

#include "rules/kind/header_value.h"
#include "wire/http.h"

static void check_value(const struct yaml_node *node, struct bytes value, bool authority, bool on_response,
                        struct report *report)
{
    struct header_part parts[HEADER_PARTS_MAX];
    size_t count = 0;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    if (!http_is_value(value))
        report_error(report, node, "the value of a header has no control characters");
    else if (authority && bytes_find(value, '%') < value.len)
        report_error(report, node, "a host is written out: what a client says would choose it");
    else if (!header_value_read(value, on_response, &arena, parts, &count, &why))
        report_error(report, node, "%s", why.text);
    arena_done(&arena);
}

static void check_header_map(const struct header_changes *changes, const char *name,
                             const struct text_map *map, bool on_response, struct report *report)
{
    const struct yaml_node *node = yaml_get(changes->group.node, name);
    for (size_t i = 0; i < map->count; i++) {
        bool authority = bytes_equal_nocase(map->keys[i], BYTES(":authority"));
        bool host = authority || bytes_equal_nocase(map->keys[i], BYTES("host"));
        if (!authority)
            check_header_made(report, yaml_item(node, i), map->keys[i]);
        check_value(yaml_item(node, i), map->at[i], host, on_response, report);
    }
}

static void check_removed(const struct yaml_node *node, struct bytes name, bool on_response,
                          struct report *report)
{
    check_header_name(report, node, name);
    if (on_response && bytes_equal_nocase(name, BYTES("date")))
        report_warning(
            report, node,
            "a response has a Date (RFC 9110 6.6.1): the upstream's is replaced by that of this node");
}

static void check_changes(const struct header_changes *changes, bool on_response, struct report *report)
{
    if (!changes)
        return;
    check_header_map(changes, "set", &changes->set, on_response, report);
    check_header_map(changes, "add", &changes->add, on_response, report);
    for (size_t i = 0; i < changes->remove.count; i++)
        check_removed(yaml_item(yaml_get(changes->group.node, "remove"), i), changes->remove.at[i],
                      on_response, report);
}

static void check_headers(const struct route_headers *headers, struct report *report)
{
    if (!headers)
        return;
    check_changes(headers->request, false, report);
    check_changes(headers->response, true, report);
}

static bool sets_authority(const struct route_headers *headers)
{
    if (!headers || !headers->request)
        return false;
    for (size_t i = 0; i < headers->request->set.count; i++) {
        struct bytes key = headers->request->set.keys[i];
        if (bytes_equal_nocase(key, BYTES("host")) || bytes_equal_nocase(key, BYTES(":authority")))
            return true;
    }
    return false;
}

static bool is_claim(struct bytes key)
{
    return bytes_starts(key, BYTES("@request.auth.claims"));
}

/* Header names; @request.auth.claims is a claim of the token, known at gateways only. */
static void check_match_headers(const struct http_match *match, const char *name,
                                const struct match_map *headers, bool gateway, struct report *report)
{
    const struct yaml_node *node = yaml_get(match->group.node, name);
    check_matches(report, &match->group, name, headers);
    for (size_t i = 0; i < headers->count; i++) {
        struct bytes key = headers->keys[i];
        if (is_claim(key)) {
            if (!gateway)
                report_error(report, yaml_item(node, i),
                             "claims are known at gateways only; name one in gateways");
        } else {
            check_header_name(report, yaml_item(node, i),
                              bytes_starts(key, BYTES(":")) ? bytes_part(key, 1, key.len) : key);
        }
    }
}

static void check_http_match(const struct http_match *match, bool gateway, struct report *report)
{
    check_match(report, &match->group, "uri", &match->uri);
    check_match(report, &match->group, "scheme", &match->scheme);
    check_match(report, &match->group, "method", &match->method);
    check_match(report, &match->group, "authority", &match->authority);
    check_matches(report, &match->group, "queryParams", &match->query_params);
    check_match_headers(match, "headers", &match->headers, gateway, report);
    check_match_headers(match, "withoutHeaders", &match->without_headers, gateway, report);
}

static int64_t check_destinations(const struct http_route *route, struct report *report)
{
    int64_t total = 0;
    for (size_t i = 0; i < route->route.count; i++) {
        const struct http_route_destination *to = &route->route.at[i];
        check_destination(report, to->destination);
        check_headers(to->headers, report);
        if (route->rewrite && route->rewrite->authority.len > 0 && sets_authority(to->headers))
            report_error(report, to->headers->group.node,
                         "rewrite.authority and a set Host header exclude each other");
        total += to->weight;
    }
    if (route->route.count > 1 && total == 0)
        report_error(report, group_node(&route->group, "route"), "several destinations need weights");
    if (total > UINT32_MAX)
        report_error(report, group_node(&route->group, "route"), "the weights add up to more than %u",
                     UINT32_MAX);
    return total;
}

static void check_action(const struct http_route *route, struct report *report)
{
    static const char *const actions[] = {"route", "redirect", "directResponse", "delegate"};
    int found = 0;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        found += group_has(&route->group, actions[i]);
    if (group_has(&route->group, "route") && route->route.count == 0)
        found--;
    if (found == 0)
        report_error(report, route->group.node,
                     "says nowhere to go: route, redirect, directResponse or delegate");
    if (found > 1)
        report_error(report, route->group.node,
                     "route, redirect, directResponse and delegate exclude each other");
}

static void check_http(const struct http_route *route, bool gateway, struct report *report)
{
    check_action(route, report);
    check_actions(route, report);
    for (size_t i = 0; i < route->match.count; i++)
        check_http_match(&route->match.at[i], gateway, report);
    check_destinations(route, report);
    check_headers(route->headers, report);
    if (route->rewrite && route->rewrite->authority.len > 0 && sets_authority(route->headers))
        report_error(report, route->headers->group.node,
                     "rewrite.authority and a set Host header exclude each other");
    if (route->mirror)
        check_destination(report, route->mirror);
    for (size_t i = 0; i < route->mirrors.count; i++)
        check_destination(report, route->mirrors.at[i].destination);
}

/* *.a.b covers x.a.b. */
static bool covers(struct bytes wild, struct bytes host)
{
    return bytes_starts(wild, BYTES("*.")) && bytes_ends(host, bytes_part(wild, 1, wild.len));
}

static void check_hosts(const struct virtual_service *service, bool mesh, struct report *report)
{
    const struct yaml_node *list = yaml_get(service->group.node, "hosts");
    for (size_t i = 0; i < service->hosts.count; i++) {
        struct bytes host = service->hosts.at[i];
        check_host(report, yaml_item(list, i), host);
        if (mesh && bytes_equal(host, BYTES("*")))
            report_error(report, yaml_item(list, i),
                         "'*' is for gateways; inside the mesh services have names");
        for (size_t k = 0; k < i; k++) {
            if (bytes_equal(service->hosts.at[k], host))
                report_error(report, yaml_item(list, i), "'%.*s' stands in the list twice", BYTES_FMT(host));
            else if (mesh && (covers(service->hosts.at[k], host) || covers(host, service->hosts.at[k])))
                report_error(report, yaml_item(list, i), "overlaps with '%.*s'",
                             BYTES_FMT(service->hosts.at[k]));
        }
    }
}

/* mesh, NAME, or NAMESPACE/NAME (also ./NAME). Answers whether it holds inside the mesh too. */
static bool check_gateways(const struct virtual_service *service, struct report *report)
{
    bool mesh = service->gateways.count == 0;
    const struct yaml_node *list = yaml_get(service->group.node, "gateways");
    for (size_t i = 0; i < service->gateways.count; i++) {
        struct bytes name = service->gateways.at[i];
        struct bytes head = {0};
        bool two = bytes_cut(&name, '/', &head);
        bool good = two ? host_is_plain(name) && (host_is_plain(head) || bytes_equal(head, BYTES(".")))
                        : host_is_plain(head);
        if (!good)
            report_error(report, yaml_item(list, i),
                         "'%.*s' is no gateway: NAME or NAMESPACE/NAME belongs here",
                         BYTES_FMT(service->gateways.at[i]));
        mesh = mesh || bytes_equal(service->gateways.at[i], BYTES("mesh"));
    }
    return mesh;
}

static void check_shape(const struct virtual_service *service, struct report *report)
{
    bool delegate = service->hosts.count == 0;
    bool routes = service->http.count > 0 || service->tcp.count > 0 || service->tls.count > 0;
    if (!routes)
        report_error(report, service->group.node, "has no routes: http, tcp or tls belongs here");
    if (delegate && (service->tcp.count > 0 || service->tls.count > 0))
        report_error(report, service->group.node,
                     "without hosts it is a delegate, which has only http routes");
    if (delegate && service->gateways.count > 0)
        report_error(report, service->group.node, "hosts are missing");
    if (delegate)
        report_not_yet(report, service->group.node, "a VirtualService without hosts (a delegate)");
}

void virtual_service_check(struct resource *resource, struct report *report)
{
    const struct virtual_service *service = resource->spec;
    bool mesh = check_gateways(service, report);
    bool gateway = service->gateways.count > 1 || (service->gateways.count == 1 && !mesh);
    check_shape(service, report);
    check_hosts(service, mesh, report);
    for (size_t i = 0; i < service->http.count; i++)
        check_http(&service->http.at[i], gateway, report);
    for (size_t i = 0; i < service->tcp.count; i++)
        check_tcp_route(service, &service->tcp.at[i], report);
    for (size_t i = 0; i < service->tls.count; i++)
        check_tcp_route(service, &service->tls.at[i], report);
}
