#include "base/test.h"

#include "rules/kind/kind_rows.h"

#include "rules/kind/core_service.h"

static void service_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", "spec: {selector: {app: a}, ports: [{port: 80, targetPort: web}]}", NULL},
        {"headless", "spec: {clusterIP: None}", NULL},
        {"no ports", "spec: {selector: {app: a}}", "f.yaml:4:1: spec: ports is missing"},
        {"several without names", "spec: {ports: [{port: 80}, {port: 81, name: b}]}",
         "f.yaml:4:16: spec.ports[0]: name is missing, which a port among several needs"},
        {"the same name", "spec: {ports: [{port: 80, name: a}, {port: 81, name: a}]}",
         "f.yaml:4:54: spec.ports[1].name: 'a' stands in the list twice"},
        {"the same port", "spec: {ports: [{port: 80, name: a}, {port: 80, name: b}]}",
         "f.yaml:4:44: spec.ports[1].port: 80 stands in the list twice"},
        {"another transport", "spec: {ports: [{port: 53, name: a}, {port: 53, name: b, protocol: UDP}]}",
         NULL},
        {"name", "spec: {ports: [{port: 80, name: Web}]}",
         "f.yaml:4:33: spec.ports[0].name: 'Web' is not a name of lower-case letters, digits and -"},
        {"target", "spec: {ports: [{port: 80, targetPort: 70000}]}",
         "f.yaml:4:39: spec.ports[0].targetPort: 70000 is not between 1 and 65535"},
        {"name of a target", "spec: {ports: [{port: 80, targetPort: a--b}]}",
         "f.yaml:4:39: spec.ports[0].targetPort: is neither a port's number nor the name of a container's "
         "port"},
        {"transport", "spec: {ports: [{port: 80, protocol: HTTP}]}",
         "f.yaml:4:37: spec.ports[0].protocol: 'HTTP' is none of TCP, UDP, SCTP"},
        {"transport by number", "spec: {ports: [{port: 80, protocol: 0}]}",
         "f.yaml:4:37: spec.ports[0].protocol: '0' is none of TCP, UDP, SCTP"},
        {"another name", "spec: {type: ExternalName, externalName: a.b}", NULL},
        {"another name for nothing", "spec: {type: ExternalName}",
         "f.yaml:4:1: spec: type ExternalName needs a host such as shop.example.com in externalName"},
    };
    kind_rows_run("v1", "Service", rows, ROWS(rows));
}

static void slice_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"of no Service", "addressType: IPv4\nendpoints: []",
         "f.yaml:1:1: has no label kubernetes.io/service-name, so it belongs to no Service"},
        {"no address", "addressType: IPv4\nendpoints: [{addresses: []}]",
         "f.yaml:5:14: endpoints[0].addresses: must not be empty"},
    };
    kind_rows_run("discovery.k8s.io/v1", "EndpointSlice", rows, ROWS(rows));
}

static void addresses_are_of_the_family(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *says;
    } rows[] = {
        {"IPv4", ""},
        {"IPv6", "f.yaml:5:26: endpoints[0].addresses[0]: '10.0.0.1' is no address of IPv6"},
        {"FQDN", "f.yaml:4:14: addressType: 'FQDN' is not acted on by this version"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct resource_set set;
        struct text text;
        char shown[200] = "";
        resource_set_init(&set);
        resource_set_add_file(&set, "f.yaml",
                              arena_format(&set.arena,
                                           "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: "
                                           "{name: a, labels: {kubernetes.io/service-name: a}}\n"
                                           "addressType: %s\nendpoints: [{addresses: [10.0.0.1]}]\n",
                                           rows[i].type));
        text_init_fixed(&text, shown, sizeof shown);
        if (set.findings.count > 0)
            finding_write(&set.findings.at[0], &text);
        assert_string_equal(shown, rows[i].says);
        resource_set_done(&set);
    }
}

static void what_is_spoken_at_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *app;
        const char *name;
        enum protocol protocol;
    } rows[] = {
        {"", "http-web", PROTOCOL_HTTP},
        {"", "web", PROTOCOL_NONE},
        {"", "grpc", PROTOCOL_GRPC},
        {"https", "http-web", PROTOCOL_HTTPS},
        {"HTTP2", "", PROTOCOL_HTTP2},
        {"kubernetes.io/h2c", "", PROTOCOL_HTTP2},
        {"kubernetes.io/ws", "", PROTOCOL_HTTP},
        {"own", "http", PROTOCOL_NONE},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct service_port port = {.name = bytes_of(rows[i].name), .app_protocol = bytes_of(rows[i].app)};
        print_message("  %s\n", rows[i].name);
        assert_int_equal(service_port_protocol(&port), rows[i].protocol);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_rows),
        cmocka_unit_test(slice_rows),
        cmocka_unit_test(addresses_are_of_the_family),
        cmocka_unit_test(what_is_spoken_at_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
