#include "rules/kind/virtual_service_parts.h"

#include "rules/kind/export_to.h"
#include "rules/kind/header_format.h"
#include "rules/kind/header_value.h"
#include "wire/http.h"

/* ---- headers ---------------------------------------------------------- */

static bool is_authority(struct bytes name)
{
    return bytes_equal_nocase(name, BYTES("host")) || bytes_equal_nocase(name, BYTES(":authority"));
}

/* `authority`: the host may be changed. */
static void check_changed_name(const struct yaml_node *node, struct bytes name, bool authority,
                               struct report *report)
{
    if (name.len == 0)
        report_error(report, node, "a header has a name");
    else if (is_authority(name) && !authority)
        report_error(report, node, "the host can be set only, and only on the way up");
    else if (name.at[0] == ':' && !is_authority(name))
        report_error(report, node, "'%.*s' is no name of a header", BYTES_FMT(name));
}

/* Istio takes more than what can be filled in here, and does not know :MAX. */
static void check_value(const struct yaml_node *node, struct bytes value, bool authority, bool on_response,
                        struct report *report)
{
    struct header_part parts[HEADER_PARTS_MAX];
    size_t count = 0;
    struct arena arena;
    struct fail why;
    arena_init(&arena);
    bool known = header_value_read(value, on_response, &arena, parts, &count, &why);
    if (!http_is_value(value))
        report_error(report, node, "the value of a header has no control characters");
    else if (!known && !header_format_is_sound(value))
        report_error(report, node, "%s", why.text);
    else if (authority && bytes_find(value, '%') < value.len)
        report_own_rule(report, node, "a host is written out: what a client says would choose it");
    else if (!known)
        report_own_rule(report, node, "%s", why.text);
    arena_done(&arena);
}

static void check_header_map(const struct header_changes *changes, const char *name,
                             const struct text_map *map, bool on_response, struct report *report)
{
    const struct yaml_node *list = yaml_get(changes->group.node, name);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *node = yaml_item(list, i);
        check_changed_name(node, map->keys[i], !on_response, report);
        if (map->keys[i].len > 0 && map->keys[i].at[0] != ':')
            check_header_made(report, node, map->keys[i]);
        check_value(node, map->at[i], is_authority(map->keys[i]), on_response, report);
    }
}

static void check_removed(const struct yaml_node *node, struct bytes name, bool on_response,
                          struct report *report)
{
    check_changed_name(node, name, false, report);
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

static unsigned authorities_of(const struct text_map *map)
{
    unsigned count = 0;
    for (size_t i = 0; i < map->count; i++)
        count += is_authority(map->keys[i]) && map->at[i].len > 0;
    return count;
}

/* How often the host is changed: by the rewrite and by headers. */
static unsigned authorities(const struct http_rewrite *rewrite, const struct route_headers *headers)
{
    unsigned count = rewrite && rewrite->authority.len > 0;
    if (headers && headers->request)
        count += authorities_of(&headers->request->set) + authorities_of(&headers->request->add);
    return count;
}

/* ---- matches ---------------------------------------------------------- */

/* @request.auth.claims.a.b or @request.auth.claims[a][b]. */
static bool is_claim(struct bytes key)
{
    struct bytes prefix = BYTES("@request.auth.claims");
    struct bytes rest = bytes_part(key, prefix.len, key.len);
    if (!bytes_starts_nocase(key, prefix) || rest.len < 2)
        return false;
    return rest.at[0] == '.' || (rest.at[0] == '[' && rest.at[rest.len - 1] == ']' && rest.len > 2);
}

static bool is_pseudo(struct bytes key)
{
    return bytes_equal(key, BYTES(":method")) || bytes_equal(key, BYTES(":scheme")) ||
           bytes_equal(key, BYTES(":authority")) || bytes_equal(key, BYTES(":path")) ||
           bytes_equal(key, BYTES(":status"));
}

/* Header names; @request.auth.claims is a claim of the token, known at gateways only. */
static void check_match_names(const struct http_match *match, const char *name,
                              const struct match_map *headers, bool gateway, struct report *report)
{
    const struct yaml_node *node = yaml_get(match->group.node, name);
    for (size_t i = 0; i < headers->count; i++) {
        struct bytes key = headers->keys[i];
        if (is_claim(key) && !gateway)
            report_error(report, yaml_item(node, i),
                         "claims are known at gateways only; name one in gateways");
        else if (!is_claim(key) && !is_pseudo(key))
            check_header_name(report, yaml_item(node, i), key);
    }
}

/* That a header which is there does not match: Istio writes * for it, which is no expression. */
static void any_of_stars(struct match_map *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        if (headers->at[i].how == MATCH_REGEX && bytes_equal(headers->at[i].value, BYTES("*")))
            headers->at[i] = (struct string_match){.how = MATCH_ANY};
}

void check_match_from(const struct group *group, const struct match_from *from, struct report *report)
{
    check_labels(report, group, "sourceLabels", &from->labels);
    check_gateways(report, group, &from->gateways);
}

static void check_http_match(struct http_match *match, bool gateway, struct report *report)
{
    any_of_stars(&match->without_headers);
    check_match(report, &match->group, "uri", &match->uri, true);
    check_match(report, &match->group, "scheme", &match->scheme, false);
    check_match(report, &match->group, "method", &match->method, false);
    check_match(report, &match->group, "authority", &match->authority, false);
    check_matches(report, &match->group, "queryParams", &match->query_params);
    check_matches(report, &match->group, "headers", &match->headers);
    check_matches(report, &match->group, "withoutHeaders", &match->without_headers);
    check_match_names(match, "headers", &match->headers, gateway, report);
    check_match_names(match, "withoutHeaders", &match->without_headers, gateway, report);
    check_match_from(&match->group, &match->from, report);
    if (match->from.name_space.len > 0 && !host_is_label(match->from.name_space))
        report_error(report, group_node(&match->group, "sourceNamespace"), "'%.*s' is no namespace",
                     BYTES_FMT(match->from.name_space));
}

/* ---- routes ----------------------------------------------------------- */

void check_weights(const struct group *group, size_t count, int64_t total, struct report *report)
{
    if (count > 1 && total == 0)
        report_error(report, group_node(group, "route"), "several destinations need weights");
    if (total > UINT32_MAX)
        report_own_rule(report, group_node(group, "route"), "the weights add up to more than %u", UINT32_MAX);
}

static void check_destinations(const struct http_route *route, struct report *report)
{
    int64_t total = 0;
    for (size_t i = 0; i < route->route.count; i++) {
        const struct http_route_destination *to = &route->route.at[i];
        check_destination(report, to->destination);
        check_headers(to->headers, report);
        if (authorities(route->rewrite, to->headers) > 1)
            report_own_rule(report, to->headers->group.node, "the host is changed in two places");
        total += to->weight;
    }
    check_weights(&route->group, route->route.count, total, report);
}

/* What answers at once goes nowhere, so nothing that changes the way there stands beside it. */
static void check_answer(const struct http_route *route, const char *answer, struct report *report)
{
    static const char *const others[] = {"fault", "rewrite", "directResponse"};
    if (route->route.count > 0)
        report_error(report, route->group.node, "route and %s exclude each other", answer);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i], answer) != 0 && group_has(&route->group, others[i]))
            report_error(report, route->group.node, "%s and %s exclude each other", others[i], answer);
}

static void check_root(const struct http_route *route, struct report *report)
{
    if (route->redirect || route->route.count > 0)
        report_error(report, route->group.node, "%s and delegate exclude each other",
                     route->redirect ? "redirect" : "route");
    if (route->direct_response)
        report_own_rule(report, route->group.node, "directResponse and delegate exclude each other");
}

static void check_action(const struct http_route *route, bool delegate, struct report *report)
{
    if (route->delegate && delegate)
        report_error(report, group_node(&route->group, "delegate"), "a delegate has no delegates of its own");
    else if (route->delegate)
        check_root(route, report);
    else if (route->redirect)
        check_answer(route, "redirect", report);
    else if (route->direct_response)
        check_answer(route, "directResponse", report);
    else if (route->route.count == 0)
        report_error(report, route->group.node,
                     "says nowhere to go: route, redirect, directResponse or delegate");
}

/* A prefix can only be replaced where one matched. */
static void check_prefix_rewrite(const struct http_route *route, struct report *report)
{
    if (!route->redirect || route->redirect->prefix_rewrite.len == 0)
        return;
    for (size_t i = 0; i < route->match.count; i++) {
        const struct http_match *match = &route->match.at[i];
        if (match->uri.how != MATCH_NONE && match->uri.how != MATCH_PREFIX)
            report_error(report, group_node(&match->group, "uri"),
                         "prefixRewrite replaces a prefix; only one can be matched here");
    }
}

static void check_http(const struct http_route *route, bool gateway, bool delegate, struct report *report)
{
    check_action(route, delegate, report);
    check_actions(route, report);
    check_prefix_rewrite(route, report);
    for (size_t i = 0; i < route->match.count; i++)
        check_http_match(&route->match.at[i], gateway, report);
    check_destinations(route, report);
    check_headers(route->headers, report);
    if (authorities(route->rewrite, route->headers) > 1)
        report_error(report, route->group.node, "the host is changed in two places");
    if (route->mirror)
        check_destination(report, route->mirror);
    for (size_t i = 0; i < route->mirrors.count; i++)
        check_destination(report, route->mirrors.at[i].destination);
}

/* ---- the whole -------------------------------------------------------- */

bool virtual_service_at_gateways(const struct virtual_service *service)
{
    for (size_t i = 0; i < service->gateways.count; i++)
        if (bytes_equal(service->gateways.at[i], BYTES("mesh")))
            return false;
    return service->gateways.count > 0;
}

static bool asks_for_names(const struct virtual_service *service)
{
    for (size_t i = 0; i < service->tls.count; i++)
        for (size_t k = 0; k < service->tls.at[i].match.count; k++)
            if (service->tls.at[i].match.at[k].sni_hosts.count > 0)
                return true;
    return false;
}

static bool check_service_host(const struct virtual_service *service, const struct yaml_node *node,
                               struct bytes host, struct report *report)
{
    bool gateway = virtual_service_at_gateways(service);
    if (gateway && bytes_starts(host, BYTES("outbound_")) && asks_for_names(service)) {
        if (!host_is_outbound(host))
            report_error(report, node, "'%.*s' is not of the form outbound_.PORT_._.HOST", BYTES_FMT(host));
        return host_is_outbound(host);
    }
    if (!check_host(report, node, host))
        return false;
    if (!gateway && bytes_equal(host, BYTES("*"))) {
        report_error(report, node, "'*' is for gateways; inside the mesh services have names");
        return false;
    }
    return true;
}

static void check_hosts(const struct virtual_service *service, struct report *report)
{
    const struct yaml_node *list = yaml_get(service->group.node, "hosts");
    bool good = true;
    for (size_t i = 0; i < service->hosts.count; i++)
        good = check_service_host(service, yaml_item(list, i), service->hosts.at[i], report) && good;
    for (size_t i = 0; good && i < service->hosts.count; i++)
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(service->hosts.at[k], service->hosts.at[i]))
                report_error(report, yaml_item(list, i), "'%.*s' stands in the list twice",
                             BYTES_FMT(service->hosts.at[i]));
            else if (host_overlaps(service->hosts.at[k], service->hosts.at[i]))
                report_error(report, yaml_item(list, i), "overlaps with '%.*s'",
                             BYTES_FMT(service->hosts.at[k]));
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
}

void virtual_service_check(struct resource *resource, struct report *report)
{
    const struct virtual_service *service = resource->spec;
    bool gateway = virtual_service_at_gateways(service);
    check_gateways(report, &service->group, &service->gateways);
    check_shape(service, report);
    check_hosts(service, report);
    for (size_t i = 0; i < service->http.count; i++)
        check_http(&service->http.at[i], gateway, service->hosts.count == 0, report);
    for (size_t i = 0; i < service->tcp.count; i++)
        check_tcp_route(service, &service->tcp.at[i], report);
    for (size_t i = 0; i < service->tls.count; i++)
        check_tcp_route(service, &service->tls.at[i], report);
    check_export_to(report, &service->group, &service->export_to, resource->namespace, EXPORT_PLAIN);
}
