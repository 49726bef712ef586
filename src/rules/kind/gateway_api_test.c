#include "base/test.h"

#include "rules/kind/kind_rows.h"

#define API "gateway.networking.k8s.io/"
#define LISTENERS(rest) "spec: {gatewayClassName: c, listeners: [" rest "]}"

static void gateway_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", LISTENERS("{name: web, port: 80, protocol: HTTP}"), NULL},
        {"ended TLS",
         LISTENERS(
             "{name: web, port: 443, protocol: HTTPS, hostname: '*.a.b', tls: {certificateRefs: [{name: "
             "c}]}}"),
         NULL},
        {"no spec", "", "f.yaml:1:1: spec is missing"},
        {"no listeners", LISTENERS(""), "f.yaml:4:29: spec.listeners: must not be empty"},
        {"text for a number", LISTENERS("{name: web, port: '80', protocol: HTTP}"),
         "f.yaml:4:59: spec.listeners[0].port: '80' is text where a whole number belongs"},
        {"port", LISTENERS("{name: web, port: 65536, protocol: HTTP}"),
         "f.yaml:4:59: spec.listeners[0].port: 65536 is not between 1 and 65535"},
        {"name", LISTENERS("{name: 'web>', port: 80, protocol: HTTP}"),
         "f.yaml:4:48: spec.listeners[0].name: 'web>' is not a lower-case DNS name such as shop.example.com"},
        {"host of TCP", LISTENERS("{name: a, port: 80, protocol: TCP, hostname: a.b}"),
         "f.yaml:4:86: spec.listeners[0].hostname: protocol TCP knows no hosts"},
        {"TLS of TCP", LISTENERS("{name: a, port: 80, protocol: TCP, tls: {certificateRefs: [{name: c}]}}"),
         "f.yaml:4:76: spec.listeners[0].tls: protocol TCP has no TLS"},
        {"TLS without tls", LISTENERS("{name: a, port: 443, protocol: TLS}"),
         "f.yaml:4:41: spec.listeners[0]: tls is missing, which protocol TLS needs"},
        {"HTTPS passed through", LISTENERS("{name: a, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}"),
         "f.yaml:4:91: spec.listeners[0].tls.mode: protocol HTTPS needs mode Terminate"},
        {"no certificate", LISTENERS("{name: a, port: 443, protocol: HTTPS, tls: {}}"),
         "f.yaml:4:79: spec.listeners[0].tls: certificateRefs is missing, which mode Terminate needs"},
        {"the same name",
         LISTENERS("{name: a, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP}"),
         "f.yaml:4:78: spec.listeners[1]: 'a' stands in the list twice"},
        {"the same place",
         LISTENERS("{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: HTTP}"),
         "f.yaml:4:78: spec.listeners[1]: listens where listener a does: port, protocol and hostname are "
         "one"},
        {"address",
         "spec: {gatewayClassName: c, addresses: [{value: a.b}], listeners: [{name: a, port: 80, "
         "protocol: HTTP}]}",
         "f.yaml:4:49: spec.addresses[0].value: 'a.b' is no IP address"},
        {"the same address",
         "spec: {gatewayClassName: c, addresses: [{value: 10.0.0.1}, {value: 10.0.0.1}], "
         "listeners: [{name: a, port: 80, protocol: HTTP}]}",
         "f.yaml:4:60: spec.addresses[1]: '10.0.0.1' stands in the list twice"},
        {"key of a label",
         "spec: {gatewayClassName: c, infrastructure: {labels: {'a b': c}}, listeners: [{name: "
         "a, port: 80, protocol: HTTP}]}",
         "f.yaml:4:62: spec.infrastructure.labels[\"a b\"]: its key is not a label's name such as app or "
         "example.com/app"},
        {"unknown field", LISTENERS("{name: a, port: 80, protocol: HTTP, hostnames: [a]}"),
         "f.yaml:4:77: spec.listeners[0].hostnames: no field is called 'hostnames' here; did you mean "
         "hostname?"},
    };
    kind_rows_run(API "v1", "Gateway", rows, ROWS(rows));
    kind_rows_run(API "v1beta1", "Gateway", rows, 2);
}

static void listener_set_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", "spec: {parentRef: {name: g}, listeners: [{name: a, port: 80, protocol: HTTP}]}", NULL},
        {"no parent", "spec: {listeners: [{name: a, port: 80, protocol: HTTP}]}",
         "f.yaml:4:1: spec: parentRef is missing"},
    };
    static const struct kind_row experiment[] = {
        {"port left open", "spec: {parentRef: {name: g}, listeners: [{name: a, protocol: HTTP}]}", NULL},
    };
    kind_rows_run(API "v1", "ListenerSet", rows, ROWS(rows));
    kind_rows_run("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet", experiment, ROWS(experiment));
}

static void class_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", "spec: {controllerName: selvage.dev/node}", NULL},
        {"no path", "spec: {controllerName: selvage.dev}",
         "f.yaml:4:24: spec.controllerName: 'selvage.dev' is not a name with a domain in front such as "
         "example.com/gateway"},
        {"long description",
         "spec: {controllerName: a.b/c, description: "
         "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg}",
         "f.yaml:4:44: spec.description: has 65 letters, more than 64"},
    };
    kind_rows_run(API "v1", "GatewayClass", rows, ROWS(rows));
    kind_rows_run("gateway.networking.x-k8s.io/v1alpha1", "XMesh", rows, ROWS(rows));
}

#define RULE(rest) "spec: {rules: [{" rest "}]}"
#define PATH(rest) RULE("matches: [{path: {" rest "}}]")
#define FILTER(rest) RULE("filters: [{" rest "}]")

static void http_route_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", "spec: {hostnames: [a.b], rules: [{backendRefs: [{name: a, port: 80}]}]}", NULL},
        {"empty", "spec: {}", NULL},
        {"no rules", "spec: {rules: []}", "f.yaml:4:8: spec.rules: must not be empty"},
        {"host", "spec: {hostnames: ['a*.b']}",
         "f.yaml:4:20: spec.hostnames[0]: 'a*.b' is not a lower-case host such as shop.example.com or "
         "*.example.com"},
        {"no port", RULE("backendRefs: [{name: a}]"),
         "f.yaml:4:31: spec.rules[0].backendRefs[0]: port is missing, which a Service needs"},
        {"a kind without ports", RULE("backendRefs: [{name: a, group: a.b, kind: Bucket}]"), NULL},
        {"relative path", PATH("value: a"),
         "f.yaml:4:42: spec.rules[0].matches[0].path.value: begins with no /"},
        {"two slashes", PATH("value: /a//b"),
         "f.yaml:4:42: spec.rules[0].matches[0].path.value: holds //, which no path to compare with may"},
        {"hidden slash", PATH("type: Exact, value: /a%2Fb"),
         "f.yaml:4:55: spec.rules[0].matches[0].path.value: holds %2F, which no path to compare with may"},
        {"upwards", PATH("value: /a/.."),
         "f.yaml:4:42: spec.rules[0].matches[0].path.value: ends with /.., which no path to compare with "
         "may"},
        {"blank", PATH("value: '/a b'"),
         "f.yaml:4:42: spec.rules[0].matches[0].path.value: is not a path of letters, digits, "
         "-/._~!$&'()*+,;=:@ and %XX"},
        {"expression", PATH("type: RegularExpression, value: '/a//[b c]'"), NULL},
        {"method", RULE("matches: [{method: get}]"),
         "f.yaml:4:36: spec.rules[0].matches[0].method: 'get' is none of GET, HEAD, POST, PUT, DELETE, "
         "CONNECT, OPTIONS, TRACE, PATCH"},
        {"a header twice", RULE("matches: [{headers: [{name: a, value: b}, {name: a, value: c}]}]"),
         "f.yaml:4:59: spec.rules[0].matches[0].headers[1]: 'a' stands in the list twice"},
        {"value of a header", RULE("matches: [{headers: [{name: a, value: 'b  c'}]}]"),
         "f.yaml:4:55: spec.rules[0].matches[0].headers[0].value: 'b  c' is not a header's value: visible "
         "ASCII "
         "with single blanks between"},
        {"filter without what it does", FILTER("type: CORS"),
         "f.yaml:4:27: spec.rules[0].filters[0]: cors is missing, which type CORS needs"},
        {"filter of another type", FILTER("type: URLRewrite, urlRewrite: {hostname: a.b}, cors: {maxAge: 1}"),
         "f.yaml:4:75: spec.rules[0].filters[0].cors: goes with type CORS only"},
        {"filter twice", RULE("filters: [{type: CORS, cors: {}}, {type: CORS, cors: {}}]"),
         "f.yaml:4:51: spec.rules[0].filters[1]: a second filter of type CORS"},
        {"redirect and rewrite",
         RULE("filters: [{type: URLRewrite, urlRewrite: {}}, {type: RequestRedirect, requestRedirect: {}}]"),
         "f.yaml:4:63: spec.rules[0].filters[1]: RequestRedirect and URLRewrite exclude each other"},
        {"redirect and backend",
         RULE("filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a, port: 80}]"),
         "f.yaml:4:27: spec.rules[0].filters[0]: a rule that redirects has no backendRefs"},
        {"status of a redirect", FILTER("type: RequestRedirect, requestRedirect: {statusCode: 304}"),
         "f.yaml:4:81: spec.rules[0].filters[0].requestRedirect.statusCode: '304' is none of 301, 302, 303, "
         "307, "
         "308"},
        {"no prefix to replace",
         RULE("matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: "
              "{type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]"),
         "f.yaml:4:104: spec.rules[0].filters[0].urlRewrite.path: replacing the matched prefix needs exactly "
         "one "
         "match, of type PathPrefix"},
        {"prefix of all",
         FILTER("type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, "
                "replacePrefixMatch: /b}}"),
         NULL},
        {"all and one", FILTER("type: CORS, cors: {allowOrigins: ['*', 'https://a.b']}"),
         "f.yaml:4:62: spec.rules[0].filters[0].cors.allowOrigins[0]: '*' stands for all, so it stands "
         "alone"},
        {"origin", FILTER("type: CORS, cors: {allowOrigins: ['http://a.b/c']}"),
         "f.yaml:4:62: spec.rules[0].filters[0].cors.allowOrigins[0]: 'http://a.b/c' is not an origin such "
         "as "
         "https://shop.example.com, https://*.example.com:8443 or *"},
        {"part above the whole",
         FILTER("type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}, fraction: {numerator: "
                "101}}"),
         "f.yaml:4:119: spec.rules[0].filters[0].requestMirror.fraction.numerator: 101 is more than the "
         "denominator, 100"},
        {"longer than the whole", RULE("timeouts: {request: 1s, backendRequest: 1500ms}"),
         "f.yaml:4:57: spec.rules[0].timeouts.backendRequest: is longer than request, 1s"},
        {"no limit as a whole", RULE("timeouts: {request: 0s, backendRequest: 1500ms}"), NULL},
        {"fraction of a second", RULE("timeouts: {request: 1.5s}"),
         "f.yaml:4:37: spec.rules[0].timeouts.request: '1.5s' is not a duration such as 1h30m or 500ms, "
         "without "
         "fractions"},
        {"permanent for ever", RULE("sessionPersistence: {cookie: {lifetimeType: Permanent}}"),
         "f.yaml:4:38: spec.rules[0].sessionPersistence.cookie: lifetimeType Permanent needs an "
         "absoluteTimeout"},
        {"the same rule", "spec: {rules: [{name: a}, {name: b}, {name: a}]}",
         "f.yaml:4:45: spec.rules[2].name: 'a' is the name of another rule"},
        {"the same parent", "spec: {parentRefs: [{name: a}, {name: a}]}",
         "f.yaml:4:32: spec.parentRefs[1]: names what element 0 names, and no other sectionName or port of "
         "it"},
        {"the whole parent, and a part", "spec: {parentRefs: [{name: a}, {name: a, sectionName: b}]}",
         "f.yaml:4:32: spec.parentRefs[1]: names what element 0 names: then both say sectionName or port or "
         "neither does"},
        {"two parts of a parent",
         "spec: {parentRefs: [{name: a, sectionName: b}, {name: a, sectionName: c}]}", NULL},
    };
    kind_rows_run(API "v1", "HTTPRoute", rows, ROWS(rows));
}

static void grpc_route_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", RULE("matches: [{method: {service: a.B, method: C}}]"), NULL},
        {"nothing", RULE("matches: [{method: {}}]"),
         "f.yaml:4:28: spec.rules[0].matches[0].method: service or method is missing"},
        {"service", RULE("matches: [{method: {service: a/B}}]"),
         "f.yaml:4:46: spec.rules[0].matches[0].method.service: is not a gRPC service such as shop.v1.Cart"},
        {"expression", RULE("matches: [{method: {type: RegularExpression, service: 'a/.*'}}]"), NULL},
        {"filter of HTTP", FILTER("type: CORS"),
         "f.yaml:4:34: spec.rules[0].filters[0].type: 'CORS' is none of RequestHeaderModifier, "
         "ResponseHeaderModifier, RequestMirror, ExtensionRef"},
    };
    kind_rows_run(API "v1", "GRPCRoute", rows, ROWS(rows));
}

#define BACKENDS "backendRefs: [{name: a, port: 1}]"

static void connection_route_rows(void **state)
{
    (void)state;
    static const struct kind_row tls[] = {
        {"plain", "spec: {hostnames: [a.b], rules: [{" BACKENDS "}]}", NULL},
        {"no hosts", "spec: {rules: [{" BACKENDS "}]}", "f.yaml:4:1: spec: hostnames is missing"},
        {"address", "spec: {hostnames: [10.0.0.1], rules: [{" BACKENDS "}]}",
         "f.yaml:4:20: spec.hostnames[0]: '10.0.0.1' is an address, which SNI cannot say"},
        {"two rules", "spec: {hostnames: [a.b], rules: [{" BACKENDS "}, {" BACKENDS "}]}",
         "f.yaml:4:26: spec.rules: has 2 elements, more than 1"},
    };
    static const struct kind_row old[] = {
        {"no hosts then", "spec: {rules: [{" BACKENDS "}, {" BACKENDS "}]}", NULL},
    };
    static const struct kind_row tcp[] = {
        {"plain", "spec: {rules: [{" BACKENDS "}]}", NULL},
        {"to nowhere", "spec: {rules: [{}]}", "f.yaml:4:16: spec.rules[0]: backendRefs is missing"},
    };
    kind_rows_run(API "v1", "TLSRoute", tls, ROWS(tls));
    kind_rows_run(API "v1alpha2", "TLSRoute", old, ROWS(old));
    kind_rows_run(API "v1", "TCPRoute", tcp, ROWS(tcp));
    kind_rows_run(API "v1alpha2", "UDPRoute", tcp, ROWS(tcp));
}

static void grant_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain", "spec: {from: [{group: '', kind: A, namespace: b}], to: [{group: '', kind: Secret}]}",
         NULL},
        {"to nothing", "spec: {from: [{group: '', kind: A, namespace: b}]}",
         "f.yaml:4:1: spec: to is missing"},
        {"namespace", "spec: {from: [{group: '', kind: A, namespace: b.c}], to: [{group: '', kind: Secret}]}",
         "f.yaml:4:47: spec.from[0].namespace: 'b.c' is not a name of lower-case letters, digits and -"},
    };
    kind_rows_run(API "v1beta1", "ReferenceGrant", rows, ROWS(rows));
}

#define TARGET "targetRefs: [{group: '', kind: Service, name: a}], "

static void backend_rows(void **state)
{
    (void)state;
    static const struct kind_row tls[] = {
        {"plain", "spec: {" TARGET "validation: {hostname: a.b, wellKnownCACertificates: System}}", NULL},
        {"no roots", "spec: {" TARGET "validation: {hostname: a.b}}",
         "f.yaml:4:59: spec.validation: caCertificateRefs or wellKnownCACertificates is missing"},
        {"both",
         "spec: {" TARGET
         "validation: {hostname: a.b, wellKnownCACertificates: System, caCertificateRefs: [{group: "
         "'', kind: ConfigMap, name: a}]}}",
         "f.yaml:4:112: spec.validation.wellKnownCACertificates: caCertificateRefs and "
         "wellKnownCACertificates "
         "exclude each other"},
        {"URI",
         "spec: {" TARGET
         "validation: {hostname: a.b, wellKnownCACertificates: System, subjectAltNames: [{type: "
         "URI, uri: a.b}]}}",
         "f.yaml:4:155: spec.validation.subjectAltNames[0].uri: 'a.b' is not a URI such as "
         "spiffe://mesh.example/ns/shop/sa/cart"},
    };
    static const struct kind_row traffic[] = {
        {"plain", "spec: {" TARGET "retryConstraint: {budget: {percent: 20, interval: 10s}}}", NULL},
        {"interval", "spec: {" TARGET "retryConstraint: {budget: {interval: 2h}}}",
         "f.yaml:4:96: spec.retryConstraint.budget.interval: '2h' is not between 1s and 1h"},
        {"session", "spec: {" TARGET "sessionPersistence: {type: Header}}",
         "f.yaml:4:59: spec.sessionPersistence: header is missing, which type Header needs"},
        {"the same target",
         "spec: {targetRefs: [{group: '', kind: A, name: a}, {group: '', kind: A, name: a}]}",
         "f.yaml:4:52: spec.targetRefs[1]: ' A a' stands in the list twice"},
    };
    static const struct kind_row outside[] = {
        {"plain", "spec: {type: ExternalHostname, externalHostname: {hostname: a.b}, port: {port: 443}}",
         NULL},
        {"in the cluster",
         "spec: {type: ExternalHostname, externalHostname: {hostname: a.svc.cluster.local}, port: {port: 1}}",
         "f.yaml:4:61: spec.externalHostname.hostname: 'a.svc.cluster.local' is no host outside the cluster"},
        {"no certificate",
         "spec: {type: ExternalHostname, externalHostname: {hostname: a.b}, port: {port: 1}, tls: {mode: "
         "ClientAndServer}}",
         "f.yaml:4:84: spec.tls: clientCertificateRef is missing, which mode ClientAndServer needs"},
    };
    kind_rows_run(API "v1", "BackendTLSPolicy", tls, ROWS(tls));
    kind_rows_run("gateway.networking.x-k8s.io/v1alpha1", "XBackendTrafficPolicy", traffic, ROWS(traffic));
    kind_rows_run("gateway.networking.x-k8s.io/v1alpha1", "XBackend", outside, ROWS(outside));
}

static void what_is_not_acted_on_says_so(void **state)
{
    (void)state;
    struct resource_set set;
    char shown[200];
    struct text text;
    resource_set_init(&set);
    resource_set_add_file(&set, "f.yaml",
                          BYTES("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
                                "metadata: {name: x}\nspec: {}\n"));
    assert_true(resource_set_finish(&set));
    assert_int_equal(set.findings.count, 1);
    text_init_fixed(&text, shown, sizeof(shown));
    finding_write(&set.findings.at[0], &text);
    assert_string_equal(shown, "f.yaml:2:7: kind: HTTPRoute is not acted on by this version");
    resource_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_rows),
        cmocka_unit_test(listener_set_rows),
        cmocka_unit_test(class_rows),
        cmocka_unit_test(http_route_rows),
        cmocka_unit_test(grpc_route_rows),
        cmocka_unit_test(connection_route_rows),
        cmocka_unit_test(grant_rows),
        cmocka_unit_test(backend_rows),
        cmocka_unit_test(what_is_not_acted_on_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
