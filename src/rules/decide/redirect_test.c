#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/redirect.h"

#define WORLD                                                                                                \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\n"               \
    "spec:\n  selector: {app: web}\n  servers:\n"                                                            \
    "  - {port: {number: %s, protocol: HTTP, name: http}, hosts: ['*']}\n"                                   \
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: foo}\n"   \
    "spec:\n  hosts: ['*']\n  gateways: [g]\n  http:\n  - {match: [{uri: %s}], redirect: {%s}}\n"

struct row {
    const char *redirect;
    const char *asked; /* URL without the scheme, which is http unless it says https:// */
    const char *location;
    const char *match; /* NULL: any */
    const char *port;  /* NULL: 80 */
};

static struct arena arena;

static void row_check(const struct row *row)
{
    char yaml[2000], name[40];
    struct world world;
    struct fail why;
    struct route_choice choice;
    struct bytes asked = bytes_of(row->asked), scheme = BYTES("http");
    snprintf(yaml, sizeof yaml, WORLD, row->port ? row->port : "80", row->match ? row->match : "{prefix: /}",
             row->redirect);
    world_open(&world, ROLE_GATEWAY, yaml);
    struct route_regexes *regexes = route_regexes_new(&world.rules, &why);
    snprintf(name, sizeof name, "0.0.0.0:%s", row->port ? row->port : "80");
    const struct rules_listener *listener = world_listener(&world, name);
    if (bytes_starts(asked, BYTES("https://"))) {
        scheme = BYTES("https");
        asked = bytes_part(asked, 8, asked.len);
    }
    size_t slash = bytes_find(asked, '/');
    struct http_request request = {
        .method = BYTES("GET"), .scheme = scheme, .authority = bytes_part(asked, 0, slash)};
    struct bytes path = bytes_part(asked, slash, asked.len);
    http_fields_init(&request.fields, &arena);
    assert_true(route_choose(&world.rules, regexes, listener, &request, path, &arena, &choice));
    const struct rules_redirect *redirect =
        image_row(&world.rules, RULES_REDIRECT, choice.route->redirect, 0);
    struct bytes location =
        redirect_location(&world.rules, redirect, &choice, &request, path, listener->port, &arena);
    if (!bytes_equal(location, bytes_of(row->location)))
        world_wrong("%s for %s: %.*s", row->redirect, row->asked, BYTES_FMT(location));
    route_regexes_free(regexes);
    world_done(&world);
}

static void rows_check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row_check(&rows[i]);
}

static void hosts_schemes_and_ports_change(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"authority: b.c", "a.b/x?q", "http://b.c/x?q", NULL, NULL},
        {"authority: b.c", "a.b:8080/x", "http://b.c/x", NULL, "8080"},
        {"authority: 'b.c:81'", "a.b:8080/x", "http://b.c:81/x", NULL, "8080"},
        {"scheme: https", "a.b/x", "https://a.b/x", NULL, NULL},
        {"scheme: https", "a.b:80/x", "https://a.b/x", NULL, NULL},
        {"scheme: https", "a.b:8080/x", "https://a.b:8080/x", NULL, "8080"},
        {"scheme: http", "https://a.b:443/x", "http://a.b/x", NULL, NULL},
        {"scheme: https", "https://a.b:443/x", "https://a.b:443/x", NULL, NULL},
        {"port: 8443, scheme: https", "a.b:80/x", "https://a.b:8443/x", NULL, NULL},
        {"port: 443, scheme: https", "a.b:8080/x", "https://a.b/x", NULL, "8080"},
        {"port: 80", "a.b:8080/x", "http://a.b/x", NULL, "8080"},
        {"port: 80", "a.b:80/x", "http://a.b:80/x", NULL, NULL},
        {"port: 81, authority: b.c", "a.b/x", "http://b.c:81/x", NULL, NULL},
        {"derivePort: FROM_REQUEST_PORT", "a.b/x", "http://a.b:8080/x", NULL, "8080"},
        {"derivePort: FROM_REQUEST_PORT, authority: b.c", "a.b/x", "http://b.c:8080/x", NULL, "8080"},
        {"derivePort: FROM_REQUEST_PORT", "a.b/x", "http://a.b/x", NULL, NULL},
        {"derivePort: FROM_REQUEST_PORT, scheme: https", "a.b/x", "https://a.b:80/x", NULL, NULL},
        {"derivePort: FROM_PROTOCOL_DEFAULT, scheme: https", "a.b:8080/x", "https://a.b/x", NULL, "8080"},
        {"scheme: https", "[::1]:80/x", "https://[::1]/x", NULL, NULL},
        {"port: 81", "[::1]/x", "http://[::1]:81/x", NULL, NULL},
    };
    rows_check(rows, ROWS(rows));
}

static void paths_change_and_the_query_stays(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"uri: /new", "a.b/old?q=1", "http://a.b/new?q=1", NULL, NULL},
        {"uri: '/new?r=2'", "a.b/old?q=1", "http://a.b/new?r=2", NULL, NULL},
        {"uri: /new", "a.b/old/tail", "http://a.b/new", "{prefix: /old}", NULL},
        {"prefixRewrite: /new", "a.b/old/tail?q", "http://a.b/new/tail?q", "{prefix: /old}", NULL},
        {"prefixRewrite: /", "a.b/old", "http://a.b/", "{prefix: /old}", NULL},
        {"uri: /new", "a.b/", "http://a.b/new", NULL, NULL},
    };
    rows_check(rows, ROWS(rows));
}

static int arena_begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int arena_end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_schemes_and_ports_change),
        cmocka_unit_test(paths_change_and_the_query_stays),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
