#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/cors.h"

#define WORLD                                                                                                \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\n"               \
    "spec:\n  selector: {app: web}\n  servers:\n"                                                            \
    "  - {port: {number: 80, protocol: HTTP, name: http}, hosts: ['*']}\n"                                   \
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: foo}\n"   \
    "spec:\n  hosts: ['*']\n  gateways: [g]\n  http:\n  - {route: [{destination: {host: x}}], corsPolicy: "  \
    "{%s}}\n"

#define ONE "allowOrigins: [{exact: 'https://a.b'}]"

struct row {
    const char *cors;
    const char *method;
    const char *origin; /* NULL: none */
    const char *asks;   /* access-control-request-method, or NULL */
    enum cors_verdict verdict;
    const char *fields;
};

static const struct row rows[] = {
    {ONE, "GET", "https://a.b", NULL, CORS_ALLOWED, "access-control-allow-origin: https://a.b\n"},
    {ONE, "GET", "https://a.bc", NULL, CORS_PASSES, ""},
    {ONE, "GET", "https://A.b", NULL, CORS_PASSES, ""},
    {ONE, "GET", NULL, NULL, CORS_PASSES, ""},
    {ONE, "GET", "null", NULL, CORS_PASSES, ""},
    {"allowOrigins: []", "GET", "https://a.b", NULL, CORS_PASSES, ""},
    {"allowOrigins: [{prefix: 'https://a.'}]", "GET", "https://a.c", NULL, CORS_ALLOWED,
     "access-control-allow-origin: https://a.c\n"},
    {"allowOrigins: [{regex: 'https://[a-z]+\\.b'}]", "GET", "https://x.b", NULL, CORS_ALLOWED,
     "access-control-allow-origin: https://x.b\n"},
    {"allowOrigins: [{regex: 'https://[a-z]+\\.b'}]", "GET", "https://x.b.evil", NULL, CORS_PASSES, ""},
    {"allowOrigins: [{exact: '*'}]", "GET", "null", NULL, CORS_ALLOWED,
     "access-control-allow-origin: null\n"},
    {"allowOrigin: ['https://a.b', 'https://c.d']", "GET", "https://c.d", NULL, CORS_ALLOWED,
     "access-control-allow-origin: https://c.d\n"},
    {"allowOrigin: ['*'], " ONE, "GET", "https://c.d", NULL, CORS_PASSES, ""},
    {ONE ", allowCredentials: true, exposeHeaders: [x-a, x-b], allowMethods: [GET], allowHeaders: [x-c], "
         "maxAge: 1h",
     "POST", "https://a.b", NULL, CORS_ALLOWED,
     "access-control-allow-origin: https://a.b\naccess-control-allow-credentials: true\n"
     "access-control-expose-headers: x-a,x-b\n"},
    {ONE
     ", allowCredentials: true, exposeHeaders: [x-a], allowMethods: [GET, PUT], allowHeaders: [x-c, x-d], "
     "maxAge: 90s",
     "OPTIONS", "https://a.b", "PUT", CORS_PREFLIGHT,
     "access-control-allow-origin: https://a.b\naccess-control-allow-credentials: true\n"
     "access-control-expose-headers: x-a\naccess-control-allow-methods: GET,PUT\n"
     "access-control-allow-headers: x-c,x-d\naccess-control-max-age: 90\n"},
    {ONE, "OPTIONS", "https://a.b", NULL, CORS_ALLOWED, "access-control-allow-origin: https://a.b\n"},
    {ONE, "OPTIONS", "https://c.d", "PUT", CORS_PASSES, ""},
    {ONE ", unmatchedPreflights: FORWARD", "OPTIONS", "https://c.d", "PUT", CORS_PASSES, ""},
    {ONE ", unmatchedPreflights: IGNORE", "OPTIONS", "https://c.d", "PUT", CORS_IGNORED, ""},
    {ONE ", unmatchedPreflights: IGNORE", "GET", "https://c.d", NULL, CORS_PASSES, ""},
};

static struct bytes fields_shown(const struct world *world, const struct rules_cors *cors,
                                 const struct cors_answer *answer, struct arena *arena)
{
    struct http_fields fields;
    struct text text;
    http_fields_init(&fields, arena);
    http_fields_add(&fields, BYTES("access-control-allow-origin"), BYTES("*"));
    cors_fields(&world->rules, cors, answer, &fields);
    text_init_arena(&text, arena);
    for (uint32_t i = 0; i < fields.count; i++)
        if (!bytes_equal(fields.at[i].value, BYTES("*")))
            text_format(&text, "%.*s: %.*s\n", BYTES_FMT(fields.at[i].name), BYTES_FMT(fields.at[i].value));
    return text_bytes(&text);
}

static void row_check(const struct row *row, struct arena *arena)
{
    char yaml[2000];
    struct world world;
    struct fail why;
    struct http_request request = {.method = bytes_of(row->method)};
    snprintf(yaml, sizeof yaml, WORLD, row->cors);
    world_open(&world, ROLE_GATEWAY, yaml);
    struct route_regexes *regexes = route_regexes_new(&world.rules, &why);
    http_fields_init(&request.fields, arena);
    if (row->origin)
        http_fields_add(&request.fields, BYTES("origin"), bytes_of(row->origin));
    if (row->asks)
        http_fields_add(&request.fields, BYTES("access-control-request-method"), bytes_of(row->asks));
    const struct rules_cors *cors =
        image_row(&world.rules, RULES_CORS, image_all(&world.rules, RULES_CORS), 0);
    struct cors_answer answer = cors_judge(&world.rules, regexes, cors, &request);
    struct bytes shown = fields_shown(&world, cors, &answer, arena);
    if (answer.verdict != row->verdict || !bytes_equal(shown, bytes_of(row->fields)))
        world_wrong("%s, %s %s: %d %.*s", row->cors, row->method, row->origin ? row->origin : "",
                    answer.verdict, BYTES_FMT(shown));
    route_regexes_free(regexes);
    world_done(&world);
}

static void only_origins_that_are_allowed_are_named(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(&rows[i], &arena);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_origins_that_are_allowed_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
