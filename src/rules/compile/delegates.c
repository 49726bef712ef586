#include "rules/compile/delegates.h"

#include <string.h>

#include "rules/compile/service.h"

/* ---- does the delegate's match lie within? ---------------------------- */

static bool is_said(const struct string_match *match)
{
    return match && match->how != MATCH_NONE;
}

/* Of regular expressions nobody can tell; {} and * take what is there, and are refused beside another. */
static bool text_within(const struct string_match *root, const struct string_match *leaf)
{
    if (!is_said(root) || !is_said(leaf))
        return true;
    if (root->how == MATCH_EXACT)
        return leaf->how == MATCH_EXACT && bytes_equal(root->value, leaf->value);
    return root->how == MATCH_PREFIX && (leaf->how == MATCH_EXACT || leaf->how == MATCH_PREFIX) &&
           bytes_starts(leaf->value, root->value);
}

static const struct string_match *match_named(const struct match_map *map, struct bytes key)
{
    for (size_t i = 0; i < map->count; i++)
        if (bytes_equal(map->keys[i], key))
            return &map->at[i];
    return NULL;
}

static bool map_within(const struct match_map *root, const struct match_map *leaf)
{
    for (size_t i = 0; i < leaf->count; i++)
        if (!text_within(match_named(root, leaf->keys[i]), &leaf->at[i]))
            return false;
    return true;
}

static bool labels_within(const struct text_map *root, const struct text_map *leaf)
{
    for (size_t i = 0; i < leaf->count; i++)
        for (size_t j = 0; j < root->count; j++)
            if (bytes_equal(root->keys[j], leaf->keys[i]) && !bytes_equal(root->at[j], leaf->at[i]))
                return false;
    return true;
}

static bool gateways_within(const struct text_list *root, const struct text_list *leaf)
{
    for (size_t i = 0; root->count && i < leaf->count; i++) {
        bool found = false;
        for (size_t j = 0; j < root->count; j++)
            found = found || bytes_equal(root->at[j], leaf->at[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool from_within(const struct match_from *root, const struct match_from *leaf)
{
    if (root->port && leaf->port && root->port != leaf->port)
        return false;
    if (root->name_space.len && !bytes_equal(root->name_space, leaf->name_space))
        return false;
    return labels_within(&root->labels, &leaf->labels) && gateways_within(&root->gateways, &leaf->gateways);
}

static bool match_within(const struct http_match *root, const struct http_match *leaf)
{
    return text_within(&root->uri, &leaf->uri) && text_within(&root->scheme, &leaf->scheme) &&
           text_within(&root->method, &leaf->method) && text_within(&root->authority, &leaf->authority) &&
           map_within(&root->headers, &leaf->headers) &&
           map_within(&root->without_headers, &leaf->without_headers) &&
           map_within(&root->query_params, &leaf->query_params) &&
           root->ignore_uri_case == leaf->ignore_uri_case && from_within(&root->from, &leaf->from);
}

/* ---- putting both together -------------------------------------------- */

static struct bytes names_joined(struct work *work, struct bytes root, struct bytes leaf)
{
    if (!root.len || !leaf.len)
        return leaf.len ? leaf : root;
    return arena_format(work->arena, "%.*s-%.*s", BYTES_FMT(root), BYTES_FMT(leaf));
}

static struct match_map maps_joined(struct work *work, const struct match_map *root,
                                    const struct match_map *leaf)
{
    size_t most = root->count + leaf->count + 1;
    struct match_map out = {arena_array(work->arena, struct string_match, most), 0,
                            arena_array(work->arena, struct bytes, most)};
    for (size_t i = 0; i < leaf->count; i++) {
        out.keys[out.count] = leaf->keys[i];
        out.at[out.count++] = leaf->at[i];
    }
    for (size_t i = 0; i < root->count; i++) {
        if (match_named(leaf, root->keys[i]))
            continue;
        out.keys[out.count] = root->keys[i];
        out.at[out.count++] = root->at[i];
    }
    return out;
}

static struct text_map labels_joined(struct work *work, const struct text_map *root,
                                     const struct text_map *leaf)
{
    size_t most = root->count + leaf->count + 1;
    struct text_map out = {arena_array(work->arena, struct bytes, most), 0,
                           arena_array(work->arena, struct bytes, most)};
    const struct text_map *maps[] = {leaf, root}; /* what both have is the same */
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < maps[m]->count; i++) {
            out.keys[out.count] = maps[m]->keys[i];
            out.at[out.count++] = maps[m]->at[i];
        }
    return out;
}

/* Names of gateways are meant in the namespace of whoever wrote them. */
static struct text_list gateways_full(struct work *work, const struct text_list *names, struct bytes own)
{
    struct text_list out = {arena_array(work->arena, struct bytes, names->count + 1), names->count};
    for (size_t i = 0; i < names->count; i++) {
        struct bytes name = names->at[i];
        bool full = bytes_equal(name, BYTES("mesh")) ||
                    (bytes_find(name, '/') < name.len && !bytes_starts(name, BYTES("./")));
        if (bytes_starts(name, BYTES("./")))
            name = bytes_part(name, 2, name.len);
        out.at[i] = full ? name : arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(own), BYTES_FMT(name));
    }
    return out;
}

static struct string_match either(const struct string_match *leaf, const struct string_match *root)
{
    return is_said(leaf) ? *leaf : *root;
}

static struct http_match matches_joined(struct work *work, const struct http_match *root,
                                        const struct http_match *leaf, struct bytes root_namespace)
{
    struct http_match out = *leaf;
    out.name = names_joined(work, root->name, leaf->name);
    out.uri = either(&leaf->uri, &root->uri);
    out.scheme = either(&leaf->scheme, &root->scheme);
    out.method = either(&leaf->method, &root->method);
    out.authority = either(&leaf->authority, &root->authority);
    out.headers = maps_joined(work, &root->headers, &leaf->headers);
    out.without_headers = maps_joined(work, &root->without_headers, &leaf->without_headers);
    out.query_params = maps_joined(work, &root->query_params, &leaf->query_params);
    out.from.port = leaf->from.port ? leaf->from.port : root->from.port;
    out.from.labels = labels_joined(work, &root->from.labels, &leaf->from.labels);
    if (!leaf->from.name_space.len)
        out.from.name_space = root->from.name_space;
    if (!leaf->from.gateways.count)
        out.from.gateways = gateways_full(work, &root->from.gateways, root_namespace);
    return out;
}

/* False: one of the delegate's matches lies in none of the root's. */
static bool all_matches(struct work *work, const struct http_route *root, struct http_route *route,
                        struct bytes root_namespace)
{
    struct rows rows = rows_of(sizeof(struct http_match));
    struct http_match none = {.group = route->group};
    size_t count = route->match.count;
    if (!root->match.count)
        return true;
    for (size_t i = 0; i < (count ? count : 1); i++) {
        const struct http_match *leaf = count ? &route->match.at[i] : &none;
        uint32_t before = rows.count;
        for (size_t j = 0; j < root->match.count; j++) {
            if (count && !match_within(&root->match.at[j], leaf))
                continue;
            struct http_match joined = matches_joined(work, &root->match.at[j], leaf, root_namespace);
            if (!count)
                joined.ignore_uri_case = root->match.at[j].ignore_uri_case;
            rows_add(work, &rows, &joined);
        }
        if (rows.count == before)
            return false;
    }
    route->match.at = ROWS_AT(rows, struct http_match);
    route->match.count = rows.count;
    return true;
}

static struct destination *destination_full(struct work *work, const struct destination *destination,
                                            struct bytes own)
{
    struct destination *out = arena_new(work->arena, struct destination);
    *out = *destination;
    out->host = host_full(work, destination->host, own);
    return out;
}

static void mirrors_take(struct work *work, const struct http_route *root, struct http_route *route,
                         struct bytes root_namespace)
{
    if (!route->mirror && root->mirror)
        route->mirror = destination_full(work, root->mirror, root_namespace);
    if (!route->mirror_percentage)
        route->mirror_percentage = root->mirror_percentage;
    if (route->mirrors.count || !root->mirrors.count)
        return;
    route->mirrors.at = arena_array(work->arena, struct http_mirror, root->mirrors.count);
    route->mirrors.count = root->mirrors.count;
    for (size_t i = 0; i < root->mirrors.count; i++) {
        route->mirrors.at[i] = root->mirrors.at[i];
        if (root->mirrors.at[i].destination)
            route->mirrors.at[i].destination =
                destination_full(work, root->mirrors.at[i].destination, root_namespace);
    }
}

/* What the delegate's route leaves out. */
static void rest_take(struct work *work, const struct http_route *root, struct http_route *route,
                      struct bytes root_namespace)
{
    route->name = names_joined(work, root->name, route->name);
    route->rewrite = route->rewrite ? route->rewrite : root->rewrite;
    route->timeout_ms = route->timeout_ms ? route->timeout_ms : root->timeout_ms;
    route->retries = route->retries ? route->retries : root->retries;
    route->fault = route->fault ? route->fault : root->fault;
    route->cors = route->cors ? route->cors : root->cors;
    route->headers = route->headers ? route->headers : root->headers;
    mirrors_take(work, root, route, root_namespace);
}

/* ---- which ------------------------------------------------------------ */

static const struct resource *delegate_of(struct work *work, const struct resource *resource,
                                          const struct http_route *root)
{
    const struct delegate *delegate = root->delegate;
    struct bytes own = delegate->name_space.len ? delegate->name_space : resource->namespace;
    const struct resource *found = resource_find(work->set, KIND_VIRTUAL_SERVICE, own, delegate->name);
    const struct virtual_service *service = found ? found->spec : NULL;
    if (service && !service->hosts.count && namespace_sees(resource->namespace, own, &service->export_to))
        return found;
    work_warn(work, resource, delegate->group.node, FINDING_REFERENCE,
              "there is no VirtualService without hosts '%.*s/%.*s' that may be seen here; the route is left "
              "out",
              BYTES_FMT(own), BYTES_FMT(delegate->name));
    return NULL;
}

static void delegate_put(struct work *work, struct rows *routes, const struct resource *resource,
                         const struct http_route *root)
{
    const struct resource *owner = delegate_of(work, resource, root);
    const struct virtual_service *service = owner ? owner->spec : NULL;
    for (size_t i = 0; service && i < service->http.count; i++) {
        struct http_route route = service->http.at[i];
        if (!all_matches(work, root, &route, resource->namespace)) {
            work_warn(
                work, owner, service->http.at[i].group.node, FINDING_INVALID,
                "a match lies outside of what %.*s/%.*s passes on to this delegate; the route is left out",
                BYTES_FMT(resource->namespace), BYTES_FMT(resource->name));
            continue;
        }
        rest_take(work, root, &route, resource->namespace);
        route.owner = owner;
        rows_add(work, routes, &route);
    }
}

static bool delegates(const struct virtual_service *service)
{
    for (size_t i = 0; i < service->http.count; i++)
        if (service->http.at[i].delegate)
            return true;
    return false;
}

static struct resource *expand(struct work *work, struct resource *resource)
{
    const struct virtual_service *service = resource->spec;
    struct rows routes = rows_of(sizeof(struct http_route));
    if (!delegates(service))
        return resource;
    for (size_t i = 0; i < service->http.count; i++)
        if (service->http.at[i].delegate)
            delegate_put(work, &routes, resource, &service->http.at[i]);
        else
            rows_add(work, &routes, &service->http.at[i]);
    struct resource *copy = arena_new(work->arena, struct resource);
    struct virtual_service *spec = arena_new(work->arena, struct virtual_service);
    *copy = *resource;
    *spec = *service;
    spec->http.at = ROWS_AT(routes, struct http_route);
    spec->http.count = routes.count;
    copy->spec = spec;
    return copy;
}

void virtual_services_read(struct work *work)
{
    size_t count;
    work->virtual_services = work_kind(work, KIND_VIRTUAL_SERVICE, &count);
    for (size_t i = 0; i < count; i++) {
        const struct virtual_service *service = work->virtual_services[i]->spec;
        if (service->hosts.count)
            work->virtual_services[work->virtual_service_count++] = expand(work, work->virtual_services[i]);
    }
}

struct resource **virtual_services(const struct work *work, size_t *count)
{
    *count = work->virtual_service_count;
    return work->virtual_services;
}
