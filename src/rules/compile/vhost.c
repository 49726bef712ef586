#include "rules/compile/vhost.h"

#include <stdlib.h>
#include <string.h>

#include "rules/compile/action.h"
#include "rules/compile/retry.h"
#include "rules/kind/header_value.h"
#include "wire/claim_route.h"

struct routes {
    struct rows some; /* struct rules_route: those with a condition */
    struct rows all;  /* catch-alls */
};

/* ---- matches ---------------------------------------------------------- */

static struct rules_text text_match(struct work *work, const struct string_match *match, bool fold)
{
    static const enum rules_text_match hows[] = {
        [MATCH_NONE] = TEXT_ANY,    [MATCH_EXACT] = TEXT_EXACT, [MATCH_PREFIX] = TEXT_PREFIX,
        [MATCH_REGEX] = TEXT_REGEX, [MATCH_ANY] = TEXT_PRESENT,
    };
    return (struct rules_text){hows[match->how], fold, work_text(work, match->value)};
}

static void fields_add(struct work *work, struct rows *rows, const struct match_map *map, bool invert,
                       bool fold_name)
{
    for (size_t i = 0; i < map->count; i++) {
        struct claim_route claim = {.count = 0};
        struct bytes name = fold_name ? lower(work, map->keys[i]) : map->keys[i];
        struct rules_field_match row = {
            .name = work_text(work, name), .value = text_match(work, &map->at[i], false), .invert = invert};
        if (fold_name && claim_route_read(map->keys[i], &claim))
            row.claim = work_names(work, claim.steps, claim.count);
        rows_add(work, rows, &row);
    }
}

/* Of claims that no token can answer here: only gateways verify tokens before they choose a route. */
static bool asks_in_vain(const struct match_map *map, const struct viewpoint *from)
{
    struct claim_route claim;
    for (size_t i = 0; i < map->count; i++)
        if (claim_route_is(map->keys[i]) &&
            (bytes_equal(from->gateway, BYTES("mesh")) || !claim_route_read(map->keys[i], &claim)))
            return true;
    return false;
}

static struct rules_match match_row(struct work *work, const struct http_match *match)
{
    struct rows fields = rows_of(sizeof(struct rules_field_match)), query = fields;
    struct rules_match row = {
        .name = work_text(work, match->name),
        .uri = text_match(work, &match->uri, match->ignore_uri_case),
        .method = text_match(work, &match->method, false),
        .authority = text_match(work, &match->authority, false),
        .scheme = text_match(work, &match->scheme, false),
    };
    fields_add(work, &fields, &match->headers, false, true);
    fields_add(work, &fields, &match->without_headers, true, true);
    fields_add(work, &query, &match->query_params, false, false);
    row.fields = rows_put(work, RULES_FIELD_MATCH, &fields);
    row.query = rows_put(work, RULES_FIELD_MATCH, &query);
    return row;
}

static bool match_is_all(const struct http_match *match)
{
    bool any_uri = match->uri.how == MATCH_NONE ||
                   (match->uri.how == MATCH_PREFIX && bytes_equal(match->uri.value, BYTES("/")));
    return any_uri && match->method.how == MATCH_NONE && match->authority.how == MATCH_NONE &&
           match->scheme.how == MATCH_NONE && !match->headers.count && !match->without_headers.count &&
           !match->query_params.count;
}

static bool match_visible(struct work *work, const struct http_match *match, const struct resource *resource,
                          const struct viewpoint *from)
{
    const struct match_from *at = &match->from;
    if (at->port && at->port != from->port)
        return false;
    if (at->gateways.count ? !gateways_hold(work, &at->gateways, resource->namespace, from->gateway)
                           : !viewpoint_is_selected(work, &at->labels, at->name_space))
        return false;
    if (!asks_in_vain(&match->headers, from) && !asks_in_vain(&match->without_headers, from))
        return true;
    work_warn(work, resource, match->group.node, FINDING_INVALID,
              "claims are known at gateways only: this match never holds");
    return false;
}

/* ---- destinations ----------------------------------------------------- */

/* A value without operators is one text; it was read once before, so it can be read. */
static void value_put(struct work *work, struct bytes value, bool on_response, struct rules_field_op *row)
{
    struct rows rows = rows_of(sizeof(struct rules_value_part));
    struct header_part parts[HEADER_PARTS_MAX];
    size_t count = 0;
    struct fail why;
    if (bytes_find(value, '%') == value.len ||
        !header_value_read(value, on_response, work->arena, parts, &count, &why)) {
        row->value = work_text(work, value);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct header_part *part = &parts[i];
        struct rules_value_part each = {work_text(work, part->text), work_text(work, part->other),
                                        (uint32_t)part->is, part->max};
        rows_add(work, &rows, &each);
    }
    row->parts = rows_put(work, RULES_VALUE_PART, &rows);
}

static void ops_add(struct work *work, struct rows *rows, const struct header_changes *changes,
                    bool on_response)
{
    if (!changes)
        return;
    for (size_t i = 0; i < changes->remove.count; i++) {
        struct bytes name = lower(work, changes->remove.at[i]);
        struct rules_field_op row = {
            .name = work_text(work, name), .op = OP_REMOVE, .on_response = on_response};
        rows_add(work, rows, &row);
    }
    const struct text_map *maps[] = {&changes->set, &changes->add};
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; i < maps[m]->count; i++) {
            struct bytes name = lower(work, maps[m]->keys[i]);
            if (bytes_equal(name, BYTES("host")))
                name = BYTES(":authority");
            struct rules_field_op row = {
                .name = work_text(work, name), .op = m ? OP_ADD : OP_SET, .on_response = on_response};
            value_put(work, maps[m]->at[i], on_response, &row);
            rows_add(work, rows, &row);
        }
    }
}

static struct image_rows ops_of(struct work *work, const struct route_headers *headers)
{
    struct rows rows = rows_of(sizeof(struct rules_field_op));
    if (headers) {
        ops_add(work, &rows, headers->request, false);
        ops_add(work, &rows, headers->response, true);
    }
    return rows_put(work, RULES_FIELD_OP, &rows);
}

static struct image_rows http_destinations(struct work *work, const struct http_route *route,
                                           const struct resource *resource, const struct viewpoint *from,
                                           uint32_t *sum)
{
    struct rows rows = rows_of(sizeof(struct rules_destination));
    *sum = 0;
    for (size_t i = 0; i < route->route.count; i++) {
        const struct http_route_destination *to = &route->route.at[i];
        int64_t weight = route->route.count == 1 ? 1 : to->weight;
        if (weight <= 0 || !to->destination || weight > UINT32_MAX - *sum)
            continue;
        struct rules_destination row = {destination_cluster(work, to->destination, resource, from),
                                        (uint32_t)weight, ops_of(work, to->headers)};
        *sum += (uint32_t)weight;
        rows_add(work, &rows, &row);
    }
    return rows_put(work, RULES_DESTINATION, &rows);
}

static void mirror_add(struct work *work, struct rows *rows, const struct destination *to,
                       const struct percent *percent, const struct resource *resource,
                       const struct viewpoint *from)
{
    double parts = percent ? percent->value * 10000 : 1000000;
    if (!to || parts < 1)
        return;
    rows_add(work, rows,
             &(struct rules_destination){destination_cluster(work, to, resource, from),
                                         parts > 1000000 ? 1000000 : (uint32_t)parts,
                                         {0, 0}});
}

static struct image_rows mirrors_of(struct work *work, const struct http_route *route,
                                    const struct resource *resource, const struct viewpoint *from)
{
    struct rows rows = rows_of(sizeof(struct rules_destination));
    mirror_add(work, &rows, route->mirror, route->mirror_percentage, resource, from);
    for (size_t i = 0; i < route->mirrors.count; i++)
        mirror_add(work, &rows, route->mirrors.at[i].destination, route->mirrors.at[i].percentage, resource,
                   from);
    return rows_put(work, RULES_DESTINATION, &rows);
}

/* ---- routes ----------------------------------------------------------- */

struct routes *routes_new(struct work *work)
{
    struct routes *routes = arena_new(work->arena, struct routes);
    routes->some = routes->all = rows_of(sizeof(struct rules_route));
    return routes;
}

/* False: none of its matches is for this viewpoint. */
static bool route_matches(struct work *work, const struct http_route *route, const struct resource *resource,
                          const struct viewpoint *from, struct image_rows *out, bool *all)
{
    struct rows rows = rows_of(sizeof(struct rules_match));
    *all = route->match.count == 0;
    for (size_t i = 0; i < route->match.count && !*all; i++) {
        if (!match_visible(work, &route->match.at[i], resource, from))
            continue;
        struct rules_match row = match_row(work, &route->match.at[i]);
        rows_add(work, &rows, &row);
        *all = match_is_all(&route->match.at[i]);
    }
    *out = rows_put(work, RULES_MATCH, &rows);
    return rows.count || *all;
}

static struct rules_route route_row(struct work *work, const struct http_route *route,
                                    const struct resource *resource, const struct viewpoint *from)
{
    struct rules_route row = {.name = work_text(work, route->name.len ? route->name : resource->name),
                              .ops = ops_of(work, route->headers)};
    row.destinations = http_destinations(work, route, resource, from, &row.weight_sum);
    row.mirrors = mirrors_of(work, route, resource, from);
    row.retry = retry_of(work, route->retries);
    if (route->timeout_ms > 0)
        row.timeout_ms = route->timeout_ms < UINT32_MAX ? (uint32_t)route->timeout_ms : UINT32_MAX;
    actions_set(work, &row, route);
    return row;
}

void routes_add(struct work *work, struct routes *routes, const struct resource *resource,
                const struct viewpoint *from)
{
    const struct virtual_service *service = resource->spec;
    for (size_t i = 0; i < service->http.count; i++) {
        const struct http_route *route = &service->http.at[i];
        const struct resource *owner = route->owner ? route->owner : resource;
        struct image_rows matches;
        bool all;
        if (!route_matches(work, route, owner, from, &matches, &all))
            continue;
        struct rules_route row = route_row(work, route, owner, from);
        row.matches = matches;
        rows_add(work, all ? &routes->all : &routes->some, &row);
        if (all)
            return; /* nothing behind it is ever reached */
    }
}

void routes_add_cluster(struct work *work, struct routes *routes, uint32_t cluster, struct bytes name,
                        enum rules_direction direction)
{
    struct rules_route row = {.name = work_text(work, name), .weight_sum = 1};
    row.destinations = destination_one(work, cluster);
    row.retry = retry_preset(work, direction == DIRECTION_INBOUND);
    rows_add(work, &routes->all, &row);
}

struct image_rows routes_put(struct work *work, const struct routes *routes)
{
    struct rows rows = rows_of(sizeof(struct rules_route));
    for (uint32_t i = 0; i < routes->some.count; i++)
        rows_add(work, &rows, &ROWS_AT(routes->some, struct rules_route)[i]);
    for (uint32_t i = 0; i < routes->all.count; i++)
        rows_add(work, &rows, &ROWS_AT(routes->all, struct rules_route)[i]);
    return rows_put(work, RULES_ROUTE, &rows);
}

/* ---- vhosts ----------------------------------------------------------- */

void vhost_add(struct work *work, struct rows *vhosts, struct bytes host, uint32_t port,
               struct image_rows routes, struct bytes name)
{
    struct rules_vhost row = {
        .port = port, .routes = routes, .name = work_text(work, name), .match = HOST_EXACT};
    if (bytes_equal(host, BYTES("*")))
        row.match = HOST_ANY;
    else if (bytes_starts(host, BYTES("*")))
        row.match = HOST_SUFFIX;
    row.host = work_text(work, lower(work, bytes_part(host, row.match == HOST_EXACT ? 0 : 1, host.len)));
    rows_add(work, vhosts, &row);
}

static int vhost_compare(const void *a, const void *b, void *of)
{
    const struct rules_vhost *x = a, *y = b;
    const struct image_build *rules = of;
    if (x->match != y->match)
        return x->match < y->match ? -1 : 1;
    if (x->match == HOST_SUFFIX && x->host.len != y->host.len)
        return x->host.len > y->host.len ? -1 : 1;
    int by_host = bytes_compare(image_build_text_at(rules, x->host), image_build_text_at(rules, y->host));
    if (by_host)
        return by_host;
    return (x->routes.at > y->routes.at) - (x->routes.at < y->routes.at);
}

struct image_rows vhosts_put(struct work *work, struct rows *vhosts)
{
    if (vhosts->count)
        qsort_r(vhosts->at, vhosts->count, vhosts->size, vhost_compare, &work->rules);
    return rows_put(work, RULES_VHOST, vhosts);
}
