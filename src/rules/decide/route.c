#include "rules/decide/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "rules/decide/claim_texts.h"
#include "rules/decide/tcp_route.h"

enum { PATH_REWRITTEN_MAX = 8 * 1024 };

/* ---- regexes ---------------------------------------------------------- */

struct regex_entry {
    uint32_t at; /* in the text pool: equal texts lie there once */
    uint32_t len;
    struct regex *regex;
};

struct route_regexes {
    size_t count;
    struct regex_entry *entries; /* sorted by `at`, then `len` */
};

static int entry_compare(const void *a, const void *b)
{
    const struct regex_entry *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->len > y->len) - (x->len < y->len);
}

static void pattern_add(struct route_regexes *regexes, size_t *room, struct image_text pattern)
{
    if (regexes->count == *room) {
        *room = *room ? *room * 2 : 16;
        regexes->entries = heap_grow(regexes->entries, *room, sizeof *regexes->entries);
    }
    regexes->entries[regexes->count++] = (struct regex_entry){pattern.at, pattern.len, NULL};
}

static void entry_add(struct route_regexes *regexes, size_t *room, const struct rules_text *text)
{
    if (text->match == TEXT_REGEX)
        pattern_add(regexes, room, text->text);
}

static void entries_collect(struct route_regexes *regexes, const struct image *rules)
{
    size_t room = 0;
    IMAGE_FOR(rules, RULES_MATCH, struct rules_match, match, image_all(rules, RULES_MATCH))
    {
        entry_add(regexes, &room, &match->uri);
        entry_add(regexes, &room, &match->method);
        entry_add(regexes, &room, &match->authority);
        entry_add(regexes, &room, &match->scheme);
    }
    IMAGE_FOR(rules, RULES_FIELD_MATCH, struct rules_field_match, field, image_all(rules, RULES_FIELD_MATCH))
    entry_add(regexes, &room, &field->value);
    IMAGE_FOR(rules, RULES_ROUTE, struct rules_route, route, image_all(rules, RULES_ROUTE))
    if (route->rewrite == REWRITE_REGEX)
        pattern_add(regexes, &room, route->rewrite_regex);
}

static void entries_unique(struct route_regexes *regexes)
{
    size_t kept = 0;
    if (regexes->count)
        qsort(regexes->entries, regexes->count, sizeof *regexes->entries, entry_compare);
    for (size_t i = 0; i < regexes->count; i++)
        if (!kept || entry_compare(&regexes->entries[kept - 1], &regexes->entries[i]) != 0)
            regexes->entries[kept++] = regexes->entries[i];
    regexes->count = kept;
}

struct route_regexes *route_regexes_new(const struct image *rules, struct fail *why)
{
    struct route_regexes *regexes = heap_new(struct route_regexes);
    entries_collect(regexes, rules);
    entries_unique(regexes);
    for (size_t i = 0; i < regexes->count; i++) {
        struct regex_entry *entry = &regexes->entries[i];
        entry->regex = regex_new(image_text(rules, (struct image_text){entry->at, entry->len}), why);
        if (!entry->regex) {
            route_regexes_free(regexes);
            return NULL;
        }
    }
    return regexes;
}

void route_regexes_free(struct route_regexes *regexes)
{
    if (!regexes)
        return;
    for (size_t i = 0; i < regexes->count; i++)
        regex_free(regexes->entries[i].regex);
    free(regexes->entries);
    free(regexes);
}

static const struct regex *regex_find(const struct route_regexes *regexes, struct image_text pattern)
{
    struct regex_entry key = {pattern.at, pattern.len, NULL};
    if (!regexes || !regexes->count)
        return NULL;
    const struct regex_entry *found =
        bsearch(&key, regexes->entries, regexes->count, sizeof key, entry_compare);
    return found ? found->regex : NULL;
}

static bool regex_holds(const struct route_regexes *regexes, struct image_text pattern, struct bytes text)
{
    const struct regex *regex = regex_find(regexes, pattern);
    return regex && regex_matches(regex, text);
}

/* ---- matching --------------------------------------------------------- */

/* One request under way, so that the matchers below need few arguments. */
struct question {
    const struct image *rules;
    const struct route_regexes *regexes;
    const struct http_request *request;
    struct bytes path; /* without query */
    struct bytes query;
    struct arena *arena;
    const struct facts *facts; /* of the token; NULL: none was looked at */
};

static bool text_holds(const struct question *q, const struct rules_text *want, bool there, struct bytes text)
{
    struct bytes pattern = image_text(q->rules, want->text);
    switch ((enum rules_text_match)want->match) {
    case TEXT_ANY:
        return true;
    case TEXT_PRESENT:
        return there;
    case TEXT_EXACT:
        return there && (want->fold ? bytes_equal_nocase(text, pattern) : bytes_equal(text, pattern));
    case TEXT_PREFIX:
        return there && (want->fold ? bytes_starts_nocase(text, pattern) : bytes_starts(text, pattern));
    case TEXT_REGEX:
        return there && regex_holds(q->regexes, want->text, text);
    case TEXT_MATCH_COUNT:
        break;
    }
    return false;
}

bool route_text_holds(const struct image *rules, const struct route_regexes *regexes,
                      const struct rules_text *want, struct bytes text)
{
    return text_holds(&(struct question){.rules = rules, .regexes = regexes}, want, true, text);
}

static bool pseudo_value(const struct question *q, struct bytes name, struct bytes *value)
{
    const struct http_request *request = q->request;
    if (bytes_equal(name, BYTES(":authority")) || bytes_equal(name, BYTES("host")))
        *value = request->authority;
    else if (bytes_equal(name, BYTES(":method")))
        *value = request->method;
    else if (bytes_equal(name, BYTES(":scheme")))
        *value = request->scheme;
    else if (bytes_equal(name, BYTES(":path")) && q->path.len) /* CONNECT has none */
        *value = q->path;
    else
        return false;
    return true;
}

/* Any of the claim's texts; a header of that name is never looked at. */
static bool claim_holds(const struct question *q, const struct rules_field_match *match)
{
    struct claim_texts texts = {0};
    struct bytes text;
    bool holds = false;
    if (q->facts)
        texts = claim_texts_begin(q->rules, match->claim, q->facts);
    while (!holds && claim_texts_next(&texts, &text))
        holds = text_holds(q, &match->value, true, text);
    return holds != (match->invert != 0);
}

static bool field_holds(const struct question *q, const struct rules_field_match *match)
{
    if (match->claim.count)
        return claim_holds(q, match);
    struct bytes name = image_text(q->rules, match->name), value = {0};
    bool there =
        pseudo_value(q, name, &value) || http_fields_join(&q->request->fields, name, q->arena, &value);
    /* withoutHeaders: what is missing compares as if it were empty, but is not present. */
    bool compares = there || (match->invert && match->value.match != TEXT_PRESENT);
    return text_holds(q, &match->value, compares, value) != (match->invert != 0);
}

static bool query_value(struct bytes query, struct bytes name, struct bytes *value)
{
    bool more = query.len > 0;
    while (more) {
        struct bytes pair, key;
        more = bytes_cut(&query, '&', &pair);
        bytes_cut(&pair, '=', &key);
        if (bytes_equal(key, name)) {
            *value = pair;
            return true;
        }
    }
    return false;
}

static bool query_holds(const struct question *q, const struct rules_field_match *match)
{
    struct bytes value = {0};
    bool there = query_value(q->query, image_text(q->rules, match->name), &value);
    return text_holds(q, &match->value, there, value) != (match->invert != 0);
}

/*
 * A tunnel is made where the rules ask for one by name, and nowhere else: what goes
 * through it is judged by nobody.
 */
static bool may_hold(const struct question *q, const struct rules_match *match)
{
    if (!http_connects(q->request))
        return true;
    return match && match->method.match == TEXT_EXACT &&
           bytes_equal(image_text(q->rules, match->method.text), BYTES("CONNECT"));
}

static bool match_holds(const struct question *q, const struct rules_match *match)
{
    const struct http_request *request = q->request;
    if (!text_holds(q, &match->uri, q->path.len > 0, q->path) ||
        !text_holds(q, &match->method, true, request->method) ||
        !text_holds(q, &match->authority, request->authority.len > 0, request->authority) ||
        !text_holds(q, &match->scheme, true, request->scheme))
        return false;
    IMAGE_FOR(q->rules, RULES_FIELD_MATCH, struct rules_field_match, field, match->fields)
    if (!field_holds(q, field))
        return false;
    IMAGE_FOR(q->rules, RULES_FIELD_MATCH, struct rules_field_match, parameter, match->query)
    if (!query_holds(q, parameter))
        return false;
    return true;
}

static bool route_holds(const struct question *q, const struct rules_route *route,
                        const struct rules_match **which)
{
    *which = NULL;
    if (!route->matches.count)
        return may_hold(q, NULL);
    IMAGE_FOR(q->rules, RULES_MATCH, struct rules_match, match, route->matches)
    {
        if (may_hold(q, match) && match_holds(q, match)) {
            *which = match;
            return true;
        }
    }
    return false;
}

/* ---- hosts ------------------------------------------------------------ */

/* HOST[:PORT], [v6]:PORT. What follows the colon is left as text. */
static struct bytes authority_host(struct bytes authority, struct bytes *port)
{
    size_t colon = bytes_find_last(authority, ':');
    size_t bracket = bytes_find_last(authority, ']');
    *port = (struct bytes){0};
    if (colon == authority.len || (bracket != authority.len && colon < bracket))
        return authority;
    *port = bytes_part(authority, colon + 1, authority.len);
    return bytes_part(authority, 0, colon);
}

static bool host_holds(uint32_t match, struct bytes want, struct bytes host)
{
    switch ((enum rules_host_match)match) {
    case HOST_EXACT:
        return bytes_equal_nocase(host, want);
    case HOST_SUFFIX:
        return host.len > want.len && bytes_ends_nocase(host, want);
    case HOST_ANY:
        return true;
    case HOST_MATCH_COUNT:
        break;
    }
    return false;
}

static bool port_holds(uint32_t want, struct bytes port)
{
    uint64_t number;
    return !want || !port.len || (bytes_to_u64(port, 65535, &number) && number == want);
}

/* As bytes_compare(host in lower case, want). */
static int host_compare(struct bytes host, struct bytes want)
{
    for (size_t i = 0; i < host.len && i < want.len; i++) {
        unsigned char a = (unsigned char)ascii_lower(host.at[i]), b = (unsigned char)want.at[i];
        if (a != b)
            return a < b ? -1 : 1;
    }
    return (host.len > want.len) - (host.len < want.len);
}

static const struct rules_vhost *vhost_at(const struct image *rules, const struct rules_listener *listener,
                                          uint32_t at)
{
    return image_row(rules, RULES_VHOST, listener->vhosts, at);
}

/* The first that is neither an exact one nor before that host: there may be thousands. */
static uint32_t vhost_first(const struct image *rules, const struct rules_listener *listener,
                            struct bytes host)
{
    uint32_t low = 0;
    for (uint32_t high = listener->vhosts.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        const struct rules_vhost *vhost = vhost_at(rules, listener, middle);
        if (vhost->match == HOST_EXACT && host_compare(host, image_text(rules, vhost->host)) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first that is not exact. */
static uint32_t vhost_wild(const struct image *rules, const struct rules_listener *listener, uint32_t low)
{
    for (uint32_t high = listener->vhosts.count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (vhost_at(rules, listener, middle)->match == HOST_EXACT)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct rules_vhost *vhost_find(const struct image *rules, const struct rules_listener *listener,
                                            struct bytes authority)
{
    struct bytes port, host = authority_host(authority, &port);
    uint32_t first = vhost_first(rules, listener, host), wild = vhost_wild(rules, listener, first);
    for (uint32_t i = first; i < listener->vhosts.count;) {
        const struct rules_vhost *vhost = vhost_at(rules, listener, i);
        bool holds = host_holds(vhost->match, image_text(rules, vhost->host), host);
        if (holds && port_holds(vhost->port, port))
            return vhost;
        i = holds || i >= wild ? i + 1 : wild;
    }
    return NULL;
}

const struct rules_server *route_server(const struct image *rules, const struct rules_listener *listener,
                                        struct bytes authority)
{
    struct bytes port, host = authority_host(authority, &port);
    const struct rules_server *best = NULL;
    size_t best_fit = 0;
    IMAGE_FOR(rules, RULES_SERVER, struct rules_server, server, listener->servers)
    {
        size_t fit = hosts_fit(rules, server->hosts, host);
        if (fit > best_fit) {
            best_fit = fit;
            best = server;
        }
    }
    return best;
}

bool route_choose(const struct image *rules, const struct route_regexes *regexes,
                  const struct rules_listener *listener, const struct http_request *request,
                  struct bytes path, struct arena *arena, struct route_choice *out)
{
    return route_choose_known(rules, regexes, listener, request, path, NULL, arena, out);
}

bool route_choose_known(const struct image *rules, const struct route_regexes *regexes,
                        const struct rules_listener *listener, const struct http_request *request,
                        struct bytes path, const struct facts *facts, struct arena *arena,
                        struct route_choice *out)
{
    struct question q = {.rules = rules,
                         .regexes = regexes,
                         .request = request,
                         .query = path,
                         .arena = arena,
                         .facts = facts};
    const struct rules_match *match;
    path = bytes_part(path, 0, bytes_find(path, '#'));
    q.query = path;
    bytes_cut(&q.query, '?', &q.path);
    const struct rules_vhost *vhost = vhost_find(rules, listener, request->authority);
    if (!vhost)
        return false;
    IMAGE_FOR(rules, RULES_ROUTE, struct rules_route, route, vhost->routes)
    {
        if (route_holds(&q, route, &match)) {
            *out = (struct route_choice){vhost, route, match};
            return true;
        }
    }
    return false;
}

const struct rules_destination *route_destination(const struct image *rules, const struct rules_route *route,
                                                  uint64_t draw)
{
    const struct rules_destination *last = NULL;
    uint64_t left = route->weight_sum ? draw % route->weight_sum : 0;
    IMAGE_FOR(rules, RULES_DESTINATION, struct rules_destination, destination, route->destinations)
    {
        last = destination;
        if (left < destination->weight)
            return destination;
        left -= destination->weight;
    }
    return last;
}

struct bytes route_prefix_swap(const struct route_choice *choice, struct bytes with, struct bytes path,
                               struct arena *arena)
{
    size_t end = bytes_find(path, '?');
    size_t keep = end; /* what of the old path stays behind the new */
    const struct rules_match *match = choice->match;
    if (!match || match->uri.match == TEXT_ANY) /* Istio: as if the prefix "/" had matched */
        keep = end < 1 ? end : 1;
    else if (match->uri.match == TEXT_PREFIX && match->uri.text.len <= end)
        keep = match->uri.text.len;
    struct bytes rest = bytes_part(path, keep, path.len);
    bool slash = !with.len && !(rest.len && rest.at[0] == '/');
    return arena_format(arena, "%s%.*s%.*s", slash ? "/" : "", BYTES_FMT(with), BYTES_FMT(rest));
}

static bool rewrite_by_regex(const struct image *rules, const struct route_regexes *regexes,
                             const struct rules_route *route, struct bytes path, struct arena *arena,
                             struct bytes *out)
{
    const struct regex *regex = regex_find(regexes, route->rewrite_regex);
    size_t end = bytes_find(path, '?'), len;
    struct bytes query = bytes_part(path, end, path.len);
    char *at = arena_raw(arena, PATH_REWRITTEN_MAX + query.len);
    if (!regex || !regex_replace(regex, bytes_part(path, 0, end), image_text(rules, route->rewrite_uri), at,
                                 PATH_REWRITTEN_MAX, &len))
        return false;
    if (query.len)
        memcpy(at + len, query.at, query.len);
    *out = bytes_make(at, len + query.len);
    return len && at[0] == '/';
}

bool route_rewrite(const struct image *rules, const struct route_regexes *regexes,
                   const struct route_choice *choice, struct bytes path, struct arena *arena,
                   struct bytes *out)
{
    const struct rules_route *route = choice->route;
    *out = path;
    if (route->rewrite == REWRITE_REGEX)
        return rewrite_by_regex(rules, regexes, route, path, arena, out);
    if (route->rewrite == REWRITE_URI)
        *out = route_prefix_swap(choice, image_text(rules, route->rewrite_uri), path, arena);
    return true;
}
