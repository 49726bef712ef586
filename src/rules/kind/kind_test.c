#include "base/test.h"

#include "rules/kind/kind_rows.h"
#include "rules/kind/revocation.h"
#include "rules/kind/secret_sample.h"

static void gateway_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"plain",
         "spec: {selector: {a: b}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: "
         "[a.b]}]}",
         NULL},
        {"tls",
         "spec: {servers: [{port: {number: 443, name: s, protocol: https}, hosts: ['ns/*.a.b'],"
         " tls: {mode: MUTUAL, credentialName: c, minProtocolVersion: TLSV1_2}}]}",
         NULL},
        {"mode",
         "spec:\n  servers:\n  - port: {number: 443, name: s, protocol: HTTPS}\n    hosts: ['*']\n    tls:\n"
         "      mode: MUTAUL",
         "f.yaml:9:13: spec.servers[0].tls.mode: 'MUTAUL' is none of PASSTHROUGH, SIMPLE, MUTUAL, "
         "AUTO_PASSTHROUGH, "
         "ISTIO_MUTUAL, OPTIONAL_MUTUAL"},
        {"no servers", "spec: {}", "f.yaml:4:1: spec: servers is missing"},
        {"host", "spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*bar.com']}]}",
         "f.yaml:4:75: spec.servers[0].hosts[0]: '*bar.com' is no host: * is a whole label, as in "
         "*.example.com"},
        {"port", "spec: {servers: [{port: {number: 0, name: http, protocol: HTTP}, hosts: [a.b]}]}",
         "f.yaml:4:34: spec.servers[0].port.number: 0 is no port; one is between 1 and 65535"},
        {"no certificate",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b], tls: {mode: "
         "SIMPLE}}]}",
         "f.yaml:4:80: spec.servers[0].tls: mode SIMPLE needs a credentialName"},
        {"passed through",
         "spec: {servers: [{port: {number: 443, name: s, protocol: TLS}, hosts: ['*'], tls: {mode: "
         "PASSTHROUGH}}]}",
         NULL},
        {"no mode",
         "spec: {servers: [{port: {number: 443, name: s, protocol: TLS}, hosts: ['*'], tls: "
         "{credentialName: c}}]}",
         "f.yaml:4:78: spec.servers[0].tls: no mode is written, so PASSTHROUGH holds: TLS is not ended here"},
        {"pinned key",
         "spec: {servers: [{port: {number: 443, name: s, protocol: HTTPS}, hosts: [a.b],"
         " tls: {mode: MUTUAL, credentialName: c, verifyCertificateSpki: [x]}}]}",
         "f.yaml:4:119: spec.servers[0].tls.verifyCertificateSpki: verifyCertificateSpki is not acted on by "
         "this "
         "version, so the resource would not do what it says"},
        {"unknown field",
         "spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, host: [a.b], hosts: [a.b]}]}",
         "f.yaml:4:67: spec.servers[0].host: no field is called 'host' here; did you mean hosts?"},
        {"same names",
         "spec: {servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [a.b]},"
         " {port: {number: 81, name: a, protocol: HTTP}, hosts: [a.b]}]}",
         "f.yaml:4:105: spec.servers[1].port.name: 'a' is the name of another server's port"},
    };
    kind_rows_run("networking.istio.io/v1", "Gateway", rows, ROWS(rows));
}

#define HTTP(rest) "spec: {hosts: [a], http: [{" rest "}]}"
#define ROUTE(rest) HTTP("route: [{destination: {host: a}}], " rest)

static void virtual_service_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"routes",
         "spec: {hosts: [a], http: [{match: [{uri: {prefix: /x}, headers: {h: {regex: 'a+'}}}],"
         " route: [{destination: {host: a, port: {number: 80}}, weight: 1}], timeout: 1.5s}]}",
         NULL},
        {"any header",
         "spec: {hosts: [a], http: [{match: [{headers: {h: {}}}], route: [{destination: {host: a}}]}]}",
         NULL},
        {"authority", ROUTE("headers: {request: {set: {':authority': b}}}"), NULL},
        {"authority in two ways", ROUTE("headers: {request: {set: {':authority': b, Host: b}}}"),
         "f.yaml:4:27: spec.http[0]: the host is changed in two places"},
        {"framing removed", ROUTE("headers: {response: {remove: [Connection]}}"), NULL},
        {"framing", ROUTE("headers: {request: {set: {Transfer-Encoding: chunked}}}"),
         "f.yaml:4:108: spec.http[0].headers.request.set.Transfer-Encoding: 'Transfer-Encoding' says "
         "where "
         "messages end or connections do: no rule may"},
        {"rewritten authority", ROUTE("rewrite: {authority: \"a\\tb\"}"),
         "f.yaml:4:84: spec.http[0].rewrite.authority: is no host"},
        {"pseudo-header", ROUTE("headers: {request: {add: {':path': /x}}}"),
         "f.yaml:4:98: spec.http[0].headers.request.add[\":path\"]: ':path' is no name of a header"},
        {"control character", ROUTE("headers: {response: {add: {a: \"\\x01\"}}}"),
         "f.yaml:4:93: spec.http[0].headers.response.add.a: the value of a header has no control "
         "characters"},
        {"regex",
         "spec: {hosts: [a], http: [{match: [{uri: {regex: '('}}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:50: spec.http[0].match[0].uri.regex: is no regular expression RE2 takes: missing ): ("},
        {"two forms",
         "spec: {hosts: [a], http: [{match: [{uri: {exact: a, prefix: b}}], route: [{destination: {host: "
         "a}}]}]}",
         "f.yaml:4:61: spec.http[0].match[0].uri.prefix: here belongs one of exact, prefix, regex"},
        {"timeout", "spec: {hosts: [a], http: [{route: [{destination: {host: a}}], timeout: soon}]}",
         "f.yaml:4:72: spec.http[0].timeout: 'soon' is no duration such as 1.5s, 300ms or 1h"},
        {"short timeout", "spec: {hosts: [a], http: [{route: [{destination: {host: a}}], timeout: 0s}]}",
         "f.yaml:4:72: spec.http[0].timeout: '0s' is shorter than 1ms"},
        {"weights",
         "spec: {hosts: [a], http: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]}",
         "f.yaml:4:28: spec.http[0].route: several destinations need weights"},
        {"nowhere", "spec: {hosts: [a], http: [{name: m}]}",
         "f.yaml:4:27: spec.http[0]: says nowhere to go: route, redirect, directResponse or delegate"},
        {"claim in the mesh",
         "spec: {hosts: [a], http: [{match: [{headers: {'@request.auth.claims.a': {exact: b}}}],"
         " route: [{destination: {host: a}}]}]}",
         "f.yaml:4:47: spec.http[0].match[0].headers[\"@request.auth.claims.a\"]: claims are known at "
         "gateways only; "
         "name one in gateways"},
        {"retries", ROUTE("retries: {attempts: 1, retryOn: '5xx,503,unavailable', backoff: 1s}"), NULL},
        {"a space among the words of retries", ROUTE("retries: {attempts: 1, retryOn: '5xx, 503'}"),
         "f.yaml:4:95: spec.http[0].retries.retryOn: ' 503' is neither a status nor a word of Envoy's "
         "x-envoy-retry-on"},
        {"no word of retries", ROUTE("retries: {attempts: 1, retryOn: '5xx,soon'}"),
         "f.yaml:4:95: spec.http[0].retries.retryOn: 'soon' is neither a status nor a word of Envoy's "
         "x-envoy-retry-on"},
        {"no status of retries", ROUTE("retries: {attempts: 1, retryOn: '600'}"),
         "f.yaml:4:95: spec.http[0].retries.retryOn: '600' is neither a status nor a word of Envoy's "
         "x-envoy-retry-on"},
        {"retries without attempts", ROUTE("retries: {perTryTimeout: 1s}"),
         "f.yaml:4:63: spec.http[0].retries: without attempts there are no retries to speak of"},
        {"redirect", HTTP("redirect: {uri: /b, redirectCode: 308, derivePort: FROM_REQUEST_PORT}"), NULL},
        {"code of a redirect", HTTP("redirect: {uri: /b, redirectCode: 304}"),
         "f.yaml:4:62: spec.http[0].redirect.redirectCode: 304 is none of 301, 302, 303, 307, 308"},
        {"a redirect to nowhere", HTTP("redirect: {}"),
         "f.yaml:4:28: spec.http[0].redirect: says nothing to change: uri, prefixRewrite, authority, scheme "
         "or port belongs here"},
        {"path of a redirect", HTTP("redirect: {uri: '/a b'}"),
         "f.yaml:4:44: spec.http[0].redirect.uri: a path has no spaces and no control characters"},
        {"host of a redirect", HTTP("redirect: {authority: \"a\\r\\nb\"}"),
         "f.yaml:4:50: spec.http[0].redirect.authority: is no host"},
        {"scheme of a redirect", HTTP("redirect: {scheme: ftp}"),
         "f.yaml:4:47: spec.http[0].redirect.scheme: is neither http nor https"},
        {"two ports of a redirect", HTTP("redirect: {port: 1, derivePort: FROM_REQUEST_PORT}"),
         "f.yaml:4:60: spec.http[0].redirect.derivePort: port and derivePort exclude each other"},
        {"an answer", HTTP("directResponse: {status: 503, body: {bytes: aGk=}}"), NULL},
        {"status of an answer", HTTP("directResponse: {status: 199}"),
         "f.yaml:4:53: spec.http[0].directResponse.status: 199 is not between 200 and 600"},
        {"body of an answer", HTTP("directResponse: {status: 200, body: {bytes: aGk}}"),
         "f.yaml:4:72: spec.http[0].directResponse.body.bytes: is not base64"},
        {"fault",
         ROUTE("fault: {delay: {fixedDelay: 1s, percentage: {value: 1}}, abort: {grpcStatus: ABORTED, "
               "percentage: {value: 1}}}"),
         NULL},
        {"fault of no request", ROUTE("fault: {abort: {httpStatus: 500}}"),
         "f.yaml:4:71: spec.http[0].fault.abort: without a percentage no request is aborted"},
        {"delay of no request", ROUTE("fault: {delay: {fixedDelay: 1s}}"),
         "f.yaml:4:71: spec.http[0].fault.delay: without a percentage no request is delayed"},
        {"fault of an unknown status", ROUTE("fault: {abort: {grpcStatus: BUSY, percentage: {value: 1}}}"),
         "f.yaml:4:91: spec.http[0].fault.abort.grpcStatus: 'BUSY' is no status of gRPC"},
        {"CORS",
         ROUTE("corsPolicy: {allowOrigins: [{regex: 'https://a.*'}], allowMethods: [GET], allowHeaders: "
               "['*'], maxAge: 1h, unmatchedPreflights: IGNORE}"),
         NULL},
        {"origins of CORS", ROUTE("corsPolicy: {allowOrigins: [{regex: '('}]}"),
         "f.yaml:4:99: spec.http[0].corsPolicy.allowOrigins[0].regex: is no regular expression RE2 takes: "
         "missing ): ("},
        {"fields of CORS", ROUTE("corsPolicy: {exposeHeaders: [x-a, 'x b']}"),
         "f.yaml:4:97: spec.http[0].corsPolicy.exposeHeaders[1]: 'x b' is no name of a header"},
        {"rewrite by expression", ROUTE("rewrite: {uriRegexRewrite: {match: '^/a/(.*)', rewrite: '/\\1'}}"),
         NULL},
        {"rewrite by a broken expression", ROUTE("rewrite: {uriRegexRewrite: {match: '(', rewrite: /}}"),
         "f.yaml:4:98: spec.http[0].rewrite.uriRegexRewrite.match: is no regular expression RE2 takes: "
         "missing ): ("},
        {"rewrite with a group that is not there",
         ROUTE("rewrite: {uriRegexRewrite: {match: a, rewrite: '/\\1'}}"),
         "f.yaml:4:110: spec.http[0].rewrite.uriRegexRewrite.rewrite: names group 1 of an expression that "
         "has 0"},
        {"rewrite to what is no path", ROUTE("rewrite: {uri: '/a b'}"),
         "f.yaml:4:78: spec.http[0].rewrite.uri: a path has no spaces and no control characters"},
        {"names of TLS",
         "spec: {hosts: ['*.a', b.c], tls: [{match: [{sniHosts: [x.a, b.c], destinationSubnets: "
         "[10.0.0.0/8]}], route: [{destination: {host: a}}]}]}",
         NULL},
        {"a name of another host",
         "spec: {hosts: ['*.a'], tls: [{match: [{sniHosts: [x.a, a]}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:56: spec.tls[0].match[0].sniHosts[1]: 'a' is none of the VirtualService's hosts"},
        {"no name of TLS",
         "spec: {hosts: [a.b], tls: [{match: [{sniHosts: ['a b']}], route: [{destination: {host: a}}]}]}",
         "f.yaml:4:49: spec.tls[0].match[0].sniHosts[0]: 'a b' is no host: a name such as shop.example.com, "
         "*.example.com or * belongs here"},
        {"tls for every name", "spec: {hosts: [a.b], tls: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:28: spec.tls[0]: match is missing"},
        {"range",
         "spec: {hosts: [a.b], tcp: [{match: [{sourceSubnet: 10.0.0.0/33}], route: [{destination: {host: "
         "a}}]}]}",
         "f.yaml:4:52: spec.tcp[0].match[0].sourceSubnet: '10.0.0.0/33' is no address or range such as "
         "10.0.0.0/8"},
        {"weights of connections",
         "spec: {hosts: [a.b], tcp: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]}",
         "f.yaml:4:29: spec.tcp[0].route: several destinations need weights"},
        {"number where text belongs", "spec: {hosts: [1], http: [{route: [{destination: {host: a}}]}]}",
         "f.yaml:4:16: spec.hosts[0]: '1' is a number where text belongs; write it in quotes"},
    };
    kind_rows_run("networking.istio.io/v1", "VirtualService", rows, ROWS(rows));
}

static void destination_rule_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"subsets",
         "spec: {host: a, subsets: [{name: v1, labels: {version: v1}}], trafficPolicy: {tls: {mode: "
         "SIMPLE}}}",
         NULL},
        {"no host", "spec: {}", "f.yaml:4:1: spec: host is missing"},
        {"control characters", "spec: {host: \"a\\e[1m\\n\"}",
         "f.yaml:4:14: spec.host: 'a\\x1b[1m\\x0a' is no host: a name such as shop.example.com, "
         "*.example.com or * "
         "belongs here"},
        {"twice", "spec: {host: a, subsets: [{name: v}, {name: v}]}",
         "f.yaml:4:45: spec.subsets[1].name: 'v' is the name of another subset"},
        {"mutual", "spec: {host: a, trafficPolicy: {tls: {mode: MUTUAL}}}",
         "f.yaml:4:33: spec.trafficPolicy.tls: mode MUTUAL needs a credentialName, or clientCertificate and "
         "privateKey"},
        {"files",
         "spec: {host: a, trafficPolicy: {tls: {mode: MUTUAL, clientCertificate: /a, privateKey: /b, "
         "caCertificates: /c}}}",
         NULL},
        {"half a pair", "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, clientCertificate: /a}}}",
         "f.yaml:4:33: spec.trafficPolicy.tls: clientCertificate and privateKey belong together"},
        {"no path", "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: a.pem}}}",
         "f.yaml:4:69: spec.trafficPolicy.tls.caCertificates: is no absolute path"},
        {"Secret and file",
         "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: /a, credentialName: b}}}",
         "f.yaml:4:69: spec.trafficPolicy.tls.caCertificates: caCertificates and credentialName exclude each "
         "other"},
        {"skip and names",
         "spec: {host: a, trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: "
         "[a]}}}",
         "f.yaml:4:73: spec.trafficPolicy.tls.insecureSkipVerify: contradicts subjectAltNames"},
        {"one of",
         "spec: {host: a, trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: "
         "on}}}}",
         "f.yaml:4:64: spec.trafficPolicy.loadBalancer.consistentHash: consistentHash is not acted on by "
         "this version"},
    };
    kind_rows_run("networking.istio.io/v1beta1", "DestinationRule", rows, ROWS(rows));
}

static void service_entry_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"static",
         "spec: {hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}],"
         " endpoints: [{address: 10.0.0.1, ports: {http: 8080}}, {address: '::1'}]}",
         NULL},
        {"unix",
         "spec: {hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}],"
         " endpoints: [{address: 'unix:///run/a.sock'}]}",
         NULL},
        {"no such port",
         "spec: {hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http}],"
         " endpoints: [{address: 10.0.0.1, ports: {htp: 8080}}]}",
         "f.yaml:4:122: spec.endpoints[0].ports.htp: the service has no such port"},
        {"both",
         "spec: {hosts: [a.b], resolution: STATIC, endpoints: [{address: 10.0.0.1}], workloadSelector: "
         "{labels: {a: b}}}",
         "f.yaml:4:76: spec.workloadSelector: endpoints and workloadSelector exclude each other"},
        {"everything", "spec: {hosts: ['*'], resolution: STATIC, endpoints: [{address: 10.0.0.1}]}",
         "f.yaml:4:16: spec.hosts[0]: '*' is no single service"},
        {"relative socket",
         "spec: {hosts: [a.b], resolution: STATIC, ports: [{number: 80, name: http}], endpoints: [{address: "
         "'unix://a'}]}",
         "f.yaml:4:99: spec.endpoints[0].address: 'unix://a' is no unix socket such as unix:///run/app.sock "
         "or "
         "unix://@app"},
        {"none", "spec: {hosts: [a.b], resolution: NONE}",
         "f.yaml:4:34: spec.resolution: 'NONE' is not acted on by this version"},
        {"wildcard by DNS", "spec: {hosts: ['*.b'], resolution: DNS}",
         "f.yaml:4:16: spec.hosts[0]: a wildcard cannot be resolved; endpoints are needed"},
    };
    kind_rows_run("networking.istio.io/v1", "ServiceEntry", rows, ROWS(rows));
}

static void workload_entry_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"address", "spec: {address: 10.0.0.1, labels: {app: a}, serviceAccount: sa}", NULL},
        {"none", "spec: {labels: {app: a}}", "f.yaml:4:1: spec: address is missing"},
        {"port", "spec: {address: 10.0.0.1, ports: {http: 99999}}",
         "f.yaml:4:41: spec.ports.http: 99999 is no port; one is between 1 and 65535"},
    };
    kind_rows_run("networking.istio.io/v1", "WorkloadEntry", rows, ROWS(rows));
}

static void sidecar_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"both ways",
         "spec: {ingress: [{port: {number: 80, name: http, protocol: HTTP}, defaultEndpoint: "
         "'127.0.0.1:8080'}],"
         " egress: [{hosts: ['./*', 'istio-system/*']}]}",
         NULL},
        {"elsewhere",
         "spec: {ingress: [{port: {number: 80, name: http, protocol: HTTP}, defaultEndpoint: "
         "'10.0.0.1:8080'}]}",
         "f.yaml:4:84: spec.ingress[0].defaultEndpoint: '10.0.0.1:8080' is another machine; a sidecar serves "
         "its own "
         "workload"},
        {"host", "spec: {egress: [{hosts: [a.b]}]}",
         "f.yaml:4:26: spec.egress[0].hosts[0]: 'a.b' is not of the form NAMESPACE/HOST"},
        {"captured",
         "spec: {ingress: [{port: {number: 80, name: http, protocol: HTTP}, captureMode: IPTABLES}]}",
         "f.yaml:4:80: spec.ingress[0].captureMode: 'IPTABLES' is not acted on by this version"},
    };
    kind_rows_run("networking.istio.io/v1", "Sidecar", rows, ROWS(rows));
}

static void peer_authentication_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"strict", "spec: {mtls: {mode: STRICT}}", NULL},
        {"ports", "spec: {selector: {matchLabels: {a: b}}, portLevelMtls: {8080: {mode: DISABLE}}}", NULL},
        {"ports of nobody", "spec: {portLevelMtls: {8080: {mode: DISABLE}}}",
         "f.yaml:4:8: spec.portLevelMtls: needs a selector: ports belong to workloads"},
        {"port", "spec: {selector: {matchLabels: {a: b}}, portLevelMtls: {http: {mode: DISABLE}}}",
         "f.yaml:4:57: spec.portLevelMtls.http: 'http' is no port; one is between 1 and 65535"},
        {"unknown field is an error", "spec: {mtl: {mode: STRICT}}",
         "f.yaml:4:8: spec.mtl: no field is called 'mtl' here; did you mean mtls?"},
    };
    kind_rows_run("security.istio.io/v1", "PeerAuthentication", rows, ROWS(rows));
}

static void request_authentication_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"issuer", "spec: {jwtRules: [{issuer: a, jwksUri: 'https://a/b', fromHeaders: [{name: x}]}]}", NULL},
        {"keys", "spec: {jwtRules: [{issuer: a, jwks: '{\"keys\":[]}'}]}", NULL},
        {"no keys", "spec: {jwtRules: [{issuer: a, jwks: '{'}]}",
         "f.yaml:4:37: spec.jwtRules[0].jwks: is no key set: a JSON object with a list keys"},
        {"no issuer", "spec: {jwtRules: [{jwksUri: 'https://a/b'}]}",
         "f.yaml:4:19: spec.jwtRules[0]: issuer is missing"},
        {"empty rule", "spec: {jwtRules: [null]}", "f.yaml:4:19: spec.jwtRules[0]: must not be empty"},
        {"scheme", "spec: {jwtRules: [{issuer: a, jwksUri: 'file:///b'}]}",
         "f.yaml:4:40: spec.jwtRules[0].jwksUri: 'file:///b' is no http or https URL"},
        {"header", "spec: {jwtRules: [{issuer: a, outputClaimToHeaders: [{header: 'a b', claim: c}]}]}",
         "f.yaml:4:63: spec.jwtRules[0].outputClaimToHeaders[0].header: 'a b' is no name of a header"},
        {"framing header", "spec: {jwtRules: [{issuer: a, outputPayloadToHeader: Content-Length}]}",
         "f.yaml:4:54: spec.jwtRules[0].outputPayloadToHeader: 'Content-Length' says where messages end or "
         "connections do: no rule may"},
        {"places",
         "spec: {jwtRules: [{issuer: a, fromParams: [p], fromCookies: [c], "
         "spaceDelimitedClaims: [roles]}]}",
         ""},
        {"presence", "spec: {jwtRules: [{issuer: a, presence: REQUIRED}]}",
         "f.yaml:4:41: spec.jwtRules[0].presence: presence is not acted on by this version, so the "
         "resource would not do what it says"},
    };
    kind_rows_run("security.istio.io/v1", "RequestAuthentication", rows, ROWS(rows));
}

static void authorization_policy_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"deny all", "spec: {}", NULL},
        {"allow all", "spec: {rules: [{}]}", NULL},
        {"full",
         "spec: {action: DENY, rules: [{from: [{source: {principals: ['*'], ipBlocks: [10.0.0.0/8]}}],"
         " to: [{operation: {paths: ['/a/{*}/{**}'], ports: ['80']}}],"
         " when: [{key: 'request.auth.claims[a][b]', values: [x]}]}]}",
         NULL},
        {"custom", "spec: {action: CUSTOM, rules: [{}], provider: {name: p}}",
         "f.yaml:4:16: spec.action: 'CUSTOM' is not acted on by this version, so the resource would not do "
         "what it says"},
        {"deny nothing", "spec: {action: DENY}",
         "f.yaml:4:1: spec: action DENY without rules would match nothing"},
        {"mistyped", "spec: {rules: [{form: [{source: {namespaces: [a]}}]}]}",
         "f.yaml:4:17: spec.rules[0].form: no field is called 'form' here; did you mean from?"},
        {"empty source", "spec: {rules: [{from: [{source: {}}]}]}",
         "f.yaml:4:25: spec.rules[0].from[0].source: is empty; leave from out to mean everybody"},
        {"template", "spec: {rules: [{to: [{operation: {paths: ['/{**}/{*}']}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.paths[0]: '/{**}/{*}' is no path: {*} and {**} are "
         "whole segments, "
         "{**} the last, without other wildcards"},
        {"range", "spec: {rules: [{from: [{source: {ipBlocks: [10.0.0.0/33]}}]}]}",
         "f.yaml:4:45: spec.rules[0].from[0].source.ipBlocks[0]: '10.0.0.0/33' is no address or range"},
        {"attribute", "spec: {rules: [{when: [{key: request.time, values: [x]}]}]}",
         "f.yaml:4:30: spec.rules[0].when[0].key: 'request.time' is no attribute"},
        {"accounts", "spec: {rules: [{from: [{source: {serviceAccounts: [a], namespaces: [b]}}]}]}",
         "f.yaml:4:25: spec.rules[0].from[0].source: serviceAccounts exclude principals and namespaces"},
        {"unquoted port", "spec: {rules: [{to: [{operation: {ports: [80]}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.ports[0]: '80' is a number where text belongs; write it "
         "in quotes"},
    };
    kind_rows_run("security.istio.io/v1", "AuthorizationPolicy", rows, ROWS(rows));
}

static void secret_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"tls",
         "type: kubernetes.io/tls\nstringData: {tls.crt: " SAMPLE_CERTIFICATE ", tls.key: " SAMPLE_KEY "}",
         NULL},
        {"authority", "stringData: {ca.crt: " SAMPLE_CERTIFICATE "}", NULL},
        {"base64", "data: {tls.key: YQ==}", NULL},
        {"no certificate", "stringData: {tls.crt: a, tls.key: " SAMPLE_KEY "}",
         "f.yaml:1:1: nothing can be served with it: certificate: no certificate: PEM with BEGIN CERTIFICATE "
         "is expected"},
        {"no authority", "stringData: {ca.crt: a}",
         "f.yaml:1:1: nothing can be served with it: trust bundle: no certificate: PEM with BEGIN "
         "CERTIFICATE is expected"},
        {"no key", "type: kubernetes.io/tls\nstringData: {tls.crt: a}",
         "f.yaml:1:1: a Secret of type kubernetes.io/tls needs data tls.key"},
        {"value is not shown", "data: {tls.key: 12345}",
         "f.yaml:4:17: data[\"tls.key\"]: the value is a number where text belongs; write it in quotes"},
        {"no base64", "data: {tls.key: '!secret!'}", "f.yaml:4:17: data[\"tls.key\"]: is no base64"},
    };
    kind_rows_run("v1", "Secret", rows, ROWS(rows));
}

static void claim_mapping_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"exact", "spec: {rules: [{name: a, claim: realm_access.roles, exact: x, groups: [g]}]}", NULL},
        {"pass",
         "spec: {rules: [{name: a, claim: '[https://a.b/c]', passThrough: {prefix: 'idp:', allow: [x]}}]}",
         NULL},
        {"no form", "spec: {rules: [{name: a, claim: c, groups: [g]}]}",
         "f.yaml:4:16: spec.rules[0]: one of exact, prefix, suffix, in and passThrough belongs here"},
        {"two forms", "spec: {rules: [{name: a, claim: c, exact: x, prefix: z, groups: [g]}]}",
         "f.yaml:4:54: spec.rules[0].prefix: exact and prefix exclude each other"},
        {"no groups", "spec: {rules: [{name: a, claim: c, exact: x}]}",
         "f.yaml:4:16: spec.rules[0]: groups are missing"},
        {"same name",
         "spec: {rules: [{name: a, claim: c, exact: x, groups: [g]}, {name: a, claim: c, exact: z, groups: "
         "[g]}]}",
         "f.yaml:4:67: spec.rules[1].name: 'a' is the name of another rule"},
        {"url", "spec: {rules: [{name: a, claim: 'https://a.b/c', exact: x, groups: [g]}]}",
         "f.yaml:4:33: spec.rules[0].claim: a claim with dots in its name stands in brackets: "
         "[https://a.b/c]"},
    };
    kind_rows_run("selvage.dev/v1", "ClaimMapping", rows, ROWS(rows));
}

static void trust_bundle_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"endpoint",
         "spec: {trustDomain: partner.example, endpoint: {url: 'https://partner.example/bundle'}}", NULL},
        {"nothing", "spec: {trustDomain: partner.example}",
         "f.yaml:4:1: spec: bundle or endpoint is missing"},
        {"domain", "spec: {trustDomain: Partner, endpoint: {url: 'https://p/'}}",
         "f.yaml:4:21: spec.trustDomain: trust domain 'Partner': byte 1 is none of lower-case letters, "
         "digits, '.', '-' and '_'"},
        {"no roots", "spec: {trustDomain: partner.example, bundle: none}",
         "f.yaml:4:46: spec.bundle: no certificate: PEM with BEGIN CERTIFICATE is expected"},
        {"keys of tokens alone", "spec: {trustDomain: partner.example, bundle: '{\"keys\":[]}'}",
         "f.yaml:4:46: spec.bundle: trust bundle: no key of use x509-svid, thus no root"},
        {"plain text", "spec: {trustDomain: p, endpoint: {url: 'http://p/'}}",
         "f.yaml:4:40: spec.endpoint.url: 'http://p/' is no https URL"},
        {"profile", "spec: {trustDomain: p, endpoint: {url: 'https://p/', profile: web}}",
         "f.yaml:4:63: spec.endpoint.profile: 'web' is none of https_web, https_spiffe"},
        {"https_spiffe without roots",
         "spec: {trustDomain: p, endpoint: {url: 'https://p/', profile: https_spiffe, spiffeId: "
         "'spiffe://p/spire'}}",
         "f.yaml:4:63: spec.endpoint.profile: https_spiffe needs a bundle to begin with: its roots vouch for "
         "the server"},
        {"an id without its profile",
         "spec: {trustDomain: p, endpoint: {url: 'https://p/', spiffeId: 'spiffe://p/spire'}}",
         "f.yaml:4:64: spec.endpoint.spiffeId: is for the profile https_spiffe; here the URL's host is "
         "verified"},
    };
    kind_rows_run("selvage.dev/v1", "TrustBundle", rows, ROWS(rows));
}

static void revocation_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"serials", "spec: {serials: ['4a2f03', '4A:2F:03', '00'], reason: lost}",
         "f.yaml:4:40: spec.serials[2]: '00' is no serial number such as 4a2f03 or 4A:2F:03, of at most 20 "
         "bytes"},
        {"good", "spec: {serials: ['0A', '7fffffffffffffffffffffffffffffffffffffff']}", NULL},
        {"none", "spec: {serials: []}", "f.yaml:4:8: spec.serials: must not be empty"},
        {"too long", "spec: {serials: ['7fffffffffffffffffffffffffffffffffffffff01']}",
         "f.yaml:4:18: spec.serials[0]: '7fffffffffffffffffffffffffffffffffffffff01' is no serial number "
         "such "
         "as 4a2f03 or 4A:2F:03, of at most 20 bytes"},
        {"a name", "spec: {serials: [edge]}",
         "f.yaml:4:18: spec.serials[0]: 'edge' is no serial number such as 4a2f03 or 4A:2F:03, of at most 20 "
         "bytes"},
    };
    kind_rows_run("selvage.dev/v1", "Revocation", rows, ROWS(rows));
}

static void serials_are_as_certificates_have_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *serial;
    } rows[] = {{"4A:2F:03", "4a2f03"}, {"0x1", NULL}, {"00ff", "ff"}, {"abc", "0abc"}, {"0", NULL},
                {":1", NULL},           {"1:", NULL},  {"", NULL}};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct bytes serial;
        assert_int_equal(revocation_serial(bytes_of(rows[i].text), &arena, &serial), rows[i].serial != NULL);
        if (rows[i].serial)
            assert_true(bytes_equal(serial, bytes_of(rows[i].serial)));
    }
    arena_done(&arena);
}

static void assertion_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"issuer",
         "spec: {issuer: 'https://edge', audiences: [mesh], subjectPrefix: {'https://a': a, 'https://b': b}}",
         NULL},
        {"lifetime", "spec: {issuer: 'https://edge', lifetime: 11m}",
         "f.yaml:4:42: spec.lifetime: '11m' is not between 1s and 10m"},
        {"collision", "spec: {issuer: 'https://edge', subjectPrefix: {'https://a': a, 'https://b': a}}",
         "f.yaml:4:77: spec.subjectPrefix[\"https://b\"]: 'a' stands for another issuer too"},
        {"own claim", "spec: {issuer: 'https://edge', claims: [sub]}",
         "f.yaml:4:41: spec.claims[0]: sub is set by the signer and cannot be copied"},
        {"ahead", "spec: {issuer: 'https://edge', rotateEvery: 30s}",
         "f.yaml:4:45: spec.rotateEvery: 128 keys would be published at once, of which 48 are possible: make "
         "it "
         "longer, or publishAhead and keepPublished shorter"},
        {"many ahead",
         "spec: {issuer: 'https://edge', rotateEvery: 10s, publishAhead: 70s, keepPublished: 2m, lifetime: "
         "10s}",
         ""},
    };
    kind_rows_run("selvage.dev/v1", "Assertion", rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_rows),
        cmocka_unit_test(virtual_service_rows),
        cmocka_unit_test(destination_rule_rows),
        cmocka_unit_test(service_entry_rows),
        cmocka_unit_test(workload_entry_rows),
        cmocka_unit_test(sidecar_rows),
        cmocka_unit_test(peer_authentication_rows),
        cmocka_unit_test(request_authentication_rows),
        cmocka_unit_test(authorization_policy_rows),
        cmocka_unit_test(secret_rows),
        cmocka_unit_test(claim_mapping_rows),
        cmocka_unit_test(assertion_rows),
        cmocka_unit_test(trust_bundle_rows),
        cmocka_unit_test(revocation_rows),
        cmocka_unit_test(serials_are_as_certificates_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
