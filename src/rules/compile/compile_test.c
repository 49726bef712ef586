#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "rules/compile/world_fixture.h"
#include "rules/kind/secret_sample.h"

#define HEAD(kind, name, ns)                                                                                 \
    "---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns     \
    "}\nspec:\n"
#define SECURITY(kind, name, ns)                                                                             \
    "---\napiVersion: security.istio.io/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns       \
    "}\nspec:\n"
#define GATEWAY(name, servers) HEAD("Gateway", name, "foo") "  selector: {app: web}\n  servers:\n" servers
#define PLAIN(port, host)                                                                                    \
    "  - {port: {number: " port ", protocol: HTTP, name: p" port "}, hosts: ['" host "']}\n"
#define SERVICE                                                                                              \
    HEAD("ServiceEntry", "b", "bar")                                                                         \
    "  hosts: [b.bar.svc.cluster.local]\n  location: MESH_INTERNAL\n  resolution: STATIC\n"                  \
    "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: 8080}, {number: 90, protocol: TCP, "     \
    "name: tcp}]\n"                                                                                          \
    "  endpoints:\n  - {address: 10.0.0.1, labels: {version: v1, security.istio.io/tlsMode: istio}, "        \
    "serviceAccount: b}\n"                                                                                   \
    "  - {address: '2001:db8::1', labels: {version: v2}, ports: {http: 81}, weight: 5}\n"

static bool text_is(const struct world *world, struct image_text text, const char *expected)
{
    return bytes_equal(world_text(world, text), bytes_of(expected));
}

static struct bytes name_at(const struct world *world, struct image_rows names, uint32_t i)
{
    const struct rules_name *name = image_row(&world->rules, RULES_NAME, names, i);
    return world_text(world, name->text);
}

/* ---- gateways --------------------------------------------------------- */

static void gateways_open_by_selector_port_and_host(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               GATEWAY("g", PLAIN("80", "*.a.com")) HEAD(
                   "Gateway", "other", "foo") "  selector: {app: db}\n  servers:\n" PLAIN("81", "*")
                   GATEWAY("t", "  - {port: {number: 9000, protocol: TCP, name: t}, hosts: ['*']}\n")
                       HEAD("VirtualService", "v",
                            "foo") "  hosts: [x.a.com, y.b.com]\n  gateways: [g]\n  http: [{route: "
                                   "[{destination: {host: b.bar.svc.cluster.local, port: {number: "
                                   "80}}}]}]\n" HEAD("VirtualService", "t",
                                                     "foo") "  hosts: ['*']\n  gateways: [foo/t]\n  tcp: "
                                                            "[{match: [{port: 9000}], route: [{destination: "
                                                            "{host: b.bar.svc.cluster.local, port: {number: "
                                                            "90}}}]}]\n" SERVICE);
    assert_null(world_listener(&world, "0.0.0.0:81"));
    const struct rules_listener *http = world_listener(&world, "0.0.0.0:80"),
                                *tcp = world_listener(&world, "0.0.0.0:9000");
    assert_int_equal(http->tls, LISTENER_PLAIN);
    assert_int_equal(http->policed, 1);
    assert_int_equal(http->vhosts.count, 1);
    const struct rules_vhost *vhost = image_row(&world.rules, RULES_VHOST, http->vhosts, 0);
    assert_true(text_is(&world, vhost->host, "x.a.com"));
    assert_int_equal(tcp->protocol, SPEAKS_TCP);
    const struct rules_tcp_route *route = image_row(&world.rules, RULES_TCP_ROUTE, tcp->tcp, 0);
    const struct rules_destination *to = image_row(&world.rules, RULES_DESTINATION, route->destinations, 0);
    const struct rules_cluster *cluster =
        image_row(&world.rules, RULES_CLUSTER, image_all(&world.rules, RULES_CLUSTER), to->cluster);
    assert_true(text_is(&world, cluster->name, "outbound|90||b.bar.svc.cluster.local"));
    assert_int_equal(world.result.bind_count, 2);
    assert_true(world.result.binds[0].id == http->id);
    assert_true(world.result.binds[1].tcp);
    world_done(&world);
}

static void hosts_with_a_namespace_admit_only_its_services(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               GATEWAY("g", PLAIN("80", "bar/*.a.com"))
                   HEAD("VirtualService", "mine",
                        "foo") "  hosts: [x.a.com]\n  gateways: [g]\n  http: [{route: "
                               "[{destination: {host: b.bar.svc.cluster.local, port: {number: "
                               "80}}}]}]\n" HEAD("VirtualService", "theirs",
                                                 "bar") "  hosts: ['*']\n  gateways: [foo/g]\n "
                                                        " http: [{route: [{destination: {host: "
                                                        "b, port: {number: 80}}}]}]\n" SERVICE);
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:80");
    assert_int_equal(listener->vhosts.count, 1);
    const struct rules_vhost *vhost = image_row(&world.rules, RULES_VHOST, listener->vhosts, 0);
    assert_true(text_is(&world, vhost->host, ".a.com"));
    assert_int_equal(vhost->match, HOST_SUFFIX);
    assert_true(text_is(&world, vhost->name, "theirs"));
    world_done(&world);
}

#define TLS_SERVER(mode, credential, host)                                                                   \
    "  - {port: {number: 443, protocol: HTTPS, name: '" host "'}, hosts: ['" host                            \
    "'], tls: {mode: " mode credential "}}\n"

static void tls_servers_name_their_credentials(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_GATEWAY,
        GATEWAY("g", TLS_SERVER("SIMPLE", ", credentialName: here", "a.com") TLS_SERVER(
                         "MUTUAL", ", credentialName: gone", "b.com") TLS_SERVER("ISTIO_MUTUAL", "", "c.com"))
            GATEWAY("h", TLS_SERVER("SIMPLE", ", credentialName: here",
                                    "a.com")) "---\napiVersion: v1\nkind: Secret\nmetadata: {name: here, "
                                              "namespace: foo}\nstringData: {tls.crt: " SAMPLE_CERTIFICATE
                                              ", tls.key: " SAMPLE_KEY "}\n");
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:443");
    assert_int_equal(listener->tls, LISTENER_TLS);
    assert_int_equal(listener->servers.count, 3);
    const struct rules_server *server = image_row(&world.rules, RULES_SERVER, listener->servers, 0);
    assert_true(server->credential == hash_stable(BYTES("secret:foo/here")));
    server = image_row(&world.rules, RULES_SERVER, listener->servers, 1);
    assert_int_equal(server->tls, SERVER_MUTUAL);
    assert_true(server->credential != 0);
    server = image_row(&world.rules, RULES_SERVER, listener->servers, 2);
    assert_int_equal(server->tls, SERVER_MESH);
    assert_true(server->credential == 0);
    assert_int_equal(world.result.credential_count, 2);
    assert_null(world.result.credentials[1].secret);
    assert_true(world_says(
        &world, "there is no Secret 'gone' in namespace 'foo'; handshakes that need it are refused"));
    assert_true(world_says(&world, "another server at this port has host 'a.com' already; the first stands"));
    world_done(&world);
}

/* ---- clusters --------------------------------------------------------- */

#define ROUTE(to)                                                                                            \
    GATEWAY("g", PLAIN("80", "*"))                                                                           \
    HEAD("VirtualService", "v", "bar")                                                                       \
    "  hosts: ['*']\n  gateways: [foo/g]\n  http: [{route: [{destination: " to "}]}]\n"

static void destination_rules_say_how_to_speak(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_GATEWAY,
        ROUTE("{host: b, subset: two, port: {number: 80}}") SERVICE HEAD(
            "DestinationRule", "d",
            "bar") "  host: b\n  trafficPolicy: {loadBalancer: {simple: RANDOM}, tls: {mode: DISABLE}}\n"
                   "  subsets: [{name: two, labels: {version: v2}, trafficPolicy: {tls: {mode: SIMPLE, sni: "
                   "x.y}}}]\n" HEAD(
                       "DestinationRule", "wild",
                       "bar") "  host: '*.cluster.local'\n  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}\n");
    const struct rules_cluster *cluster = world_cluster(&world, "outbound|80|two|b.bar.svc.cluster.local");
    assert_non_null(cluster);
    assert_int_equal(cluster->tls, CLUSTER_TLS);
    assert_int_equal(cluster->balance, PICK_RANDOM);
    assert_true(text_is(&world, cluster->sni, "x.y"));
    assert_true(bytes_equal(name_at(&world, cluster->peer_names, 0), BYTES("x.y")));
    assert_true(text_is(&world, cluster->service_name, "b"));
    assert_true(text_is(&world, cluster->service_namespace, "bar"));
    const struct endpoints_cluster *at = world_endpoints(&world, "outbound|80|two|b.bar.svc.cluster.local");
    assert_int_equal(at->endpoints.count, 1);
    const struct endpoints_endpoint *endpoint =
        image_row(&world.endpoints, ENDPOINTS_ENDPOINT, at->endpoints, 0);
    assert_true(bytes_equal(image_text(&world.endpoints, endpoint->text), BYTES("[2001:db8::1]:81")));
    assert_int_equal(endpoint->weight, 5);
    world_done(&world);
}

static void without_a_rule_the_mesh_speaks_by_itself(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY, ROUTE("{host: b, port: {number: 80}}") SERVICE);
    const struct rules_cluster *cluster = world_cluster(&world, "outbound|80||b.bar.svc.cluster.local");
    assert_int_equal(cluster->tls, CLUSTER_AUTO);
    assert_true(text_is(&world, cluster->sni, "outbound_.80_._.b.bar.svc.cluster.local"));
    assert_int_equal(cluster->peer_names.count, 0);
    const struct endpoints_cluster *at = world_endpoints(&world, "outbound|80||b.bar.svc.cluster.local");
    const struct endpoints_endpoint *endpoint =
        image_row(&world.endpoints, ENDPOINTS_ENDPOINT, at->endpoints, 0);
    assert_int_equal(endpoint->mesh, 1);
    assert_int_equal(endpoint->port, 8080);
    assert_int_equal(endpoint->names.count, 2);
    const struct rules_name *name = image_row(&world.endpoints, ENDPOINTS_NAME, endpoint->names, 0);
    assert_true(bytes_equal(image_text(&world.endpoints, name->text), BYTES("spiffe://td/ns/bar/sa/b")));
    world_done(&world);
}

static void what_is_missing_is_a_warning_and_an_empty_cluster(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY, ROUTE("{host: gone, subset: s, port: {number: 80}}"));
    assert_int_equal(world_endpoints(&world, "outbound|80|s|gone.bar.svc.cluster.local")->endpoints.count, 0);
    assert_true(world_says(&world, "Referenced host not found: \"gone.bar.svc.cluster.local\""));
    assert_true(world_says(
        &world, "Referenced host+subset in destinationrule not found: \"gone.bar.svc.cluster.local+s\""));
    world_done(&world);
}

/* ---- sidecars --------------------------------------------------------- */

#define SIDECAR(spec) HEAD("Sidecar", "s", "foo") spec
#define INGRESS                                                                                              \
    "  ingress:\n  - {port: {number: 8080, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:80'}\n"
#define EGRESS(hosts) "  egress:\n  - {port: {number: 80, protocol: HTTP, name: out}, hosts: ['" hosts "']}\n"

static void a_sidecar_serves_its_workload(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_SIDECAR,
        SIDECAR("  ingress:\n  - {port: {number: 8080, protocol: HTTP, name: h}, defaultEndpoint: "
                "'unix:///run/app.sock'}\n"
                "  - {port: {number: 9000, protocol: TCP, name: t}, defaultEndpoint: '0.0.0.0:9001'}\n"));
    const struct rules_listener *http = world_listener(&world, "0.0.0.0:8080");
    assert_int_equal(http->direction, DIRECTION_INBOUND);
    assert_int_equal(http->tls, LISTENER_PERMISSIVE);
    assert_int_equal(http->policed, 1);
    assert_int_equal(http->workload_port, 8080);
    const struct endpoints_cluster *at = world_endpoints(&world, "inbound|8080||");
    const struct endpoints_endpoint *endpoint =
        image_row(&world.endpoints, ENDPOINTS_ENDPOINT, at->endpoints, 0);
    assert_int_equal(endpoint->family, ENDPOINT_UNIX);
    assert_true(bytes_equal(image_text(&world.endpoints, endpoint->path), BYTES("/run/app.sock")));
    assert_int_equal(world.result.unix_path_count, 1);
    at = world_endpoints(&world, "inbound|9000||");
    endpoint = image_row(&world.endpoints, ENDPOINTS_ENDPOINT, at->endpoints, 0);
    assert_true(bytes_equal(image_text(&world.endpoints, endpoint->text), BYTES("127.0.0.1:9001")));
    world_done(&world);
}

static bool has_vhost(const struct world *world, const struct rules_listener *listener, const char *host)
{
    IMAGE_FOR(&world->rules, RULES_VHOST, struct rules_vhost, vhost, listener->vhosts)
    if (text_is(world, vhost->host, host))
        return vhost->port == 80;
    return false;
}

static void a_sidecar_calls_what_it_may_see(void **state)
{
    (void)state;
    static const struct {
        const char *hosts;
        bool seen;
    } rows[] = {{"*/*", true},
                {"bar/*", true},
                {"bar/b.bar.svc.cluster.local", true},
                {"./*", false},
                {"bar/c.bar.svc.cluster.local", false}};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        char yaml[3000];
        snprintf(yaml, sizeof yaml,
                 "%s  egress:\n  - {port: {number: 80, protocol: HTTP, name: out}, hosts: ['%s']}\n%s",
                 HEAD("Sidecar", "s", "foo"), rows[i].hosts, SERVICE);
        world_open(&world, ROLE_SIDECAR, yaml);
        const struct rules_listener *listener = world_listener(&world, "127.0.0.1:80");
        assert_int_equal(listener->policed, 0);
        assert_int_equal(has_vhost(&world, listener, "b.bar.svc.cluster.local"), rows[i].seen);
        assert_int_equal(has_vhost(&world, listener, "b.bar"), rows[i].seen);
        assert_false(has_vhost(&world, listener, "b"));
        world_done(&world);
    }
}

static void the_narrowest_peer_authentication_holds(void **state)
{
    (void)state;
#define PEER(name, ns, spec) SECURITY("PeerAuthentication", name, ns) spec
    static const struct {
        const char *name;
        const char *yaml;
        enum rules_listener_tls tls;
    } rows[] = {
        {"none", "", LISTENER_PERMISSIVE},
        {"mesh", PEER("m", "istio-system", "  mtls: {mode: STRICT}\n"), LISTENER_STRICT},
        {"namespace before mesh",
         PEER("m", "istio-system", "  mtls: {mode: STRICT}\n") PEER("r", "foo", "  mtls: {mode: DISABLE}\n"),
         LISTENER_PLAIN},
        {"unset inherits",
         PEER("m", "istio-system", "  mtls: {mode: STRICT}\n") PEER("r", "foo", "  mtls: {mode: UNSET}\n"),
         LISTENER_STRICT},
        {"workload before namespace",
         PEER("w", "foo", "  selector: {matchLabels: {app: web}}\n  mtls: {mode: STRICT}\n")
             PEER("r", "foo", "  mtls: {mode: DISABLE}\n"),
         LISTENER_STRICT},
        {"another workload",
         PEER("w", "foo", "  selector: {matchLabels: {app: db}}\n  mtls: {mode: STRICT}\n"),
         LISTENER_PERMISSIVE},
        {"the root's selector is ignored",
         PEER("w", "istio-system", "  selector: {matchLabels: {app: web}}\n  mtls: {mode: STRICT}\n"),
         LISTENER_PERMISSIVE},
        {"port",
         PEER("w", "foo",
              "  selector: {matchLabels: {app: web}}\n  mtls: {mode: STRICT}\n  portLevelMtls: {8080: {mode: "
              "DISABLE}}\n"),
         LISTENER_PLAIN},
        {"another port",
         PEER("w", "foo",
              "  selector: {matchLabels: {app: web}}\n  mtls: {mode: STRICT}\n  portLevelMtls: {8081: {mode: "
              "DISABLE}}\n"),
         LISTENER_STRICT},
        {"the first by name",
         PEER("a", "foo", "  mtls: {mode: STRICT}\n") PEER("b", "foo", "  mtls: {mode: DISABLE}\n"),
         LISTENER_STRICT},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        struct fail why = {0};
        world_init(&world, ROLE_SIDECAR);
        world_add(&world, SIDECAR(INGRESS));
        if (*rows[i].yaml)
            world_add(&world, rows[i].yaml);
        assert_true(world_compile(&world, &why));
        if (world_listener(&world, "0.0.0.0:8080")->tls != rows[i].tls)
            world_wrong("%s: %u", rows[i].name, world_listener(&world, "0.0.0.0:8080")->tls);
        world_done(&world);
    }
}

/* ---- tokens ----------------------------------------------------------- */

#define ASSERTION(name)                                                                                      \
    "---\napiVersion: selvage.dev/v1\nkind: Assertion\nmetadata: {name: " name                               \
    ", namespace: foo}\nspec: {issuer: 'https://edge', audiences: [mesh], header: X-Assert, subjectPrefix: " \
    "{'https://i': corp}}\n"
#define TOKENS                                                                                               \
    SECURITY("RequestAuthentication", "ra", "foo")                                                           \
    "  jwtRules:\n  - {issuer: z, jwksUri: 'https://z/keys', outputClaimToHeaders: [{header: X-Sub, claim: " \
    "sub}]}\n"                                                                                               \
    "  - {issuer: a, jwks: '{\"keys\":[]}', fromHeaders: [{name: X-Assert}], outputPayloadToHeader: "        \
    "X-Payload}\n"

static void tokens_are_read_where_they_stand(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_EDGE, GATEWAY("g", PLAIN("80", "*")) TOKENS ASSERTION("as"));
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:80");
    assert_int_equal(listener->authn.count, 2);
    assert_int_equal(listener->publishes_keys, 1);
    const struct rules_authn *first = image_row(&world.rules, RULES_AUTHN, listener->authn, 0);
    const struct rules_authn *second = image_row(&world.rules, RULES_AUTHN, listener->authn, 1);
    assert_true(text_is(&world, first->issuer, "a"));
    assert_int_equal(first->checks_cnf, 1);
    assert_int_equal(first->strict, 0);
    assert_int_equal(first->places.count, 1);
    assert_int_equal(second->strict, 1);
    assert_int_equal(second->checks_cnf, 0);
    assert_int_equal(second->places.count, 2);
    const struct rules_place *place = image_row(&world.rules, RULES_TOKEN_PLACE, second->places, 0);
    assert_true(text_is(&world, place->prefix, "Bearer "));
    assert_true(second->key_set == hash_stable(BYTES("z|https://z/keys")));
    assert_int_equal(world.result.key_set_count, 2);
    const struct rules_node *node = world_node(&world);
    assert_int_equal(node->stripped.count, 3);
    assert_true(bytes_equal(name_at(&world, node->stripped, 0), BYTES("x-assert")));
    assert_int_equal(node->assertion.count, 1);
    assert_non_null(world.result.assertion);
    world_done(&world);
}

static void what_cannot_be_told_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *sentence;
    } rows[] = {
        {ASSERTION("a") ASSERTION("b"), "Assertions foo/a and foo/b both apply to this node; one may"},
        {"---\napiVersion: selvage.dev/v1\nkind: ClaimMapping\nmetadata: {name: a, namespace: foo}\nspec: "
         "{claim: x, rules: [{name: r, claim: c, exact: v, groups: [g]}]}\n"
         "---\napiVersion: selvage.dev/v1\nkind: ClaimMapping\nmetadata: {name: b, namespace: foo}\nspec: "
         "{claim: z, rules: [{name: r, claim: c, exact: v, groups: [g]}]}\n",
         "ClaimMappings foo/a and foo/b both apply but fill different claims, 'x' and 'z'"},
        {SECURITY("PeerAuthentication", "p", "foo") "  mtls: {mode: STRIKT}\n",
         "1 errors stand in the resources"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        struct fail why = {0};
        world_init(&world, ROLE_EDGE);
        world_add(&world, rows[i].yaml);
        resource_set_finish(&world.set);
        assert_false(compile(&world.set, &world.node, 1, &world.arena, &world.result, &why));
        assert_string_equal(why.text, rows[i].sentence);
        assert_null(world.result.rules);
        world_done(&world);
    }
}

/* ---- images ----------------------------------------------------------- */

static void the_same_resources_give_the_same_bytes(void **state)
{
    (void)state;
    struct world one, two;
    const char *yaml = ROUTE("{host: b, port: {number: 80}}") SERVICE TOKENS ASSERTION("as");
    world_open(&one, ROLE_EDGE, yaml);
    world_open(&two, ROLE_EDGE, yaml);
    assert_int_equal(one.result.rules_size, two.result.rules_size);
    assert_memory_equal(one.result.rules, two.result.rules, one.result.rules_size);
    assert_memory_equal(one.result.endpoints, two.result.endpoints, one.result.endpoints_size);
    struct digest digest =
        digest_of(bytes_make(one.result.rules + 1, one.result.rules_size - sizeof(struct image_head)));
    assert_memory_equal(one.result.rules->hash, digest.bytes, DIGEST_SIZE);
    assert_memory_equal(one.result.rules->revision, one.set.revision.bytes, DIGEST_SIZE);
    assert_int_equal(one.result.rules->generation, 7);
    world_done(&one);
    world_done(&two);
}

static void deny_all_opens_nothing(void **state)
{
    (void)state;
    struct world world;
    struct fail why;
    world_init(&world, ROLE_SIDECAR);
    compile_deny_all(NULL, &world.node, BYTES("no valid rules"), 3, &world.arena, &world.result);
    world.compiled = true;
    assert_true(image_open(world.result.rules, world.result.rules_size, &rules_schema, &world.rules, &why));
    assert_true(image_open(world.result.endpoints, world.result.endpoints_size, &endpoints_schema,
                           &world.endpoints, &why));
    assert_int_equal(world_node(&world)->deny_all, 1);
    assert_true(text_is(&world, world_node(&world)->deny_reason, "no valid rules"));
    assert_int_equal(image_all(&world.rules, RULES_LISTENER).count, 0);
    assert_int_equal(world.result.bind_count, 0);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateways_open_by_selector_port_and_host),
        cmocka_unit_test(hosts_with_a_namespace_admit_only_its_services),
        cmocka_unit_test(tls_servers_name_their_credentials),
        cmocka_unit_test(destination_rules_say_how_to_speak),
        cmocka_unit_test(without_a_rule_the_mesh_speaks_by_itself),
        cmocka_unit_test(what_is_missing_is_a_warning_and_an_empty_cluster),
        cmocka_unit_test(a_sidecar_serves_its_workload),
        cmocka_unit_test(a_sidecar_calls_what_it_may_see),
        cmocka_unit_test(the_narrowest_peer_authentication_holds),
        cmocka_unit_test(tokens_are_read_where_they_stand),
        cmocka_unit_test(what_cannot_be_told_is_refused),
        cmocka_unit_test(the_same_resources_give_the_same_bytes),
        cmocka_unit_test(deny_all_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
