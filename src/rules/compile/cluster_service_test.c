#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"

#define ROUTE(host)                                                                                          \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: shop}\nspec:\n"       \
    "  servers:\n  - {port: {number: 8080, name: http, protocol: HTTP}, hosts: ['*']}\n---\n"                \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: "              \
    "shop}\nspec:\n"                                                                                         \
    "  hosts: ['*']\n  gateways: [g]\n  http:\n  - route: [{destination: {host: " host                       \
    ", port: {number: 80}}}]\n---\n"
#define SERVICE(spec)                                                                                        \
    "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {" spec "}\n---\n"
#define SLICE(rest)                                                                                          \
    "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: cart-1, namespace: shop, "       \
    "labels: {kubernetes.io/service-name: cart}}\naddressType: IPv4\n" rest "---\n"
#define CLUSTER "outbound|80||cart.shop.svc.cluster.local"

static const struct endpoints_endpoint *endpoint_at_row(const struct world *world, uint32_t index)
{
    const struct endpoints_cluster *cluster = world_endpoints(world, CLUSTER);
    assert_non_null(cluster);
    assert_true(index < cluster->endpoints.count);
    return image_row(&world->endpoints, ENDPOINTS_ENDPOINT, cluster->endpoints, index);
}

static void assert_endpoint(const struct world *world, uint32_t index, const char *text)
{
    struct bytes found = image_text(&world->endpoints, endpoint_at_row(world, index)->text);
    char shown[64];
    snprintf(shown, sizeof shown, "%.*s", BYTES_FMT(found));
    assert_string_equal(shown, text);
}

static void ready_endpoints_of_slices_serve_the_named_port(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_GATEWAY,
        ROUTE("cart") SERVICE("ports: [{name: grpc-web, port: 90}, {name: http, port: 80, targetPort: web}]")
            SLICE("endpoints:\n- {addresses: [10.0.0.1]}\n- {addresses: [10.0.0.2], conditions: {ready: "
                  "false}}\n- {addresses: [10.0.0.3], conditions: {ready: true}}\n"
                  "ports: [{name: grpc-web, port: 9090}, {name: http, port: 8080}]\n"));
    assert_int_equal(world_endpoints(&world, CLUSTER)->endpoints.count, 2);
    assert_endpoint(&world, 0, "10.0.0.1:8080");
    assert_endpoint(&world, 1, "10.0.0.3:8080");
    assert_int_equal(world_cluster(&world, CLUSTER)->inside, 1);
    world_done(&world);
}

static void the_selector_chooses_workload_entries(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTE("cart.shop.svc.cluster.local")
                   SERVICE("selector: {app: cart}, ports: [{port: 80, targetPort: "
                           "8081}]") "apiVersion: networking.istio.io/v1\nkind: "
                                     "WorkloadEntry\nmetadata: {name: w, "
                                     "namespace: shop}\n"
                                     "spec: {address: 10.0.0.9, labels: {app: "
                                     "cart}}\n---\n"
                                     "apiVersion: networking.istio.io/v1\nkind: "
                                     "WorkloadEntry\nmetadata: {name: o, "
                                     "namespace: shop}\n"
                                     "spec: {address: 10.0.0.8, labels: {app: "
                                     "other}}\n");
    assert_int_equal(world_endpoints(&world, CLUSTER)->endpoints.count, 1);
    assert_endpoint(&world, 0, "10.0.0.9:8081");
    world_done(&world);
}

static void an_external_name_is_resolved(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTE("cart")
                   SERVICE("type: ExternalName, externalName: Cart.example.com, ports: [{port: 80}]"));
    const struct endpoints_cluster *at = world_endpoints(&world, CLUSTER);
    assert_int_equal(at->hosts.count, 1);
    const struct endpoints_host *host = image_row(&world.endpoints, ENDPOINTS_HOST, at->hosts, 0);
    assert_true(bytes_equal(image_text(&world.endpoints, host->name), BYTES("cart.example.com")));
    assert_int_equal(world_cluster(&world, CLUSTER)->inside, 0);
    world_done(&world);
}

static void a_service_entry_of_the_same_host_stands_instead(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTE("cart") SERVICE("ports: [{port: 80}]")
                   SLICE("endpoints: [{addresses: [10.0.0.1]}]\nports: [{port: "
                         "8080}]\n") "apiVersion: networking.istio.io/v1\nkind: "
                                     "ServiceEntry\nmetadata: {name: e, namespace: "
                                     "shop}\n"
                                     "spec: {hosts: [cart.shop.svc.cluster.local], "
                                     "resolution: STATIC, ports: [{number: 80, name: "
                                     "http, protocol: HTTP}], endpoints: [{address: "
                                     "10.9.9.9}]}\n");
    assert_int_equal(world_endpoints(&world, CLUSTER)->endpoints.count, 1);
    assert_endpoint(&world, 0, "10.9.9.9:80");
    world_done(&world);
}

static void without_slices_the_cluster_is_empty(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY,
               ROUTE("cart") SERVICE("ports: [{name: t, port: 80}, {name: u, port: 80, protocol: UDP}]"));
    assert_int_equal(world_endpoints(&world, CLUSTER)->endpoints.count, 0);
    assert_false(world_says(&world, "Referenced host not found: \"cart.shop.svc.cluster.local\""));
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_endpoints_of_slices_serve_the_named_port),
        cmocka_unit_test(the_selector_chooses_workload_entries),
        cmocka_unit_test(an_external_name_is_resolved),
        cmocka_unit_test(a_service_entry_of_the_same_host_stands_instead),
        cmocka_unit_test(without_slices_the_cluster_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
