#include "base/test.h"

#include "rules/kind/kind_rows.h"

#define VALUE(headers)                                                                                       \
    "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], headers: {" headers "}}]}"

static void virtual_service_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"root of delegates", "spec: {hosts: [a.b], http: [{delegate: {name: d}}]}", NULL},
        {"root with a route",
         "spec: {hosts: [a.b], http: [{delegate: {name: d}, route: [{destination: {host: a}}]}]}",
         "f.yaml:4:29: spec.http[0]: route and delegate exclude each other"},
        {"root with a redirect", "spec: {hosts: [a.b], http: [{delegate: {name: d}, redirect: {uri: /}}]}",
         "f.yaml:4:29: spec.http[0]: redirect and delegate exclude each other"},
        {"root with an answer",
         "spec: {hosts: [a.b], http: [{delegate: {name: d}, directResponse: {status: 200}}]}",
         "f.yaml:4:29: spec.http[0]: directResponse and delegate exclude each other"},
        {"delegate", "spec: {http: [{route: [{destination: {host: a}}]}]}", NULL},
        {"delegate of a delegate", "spec: {http: [{delegate: {name: d}}]}",
         "f.yaml:4:16: spec.http[0].delegate: a delegate has no delegates of its own"},
        {"delegate with tcp",
         "spec: {http: [{route: [{destination: {host: a}}]}], tcp: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:1: spec: without hosts it is a delegate, which has only http routes"},
        {"delegate with gateways", "spec: {gateways: [g], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:1: spec: hosts are missing"},
        {"route and redirect",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], redirect: {uri: /}}]}",
         "f.yaml:4:29: spec.http[0]: route and redirect exclude each other"},
        {"route and answer",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], directResponse: {status: 200}}]}",
         "f.yaml:4:29: spec.http[0]: route and directResponse exclude each other"},
        {"fault and redirect",
         "spec: {hosts: [a.b], http: [{redirect: {uri: /}, fault: {abort: {httpStatus: 500, percentage: "
         "{value: 1}}}}]}",
         "f.yaml:4:29: spec.http[0]: fault and redirect exclude each other"},
        {"rewrite and answer",
         "spec: {hosts: [a.b], http: [{directResponse: {status: 200}, rewrite: {uri: /}}]}",
         "f.yaml:4:29: spec.http[0]: rewrite and directResponse exclude each other"},
        {"redirect and answer",
         "spec: {hosts: [a.b], http: [{redirect: {uri: /}, directResponse: {status: 200}}]}",
         "f.yaml:4:29: spec.http[0]: directResponse and redirect exclude each other"},
        {"mirror and mirrors",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], mirror: {host: b}, mirrors: "
         "[{destination: {host: c}}]}]}",
         "f.yaml:4:84: spec.http[0].mirrors: mirror and mirrors exclude each other"},
        {"empty prefix of a path",
         "spec: {hosts: [a.b], http: [{match: [{uri: {prefix: ''}}], route: [{destination: {host: a}}]}]}",
         NULL},
        {"empty prefix of a method",
         "spec: {hosts: [a.b], http: [{match: [{method: {prefix: ''}}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:56: spec.http[0].match[0].method.prefix: must not be empty"},
        {"empty prefix of a parameter",
         "spec: {hosts: [a.b], http: [{match: [{queryParams: {q: {prefix: ''}}}], route: [{destination: "
         "{host: a}}]}]}",
         "f.yaml:4:65: spec.http[0].match[0].queryParams.q.prefix: must not be empty"},
        {"empty match", "spec: {hosts: [a.b], http: [{match: [null], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:38: spec.http[0].match[0]: must not be empty"},
        {"empty expression",
         "spec: {hosts: [a.b], http: [{match: [{uri: {regex: ''}}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:52: spec.http[0].match[0].uri.regex: must not be empty"},
        {"star of a header that is not there",
         "spec: {hosts: [a.b], http: [{match: [{withoutHeaders: {h: {regex: '*'}}}], route: [{destination: "
         "{host: a}}]}]}",
         NULL},
        {"star of a header",
         "spec: {hosts: [a.b], http: [{match: [{headers: {h: {regex: '*'}}}], route: [{destination: {host: "
         "a}}]}]}",
         "f.yaml:4:60: spec.http[0].match[0].headers.h.regex: is no regular expression RE2 takes: no "
         "argument for repetition operator: *"},
        {"pseudo-header",
         "spec: {hosts: [a.b], http: [{match: [{headers: {':authority': {exact: a}}}], route: [{destination: "
         "{host: a}}]}]}",
         NULL},
        {"unknown pseudo-header",
         "spec: {hosts: [a.b], http: [{match: [{headers: {':port': {exact: a}}}], route: [{destination: "
         "{host: a}}]}]}",
         "f.yaml:4:49: spec.http[0].match[0].headers[\":port\"]: ':port' is no name of a header"},
        {"claim without a name",
         "spec: {hosts: [a.b], http: [{match: [{headers: {'@request.auth.claims': {exact: a}}}], route: "
         "[{destination: {host: a}}]}]}",
         "f.yaml:4:49: spec.http[0].match[0].headers[\"@request.auth.claims\"]: '@request.auth.claims' is no "
         "name of a header"},
        {"labels of callers",
         "spec: {hosts: [a.b], http: [{match: [{sourceLabels: {'a b': c}}], route: [{destination: {host: "
         "a}}]}]}",
         "f.yaml:4:61: spec.http[0].match[0].sourceLabels[\"a b\"]: 'a b' is no name of a label"},
        {"namespace of callers",
         "spec: {hosts: [a.b], http: [{match: [{sourceNamespace: a.b}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:56: spec.http[0].match[0].sourceNamespace: 'a.b' is no namespace"},
        {"gateway of a match",
         "spec: {hosts: [a.b], http: [{match: [{gateways: [a/b/c]}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:50: spec.http[0].match[0].gateways[0]: 'a/b/c' is no gateway: NAME or NAMESPACE/NAME "
         "belongs here"},
        {"old name of a gateway",
         "spec: {hosts: [a.b], gateways: [g.ns], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:33: spec.gateways[0]: is the old form of a name; NAMESPACE/NAME is meant"},
        {"no name of a gateway",
         "spec: {hosts: [a.b], gateways: [./g], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:33: spec.gateways[0]: './g' is no gateway: NAME or NAMESPACE/NAME belongs here"},
        {"hosts that overlap",
         "spec: {hosts: ['*.b', a.b], gateways: [g], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:23: spec.hosts[1]: overlaps with '*.b'"},
        {"star in the mesh", "spec: {hosts: ['*'], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:16: spec.hosts[0]: '*' is for gateways; inside the mesh services have names"},
        {"host that ends with a number", "spec: {hosts: [a.1], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:16: spec.hosts[0]: 'a.1' is no host: a name such as shop.example.com, *.example.com or * "
         "belongs here"},
        {"host that is an address", "spec: {hosts: [10.0.0.1], http: [{route: [{destination: {host: a}}]}]}",
         NULL},
        {"host of AUTO_PASSTHROUGH",
         "spec: {hosts: ['outbound_.80_._.a.b'], gateways: [g], tls: [{match: [{sniHosts: "
         "['outbound_.80_._.a.b']}], route: [{destination: {host: a}}]}]}",
         NULL},
        {"half a host of AUTO_PASSTHROUGH",
         "spec: {hosts: ['outbound_.80'], gateways: [g], tls: [{match: [{sniHosts: [a.b]}], route: "
         "[{destination: {host: a}}]}]}",
         "f.yaml:4:16: spec.hosts[0]: 'outbound_.80' is not of the form outbound_.PORT_._.HOST"},
        {"destination by address", "spec: {hosts: [a.b], http: [{route: [{destination: {host: 10.0.0.1}}]}]}",
         "f.yaml:4:59: spec.http[0].route[0].destination.host: '10.0.0.1' is no host: a name such as "
         "shop.example.com, *.example.com or * belongs here"},
        {"destination of a bad subset",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a, subset: a.b}}]}]}",
         "f.yaml:4:70: spec.http[0].route[0].destination.subset: 'a.b' is no name of a subset"},
        {"destination without a port",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a, port: {}}}]}]}",
         "f.yaml:4:62: spec.http[0].route[0].destination.port: 0 is no port; one is between 1 and 65535"},
        {"header without a name",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], headers: {request: {set: {'': "
         "a}}}}]}",
         "f.yaml:4:95: spec.http[0].headers.request.set[\"\"]: a header has a name"},
        {"host of a response",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], headers: {response: {set: {host: "
         "a}}}}]}",
         "f.yaml:4:98: spec.http[0].headers.response.set.host: the host can be set only, and only on the way "
         "up"},
        {"host removed",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], headers: {request: {remove: "
         "[host]}}}]}",
         "f.yaml:4:94: spec.http[0].headers.request.remove[0]: the host can be set only, and only on the way "
         "up"},
        {"percent that ends nothing",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], headers: {response: {set: {a: "
         "'x%y'}}}}]}",
         "f.yaml:4:95: spec.http[0].headers.response.set.a: a percent sign is not closed by another; a "
         "percent sign is written %%"},
        {"rewrite of nothing",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], rewrite: {}}]}",
         "f.yaml:4:65: spec.http[0].rewrite: says nothing to change: uri, uriRegexRewrite or authority "
         "belongs here"},
        {"rewrite in two ways",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], rewrite: {uri: /a, "
         "uriRegexRewrite: {match: a, rewrite: b}}}]}",
         "f.yaml:4:84: spec.http[0].rewrite.uriRegexRewrite: uri and uriRegexRewrite exclude each other"},
        {"prefix replaced where none matched",
         "spec: {hosts: [a.b], http: [{match: [{uri: {exact: /a}}], redirect: {prefixRewrite: /b}}]}",
         "f.yaml:4:39: spec.http[0].match[0].uri: prefixRewrite replaces a prefix; only one can be matched "
         "here"},
        {"redirect in two ways", "spec: {hosts: [a.b], http: [{redirect: {uri: /a, prefixRewrite: /b}}]}",
         "f.yaml:4:65: spec.http[0].redirect.prefixRewrite: uri and prefixRewrite exclude each other"},
        {"code that is no redirect", "spec: {hosts: [a.b], http: [{redirect: {uri: /a, redirectCode: 200}}]}",
         "f.yaml:4:64: spec.http[0].redirect.redirectCode: 200 is none of 301, 302, 303, 307, 308"},
        {"status of an answer", "spec: {hosts: [a.b], http: [{directResponse: {status: 600}}]}",
         "f.yaml:4:55: spec.http[0].directResponse.status: 600 is no status; one is below 600"},
        {"no fault", "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], fault: {}}]}",
         "f.yaml:4:65: spec.http[0].fault: says no fault: delay or abort belongs here"},
        {"abort of HTTP/2",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], fault: {abort: {http2Error: a, "
         "percentage: {value: 1}}}}]}",
         "f.yaml:4:93: spec.http[0].fault.abort.http2Error: errors of HTTP/2 cannot be injected; httpStatus "
         "or grpcStatus belongs here"},
        {"exponential delay",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], fault: {delay: {exponentialDelay: "
         "1s, percentage: {value: 1}}}}]}",
         "f.yaml:4:99: spec.http[0].fault.delay.exponentialDelay: cannot be injected; fixedDelay belongs "
         "here"},
        {"too small a share",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], fault: {abort: {httpStatus: 500, "
         "percentage: {value: 0.00001}}}}]}",
         "f.yaml:4:118: spec.http[0].fault.abort.percentage.value: 1e-05 is not 0 and below 0.0001"},
        {"no origin",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], corsPolicy: {allowOrigins: "
         "[{}]}}]}",
         "f.yaml:4:93: spec.http[0].corsPolicy.allowOrigins[0]: says no origin: exact, prefix or regex "
         "belongs here"},
        {"no method",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], corsPolicy: {allowMethods: "
         "[get]}}]}",
         "f.yaml:4:93: spec.http[0].corsPolicy.allowMethods[0]: 'get' is no method such as GET, and not *"},
        {"part of a second",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], corsPolicy: {maxAge: 1.5s}}]}",
         "f.yaml:4:86: spec.http[0].corsPolicy.maxAge: browsers are told whole seconds"},
        {"finer than a millisecond",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], timeout: 1.0005s}]}",
         "f.yaml:4:74: spec.http[0].timeout: '1.0005s' is finer than a millisecond"},
        {"retries elsewhere without attempts",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], retries: {retryRemoteLocalities: "
         "true}}]}",
         "f.yaml:4:65: spec.http[0].retries: without attempts there are no retries to speak of"},
        {"no status of retries",
         "spec: {hosts: [a.b], http: [{route: [{destination: {host: a}}], retries: {attempts: 1, retryOn: "
         "'299'}}]}",
         "f.yaml:4:97: spec.http[0].retries.retryOn: '299' is neither a status nor a word of Envoy's "
         "x-envoy-retry-on"},
        {"operators", VALUE("request: {set: {a: '%REQ(b)%%%'}}"), NULL},
        {"operator of responses", VALUE("request: {set: {a: '%RESPONSE_CODE%'}}"),
         "f.yaml:4:94: spec.http[0].headers.request.set.a: '%RESPONSE_CODE%' is not known before there is a "
         "response"},
        {"half an operator", VALUE("response: {add: {a: '50%'}}"),
         "f.yaml:4:95: spec.http[0].headers.response.add.a: a percent sign is not closed by another; a "
         "percent "
         "sign is written %%"},
        {"authority of operators", VALUE("request: {set: {host: '%REQ(a)%'}}"),
         "f.yaml:4:97: spec.http[0].headers.request.set.host: a host is written out: what a client says "
         "would "
         "choose it"},
        {"exported twice",
         "spec: {hosts: [a.b], exportTo: [., default], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:36: spec.exportTo[1]: 'default' stands in the list already"},
        {"exported to all and one",
         "spec: {hosts: [a.b], exportTo: ['*', a], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:33: spec.exportTo[0]: * is everybody; no other entry can stand beside it"},
        {"exported to nobody",
         "spec: {hosts: [a.b], exportTo: ['~'], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:33: spec.exportTo[0]: '~' is no namespace; one, . or * belongs here"},
        {"address in TLS",
         "spec: {hosts: [a.b], tls: [{match: [{sniHosts: [10.0.0.1]}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:49: spec.tls[0].match[0].sniHosts[0]: clients ask for names, hardly one for an address"},
        {"range of destinations",
         "spec: {hosts: [a.b], tcp: [{match: [{destinationSubnets: [10.0.0.0/08]}], route: [{destination: "
         "{host: a}}]}]}",
         "f.yaml:4:59: spec.tcp[0].match[0].destinationSubnets[0]: '10.0.0.0/08' is no address or range such "
         "as 10.0.0.0/8"},
    };
    kind_rows_checks("networking.istio.io/v1", "VirtualService", rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_service_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
