#include "base/test.h"

#include "rules/kind/kind_rows.h"

static void workload_group_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"template", "spec: {template: {serviceAccount: a, ports: {http: 80}}}", NULL},
        {"none", "spec: {}", "f.yaml:4:1: spec: template is missing"},
        {"labels", "spec: {template: {}, metadata: {labels: {'a b': c}}}",
         "f.yaml:4:49: spec.metadata.labels[\"a b\"]: 'a b' is no name of a label"},
        {"socket", "spec: {template: {address: 'unix://a'}}",
         "f.yaml:4:28: spec.template.address: 'unix://a' is no unix socket such as unix:///run/app.sock or "
         "unix://@app"},
        {"port", "spec: {template: {ports: {http: 0}}}",
         "f.yaml:4:33: spec.template.ports.http: 0 is no port; one is between 1 and 65535"},
        {"probe",
         "spec: {template: {}, probe: {httpGet: {port: 80, scheme: HTTPS, httpHeaders: [{name: a}]}}}", NULL},
        {"no way", "spec: {template: {}, probe: {}}",
         "f.yaml:4:22: spec.probe: says no way: httpGet, tcpSocket or exec belongs here"},
        {"gRPC", "spec: {template: {}, probe: {grpc: {port: 80}}}",
         "f.yaml:4:22: spec.probe: says no way: httpGet, tcpSocket or exec belongs here"},
        {"two ways", "spec: {template: {}, probe: {tcpSocket: {port: 80}, exec: {command: [a]}}}",
         "f.yaml:4:53: spec.probe.exec: tcpSocket and exec exclude each other"},
        {"scheme", "spec: {template: {}, probe: {httpGet: {port: 80, scheme: ftp}}}",
         "f.yaml:4:58: spec.probe.httpGet.scheme: 'ftp' is neither HTTP nor HTTPS"},
        {"header", "spec: {template: {}, probe: {httpGet: {port: 80, httpHeaders: [{name: a_b}]}}}",
         "f.yaml:4:71: spec.probe.httpGet.httpHeaders[0].name: 'a_b' is no name of a header"},
        {"no command", "spec: {template: {}, probe: {exec: {command: []}}}",
         "f.yaml:4:37: spec.probe.exec.command: must not be empty"},
        {"threshold", "spec: {template: {}, probe: {tcpSocket: {port: 80}, failureThreshold: -1}}",
         "f.yaml:4:71: spec.probe.failureThreshold: -1 is not between 0 and 2147483647"},
    };
    kind_rows_checks("networking.istio.io/v1", "WorkloadGroup", rows, ROWS(rows));
}

static void proxy_config_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"threads", "spec: {concurrency: 2, environmentVariables: {A: b}, image: {imageType: debug}}", NULL},
        {"too few", "spec: {concurrency: -1}",
         "f.yaml:4:21: spec.concurrency: -1 is not between 0 and 2147483647"},
        {"star", "spec: {selector: {matchLabels: {'a*': b}}}",
         "f.yaml:4:39: spec.selector.matchLabels[\"a*\"]: 'a*' must not hold a *: selectors compare whole "
         "labels"},
    };
    kind_rows_checks("networking.istio.io/v1beta1", "ProxyConfig", rows, ROWS(rows));
}

static void telemetry_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"all",
         "spec: {tracing: [{providers: [{name: p}], randomSamplingPercentage: 1.5, customTags: {a: {header: "
         "{name: b}}}}], metrics: [{overrides: [{match: {metric: REQUEST_COUNT}, tagOverrides: {a: {value: "
         "b}}}]}], accessLogging: [{filter: {expression: c}}]}",
         NULL},
        {"nobody", "spec: {tracing: [{providers: [{}]}]}",
         "f.yaml:4:31: spec.tracing[0].providers[0]: name is missing"},
        {"share", "spec: {tracing: [{randomSamplingPercentage: 101}]}",
         "f.yaml:4:45: spec.tracing[0].randomSamplingPercentage: 101 is not between 0 and 100"},
        {"tag of nothing", "spec: {tracing: [{customTags: {a: {literal: {}}}}]}",
         "f.yaml:4:36: spec.tracing[0].customTags.a.literal: value is missing"},
        {"tag of two", "spec: {tracing: [{customTags: {a: {literal: {value: a}, header: {name: b}}}}]}",
         "f.yaml:4:57: spec.tracing[0].customTags.a.header: literal and header exclude each other"},
        {"tag without a name", "spec: {tracing: [{customTags: {'': {literal: {value: a}}}}]}",
         "f.yaml:4:32: spec.tracing[0].customTags[\"\"]: a tag has a name"},
        {"two providers", "spec: {tracing: [{providers: [{name: a}, {name: b}]}]}",
         "f.yaml:4:19: spec.tracing[0].providers: only one provider counts"},
        {"two tracings", "spec: {tracing: [{}, {}]}", "f.yaml:4:8: spec.tracing: only one tracing counts"},
        {"tag set to nothing", "spec: {metrics: [{overrides: [{tagOverrides: {a: {}}}]}]}",
         "f.yaml:4:47: spec.metrics[0].overrides[0].tagOverrides.a: operation UPSERT needs a value"},
        {"tag removed with a value",
         "spec: {metrics: [{overrides: [{tagOverrides: {a: {operation: REMOVE, value: b}}}]}]}",
         "f.yaml:4:77: spec.metrics[0].overrides[0].tagOverrides.a.value: operation REMOVE takes no value"},
        {"metric", "spec: {metrics: [{overrides: [{match: {metric: REQUESTS}}]}]}",
         "f.yaml:4:48: spec.metrics[0].overrides[0].match.metric: 'REQUESTS' is none of ALL_METRICS, "
         "REQUEST_COUNT, REQUEST_DURATION, REQUEST_SIZE, RESPONSE_SIZE, TCP_OPENED_CONNECTIONS, "
         "TCP_CLOSED_CONNECTIONS, TCP_SENT_BYTES, TCP_RECEIVED_BYTES, GRPC_REQUEST_MESSAGES, "
         "GRPC_RESPONSE_MESSAGES"},
        {"empty metric", "spec: {metrics: [{overrides: [{match: {customMetric: ''}}]}]}",
         "f.yaml:4:54: spec.metrics[0].overrides[0].match.customMetric: must not be empty"},
        {"target of another kind", "spec: {targetRef: {kind: Pod, name: p}}",
         "f.yaml:4:26: spec.targetRef.kind: 'Pod' of group '' is none of Service, ServiceEntry "
         "(networking.istio.io), Gateway, GatewayClass (gateway.networking.k8s.io)"},
    };
    kind_rows_checks("telemetry.istio.io/v1", "Telemetry", rows, ROWS(rows));
}

static void wasm_plugin_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"code",
         "spec: {url: a.b/c, phase: STATS, priority: -1, pluginConfig: {a: [1]}, vmConfig: {env: [{name: A, "
         "value: b}]}, match: [{mode: SERVER, ports: [{number: 80}]}]}",
         NULL},
        {"none", "spec: {}", "f.yaml:4:1: spec: url is missing"},
        {"scheme", "spec: {url: \"ftp://a\"}",
         "f.yaml:4:13: spec.url: 'ftp://a' is no URL of oci, http, https or file"},
        {"control character", "spec: {url: \"http://a\\n\"}",
         "f.yaml:4:13: spec.url: 'http://a\\x0a' is no URL of oci, http, https or file"},
        {"port that looks like a scheme", "spec: {url: \"a.b:80/c\"}",
         "f.yaml:4:13: spec.url: 'a.b:80/c' is no URL of oci, http, https or file"},
        {"digest", "spec: {url: a.b/c, sha256: ab}",
         "f.yaml:4:28: spec.sha256: is not of 64 hexadecimal digits, 0 to f"},
        {"settings", "spec: {url: a.b/c, pluginConfig: a}",
         "f.yaml:4:34: spec.pluginConfig: is text where a map belongs"},
        {"variable of the host",
         "spec: {url: a.b/c, vmConfig: {env: [{name: A, valueFrom: HOST, value: b}]}}",
         "f.yaml:4:71: spec.vmConfig.env[0].value: goes with valueFrom INLINE only"},
        {"variable twice", "spec: {url: a.b/c, vmConfig: {env: [{name: A}, {name: A}]}}",
         "f.yaml:4:48: spec.vmConfig.env[1]: 'A' stands in the list twice"},
        {"port", "spec: {url: a.b/c, match: [{ports: [{number: 0}]}]}",
         "f.yaml:4:46: spec.match[0].ports[0].number: 0 is not between 1 and 65535"},
        {"selector and target", "spec: {url: a.b/c, selector: {}, targetRef: {kind: Service, name: a}}",
         "f.yaml:4:34: spec.targetRef: selector and targetRef exclude each other"},
    };
    kind_rows_checks("extensions.istio.io/v1alpha1", "WasmPlugin", rows, ROWS(rows));
}

static void traffic_extension_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"Lua", "spec: {lua: {inlineCode: a}}", NULL},
        {"module", "spec: {wasm: {url: oci://a/b}}", NULL},
        {"nothing", "spec: {}", "f.yaml:4:1: spec: names no code: wasm or lua belongs here"},
        {"both", "spec: {lua: {inlineCode: a}, wasm: {url: a}}",
         "f.yaml:4:8: spec.lua: wasm and lua exclude each other"},
        {"empty code", "spec: {lua: {inlineCode: \"\"}}",
         "f.yaml:4:26: spec.lua.inlineCode: must not be empty"},
        {"scheme", "spec: {wasm: {url: \"ftp://a\"}}",
         "f.yaml:4:20: spec.wasm.url: 'ftp://a' is no URL of oci, http, https or file"},
    };
    kind_rows_checks("extensions.istio.io/v1alpha1", "TrafficExtension", rows, ROWS(rows));
}

static void envoy_filter_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"patch",
         "spec: {configPatches: [{applyTo: CLUSTER, match: {cluster: {service: a}}, patch: {operation: "
         "MERGE, value: {name: a}}}]}",
         NULL},
        {"nothing patched", "spec: {configPatches: [{patch: {operation: MERGE, value: {name: a}}}]}",
         "f.yaml:4:24: spec.configPatches[0]: applyTo is missing"},
        {"no patch", "spec: {configPatches: [{applyTo: CLUSTER}]}",
         "f.yaml:4:24: spec.configPatches[0]: patch is missing"},
        {"no operation", "spec: {configPatches: [{applyTo: CLUSTER, patch: {value: {}}}]}",
         "f.yaml:4:43: spec.configPatches[0].patch: operation is missing"},
        {"no value", "spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE}}]}",
         "f.yaml:4:43: spec.configPatches[0].patch: value is missing"},
        {"removed", "spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: REMOVE}}]}", NULL},
        {"value of another type",
         "spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: [a]}}]}",
         "f.yaml:4:69: spec.configPatches[0].patch.value: is a list where a map belongs"},
        {"name of another type",
         "spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {name: true}}}]}",
         "f.yaml:4:83: spec.configPatches[0].patch.value.name: is a truth value where text belongs"},
        {"old type",
         "spec: {configPatches: [{applyTo: HTTP_FILTER, patch: {operation: ADD, value: {name: a, "
         "typed_config: {'@type': type.googleapis.com/envoy.config.filter.http.lua.v2.Lua}}}}]}",
         "f.yaml:4:112: spec.configPatches[0].patch.value.typed_config[\"@type\"]: "
         "'type.googleapis.com/envoy.config.filter.http.lua.v2.Lua' is of Envoy's API v2, which is gone; a "
         "type of v3 belongs here"},
        {"cluster of a listener",
         "spec: {configPatches: [{applyTo: LISTENER, match: {cluster: {}}, patch: {operation: MERGE, value: "
         "{name: a}}}]}",
         "f.yaml:4:44: spec.configPatches[0].match: with applyTo LISTENER a listener is matched"},
        {"listener of a route",
         "spec: {configPatches: [{applyTo: HTTP_ROUTE, match: {listener: {}}, patch: {operation: MERGE, "
         "value: {name: a}}}]}",
         "f.yaml:4:46: spec.configPatches[0].match: with applyTo HTTP_ROUTE a routeConfiguration is matched"},
        {"listener of a cluster",
         "spec: {configPatches: [{applyTo: CLUSTER, match: {listener: {}}, patch: {operation: MERGE, value: "
         "{name: a}}}]}",
         "f.yaml:4:43: spec.configPatches[0].match: with applyTo CLUSTER a cluster is matched"},
        {"filter without a name",
         "spec: {configPatches: [{applyTo: NETWORK_FILTER, match: {listener: {filterChain: {filter: {}}}}, "
         "patch: {operation: MERGE, value: {name: a}}}]}",
         "f.yaml:4:83: spec.configPatches[0].match.listener.filterChain.filter: name is missing"},
        {"filter within another",
         "spec: {configPatches: [{applyTo: NETWORK_FILTER, match: {listener: {filterChain: {filter: {name: "
         "a, subFilter: {name: b}}}}}, patch: {operation: MERGE, value: {name: a}}}]}",
         "f.yaml:4:101: spec.configPatches[0].match.listener.filterChain.filter.subFilter: goes with applyTo "
         "HTTP_FILTER only"},
        {"filter within no HTTP",
         "spec: {configPatches: [{applyTo: HTTP_FILTER, match: {listener: {filterChain: {filter: {name: a, "
         "subFilter: {name: b}}}}}, patch: {operation: MERGE, value: {name: a}}}]}",
         "f.yaml:4:98: spec.configPatches[0].match.listener.filterChain.filter.subFilter: stands within "
         "envoy.filters.network.http_connection_manager only"},
        {"waypoint",
         "spec: {configPatches: [{applyTo: HTTP_FILTER, match: {context: WAYPOINT, waypoint: {portNumber: "
         "80}}, patch: {operation: REMOVE}}]}",
         NULL},
        {"waypoint elsewhere",
         "spec: {configPatches: [{applyTo: HTTP_FILTER, match: {waypoint: {}}, patch: {operation: MERGE, "
         "value: {name: a}}}]}",
         "f.yaml:4:47: spec.configPatches[0].match: waypoint goes with context WAYPOINT, and with no other"},
        {"version of a proxy",
         "spec: {configPatches: [{applyTo: CLUSTER, match: {proxy: {proxyVersion: '('}}, patch: {operation: "
         "MERGE, value: {name: a}}}]}",
         "f.yaml:4:73: spec.configPatches[0].match.proxy.proxyVersion: is no regular expression RE2 takes: "
         "missing ): ("},
        {"selector and targets", "spec: {workloadSelector: {}, targetRefs: [{kind: Service, name: a}]}",
         "f.yaml:4:30: spec.targetRefs: workloadSelector and targetRefs exclude each other"},
    };
    kind_rows_checks("networking.istio.io/v1alpha3", "EnvoyFilter", rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workload_group_rows),    cmocka_unit_test(proxy_config_rows),
        cmocka_unit_test(telemetry_rows),         cmocka_unit_test(wasm_plugin_rows),
        cmocka_unit_test(traffic_extension_rows), cmocka_unit_test(envoy_filter_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
