/* Images of all three kinds: what image_open accepts is then read to the last row and text, and decided on.
 */
#include <stdlib.h>
#include <string.h>

#include "rules/compile/compile.h"
#include "rules/decide/authz.h"
#include "rules/decide/mapping.h"
#include "rules/decide/route.h"
#include "rules/snapshot.h"

static unsigned sum; /* so that the reads are not left out */

static void text_read(const struct image *image, const char *cell)
{
    struct image_text place;
    memcpy(&place, cell, sizeof place);
    struct bytes text = image_text(image, place);
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.at[i];
}

static void rows_read(const struct image *image, uint32_t table, const char *cell)
{
    struct image_rows rows;
    memcpy(&rows, cell, sizeof rows);
    for (uint32_t i = 0; i < rows.count && i < 16; i++)
        sum += *(const unsigned char *)image_row(image, table, rows, i);
}

static void table_read(const struct image *image, uint32_t index)
{
    const struct image_table *table = &image->schema->tables[index];
    for (uint32_t row = 0; row < image->head->tables[index].count; row++) {
        const char *at = image_row(image, index, image_all(image, index), row);
        for (uint32_t i = 0; i < table->column_count; i++) {
            if (table->columns[i].type == IMAGE_TEXT)
                text_read(image, at + table->columns[i].offset);
            if (table->columns[i].type == IMAGE_ROWS)
                rows_read(image, table->columns[i].limit, at + table->columns[i].offset);
        }
    }
}

static void listeners_ask(const struct image *image, struct arena *arena)
{
    static struct http_fields none;
    struct http_request request = {
        .method = BYTES("GET"), .authority = BYTES("a.b:80"), .scheme = BYTES("http"), .fields = none};
    json_t *claims = json_pack("{s:s,s:s,s:[s,s]}", "iss", "i", "sub", "s", "g", "a", "b");
    struct facts facts = {.http = true,
                          .method = fact_known(BYTES("GET")),
                          .path = fact_known(BYTES("/a/b")),
                          .principal = fact_known(BYTES("td/ns/n/sa/s")),
                          .fields_state = FACT_KNOWN,
                          .fields = &none,
                          .claims_state = FACT_KNOWN,
                          .claims = claims};
    uint32_t left = 4;
    IMAGE_FOR(image, RULES_LISTENER, struct rules_listener, listener, image_all(image, RULES_LISTENER))
    {
        struct route_choice choice;
        if (!left--)
            break;
        struct decision decision = authz_decide(image, listener, &facts, arena);
        sum += decision.rule;
        if (route_choose(image, NULL, listener, &request, BYTES("/a/b?q"), arena, &choice)) {
            struct bytes path;
            if (choice.route->rewrite != REWRITE_REGEX && /* its expressions are not compiled here */
                route_rewrite(image, NULL, &choice, BYTES("/a/b?q"), arena, &path))
                sum += (unsigned)path.len;
            sum += route_destination(image, choice.route, sum) != NULL;
        }
    }
    struct mapping_result groups;
    mapping_apply(image, claims, arena, &groups);
    json_decref(claims);
}

/* Rows may refer to rows many times over: what is bounded in memory may still take long. */
static bool is_small(const struct image *image)
{
    for (uint32_t i = RULES_VHOST; i < RULES_TABLE_COUNT; i++)
        if (image->head->tables[i].count > 40)
            return false;
    return true;
}

static const char resources[] =
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: n}\n"
    "spec: {servers: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*']}, "
    "{port: {number: 443, protocol: HTTPS, name: s}, hosts: [a.b], tls: {mode: MUTUAL, credentialName: "
    "c}}]}\n"
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: n}\n"
    "spec: {hosts: [a.b, '*.c'], gateways: [g], http: [{match: [{uri: {prefix: /a}, headers: {x: {exact: "
    "y}}, "
    "queryParams: {q: {}}}, {method: {exact: GET}}], rewrite: {uri: /b}, headers: {request: {set: {x: y}}}, "
    "route: [{destination: {host: s}, weight: 1}, {destination: {host: t}, weight: 2}]}]}\n"
    "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: n}\n"
    "spec: {action: DENY, rules: [{from: [{source: {principals: ['*/sa/x'], notNamespaces: ['a*'], "
    "ipBlocks: [10.0.0.0/9], requestPrincipals: [i/s]}}], to: [{operation: {paths: "
    "['/{*}/{**}'], "
    "ports: ['80'], hosts: ['*.b']}}], when: [{key: 'request.auth.claims[g]', values: [a]}, "
    "{key: 'request.headers[x]', notValues: [y]}]}]}\n"
    "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: q, namespace: n}\n"
    "spec: {rules: [{to: [{operation: {paths: [/a/b]}}]}, {to: [{operation: {paths: [/a*]}}]}, "
    "{to: [{operation: {paths: ['*b']}}]}, {from: [{source: {namespaces: [n]}}]}, "
    "{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}, {when: [{key: 'request.auth.claims[g]', values: [b]}]}, "
    "{when: [{key: request.auth.audiences, notValues: [b]}]}]}\n"
    "---\napiVersion: selvage.dev/v1\nkind: ClaimMapping\nmetadata: {name: m, namespace: n}\n"
    "spec: {rules: [{name: r, claim: g, in: [a, b], groups: [x]}, {name: p, claim: g, passThrough: {allow: "
    "['*']}}]}\n";

/* The compiler's image of these, made once. */
static const struct compile_result *sound(void)
{
    static struct compile_result result;
    static struct resource_set set;
    static struct arena arena;
    static const struct bytes domain = BYTES_INIT("td");
    struct compile_node node = {.name = BYTES("w"),
                                .role = ROLE_EDGE,
                                .name_space = BYTES("n"),
                                .root_namespace = BYTES("root"),
                                .trust_domains = &domain,
                                .trust_domain_count = 1,
                                .cluster_domain = BYTES("cluster.local")};
    struct fail why;
    if (result.rules)
        return &result;
    arena_init(&arena);
    resource_set_init(&set);
    resource_set_add_file(&set, "w.yaml", bytes_of(resources));
    if (!resource_set_finish(&set) || !compile(&set, &node, 1, &arena, &result, &why))
        __builtin_trap();
    return &result;
}

static void *patched(const uint8_t *data, size_t size, size_t *out_size)
{
    const struct compile_result *result = sound();
    bool rules = data[0] & 2;
    *out_size = rules ? result->rules_size : result->endpoints_size;
    unsigned char *copy = malloc(*out_size);
    memcpy(copy, rules ? (const void *)result->rules : (const void *)result->endpoints, *out_size);
    for (size_t at = 1; at + 6 <= size; at += 6) {
        size_t place = ((size_t)data[at] << 8 | data[at + 1]) * 4 % (*out_size - 3);
        memcpy(copy + place, data + at + 2, 4);
    }
    return copy;
}

static void image_try(const void *copy, size_t size, const struct image_schema *schema, struct arena *arena)
{
    struct image image;
    struct fail why;
    if (!image_open(copy, size, schema, &image, &why))
        return;
    for (uint32_t table = 0; table < schema->table_count; table++)
        table_read(&image, table);
    if (schema == &rules_schema && is_small(&image))
        listeners_ask(&image, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image_schema *schemas[] = {&rules_schema, &endpoints_schema, &keys_schema};
    struct arena arena;
    if (!size)
        return 0;
    size_t copy_size = size;
    void *copy =
        data[0] & 1 ? patched(data, size, &copy_size) : malloc(size); /* as aligned as mapped memory */
    if (!(data[0] & 1))
        memcpy(copy, data, size);
    arena_init(&arena);
    for (size_t i = 0; i < 3; i++)
        image_try(copy, copy_size, schemas[i], &arena);
    arena_done(&arena);
    free(copy);
    return 0;
}
