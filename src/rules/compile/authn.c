#include "rules/compile/authn.h"

#include <stdlib.h>

#include "base/hash.h"
#include "rules/kind/assertion.h"
#include "rules/kind/claim_mapping.h"
#include "rules/kind/request_authentication.h"

/* A rule and whence it is, so that all can be sorted by issuer. */
struct sourced {
    const struct resource *resource;
    const struct jwt_rule *rule;
    size_t order;
};

/* ---- key sets --------------------------------------------------------- */

static struct bytes key_set_name(struct work *work, const struct jwt_rule *rule)
{
    if (!rule->jwks.len)
        return arena_format(work->arena, "%.*s|%.*s", BYTES_FMT(rule->issuer), BYTES_FMT(rule->jwks_uri));
    struct digest digest = digest_of(rule->jwks);
    struct text text;
    text_init_arena(&text, work->arena);
    text_add_s(&text, "inline:");
    text_add_hex(&text, bytes_make(digest.bytes, sizeof digest.bytes));
    return text_bytes(&text);
}

static uint64_t key_set_add(struct work *work, const struct jwt_rule *rule)
{
    struct bytes name = key_set_name(work, rule);
    struct compile_key_set set = {.id = hash_stable(name),
                                  .issuer = rule->issuer,
                                  .jwks_uri = rule->jwks_uri,
                                  .inline_text = rule->jwks,
                                  .timeout_ms = (uint32_t)(rule->timeout_ms > 0 ? rule->timeout_ms : 5000)};
    if (!map_put(&work->key_set_ids, name, work))
        rows_add(work, &work->key_sets, &set);
    return set.id;
}

uint64_t key_set_of_issuer(struct work *work, struct bytes issuer)
{
    return key_set_add(work, &(struct jwt_rule){.issuer = issuer});
}

/* ---- rows ------------------------------------------------------------- */

static void place_add(struct work *work, struct rows *rows, enum rules_token_place place, struct bytes name,
                      struct bytes prefix)
{
    rows_add(work, rows,
             &(struct rules_place){
                 .name = work_text(work, name), .prefix = work_text(work, prefix), .place = place});
}

/* Envoy keeps each kind of place in the order of its names, headers before parameters before cookies. */
static int place_compare(const void *a, const void *b)
{
    const struct jwt_header *x = a, *y = b;
    int by_name = bytes_compare(x->name, y->name);
    return by_name ? by_name : bytes_compare(x->prefix, y->prefix);
}

static void places_add(struct work *work, struct rows *rows, enum rules_token_place place,
                       struct jwt_header *from, size_t count)
{
    if (count)
        qsort(from, count, sizeof *from, place_compare);
    for (size_t i = 0; i < count; i++)
        if (!i || place_compare(&from[i - 1], &from[i]) != 0)
            place_add(work, rows, place, from[i].name, from[i].prefix);
}

static void named_places_add(struct work *work, struct rows *rows, enum rules_token_place place,
                             const struct text_list *names)
{
    struct jwt_header *from = arena_array(work->arena, struct jwt_header, names->count + 1);
    for (size_t i = 0; i < names->count; i++)
        from[i] = (struct jwt_header){.name = names->at[i]};
    places_add(work, rows, place, from, names->count);
}

static struct image_rows places_of(struct work *work, const struct jwt_rule *rule)
{
    struct rows rows = rows_of(sizeof(struct rules_place));
    struct jwt_header *from = arena_array(work->arena, struct jwt_header, rule->from_headers.count + 1);
    for (size_t i = 0; i < rule->from_headers.count; i++)
        from[i] = (struct jwt_header){.name = lower(work, rule->from_headers.at[i].name),
                                      .prefix = rule->from_headers.at[i].prefix};
    places_add(work, &rows, PLACE_FIELD, from, rule->from_headers.count);
    named_places_add(work, &rows, PLACE_QUERY, &rule->from_params);
    named_places_add(work, &rows, PLACE_COOKIE, &rule->from_cookies);
    if (!rows.count) {
        place_add(work, &rows, PLACE_FIELD, BYTES("authorization"), BYTES("Bearer "));
        place_add(work, &rows, PLACE_QUERY, BYTES("access_token"), (struct bytes){0});
    }
    return rows_put(work, RULES_TOKEN_PLACE, &rows);
}

static struct image_rows claim_path(struct work *work, struct bytes path)
{
    struct text_list steps;
    struct fail why;
    if (!claim_path_read(path, work->arena, &steps, &why))
        return work_name(work, path); /* a name with dots and all */
    return work_list(work, &steps);
}

static struct image_rows claim_fields_of(struct work *work, const struct jwt_rule *rule)
{
    struct rows rows = rows_of(sizeof(struct rules_claim_field));
    for (size_t i = 0; i < rule->output_claim_to_headers.count; i++) {
        const struct claim_to_header *to = &rule->output_claim_to_headers.at[i];
        struct rules_claim_field row = {work_text(work, lower(work, to->header)),
                                        claim_path(work, to->claim)};
        rows_add(work, &rows, &row);
    }
    return rows_put(work, RULES_CLAIM_FIELD, &rows);
}

/* The field in which an edge's assertion comes, of whichever Assertion. */
static bool is_assertion_field(const struct work *work, struct bytes field)
{
    for (size_t i = work->set->first[KIND_ASSERTION]; i < work->set->first[KIND_ASSERTION + 1]; i++) {
        const struct assertion *assertion = work->set->at[i]->spec;
        if (bytes_equal_nocase(assertion->header, field))
            return true;
    }
    return false;
}

static size_t assertion_places(const struct work *work, const struct jwt_rule *rule)
{
    size_t count = 0;
    for (size_t i = 0; i < rule->from_headers.count; i++)
        count += is_assertion_field(work, rule->from_headers.at[i].name);
    return count;
}

/*
 * At the edge the user's own token travels on unless the rule says otherwise:
 * policies behind it may stand on the provider's issuer. Elsewhere Istio's default.
 */
static bool forwards(const struct work *work, const struct jwt_rule *rule)
{
    bool said = group_has(&rule->group, "forwardOriginalToken");
    return said ? rule->forward_original_token : work->node->role == ROLE_EDGE;
}

static struct rules_authn authn_row(struct work *work, const struct sourced *from)
{
    const struct jwt_rule *rule = from->rule;
    const struct resource *resource = from->resource;
    size_t assertions = assertion_places(work, rule);
    bool only_assertion = assertions && assertions == rule->from_headers.count && !rule->from_params.count &&
                          !rule->from_cookies.count;
    struct bytes name =
        arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(resource->namespace), BYTES_FMT(resource->name));
    return (struct rules_authn){
        .resource = work_text(work, name),
        .issuer = work_text(work, rule->issuer),
        .audiences = work_list(work, &rule->audiences),
        .key_set = key_set_add(work, rule),
        .places = places_of(work, rule),
        .payload_field = work_text(work, lower(work, rule->output_payload_to_header)),
        .claim_fields = claim_fields_of(work, rule),
        .spaced = work_list(work, &rule->space_delimited_claims),
        .forward = forwards(work, rule),
        .strict = work->node->role == ROLE_EDGE && !only_assertion,
        .checks_cnf = assertions > 0,
    };
}

static int sourced_compare(const void *a, const void *b)
{
    const struct sourced *x = a, *y = b;
    int by_issuer = bytes_compare(x->rule->issuer, y->rule->issuer);
    return by_issuer ? by_issuer : (x->order > y->order) - (x->order < y->order);
}

static struct rows attached_rules(struct work *work)
{
    struct rows rows = rows_of(sizeof(struct sourced));
    size_t count;
    struct resource **all = work_kind(work, KIND_REQUEST_AUTHENTICATION, &count);
    for (size_t i = 0; i < count; i++) {
        const struct request_authentication *request = all[i]->spec;
        if (!node_targeted(work, all[i], request->selector, request->target_ref, &request->target_refs))
            continue;
        for (size_t j = 0; j < request->jwt_rules.count; j++)
            rows_add(work, &rows, &(struct sourced){all[i], &request->jwt_rules.at[j], rows.count});
    }
    if (rows.count)
        qsort(rows.at, rows.count, rows.size, sourced_compare);
    return rows;
}

struct image_rows authn_rows(struct work *work)
{
    struct rows rows = rows_of(sizeof(struct rules_authn));
    if (work->authn_made)
        return work->authn;
    struct rows sourced = attached_rules(work);
    for (uint32_t i = 0; i < sourced.count; i++) {
        struct rules_authn row = authn_row(work, &ROWS_AT(sourced, struct sourced)[i]);
        rows_add(work, &rows, &row);
    }
    work->authn = rows_put(work, RULES_AUTHN, &rows);
    work->authn_made = true;
    return work->authn;
}

/* ---- claim mapping ---------------------------------------------------- */

static void mapping_values(struct work *work, const struct claim_rule *rule, struct rules_mapping *row)
{
    if (rule->pass_through) {
        row->match = MAPPING_PASS;
        row->text = work_text(work, rule->pass_through->prefix);
        row->list = work_list(work, &rule->pass_through->allow);
    } else if (rule->exact.at) {
        row->match = MAPPING_EXACT;
        row->text = work_text(work, rule->exact);
    } else if (rule->prefix.at) {
        row->match = MAPPING_PREFIX;
        row->text = work_text(work, rule->prefix);
    } else if (rule->suffix.at) {
        row->match = MAPPING_SUFFIX;
        row->text = work_text(work, rule->suffix);
    } else {
        row->match = MAPPING_IN;
        row->list = work_list(work, &rule->in);
    }
}

static void mapping_rules_add(struct work *work, struct rows *rows, const struct claim_mapping *mapping)
{
    for (size_t i = 0; i < mapping->rules.count; i++) {
        const struct claim_rule *rule = &mapping->rules.at[i];
        struct rules_mapping row = {.name = work_text(work, rule->name),
                                    .issuer = work_text(work, rule->issuer),
                                    .claim = claim_path(work, rule->claim),
                                    .groups = work_list(work, &rule->groups)};
        mapping_values(work, rule, &row);
        rows_add(work, rows, &row);
    }
}

static bool claim_agrees(struct work *work, struct rules_node *node, struct bytes *claim,
                         const struct resource **first, const struct resource *resource)
{
    const struct claim_mapping *mapping = resource->spec;
    if (*first && !bytes_equal(*claim, mapping->claim))
        return fail(
            work->why, FAIL_INPUT,
            "ClaimMappings %.*s/%.*s and %.*s/%.*s both apply but fill different claims, '%.*s' and '%.*s'",
            BYTES_FMT((*first)->namespace), BYTES_FMT((*first)->name), BYTES_FMT(resource->namespace),
            BYTES_FMT(resource->name), BYTES_FMT(*claim), BYTES_FMT(mapping->claim));
    *claim = mapping->claim;
    *first = resource;
    node->mapping_claim = work_text(work, *claim);
    return true;
}

/* The rules as canonical text: whoever reads `selvage.rules` in a token can tell which they were. */
static struct bytes mapping_hash(struct work *work, const struct text *digests)
{
    struct digest digest = digest_of(text_bytes(digests));
    struct text text;
    text_init_arena(&text, work->arena);
    if (digests->len)
        text_add_hex(&text, bytes_make(digest.bytes, sizeof digest.bytes));
    return text_bytes(&text);
}

/* By name: the set is sorted by namespace and name within a kind. */
static bool mapping_fill(struct work *work, struct rules_node *node, struct bytes *hash)
{
    struct rows rows = rows_of(sizeof(struct rules_mapping));
    struct bytes claim = BYTES("groups");
    const struct resource *first = NULL;
    struct text digests;
    size_t count;
    struct resource **all = work_kind(work, KIND_CLAIM_MAPPING, &count);
    text_init_arena(&digests, work->arena);
    node->mapping_claim = work_text(work, claim);
    for (size_t i = 0; i < count; i++) {
        const struct claim_mapping *mapping = all[i]->spec;
        if (!node_attached(work, all[i], mapping->selector))
            continue;
        if (!claim_agrees(work, node, &claim, &first, all[i]))
            return false;
        mapping_rules_add(work, &rows, mapping);
        text_add_hex(&digests, bytes_make(all[i]->digest.bytes, sizeof all[i]->digest.bytes));
    }
    node->mapping = rows_put(work, RULES_MAPPING, &rows);
    *hash = mapping_hash(work, &digests);
    return true;
}

/* ---- assertion -------------------------------------------------------- */

bool assertion_choose(struct work *work)
{
    for (size_t i = work->set->first[KIND_ASSERTION]; i < work->set->first[KIND_ASSERTION + 1]; i++) {
        const struct resource *resource = work->set->at[i], *first = work->assertion_resource;
        const struct assertion *assertion = resource->spec;
        if (!node_attached(work, resource, assertion->selector))
            continue;
        if (first)
            return fail(work->why, FAIL_INPUT,
                        "Assertions %.*s/%.*s and %.*s/%.*s both apply to this node; one may",
                        BYTES_FMT(first->namespace), BYTES_FMT(first->name), BYTES_FMT(resource->namespace),
                        BYTES_FMT(resource->name));
        work->assertion_resource = resource;
    }
    return true;
}

static struct image_rows labels_of(struct work *work, const struct text_map *map)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < map->count; i++) {
        rows_add(work, &rows, &(struct rules_name){work_text(work, map->keys[i])});
        rows_add(work, &rows, &(struct rules_name){work_text(work, map->at[i])});
    }
    return rows_put(work, RULES_NAME, &rows);
}

static struct image_rows assertion_row(struct work *work, struct bytes hash)
{
    if (!work->assertion_resource)
        return (struct image_rows){0, 0};
    const struct assertion *assertion = work->assertion_resource->spec;
    struct rules_assertion row = {
        .issuer = work_text(work, assertion->issuer),
        .audiences = work_list(work, &assertion->audiences),
        .field = work_text(work, lower(work, assertion->header)),
        .key_set_path = work_text(work, assertion->key_set_path),
        .copied = work_list(work, &assertion->claims),
        .labels = labels_of(work, &assertion->subject_prefix),
        .lifetime_s = (uint32_t)((assertion->lifetime_ms + 999) / 1000),
        .resign = assertion->resign,
        .mapping_hash = work_text(work, hash),
    };
    return image_build_rows(&work->rules, RULES_ASSERTION, &row, 1);
}

/* ---- fields that nobody outside may send ------------------------------- */

static void stripped_add(struct work *work, struct rows *rows, struct map *seen, struct bytes name)
{
    name = lower(work, name);
    if (name.len && !map_put(seen, name, work))
        rows_add(work, rows, &(struct rules_name){work_text(work, name)});
}

static void stripped_of_rule(struct work *work, struct rows *rows, struct map *seen,
                             const struct jwt_rule *rule)
{
    stripped_add(work, rows, seen, rule->output_payload_to_header);
    for (size_t i = 0; i < rule->output_claim_to_headers.count; i++)
        stripped_add(work, rows, seen, rule->output_claim_to_headers.at[i].header);
}

static struct image_rows stripped_of(struct work *work)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    const size_t *first = work->set->first;
    struct map seen;
    map_init(&seen);
    for (size_t i = first[KIND_ASSERTION]; i < first[KIND_ASSERTION + 1]; i++) {
        const struct assertion *assertion = work->set->at[i]->spec;
        stripped_add(work, &rows, &seen, assertion->header);
    }
    for (size_t i = first[KIND_REQUEST_AUTHENTICATION]; i < first[KIND_REQUEST_AUTHENTICATION + 1]; i++) {
        const struct request_authentication *request = work->set->at[i]->spec;
        for (size_t j = 0; j < request->jwt_rules.count; j++)
            stripped_of_rule(work, &rows, &seen, &request->jwt_rules.at[j]);
    }
    map_done(&seen);
    return rows_put(work, RULES_NAME, &rows);
}

bool identity_fill(struct work *work, struct rules_node *node)
{
    struct bytes hash;
    if (!mapping_fill(work, node, &hash))
        return false;
    node->assertion = assertion_row(work, hash);
    node->stripped = stripped_of(work);
    return true;
}
