/* Which resources act on a node, and what several of them for one thing become. */
#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"

/* The node is in namespace foo, with the label app=web; the root's is istio-system. */
#define NET(kind, name, ns)                                                                                  \
    "---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns     \
    "}\nspec: "
#define NET_AT(kind, name, ns, at)                                                                           \
    "---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns     \
    ", creationTimestamp: '2026-01-01T00:00:" at "Z'}\nspec: "
#define ENTRY(name, ns, host, more)                                                                          \
    NET("ServiceEntry", name, ns)                                                                            \
    "{hosts: [" host "], ports: [{number: 80, name: http, protocol: HTTP}], "                                \
    "resolution: STATIC, endpoints: [{address: 10.0.0.1, labels: {version: v1}}, {address: 10.0.0.2, "       \
    "labels: {version: v2}}]" more "}\n"
#define EGRESS                                                                                               \
    NET("Sidecar", "s", "foo")                                                                               \
    "{egress: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*/*']}]}\n"
#define TO_B "route: [{destination: {host: b.example, port: {number: 80}}}]"
#define MESH(name, ns, host, more)                                                                           \
    NET("VirtualService", name, ns) "{hosts: ['" host "'], http: [{name: " name ", " TO_B "}]" more "}\n"
#define MESH_AT(name, ns, host, at)                                                                          \
    NET_AT("VirtualService", name, ns, at) "{hosts: ['" host "'], http: [{name: " name ", " TO_B "}]}\n"
#define B ENTRY("b", "bar", "b.example", "")

/* Names of a host's routes with blanks between; "-" when nobody knows the host. */
static struct bytes routes_of(struct world *world, const char *listener_name, const char *host)
{
    struct text names;
    const struct rules_listener *listener = world_listener(world, listener_name);
    text_init_arena(&names, &world->arena);
    if (!listener)
        return BYTES("-");
    IMAGE_FOR(&world->rules, RULES_VHOST, struct rules_vhost, vhost, listener->vhosts)
    {
        if (!bytes_equal(world_text(world, vhost->host), bytes_of(host)))
            continue;
        IMAGE_FOR(&world->rules, RULES_ROUTE, struct rules_route, route, vhost->routes)
        {
            text_add_s(&names, names.len ? " " : "");
            text_add(&names, world_text(world, route->name));
        }
        return text_bytes(&names);
    }
    return BYTES("-");
}

struct routes_row {
    enum rules_role role;
    const char *yaml;
    const char *host;
    const char *routes;
};

static void routes_play(const struct routes_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct world world;
        const char *listener = rows[i].role == ROLE_SIDECAR ? "127.0.0.1:80" : "0.0.0.0:80";
        world_open(&world, rows[i].role, rows[i].yaml);
        struct bytes names = routes_of(&world, listener, rows[i].host);
        if (!bytes_equal(names, bytes_of(rows[i].routes)))
            world_wrong("row %zu: '%.*s' instead of '%s'", i, BYTES_FMT(names), rows[i].routes);
        world_done(&world);
    }
}

static void virtual_services_act_where_they_are_exported(void **state)
{
    (void)state;
    static const struct routes_row rows[] = {
        {ROLE_SIDECAR, EGRESS B MESH("v", "bar", "b.example", ""), "b.example", "v"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "bar", "b.example", ", exportTo: ['*']"), "b.example", "v"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "bar", "b.example", ", exportTo: [foo]"), "b.example", "v"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "foo", "b.example", ", exportTo: ['.']"), "b.example", "v"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "bar", "b.example", ", exportTo: ['.']"), "b.example", "default"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "bar", "b.example", ", exportTo: [other]"), "b.example", "default"},
        {ROLE_SIDECAR, EGRESS B MESH("v", "foo", "b.example", ", exportTo: [other]"), "b.example", "default"},
    };
    routes_play(rows, ROWS(rows));
}

static void within_the_mesh_one_virtual_service_acts_for_a_host(void **state)
{
    (void)state;
    static const struct routes_row rows[] = {
        /* the oldest */
        {ROLE_SIDECAR, EGRESS B MESH_AT("a", "foo", "b.example", "09") MESH_AT("z", "bar", "b.example", "01"),
         "b.example", "z"},
        /* of one age, the first by name */
        {ROLE_SIDECAR, EGRESS B MESH("z", "bar", "b.example", "") MESH("a", "foo", "b.example", ""),
         "b.example", "a"},
        /* the host itself before a wildcard, however young */
        {ROLE_SIDECAR, EGRESS B MESH_AT("w", "foo", "*.example", "01") MESH_AT("v", "foo", "b.example", "09"),
         "b.example", "v"},
        /* of wildcards the longest, however young */
        {ROLE_SIDECAR,
         EGRESS ENTRY("c", "bar", "c.b.example", "") B MESH_AT("w", "foo", "*.example", "01")
             MESH_AT("x", "foo", "*.b.example", "09"),
         "c.b.example", "x"},
    };
    routes_play(rows, ROWS(rows));
}

#define GATE                                                                                                 \
    NET("Gateway", "g", "foo")                                                                               \
    "{selector: {app: web}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}\n"
#define GATED(name, ns, at, http)                                                                            \
    NET_AT("VirtualService", name, ns, at) "{hosts: [x.example], gateways: [foo/g], http: [" http "]}\n"

static void at_a_gateway_virtual_services_of_a_host_are_merged(void **state)
{
    (void)state;
    static const struct routes_row rows[] = {
        /* in the order of their age; who takes everything comes last */
        {ROLE_GATEWAY,
         GATE B GATED("young", "foo", "09", "{name: z, match: [{uri: {prefix: /y}}], " TO_B "}") GATED(
             "old", "bar", "01", "{name: o, match: [{uri: {prefix: /o}}], " TO_B "}, {name: all, " TO_B "}"),
         "x.example", "o z all"},
        {ROLE_GATEWAY,
         GATE B NET("VirtualService", "v", "bar") "{hosts: [x.example], gateways: [foo/g], exportTo: ['.'], "
                                                  "http: [{name: v, " TO_B "}]}\n",
         "x.example", "-"},
    };
    routes_play(rows, ROWS(rows));
}

/* ---- delegates -------------------------------------------------------- */

#define ROOT(http)                                                                                           \
    NET("VirtualService", "root", "foo") "{hosts: [x.example], gateways: [g], http: [" http "]}\n"
#define LEAF(ns, http, more) NET("VirtualService", "leaf", ns) "{http: [" http "]" more "}\n"
#define LEAF_A "{name: a, match: [{uri: {prefix: /x/a}}], " TO_B "}"
#define LEAF_ALL "{name: all, " TO_B "}"
#define TO_LEAF "delegate: {name: leaf, namespace: bar}"

static void routes_of_delegates_stand_where_they_are_named(void **state)
{
    (void)state;
    static const struct routes_row rows[] = {
        {ROLE_GATEWAY,
         GATE B ROOT("{name: r, match: [{uri: {prefix: /x}}], " TO_LEAF "}, {name: last, " TO_B "}")
             LEAF("bar", LEAF_A ", " LEAF_ALL, ""),
         "x.example", "r-a r-all last"},
        /* outside of what is passed on */
        {ROLE_GATEWAY,
         GATE B ROOT("{match: [{uri: {prefix: /y}}], " TO_LEAF "}") LEAF("bar", LEAF_A ", " LEAF_ALL, ""),
         "x.example", "all"},
        /* no match of its own */
        {ROLE_GATEWAY, GATE B ROOT("{" TO_LEAF "}") LEAF("bar", LEAF_A, ""), "x.example", "a"},
        /* not there, or not for this namespace */
        {ROLE_GATEWAY, GATE B ROOT("{" TO_LEAF "}, {name: last, " TO_B "}"), "x.example", "last"},
        {ROLE_GATEWAY,
         GATE B ROOT("{" TO_LEAF "}, {name: last, " TO_B "}") LEAF("bar", LEAF_A, ", exportTo: ['.']"),
         "x.example", "last"},
        {ROLE_GATEWAY,
         GATE B ROOT("{" TO_LEAF "}, {name: last, " TO_B "}") LEAF("bar", LEAF_A, ", exportTo: [foo]"),
         "x.example", "a last"},
        /* who has hosts is nobody's delegate */
        {ROLE_GATEWAY,
         GATE B ROOT("{" TO_LEAF "}, {name: last, " TO_B "}")
             NET("VirtualService", "leaf", "bar") "{hosts: [y.example], http: [" LEAF_A "]}\n",
         "x.example", "last"},
    };
    routes_play(rows, ROWS(rows));
}

/* The first route of the gateway's first host. */
static const struct rules_route *first_route(struct world *world)
{
    const struct rules_listener *listener = world_listener(world, "0.0.0.0:80");
    const struct rules_vhost *vhost = image_row(&world->rules, RULES_VHOST, listener->vhosts, 0);
    return image_row(&world->rules, RULES_ROUTE, vhost->routes, 0);
}

static void a_delegate_takes_what_it_leaves_out(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               GATE ENTRY("c", "bar", "c.bar.svc.cluster.local", "")
                   ROOT("{match: [{uri: {prefix: /x}, headers: {h: {exact: v}}}, {uri: {prefix: /x/a}, "
                        "method: {exact: GET}}], timeout: 3s, rewrite: {uri: /r}, " TO_LEAF "}")
                       LEAF("bar",
                            "{match: [{uri: {prefix: /x/a}, headers: {k: {exact: w}}}], timeout: 1s, route: "
                            "[{destination: {host: c, port: {number: 80}}}]}",
                            ""));
    const struct rules_route *route = first_route(&world);
    assert_int_equal(route->timeout_ms, 1000);
    assert_true(bytes_equal(world_text(&world, route->rewrite_uri), BYTES("/r")));
    assert_int_equal(route->matches.count, 2); /* within both of the root's */
    const struct rules_match *match = image_row(&world.rules, RULES_MATCH, route->matches, 0);
    assert_true(bytes_equal(world_text(&world, match->uri.text), BYTES("/x/a")));
    assert_int_equal(match->fields.count, 2);
    assert_int_equal(match->method.match, TEXT_ANY);
    match = image_row(&world.rules, RULES_MATCH, route->matches, 1);
    assert_int_equal(match->fields.count, 1);
    assert_int_equal(match->method.match, TEXT_EXACT);
    /* short names are the delegate's own */
    assert_non_null(world_cluster(&world, "outbound|80||c.bar.svc.cluster.local"));
    world_done(&world);
}

/* ---- services --------------------------------------------------------- */

static void services_are_there_for_whom_they_are_exported_to(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        bool there;
    } rows[] = {
        {ENTRY("b", "bar", "b.example", ", exportTo: ['*']"), true},
        {ENTRY("b", "bar", "b.example", ", exportTo: [other, foo]"), true},
        {ENTRY("b", "bar", "b.example", ", exportTo: ['.']"), false},
        {ENTRY("b", "foo", "b.example", ", exportTo: ['.']"), true},
        {ENTRY("b", "foo", "b.example", ", exportTo: ['~']"), false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        char yaml[2000];
        snprintf(yaml, sizeof yaml, "%s%s", EGRESS, rows[i].entry);
        world_open(&world, ROLE_SIDECAR, yaml);
        bool there = world_endpoints(&world, "outbound|80||b.example") != NULL;
        if (there != rows[i].there)
            world_wrong("row %zu", i);
        world_done(&world);
    }
}

/* ---- DestinationRules ------------------------------------------------- */

#define ROUND "trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}"
#define RANDOM "trafficPolicy: {loadBalancer: {simple: RANDOM}}"
#define RULE(name, ns, at, more) NET_AT("DestinationRule", name, ns, at) "{host: b.example, " more "}\n"

struct rule_row {
    const char *rules;
    enum rules_balance balance;
};

static void destination_rules_are_looked_for_near_first(void **state)
{
    (void)state;
    static const struct rule_row rows[] = {
        {"", PICK_LEAST_REQUEST},
        {RULE("r", "bar", "01", ROUND), PICK_ROUND_ROBIN},
        {RULE("r", "bar", "01", ROUND) RULE("r", "foo", "09", RANDOM), PICK_RANDOM},
        {RULE("r", "istio-system", "01", ROUND), PICK_ROUND_ROBIN},
        {RULE("r", "elsewhere", "01", ROUND), PICK_LEAST_REQUEST},
        /* exported */
        {RULE("r", "bar", "01", ROUND ", exportTo: ['.']"), PICK_LEAST_REQUEST},
        {RULE("r", "bar", "01", ROUND ", exportTo: [foo]"), PICK_ROUND_ROBIN},
        {RULE("r", "istio-system", "01", ROUND ", exportTo: ['.']"), PICK_LEAST_REQUEST},
        {RULE("r", "foo", "01", ROUND ", exportTo: ['.']"), PICK_ROUND_ROBIN},
        /* for some callers */
        {RULE("r", "foo", "01", ROUND ", workloadSelector: {matchLabels: {app: web}}"), PICK_ROUND_ROBIN},
        {RULE("r", "foo", "01", ROUND ", workloadSelector: {matchLabels: {app: db}}"), PICK_LEAST_REQUEST},
        {RULE("a", "foo", "01", RANDOM)
             RULE("r", "foo", "09", ROUND ", workloadSelector: {matchLabels: {app: web}}"),
         PICK_ROUND_ROBIN},
        {RULE("a", "foo", "01", RANDOM)
             RULE("r", "foo", "09", ROUND ", workloadSelector: {matchLabels: {app: db}}"),
         PICK_RANDOM},
        {RULE("r", "bar", "01", ROUND ", workloadSelector: {matchLabels: {app: web}}"), PICK_LEAST_REQUEST},
        /* a namespace that speaks of the host is asked, even if what it says is for others */
        {RULE("r", "foo", "01", ROUND ", workloadSelector: {matchLabels: {app: db}}")
             RULE("r", "bar", "01", RANDOM),
         PICK_LEAST_REQUEST},
        /* the oldest policy stands */
        {RULE("z", "foo", "01", ROUND) RULE("a", "foo", "09", RANDOM), PICK_ROUND_ROBIN},
        {RULE("z", "foo", "01", "subsets: [{name: v1, labels: {version: v1}}]")
             RULE("a", "foo", "09", RANDOM),
         PICK_RANDOM},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        char yaml[4000];
        snprintf(yaml, sizeof yaml, "%s%s%s", EGRESS, B, rows[i].rules);
        world_open(&world, ROLE_SIDECAR, yaml);
        uint32_t balance = world_cluster(&world, "outbound|80||b.example")->balance;
        if (balance != rows[i].balance)
            world_wrong("row %zu: %u", i, balance);
        world_done(&world);
    }
}

static uint32_t endpoints_in(const struct world *world, const char *cluster)
{
    const struct endpoints_cluster *found = world_endpoints(world, cluster);
    return found ? found->endpoints.count : 99;
}

static void subsets_of_several_destination_rules_are_one_list(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_SIDECAR,
               EGRESS B RULE("z", "foo", "01", "subsets: [{name: one, labels: {version: v1}}]")
                   RULE("a", "foo", "09",
                        "subsets: [{name: one, labels: {version: none}}, {name: both, labels: {}}]")
                       NET("VirtualService", "v", "foo") "{hosts: [b.example], http: [{route: [{destination: "
                                                         "{host: b.example, subset: one}, weight: 1}, "
                                                         "{destination: {host: b.example, subset: both}, "
                                                         "weight: 1}]}]}\n");
    assert_int_equal(endpoints_in(&world, "outbound|80|one|b.example"), 1);
    assert_int_equal(endpoints_in(&world, "outbound|80|both|b.example"), 2);
    world_done(&world);
}

/* ---- PeerAuthentication ----------------------------------------------- */

#define PEER(name, ns, at, spec)                                                                             \
    "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: " name                \
    ", namespace: " ns ", creationTimestamp: '2026-01-01T00:00:" at "Z'}\nspec: {" spec "}\n"
#define WEB "selector: {matchLabels: {app: web}}"

static void the_narrowest_and_then_the_oldest_peer_authentication_stands(void **state)
{
    (void)state;
    static const struct {
        const char *peers;
        enum rules_listener_tls tls;
    } rows[] = {
        {"", LISTENER_PERMISSIVE},
        {PEER("a", "istio-system", "01", "mtls: {mode: STRICT}"), LISTENER_STRICT},
        {PEER("a", "istio-system", "01", "mtls: {mode: STRICT}")
             PEER("b", "foo", "09", "mtls: {mode: DISABLE}"),
         LISTENER_PLAIN},
        {PEER("b", "foo", "01", "mtls: {mode: DISABLE}") PEER("w", "foo", "09", WEB ", mtls: {mode: STRICT}"),
         LISTENER_STRICT},
        /* of one scope the oldest */
        {PEER("a", "foo", "09", "mtls: {mode: DISABLE}") PEER("b", "foo", "01", "mtls: {mode: STRICT}"),
         LISTENER_STRICT},
        /* unset asks the wider one; a port goes before all */
        {PEER("a", "foo", "01", "mtls: {mode: STRICT}") PEER("w", "foo", "09", WEB ", mtls: {mode: UNSET}"),
         LISTENER_STRICT},
        {PEER("w", "foo", "01", WEB ", mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}"),
         LISTENER_PLAIN},
        {PEER("w", "foo", "01", WEB ", mtls: {mode: STRICT}, portLevelMtls: {8081: {mode: DISABLE}}"),
         LISTENER_STRICT},
        /* the root's with a selector is nobody's; other workloads' and namespaces' neither */
        {PEER("w", "istio-system", "01", WEB ", mtls: {mode: STRICT}"), LISTENER_PERMISSIVE},
        {PEER("w", "foo", "01", "selector: {matchLabels: {app: db}}, mtls: {mode: STRICT}"),
         LISTENER_PERMISSIVE},
        {PEER("w", "bar", "01", "mtls: {mode: STRICT}"), LISTENER_PERMISSIVE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        char yaml[2000];
        snprintf(yaml, sizeof yaml, "%s%s",
                 NET("Sidecar", "s", "foo") "{ingress: [{port: {number: 8080, name: http, protocol: HTTP}, "
                                            "defaultEndpoint: '127.0.0.1:9'}]}\n",
                 rows[i].peers);
        world_open(&world, ROLE_SIDECAR, yaml);
        const struct rules_listener *listener = world_listener(&world, "0.0.0.0:8080");
        if (!listener || listener->tls != rows[i].tls)
            world_wrong("row %zu: %u", i, listener ? listener->tls : 99);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_services_act_where_they_are_exported),
        cmocka_unit_test(within_the_mesh_one_virtual_service_acts_for_a_host),
        cmocka_unit_test(at_a_gateway_virtual_services_of_a_host_are_merged),
        cmocka_unit_test(routes_of_delegates_stand_where_they_are_named),
        cmocka_unit_test(a_delegate_takes_what_it_leaves_out),
        cmocka_unit_test(services_are_there_for_whom_they_are_exported_to),
        cmocka_unit_test(destination_rules_are_looked_for_near_first),
        cmocka_unit_test(subsets_of_several_destination_rules_are_one_list),
        cmocka_unit_test(the_narrowest_and_then_the_oldest_peer_authentication_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
