/* What a DestinationRule says about limits, as text of what differs from nothing being said. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/compile/world_fixture.h"

#define NET(kind, name)                                                                                      \
    "---\napiVersion: networking.istio.io/v1\nkind: " kind "\nmetadata: {name: " name                        \
    ", namespace: foo}\nspec:\n"
#define WORLD(ports)                                                                                         \
    NET("Gateway", "g")                                                                                      \
    "  selector: {app: web}\n  servers:\n  - {port: {number: 80, protocol: HTTP, name: http}, hosts: "       \
    "['*']}\n" NET("VirtualService", "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n  - match: [{uri: "     \
                                          "{prefix: /s}}]\n    route: [{destination: {host: b.x, subset: "   \
                                          "s, port: {number: 80}}}]\n  - route: [{destination: {host: "      \
                                          "b.x, port: {number: 80}}}]\n" NET("ServiceEntry",                 \
                                                                             "b") "  hosts: [b.x]\n  "       \
                                                                                  "resolution: STATIC\n  "   \
                                                                                  "endpoints: [{address: "   \
                                                                                  "10.0.0.1}]\n  ports: "    \
                                                                                  "[" ports "]\n"
#define HTTP "{number: 80, name: http, protocol: HTTP}"
#define RULE(policy) NET("DestinationRule", "r") "  host: b.x\n  subsets: [{name: s}]\n" policy
#define POLICY(text) RULE("  trafficPolicy: {" text "}\n")

#define MAIN "outbound|80||b.x"
#define SUBSET "outbound|80|s|b.x"

static struct world world;

struct column {
    const char *name;
    size_t offset;
    uint32_t usual;
};

#define COLUMN(name, usual)                                                                                  \
    {                                                                                                        \
#name, offsetof(struct rules_cluster, name), usual                                                   \
    }

static const struct column columns[] = {
    COLUMN(balance, PICK_LEAST_REQUEST),
    COLUMN(speaks, CLUSTER_HTTP1),
    COLUMN(connect_timeout_ms, 10000),
    COLUMN(idle_timeout_ms, 30000),
    COLUMN(tcp_idle_timeout_ms, 3600000),
    COLUMN(max_connection_ms, 0),
    COLUMN(max_connections, UINT32_MAX),
    COLUMN(max_pending, UINT32_MAX),
    COLUMN(max_requests, UINT32_MAX),
    COLUMN(max_retries, UINT32_MAX),
    COLUMN(max_requests_per_connection, 0),
    COLUMN(max_streams, INT32_MAX),
    COLUMN(ping_interval_ms, 0),
    COLUMN(ping_timeout_ms, 0),
    COLUMN(keepalive_time_s, 0),
    COLUMN(keepalive_interval_s, 0),
    COLUMN(keepalive_probes, 0),
    COLUMN(proxy_protocol, 0),
    COLUMN(has_retry_budget, 0),
    COLUMN(retry_budget_parts, 0),
    COLUMN(retry_budget_min, 0),
};

static void outlier_show(struct text *text, const struct rules_outlier *outlier)
{
    text_format(text, "outlier %u %u %u %u %u %u %u%% %u%%", outlier->consecutive_5xx,
                outlier->consecutive_gateway, outlier->split_local, outlier->consecutive_local,
                outlier->interval_ms, outlier->base_ejection_ms, outlier->max_ejection_percent,
                outlier->min_health_percent);
    IMAGE_FOR(&world.rules, RULES_NUMBER, struct rules_number, status, outlier->statuses)
    text_format(text, " %llu", (unsigned long long)status->number);
    text_add_s(text, " ");
}

static void cluster_show(struct text *text, const struct rules_cluster *cluster)
{
    for (size_t i = 0; i < ROWS(columns); i++) {
        const char *at = (const char *)cluster + columns[i].offset;
        uint32_t is = *(const uint32_t *)(const void *)at;
        if (is != columns[i].usual)
            text_format(text, "%s %u ", columns[i].name, is);
    }
    IMAGE_FOR(&world.rules, RULES_OUTLIER, struct rules_outlier, outlier, cluster->outlier)
    outlier_show(text, outlier);
}

struct row {
    const char *name;
    const char *yaml;
    const char *cluster;
    const char *shown;
};

static void row_check(const struct row *row)
{
    struct text text;
    char buffer[1000];
    world_open(&world, ROLE_GATEWAY, row->yaml);
    const struct rules_cluster *cluster = world_cluster(&world, row->cluster);
    assert_non_null(cluster);
    text_init_fixed(&text, buffer, sizeof buffer);
    cluster_show(&text, cluster);
    if (!bytes_equal(text_bytes(&text), bytes_of(row->shown)))
        world_wrong("%s: %s", row->name, buffer);
    world_done(&world);
}

static void limits_are_those_written_else_istios(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no rule", WORLD(HTTP), MAIN, ""},
        {"an empty one", WORLD(HTTP) POLICY("connectionPool: {tcp: {}, http: {}}"), MAIN, ""},
        {"tcp",
         WORLD(HTTP) POLICY("connectionPool: {tcp: {maxConnections: 7, connectTimeout: 30ms, "
                            "maxConnectionDuration: 2m, idleTimeout: 0s}}"),
         MAIN, "connect_timeout_ms 30 tcp_idle_timeout_ms 0 max_connection_ms 120000 max_connections 7 "},
        {"http",
         WORLD(HTTP)
             POLICY("connectionPool: {http: {http1MaxPendingRequests: 1, http2MaxRequests: 2, maxRetries: 3, "
                    "maxRequestsPerConnection: 4, maxConcurrentStreams: 5, idleTimeout: 6s, http2KeepAlive: "
                    "{interval: 7s, timeout: 8s}}}"),
         MAIN,
         "idle_timeout_ms 6000 max_pending 1 max_requests 2 max_retries 3 max_requests_per_connection 4 "
         "max_streams 5 ping_interval_ms 7000 ping_timeout_ms 8000 "},
        {"0 is not written",
         WORLD(HTTP) POLICY("connectionPool: {tcp: {maxConnections: 0}, http: {http2MaxRequests: 0, "
                            "maxRetries: 0}}"),
         MAIN, ""},
        {"keep-alive",
         WORLD(HTTP) POLICY("connectionPool: {tcp: {tcpKeepalive: {probes: 2, time: 1.5s, interval: 10ms}}}"),
         MAIN, "keepalive_time_s 1 keepalive_interval_s 1 keepalive_probes 2 "},
        {"keep-alive as the system has it", WORLD(HTTP) POLICY("connectionPool: {tcp: {tcpKeepalive: {}}}"),
         MAIN, "keepalive_time_s 7200 "},
        {"PROXY protocol", WORLD(HTTP) POLICY("proxyProtocol: {}"), MAIN, "proxy_protocol 1 "},
        {"PROXY protocol 2", WORLD(HTTP) POLICY("proxyProtocol: {version: V2}"), MAIN, "proxy_protocol 2 "},
        {"retry budget", WORLD(HTTP) POLICY("retryBudget: {}"), MAIN,
         "has_retry_budget 1 retry_budget_parts 200000 retry_budget_min 3 "},
        {"retry budget, written", WORLD(HTTP) POLICY("retryBudget: {percent: 0.5, minRetryConcurrency: 0}"),
         MAIN, "has_retry_budget 1 retry_budget_parts 5000 "},
        {"retry budget of none", WORLD(HTTP) POLICY("retryBudget: {percent: 0, minRetryConcurrency: 1}"),
         MAIN, "has_retry_budget 1 retry_budget_min 1 "},
        {"ejection", WORLD(HTTP) POLICY("outlierDetection: {}"), MAIN, "outlier 5 0 0 5 10000 30000 10% 0% "},
        {"ejection, written",
         WORLD(HTTP)
             POLICY("outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 3, "
                    "splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2, interval: 1s, "
                    "baseEjectionTime: 2s, maxEjectionPercent: 100, minHealthPercent: 50, "
                    "outlierDetectionHttpErrorCodes: [500, 429]}"),
         MAIN, "outlier 0 3 1 2 1000 2000 100% 50% 500 429 "},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(&rows[i]);
}

#define UPGRADE(how) POLICY("connectionPool: {http: {h2UpgradePolicy: " how "}}")

static void the_protocol_is_the_ports_or_an_upgrade(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"HTTP", WORLD("{number: 80, name: x, protocol: HTTP}"), MAIN, ""},
        {"HTTP2", WORLD("{number: 80, name: x, protocol: HTTP2}"), MAIN, "speaks 1 "},
        {"gRPC", WORLD("{number: 80, name: x, protocol: GRPC}"), MAIN, "speaks 1 "},
        {"gRPC-Web", WORLD("{number: 80, name: x, protocol: GRPC-WEB}"), MAIN, ""},
        {"by name", WORLD("{number: 80, name: http2-web}"), MAIN, "speaks 1 "},
        {"by the whole name", WORLD("{number: 80, name: grpc}"), MAIN, "speaks 1 "},
        {"by name, gRPC-Web", WORLD("{number: 80, name: grpc-web-x}"), MAIN, ""},
        {"a name that only begins so", WORLD("{number: 80, name: grpcx}"), MAIN, ""},
        {"what is written counts more", WORLD("{number: 80, name: grpc, protocol: HTTP}"), MAIN, ""},
        {"upgraded", WORLD(HTTP) UPGRADE("UPGRADE"), MAIN, "speaks 1 "},
        {"not upgraded", WORLD(HTTP) UPGRADE("DO_NOT_UPGRADE"), MAIN, ""},
        {"HTTP2 stays", WORLD("{number: 80, name: x, protocol: HTTP2}") UPGRADE("DO_NOT_UPGRADE"), MAIN,
         "speaks 1 "},
        {"unknown is not upgraded", WORLD("{number: 80, name: x}") UPGRADE("UPGRADE"), MAIN, ""},
        {"as the client",
         WORLD("{number: 80, name: x, protocol: HTTP2}")
             POLICY("connectionPool: {http: {useClientProtocol: true}}"),
         MAIN, "speaks 2 "},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(&rows[i]);
}

#define TCP_POOL(max) "connectionPool: {tcp: {maxConnections: " max "}}"

static void special_policies_replace_general_ones(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a subset takes over what it does not say",
         WORLD(HTTP) RULE("  trafficPolicy: {" TCP_POOL("7") ", loadBalancer: {simple: RANDOM}}\n"), SUBSET,
         "balance 2 max_connections 7 "},
        {"a subset's block stands for the whole block",
         WORLD(HTTP) NET("DestinationRule", "r") "  host: b.x\n  trafficPolicy: {connectionPool: {tcp: "
                                                 "{maxConnections: 7}, http: {maxRetries: 1}}, loadBalancer: "
                                                 "{simple: RANDOM}}\n  subsets: [{name: s, trafficPolicy: "
                                                 "{" TCP_POOL("8") "}}]\n",
         SUBSET, "balance 2 max_connections 8 "},
        {"a port's settings stand for the whole policy",
         WORLD(HTTP) POLICY(TCP_POOL("7") ", loadBalancer: {simple: RANDOM}, outlierDetection: {}, "
                                          "proxyProtocol: {}, portLevelSettings: [{port: {number: 80}, "
                                          "loadBalancer: {simple: ROUND_ROBIN}}]"),
         MAIN, "balance 1 "},
        {"another port's do not",
         WORLD(HTTP) POLICY(TCP_POOL("7") ", portLevelSettings: [{port: {number: 81}, "
                                          "loadBalancer: {simple: ROUND_ROBIN}}]"),
         MAIN, "max_connections 7 "},
        {"a port's settings of a subset leave the port's general ones",
         WORLD(HTTP) NET("DestinationRule",
                         "r") "  host: b.x\n  trafficPolicy: {portLevelSettings: [{port: {number: 80}, "
                              "" TCP_POOL("7") ", loadBalancer: {simple: RANDOM}}]}\n  subsets: [{name: s, "
                                               "trafficPolicy: {portLevelSettings: [{port: {number: "
                                               "80}, " TCP_POOL("9") "}]}}]\n",
         SUBSET, "balance 2 max_connections 9 "},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        row_check(&rows[i]);
}

#define FILES(mode) "tls: {mode: " mode ", clientCertificate: /c, privateKey: /k, caCertificates: /a}"

/* Each names what control has to read; of SIMPLE only the authorities. */
static void certificates_may_lie_in_files(void **state)
{
    (void)state;
    static const struct {
        const char *tls;
        const char *certificate, *key, *ca;
        uint32_t mode;
        bool read;
    } rows[] = {
        {FILES("MUTUAL"), "/c", "/k", "/a", CLUSTER_MUTUAL, true},
        {FILES("SIMPLE"), "", "", "/a", CLUSTER_TLS, true},
        {"tls: {mode: MUTUAL, clientCertificate: /c, privateKey: /k}", "/c", "/k", "", CLUSTER_MUTUAL, true},
        {"tls: {mode: SIMPLE}", "", "", "", CLUSTER_TLS, false},
        {"tls: {mode: DISABLE, caCertificates: /a}", "", "", "", CLUSTER_PLAIN, false},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char yaml[2000];
        snprintf(yaml, sizeof yaml, "%s  trafficPolicy: {%s}\n", WORLD(HTTP) RULE(""), rows[i].tls);
        world_open(&world, ROLE_GATEWAY, yaml);
        const struct rules_cluster *cluster = world_cluster(&world, MAIN);
        const struct compile_credential *first = world.result.credentials;
        assert_int_equal(cluster->tls, rows[i].mode);
        assert_int_equal(cluster->credential != 0, rows[i].read);
        assert_int_equal(world.result.credential_count, rows[i].read);
        if (rows[i].read) {
            assert_true(first->id == cluster->credential);
            assert_null(first->secret);
            assert_true(bytes_equal(first->certificate_file, bytes_of(rows[i].certificate)));
            assert_true(bytes_equal(first->key_file, bytes_of(rows[i].key)));
            assert_true(bytes_equal(first->ca_file, bytes_of(rows[i].ca)));
        }
        world_done(&world);
    }
}

static void authors_of_other_namespaces_name_no_files(void **state)
{
    (void)state;
    world_open(
        &world, ROLE_GATEWAY,
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r, namespace: bar}\n"
        "spec:\n  host: b.x\n  trafficPolicy: {" FILES(
            "MUTUAL") "}\n"
                      "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: b, "
                      "namespace: bar}\n"
                      "spec:\n  hosts: [b.x]\n  resolution: STATIC\n  endpoints: [{address: 10.0.0.1}]\n  "
                      "ports: "
                      "[" HTTP
                      "]\n" NET("Gateway", "g") "  selector: {app: web}\n  servers:\n  - {port: {number: 80, "
                                                "protocol: HTTP, name: http}, hosts: ['*']}\n" NET(
                                                    "VirtualService",
                                                    "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n  - "
                                                         "route: [{destination: {host: b.x}}]\n");
    assert_int_equal(world_cluster(&world, MAIN)->tls, CLUSTER_MUTUAL);
    assert_true(world_cluster(&world, MAIN)->credential != 0);
    assert_int_equal(world.result.credential_count, 0);
    assert_true(world_says(&world, "only rules of the caller's namespace or the root's may name its files; "
                                   "handshakes that need them are refused"));
    world_done(&world);
}

#define INGRESS(more)                                                                                        \
    "  - {port: {number: 80, name: grpc, protocol: GRPC}, defaultEndpoint: '127.0.0.1:81'" more "}\n"

static void a_workload_has_limits_of_its_own(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"none", NET("Sidecar", "s") "  ingress:\n" INGRESS(""), "inbound|80||", "speaks 1 "},
        {"of the Sidecar",
         NET("Sidecar", "s") "  inboundConnectionPool: {tcp: {maxConnections: 3}}\n  ingress:\n" INGRESS(""),
         "inbound|80||", "speaks 1 max_connections 3 "},
        {"of the ingress",
         NET("Sidecar", "s") "  inboundConnectionPool: {tcp: {maxConnections: 3}}\n  ingress:\n" INGRESS(
             ", connectionPool: {http: {maxRetries: 1}}"),
         "inbound|80||", "speaks 1 max_retries 1 "},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct text text;
        char buffer[1000];
        world_open(&world, ROLE_SIDECAR, rows[i].yaml);
        text_init_fixed(&text, buffer, sizeof buffer);
        cluster_show(&text, world_cluster(&world, rows[i].cluster));
        if (!bytes_equal(text_bytes(&text), bytes_of(rows[i].shown)))
            world_wrong("%s: %s", rows[i].name, buffer);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_those_written_else_istios),
        cmocka_unit_test(the_protocol_is_the_ports_or_an_upgrade),
        cmocka_unit_test(special_policies_replace_general_ones),
        cmocka_unit_test(certificates_may_lie_in_files),
        cmocka_unit_test(authors_of_other_namespaces_name_no_files),
        cmocka_unit_test(a_workload_has_limits_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
