#include "base/test.h"

#include <arpa/inet.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/tcp_route.h"

#define NET(kind, name)                                                                                      \
    "---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name                        \
    ", namespace: foo}\nspec:\n"
#define GATEWAY(servers) NET("Gateway", "g") "  selector: {app: web}\n  servers:\n" servers
#define SERVER(port, protocol, host, mode)                                                                   \
    "  - {port: {number: " port ", protocol: " protocol ", name: '" host "'}, hosts: ['" host                \
    "'], tls: {mode: " mode "}}\n"
#define TCP "  - {port: {number: 9000, protocol: TCP, name: tcp}, hosts: ['*']}\n"
#define VIRTUAL(name, hosts, rest)                                                                           \
    NET("VirtualService", name) "  hosts: [" hosts "]\n  gateways: [g]\n  " rest "\n"
#define TO(host) "route: [{destination: {host: " host ", port: {number: 443}}}]"

static struct world world;

struct row {
    const char *name;
    const char *listener;
    const char *sni;
    const char *ours;
    const char *theirs;
    const char *cluster; /* NULL: none */
    bool passed;         /* by the rules of `passthrough` */
};

static void address_of(const char *text, unsigned char out[16])
{
    memset(out, 0, 16);
    out[10] = out[11] = 0xFF;
    if (inet_pton(AF_INET, text, out + 12) != 1 && inet_pton(AF_INET6, text, out) != 1)
        world_wrong("no address: %s", text);
}

static const char *cluster_of(const struct rules_tcp_route *route)
{
    const struct rules_destination *to = route ? route_tcp_destination(&world.rules, route, 7) : NULL;
    if (!to)
        return "none";
    const struct rules_cluster *cluster =
        image_row(&world.rules, RULES_CLUSTER, image_all(&world.rules, RULES_CLUSTER), to->cluster);
    return arena_text(&world.arena, world_text(&world, cluster->host));
}

static void row_check(const struct row *row)
{
    unsigned char ours[16], theirs[16];
    const struct rules_listener *listener = world_listener(&world, row->listener);
    assert_non_null(listener);
    address_of(row->ours ? row->ours : "10.0.0.1", ours);
    address_of(row->theirs ? row->theirs : "10.9.9.9", theirs);
    struct tcp_ends ends = {bytes_of(row->sni ? row->sni : ""), ours, theirs};
    const struct rules_listener *taken = route_tls(&world.rules, listener, ends.sni);
    const char *cluster = cluster_of(route_tcp(&world.rules, taken, &ends));
    if ((taken != listener) != row->passed)
        world_wrong("%s: %s", row->name, taken != listener ? "passed through" : "not passed through");
    if (strcmp(cluster, row->cluster ? row->cluster : "none") != 0)
        world_wrong("%s: to %s", row->name, cluster);
}

static void rows_check(const char *yaml, enum rules_role role, const struct row *rows, size_t count)
{
    world_open(&world, role, yaml);
    for (size_t i = 0; i < count; i++)
        row_check(&rows[i]);
    world_done(&world);
}

#define NAMES                                                                                                \
    VIRTUAL("wide", "'*.a.com'", "tls: [{match: [{sniHosts: ['*.a.com']}], " TO("wide") "}]")                \
    VIRTUAL("one", "x.a.com, y.a.com",                                                                       \
            "tls: [{match: [{sniHosts: [x.a.com]}, {port: 444, sniHosts: [y.a.com]}], " TO("one") "}]")

static void the_name_asked_for_decides(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"exact", "0.0.0.0:443", .sni = "x.a.com", .cluster = "one.foo.svc.cluster.local"},
        {"letter case", "0.0.0.0:443", .sni = "X.A.com", .cluster = "one.foo.svc.cluster.local"},
        {"of another port", "0.0.0.0:443", .sni = "y.a.com", .cluster = "wide.foo.svc.cluster.local"},
        {"wide", "0.0.0.0:443", .sni = "z.a.com", .cluster = "wide.foo.svc.cluster.local"},
        {"not the domain itself", "0.0.0.0:443", .sni = "a.com"},
        {"not served", "0.0.0.0:443", .sni = "b.com"},
        {"none", "0.0.0.0:443", .sni = ""},
    };
    rows_check(GATEWAY(SERVER("443", "TLS", "*.a.com", "PASSTHROUGH")) NAMES, ROLE_GATEWAY, rows, ROWS(rows));
}

static void a_port_may_end_tls_and_pass_it_through(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"passed", "0.0.0.0:443", .sni = "x.a.com", .cluster = "one.foo.svc.cluster.local", .passed = true},
        {"passed, wide", "0.0.0.0:443", .sni = "z.a.com", .cluster = "wide.foo.svc.cluster.local",
         .passed = true},
        {"ended, more exact", "0.0.0.0:443", .sni = "y.a.com"},
        {"ended", "0.0.0.0:443", .sni = "b.com"},
        {"no name", "0.0.0.0:443", .sni = ""},
    };
    const char *yaml = GATEWAY(SERVER("443", "TLS", "*.a.com", "PASSTHROUGH") SERVER(
        "443", "HTTPS", "*", "ISTIO_MUTUAL") SERVER("443", "HTTPS", "y.a.com", "ISTIO_MUTUAL")) NAMES;
    rows_check(yaml, ROLE_GATEWAY, rows, ROWS(rows));
    world_open(&world, ROLE_GATEWAY, yaml);
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:443");
    assert_int_equal(listener->protocol, SPEAKS_HTTP);
    assert_int_equal(listener->tls, LISTENER_TLS);
    assert_int_equal(listener->servers.count, 2);
    const struct rules_listener *other = image_row(&world.rules, RULES_LISTENER, listener->passthrough, 0);
    assert_int_equal(other->protocol, SPEAKS_TCP);
    assert_int_equal(other->tls, LISTENER_PASSTHROUGH);
    assert_int_equal(other->policed, 1);
    assert_true(other->id != listener->id);
    assert_int_equal(world.result.bind_count, 1);
    world_done(&world);
}

static void plain_text_and_pass_through_share_no_port(void **state)
{
    (void)state;
    world_open(&world, ROLE_GATEWAY,
               GATEWAY("  - {port: {number: 443, protocol: HTTP, name: http}, hosts: ['*']}\n" SERVER(
                   "443", "TLS", "*.a.com", "PASSTHROUGH")));
    assert_true(world_says(
        &world, "another server has port 443 with a different protocol already; the first stands"));
    assert_int_equal(world_listener(&world, "0.0.0.0:443")->tls, LISTENER_PLAIN);
    world_done(&world);
}

#define TCP_ROUTES                                                                                           \
    "{match: [{port: 1}], route: [{destination: {host: port, port: {number: 443}}}]}, "                      \
    "{match: [{sourceLabels: {app: db}}], route: [{destination: {host: labels, port: {number: 443}}}]}, "    \
    "{match: [{sourceNamespace: bar}], route: [{destination: {host: namespace, port: {number: 443}}}]}, "    \
    "{match: [{destinationSubnets: [192.168.0.0/16, 172.16.0.1], "                                           \
    "sourceLabels: {app: web}}], route: [{destination: {host: net, port: {number: 443}}}]}, "                \
    "{match: [{sourceSubnet: 10.1.0.0/16}, {sourceSubnet: '2001:db8::/32'}], "                               \
    "route: [{destination: {host: source, port: {number: 443}}}]}, {route: [{destination: {host: rest, "     \
    "port: {number: 443}}}]}"

static void addresses_labels_and_ports_decide_for_tcp(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"our address", "0.0.0.0:9000", .ours = "192.168.1.2", .cluster = "net.foo.svc.cluster.local"},
        {"the client's", "0.0.0.0:9000", .theirs = "10.1.2.3", .cluster = "source.foo.svc.cluster.local"},
        {"IPv6", "0.0.0.0:9000", .theirs = "2001:db8::9", .cluster = "source.foo.svc.cluster.local"},
        {"neither", "0.0.0.0:9000", .cluster = "rest.foo.svc.cluster.local"},
    };
    rows_check(GATEWAY(TCP) VIRTUAL("v", "'*'", "tcp: [" TCP_ROUTES "]"), ROLE_GATEWAY, rows, ROWS(rows));
}

static void hosts_of_a_server_bound_its_connections(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"of the host", "0.0.0.0:443", .sni = "x.a.com", .cluster = "in.foo.svc.cluster.local"},
        {"of none", "0.0.0.0:443", .sni = "y.a.com"},
    };
    rows_check(GATEWAY(SERVER("443", "TLS", "*.a.com", "ISTIO_MUTUAL"))
                   VIRTUAL("out", "x.b.com", "tcp: [{" TO("out") "}]")
                       VIRTUAL("in", "x.a.com", "tcp: [{" TO("in") "}]"),
               ROLE_GATEWAY, rows, ROWS(rows));
}

#define EXTERNAL(name, host)                                                                                 \
    NET("ServiceEntry", name)                                                                                \
    "  hosts: ['" host "']\n  location: MESH_EXTERNAL\n  resolution: STATIC\n"                               \
    "  ports: [{number: 443, protocol: TLS, name: tls}]\n  endpoints: [{address: 10.0.0.1}]\n"

static void a_sidecar_tells_services_apart_by_name(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"one", "127.0.0.1:443", .sni = "one.ext", .cluster = "one.ext"},
        {"two", "127.0.0.1:443", .sni = "two.ext", .cluster = "two.ext"},
        {"by a VirtualService", "127.0.0.1:443", .sni = "alias.two.ext", .cluster = "two.ext"},
        {"wild", "127.0.0.1:443", .sni = "a.wild.ext", .cluster = "*.wild.ext"},
        {"unknown", "127.0.0.1:443", .sni = "three.ext"},
        {"none", "127.0.0.1:443", .sni = ""},
    };
    rows_check(EXTERNAL("one", "one.ext") EXTERNAL("two", "two.ext") EXTERNAL("wild", "*.wild.ext")
                   NET("VirtualService",
                       "v") "  hosts: [two.ext, '*.two.ext']\n  tls: [{match: [{sniHosts: "
                            "[alias.two.ext]}], " TO("two.ext") "}]\n" NET(
                                "Sidecar", "s") "  egress:\n  - {port: {number: 443, protocol: TLS, name: "
                                                "tls}, hosts: "
                                                "['*/*']}\n",
               ROLE_SIDECAR, rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_asked_for_decides),
        cmocka_unit_test(a_port_may_end_tls_and_pass_it_through),
        cmocka_unit_test(plain_text_and_pass_through_share_no_port),
        cmocka_unit_test(addresses_labels_and_ports_decide_for_tcp),
        cmocka_unit_test(hosts_of_a_server_bound_its_connections),
        cmocka_unit_test(a_sidecar_tells_services_apart_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
