#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/route.h"

#define GATEWAY                                                                                              \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\n"               \
    "spec:\n  selector: {app: web}\n  servers:\n"                                                            \
    "  - {port: {number: 80, protocol: HTTP, name: http}, hosts: ['*']}\n"
#define SERVICE(name, host)                                                                                  \
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name                  \
    ", namespace: foo}\nspec:\n  hosts: ['" host "']\n  gateways: [g]\n  http:\n"
#define TO(host) "route: [{destination: {host: " host "}}]"

static struct arena arena;

struct asked {
    const char *method;
    const char *authority;
    const char *path;
    const char *field; /* x-a, or NULL */
};

static bool choose(const struct world *world, const struct asked *asked, struct route_choice *choice,
                   struct route_regexes *regexes)
{
    struct http_request request = {
        .method = bytes_of(asked->method), .authority = bytes_of(asked->authority), .scheme = BYTES("http")};
    http_fields_init(&request.fields, &arena);
    if (asked->field)
        http_fields_add(&request.fields, BYTES("x-a"), bytes_of(asked->field));
    return route_choose(&world->rules, regexes, world_listener(world, "0.0.0.0:80"), &request,
                        bytes_of(asked->path), &arena, choice);
}

struct row {
    const char *name;
    struct asked asked;
    const char *route; /* NULL: none */
};

static void rows_check(const char *yaml, const struct row *rows, size_t count)
{
    struct world world;
    struct fail why;
    world_open(&world, ROLE_GATEWAY, yaml);
    struct route_regexes *regexes = route_regexes_new(&world.rules, &why);
    assert_non_null(regexes);
    for (size_t i = 0; i < count; i++) {
        struct route_choice choice;
        bool found = choose(&world, &rows[i].asked, &choice, regexes);
        struct bytes is = found ? world_text(&world, choice.route->name) : BYTES("none");
        if (!bytes_equal(is, rows[i].route ? bytes_of(rows[i].route) : BYTES("none")))
            world_wrong("%s: route %.*s", rows[i].name, BYTES_FMT(is));
    }
    route_regexes_free(regexes);
    world_done(&world);
}

static void the_most_exact_host_is_chosen(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exact", {"GET", "a.example.com", "/", NULL}, "exact"},
        {"another case", {"GET", "A.Example.Com", "/", NULL}, "exact"},
        {"with a port", {"GET", "a.example.com:8080", "/", NULL}, "exact"},
        {"longest suffix", {"GET", "b.example.com", "/", NULL}, "suffix"},
        {"shorter suffix", {"GET", "b.example.org", "/", NULL}, "wide"},
        {"a suffix is more than its dot", {"GET", ".example.com", "/", NULL}, "wide"},
        {"any", {"GET", "localhost", "/", NULL}, "any"},
        {"an address", {"GET", "[::1]:80", "/", NULL}, "any"},
    };
    rows_check(
        GATEWAY SERVICE("any", "*") "  - {" TO("x") "}\n" SERVICE("exact", "a.example.com") "  - {" TO("x") "}\n" SERVICE(
            "suffix",
            "*.example.com") "  - {" TO("x") "}\n" SERVICE("wide",
                                                           "*.com") "  - {" TO("x") "}\n" SERVICE("wide2",
                                                                                                  "*.org") " "
                                                                                                           " "
                                                                                                           "-"
                                                                                                           " "
                                                                                                           "{"
                                                                                                           "n"
                                                                                                           "a"
                                                                                                           "m"
                                                                                                           "e"
                                                                                                           ":"
                                                                                                           " "
                                                                                                           "w"
                                                                                                           "i"
                                                                                                           "d"
                                                                                                           "e"
                                                                                                           ","
                                                                                                           " " TO(
                                                                                                               "x") "}\n",
        rows, ROWS(rows));
}

/* Hosts of services are looked up by halving: each must be found wherever it stands, and no other. */
static void each_of_many_hosts_is_found(void **state)
{
    struct world world;
    struct text yaml;
    char host[40];
    (void)state;
    text_init_arena(&yaml, &arena);
    text_add_s(&yaml, GATEWAY);
    for (unsigned i = 0; i < 100; i++)
        text_format(&yaml, SERVICE("v%u", "h%u.example") "  - {" TO("x") "}\n", i, i * 7 % 100);
    text_add_s(&yaml, SERVICE("wide", "*.example") "  - {" TO("x") "}\n");
    world_open(&world, ROLE_GATEWAY, yaml.at);
    const struct rules_listener *listener =
        image_row(&world.rules, RULES_LISTENER, image_all(&world.rules, RULES_LISTENER), 0);
    for (unsigned i = 0; i < 200; i++) {
        struct route_choice choice;
        struct http_request request = {.method = BYTES("GET")};
        snprintf(host, sizeof host, "H%u.Example:80", i);
        request.authority = bytes_of(host);
        assert_true(route_choose(&world.rules, NULL, listener, &request, BYTES("/"), &arena, &choice));
        snprintf(host, sizeof host, "h%u.example", i);
        assert_true(bytes_equal(world_text(&world, choice.vhost->host),
                                i < 100 ? bytes_of(host) : BYTES(".example")));
    }
    world_done(&world);
}

#define HTTP(name, match) "  - {name: " name ", match: [" match "], " TO("x") "}\n"

static void the_first_route_that_matches_is_taken(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exact uri, without query", {"GET", "a.b", "/exact?x=1", NULL}, "exact"},
        {"exact uri is whole", {"GET", "a.b", "/exact/", NULL}, NULL},
        {"prefix is of bytes", {"GET", "a.b", "/prefixed", NULL}, "prefix"},
        {"case of a prefix counts", {"GET", "a.b", "/PREFIX", NULL}, NULL},
        {"case is ignored where asked for", {"GET", "a.b", "/FOLD/x", NULL}, "fold"},
        {"regex is whole", {"GET", "a.b", "/r/12", NULL}, "regex"},
        {"regex with more behind", {"GET", "a.b", "/r/12/x", NULL}, NULL},
        {"method", {"PUT", "a.b", "/m", NULL}, "method"},
        {"another method", {"POST", "a.b", "/m", NULL}, NULL},
        {"field", {"GET", "a.b", "/f", "yes"}, "field"},
        {"field with another value", {"GET", "a.b", "/f", "no"}, NULL},
        {"without a field that is missing", {"GET", "a.b", "/w", NULL}, "without"},
        {"without a field that is there", {"GET", "a.b", "/w", "x"}, NULL},
        {"query", {"GET", "a.b", "/q?z=1&k=v", NULL}, "query"},
        {"query with another value", {"GET", "a.b", "/q?k=w", NULL}, NULL},
        {"two conditions, both", {"GET", "a.b", "/two", "1"}, "two"},
        {"two conditions, one", {"GET", "a.b", "/two", "2"}, NULL},
    };
    rows_check(GATEWAY SERVICE("v", "a.b") HTTP("exact", "{uri: {exact: /exact}}")
                   HTTP("prefix", "{uri: {prefix: /prefix}}")
                       HTTP("fold", "{uri: {prefix: /fold}, ignoreUriCase: true}")
                           HTTP("regex", "{uri: {regex: '/r/[0-9]+'}}")
                               HTTP("method", "{uri: {exact: /m}, method: {exact: PUT}}")
                                   HTTP("field", "{uri: {exact: /f}, headers: {X-A: {exact: 'yes'}}}")
                                       HTTP("without", "{uri: {exact: /w}, withoutHeaders: {X-A: {}}}") HTTP(
                                           "query", "{uri: {exact: /q}, queryParams: {k: {exact: v}}}")
                                           HTTP("two", "{uri: {exact: /two}, headers: {x-a: {exact: '1'}}}"),
               rows, ROWS(rows));
}

static void a_missing_field_compares_as_empty_without(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"missing is not the value", {"GET", "a.b", "/", NULL}, "v"},
        {"is the value", {"GET", "a.b", "/", "v"}, NULL},
    };
    static const struct row empty[] = {
        {"missing matches what empty matches", {"GET", "a.b", "/", NULL}, NULL},
        {"is not empty", {"GET", "a.b", "/", "v"}, "v"},
    };
    rows_check(GATEWAY SERVICE("v", "a.b") HTTP("v", "{withoutHeaders: {x-a: {exact: v}}}"), rows,
               ROWS(rows));
    rows_check(GATEWAY SERVICE("v", "a.b") HTTP("v", "{withoutHeaders: {x-a: {regex: '.{0}'}}}"), empty,
               ROWS(empty));
}

static void nothing_follows_a_catch_all(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"the other service's condition comes first", {"GET", "a.b", "/second", NULL}, "second"},
        {"what stood behind a catch-all is gone", {"GET", "a.b", "/gone", NULL}, "all"},
    };
    rows_check(
        GATEWAY SERVICE("a", "a.b") "  - {name: all, " TO("x") "}\n" HTTP("gone", "{uri: {exact: /gone}}")
            SERVICE("b", "a.b") HTTP("second", "{uri: {exact: /second}}"),
        rows, ROWS(rows));
}

static void weights_are_kept(void **state)
{
    (void)state;
    struct world world;
    struct route_choice choice;
    world_open(&world, ROLE_GATEWAY,
               GATEWAY SERVICE("v", "a.b") "  - route:\n    - {destination: {host: one}, weight: 1}\n"
                                           "    - {destination: {host: none}, weight: 0}\n"
                                           "    - {destination: {host: three}, weight: 3}\n");
    assert_true(choose(&world, &(struct asked){"GET", "a.b", "/", NULL}, &choice, NULL));
    unsigned counts[2] = {0};
    assert_int_equal(choice.route->destinations.count, 2);
    for (uint64_t draw = 0; draw < 400; draw++) {
        const struct rules_destination *to = route_destination(&world.rules, choice.route, draw);
        counts[to->weight == 3]++;
    }
    assert_int_equal(counts[0], 100);
    assert_int_equal(counts[1], 300);
    world_done(&world);
}

static void paths_are_rewritten_with_their_query(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        const char *uri;
        const char *path;
        const char *out;
    } rows[] = {
        {"match: [{uri: {prefix: /a}}], ", "/b", "/a/c?q=1", "/b/c?q=1"},
        {"match: [{uri: {prefix: /a}}], ", "/", "/a/c", "//c"},
        {"match: [{uri: {exact: /a/c}}], ", "/new", "/a/c?q=/x", "/new?q=/x"},
        {"match: [{uri: {regex: '/a.*'}}], ", "/new", "/a/c", "/new"},
        {"", "/new/", "/a/c", "/new/a/c"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        struct route_choice choice;
        struct fail why;
        char yaml[2000];
        snprintf(yaml, sizeof yaml, "%s  - {%srewrite: {uri: %s}, " TO("x") "}\n",
                 GATEWAY SERVICE("v", "a.b"), rows[i].match, rows[i].uri);
        world_open(&world, ROLE_GATEWAY, yaml);
        struct route_regexes *regexes = route_regexes_new(&world.rules, &why);
        assert_true(choose(&world, &(struct asked){"GET", "a.b", rows[i].path, NULL}, &choice, regexes));
        struct bytes out;
        assert_true(route_rewrite(&world.rules, regexes, &choice, bytes_of(rows[i].path), &arena, &out));
        assert_string_equal(arena_text(&arena, out), rows[i].out);
        route_regexes_free(regexes);
        world_done(&world);
    }
}

static void a_path_may_be_rewritten_by_an_expression(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        const char *rewrite;
        const char *path;
        const char *out; /* NULL: refused */
    } rows[] = {
        {"^/a/([^/]+)/(.*)$", "/\\2/\\1", "/a/b/c?d=/a/b/c", "/c/b?d=/a/b/c"},
        {"/v[0-9]+", "/v", "/v1/x/v2", "/v/x/v"},
        {"^/nothing$", "/x", "/a", "/a"},
        {"^/a", "b", "/a/c", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        struct route_choice choice;
        struct fail why;
        struct bytes out;
        char yaml[2000];
        snprintf(yaml, sizeof yaml,
                 "%s  - {rewrite: {uriRegexRewrite: {match: '%s', rewrite: '%s'}}, " TO("x") "}\n",
                 GATEWAY SERVICE("v", "a.b"), rows[i].match, rows[i].rewrite);
        world_open(&world, ROLE_GATEWAY, yaml);
        struct route_regexes *regexes = route_regexes_new(&world.rules, &why);
        assert_true(choose(&world, &(struct asked){"GET", "a.b", rows[i].path, NULL}, &choice, regexes));
        bool done = route_rewrite(&world.rules, regexes, &choice, bytes_of(rows[i].path), &arena, &out);
        if (done != (rows[i].out != NULL) || (done && !bytes_equal(out, bytes_of(rows[i].out))))
            world_wrong("%s: %.*s", rows[i].match, BYTES_FMT(out));
        route_regexes_free(regexes);
        world_done(&world);
    }
}

#define SECURE(host, mode)                                                                                   \
    "  - {port: {number: 443, protocol: HTTPS, name: '" mode "'}, hosts: ['" host "'], tls: {mode: " mode    \
    ", credentialName: c}}\n"

static void a_host_has_one_server(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\n"
               "spec:\n  selector: {app: web}\n  servers:\n" SECURE("*.b.c", "SIMPLE")
                   SECURE("admin.b.c", "MUTUAL"));
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:443");
    assert_int_equal(route_server(&world.rules, listener, BYTES("www.b.c"))->tls, SERVER_SIMPLE);
    assert_int_equal(route_server(&world.rules, listener, BYTES("ADMIN.b.c:443"))->tls, SERVER_MUTUAL);
    assert_null(route_server(&world.rules, listener, BYTES("b.c")));
    world_done(&world);
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
    arena_stock_drop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_exact_host_is_chosen),
        cmocka_unit_test(each_of_many_hosts_is_found),
        cmocka_unit_test(the_first_route_that_matches_is_taken),
        cmocka_unit_test(a_missing_field_compares_as_empty_without),
        cmocka_unit_test(nothing_follows_a_catch_all),
        cmocka_unit_test(weights_are_kept),
        cmocka_unit_test(paths_are_rewritten_with_their_query),
        cmocka_unit_test(a_path_may_be_rewritten_by_an_expression),
        cmocka_unit_test(a_host_has_one_server),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
