#include "base/test.h"

#include "rules/kind/kind_rows.h"

static void authorization_policy_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"target", "spec: {targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: g}}", NULL},
        {"target of another group", "spec: {targetRef: {group: a, kind: Gateway, name: g}}",
         "f.yaml:4:36: spec.targetRef.kind: 'Gateway' of group 'a' is none of Service, ServiceEntry "
         "(networking.istio.io), Gateway, GatewayClass (gateway.networking.k8s.io)"},
        {"target of another namespace", "spec: {targetRefs: [{kind: Service, name: g, namespace: m}]}",
         "f.yaml:4:57: spec.targetRefs[0].namespace: another namespace cannot be meant; leave it out"},
        {"selector and target", "spec: {selector: {}, targetRef: {kind: Service, name: g}}",
         "f.yaml:4:22: spec.targetRef: selector and targetRef exclude each other"},
        {"star of a selector", "spec: {selector: {matchLabels: {a: 'b*'}}}",
         "f.yaml:4:36: spec.selector.matchLabels.a: 'b*' must not hold a *: selectors compare whole labels"},
        {"label that none has", "spec: {selector: {matchLabels: {a: 'b c'}}}",
         "f.yaml:4:36: spec.selector.matchLabels.a: 'b c' is no value of a label"},
        {"custom without a provider", "spec: {action: CUSTOM, rules: [{}]}",
         "f.yaml:4:1: spec: action CUSTOM needs provider.name"},
        {"custom without rules", "spec: {action: CUSTOM, provider: {name: p}}",
         "f.yaml:4:1: spec: action CUSTOM without rules would match nothing"},
        {"custom by identity",
         "spec: {action: CUSTOM, provider: {name: p}, rules: [{from: [{source: {principals: [a]}}]}]}",
         "f.yaml:4:62: spec.rules[0].from[0].source: with action CUSTOM only addresses belong here"},
        {"custom by address",
         "spec: {action: CUSTOM, provider: {name: p}, rules: [{from: [{source: {ipBlocks: [10.0.0.1]}}]}]}",
         NULL},
        {"custom by claim",
         "spec: {action: CUSTOM, provider: {name: p}, rules: [{when: [{key: \"request.auth.claims[a]\", "
         "values: [b]}]}]}",
         "f.yaml:4:67: spec.rules[0].when[0].key: 'request.auth.claims[a]' does not go with action CUSTOM"},
        {"provider of nothing", "spec: {provider: {name: p}}",
         "f.yaml:4:8: spec.provider: goes with action CUSTOM only"},
        {"audit of nothing", "spec: {action: AUDIT}",
         "f.yaml:4:1: spec: action AUDIT without rules would match nothing"},
        {"empty list", "spec: {rules: [{from: [{source: {principals: [], namespaces: [a]}}]}]}",
         "f.yaml:4:34: spec.rules[0].from[0].source.principals: must not be empty"},
        {"star of an account", "spec: {rules: [{from: [{source: {serviceAccounts: ['a*']}}]}]}",
         "f.yaml:4:52: spec.rules[0].from[0].source.serviceAccounts[0]: 'a*' is no service account: NAME or "
         "NAMESPACE/NAME"},
        {"three parts of an account", "spec: {rules: [{from: [{source: {serviceAccounts: [a/b/c]}}]}]}",
         "f.yaml:4:52: spec.rules[0].from[0].source.serviceAccounts[0]: 'a/b/c' is no service account: NAME "
         "or NAMESPACE/NAME"},
        {"account that none has", "spec: {rules: [{from: [{source: {serviceAccounts: [a_b]}}]}]}",
         "f.yaml:4:52: spec.rules[0].from[0].source.serviceAccounts[0]: 'a_b' is no service account: NAME or "
         "NAMESPACE/NAME"},
        {"trust domain", "spec: {rules: [{from: [{source: {trustDomains: ['*.a']}}]}]}", NULL},
        {"star inside a trust domain", "spec: {rules: [{from: [{source: {trustDomains: ['a*b']}}]}]}",
         "f.yaml:4:49: spec.rules[0].from[0].source.trustDomains[0]: 'a*b' is no trust domain: a * stands at "
         "an end only, and no /"},
        {"path of a trust domain", "spec: {rules: [{from: [{source: {trustDomains: [a/b]}}]}]}",
         "f.yaml:4:49: spec.rules[0].from[0].source.trustDomains[0]: 'a/b' is no trust domain: a * stands at "
         "an end only, and no /"},
        {"port 0", "spec: {rules: [{to: [{operation: {ports: ['0']}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.ports[0]: nothing listens at port 0"},
        {"no port", "spec: {rules: [{to: [{operation: {ports: [http]}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.ports[0]: 'http' is no port"},
        {"empty operation", "spec: {rules: [{to: [{operation: {}}]}]}",
         "f.yaml:4:23: spec.rules[0].to[0].operation: is empty; leave to out to mean everything"},
        {"template", "spec: {rules: [{to: [{operation: {paths: ['/a/{*}/b/{**}']}}]}]}", NULL},
        {"wildcard in a template", "spec: {rules: [{to: [{operation: {paths: ['/a*/{*}']}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.paths[0]: '/a*/{*}' is no path: {*} and {**} are whole "
         "segments, {**} the last, without other wildcards"},
        {"half a template", "spec: {rules: [{to: [{operation: {paths: ['/a/{*']}}]}]}",
         "f.yaml:4:43: spec.rules[0].to[0].operation.paths[0]: '/a/{*' is no path: {*} and {**} are whole "
         "segments, {**} the last, without other wildcards"},
        {"condition of nothing", "spec: {rules: [{when: [{key: source.ip}]}]}",
         "f.yaml:4:24: spec.rules[0].when[0]: values or notValues belongs here"},
        {"address of a condition", "spec: {rules: [{when: [{key: source.ip, values: [a]}]}]}",
         "f.yaml:4:50: spec.rules[0].when[0].values[0]: 'a' is no address or range"},
        {"metadata", "spec: {rules: [{when: [{key: 'experimental.envoy.filters.a[b]', values: [a]}]}]}",
         NULL},
        {"metadata without brackets",
         "spec: {rules: [{when: [{key: experimental.envoy.filters.a, values: [a]}]}]}",
         "f.yaml:4:30: spec.rules[0].when[0].key: 'experimental.envoy.filters.a' is no attribute"},
        {"claim without a name", "spec: {rules: [{when: [{key: 'request.auth.claims[]', values: [a]}]}]}",
         "f.yaml:4:30: spec.rules[0].when[0].key: 'request.auth.claims[]' is no attribute"},
    };
    kind_rows_checks("security.istio.io/v1", "AuthorizationPolicy", rows, ROWS(rows));
}

static void request_authentication_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"target of another kind",
         "spec: {targetRef: {group: gateway.networking.k8s.io, kind: Gate, name: g}}",
         "f.yaml:4:60: spec.targetRef.kind: 'Gate' of group 'gateway.networking.k8s.io' is none of Service, "
         "ServiceEntry (networking.istio.io), Gateway, GatewayClass (gateway.networking.k8s.io)"},
        {"nobody", "spec: {jwtRules: [{jwks: '{\"keys\":[]}'}]}",
         "f.yaml:4:19: spec.jwtRules[0]: issuer is missing"},
        {"port of keys", "spec: {jwtRules: [{issuer: a, jwksUri: 'https://a:b/c'}]}",
         "f.yaml:4:40: spec.jwtRules[0].jwksUri: 'https://a:b/c' is no http or https URL"},
        {"one key", "spec: {jwtRules: [{issuer: a, jwks: '{\"kty\":\"oct\",\"k\":\"a\"}'}]}",
         "f.yaml:4:37: spec.jwtRules[0].jwks: is a single key; a JSON object with a list keys belongs here"},
        {"half a key", "spec: {jwtRules: [{issuer: a, jwks: '{\"keys\":[{\"kty\":\"RSA\",\"n\":\"a\"}]}'}]}",
         "f.yaml:4:37: spec.jwtRules[0].jwks: key 1 has no kty RSA, EC, OKP or oct with all its members"},
        {"both", "spec: {jwtRules: [{issuer: a, jwks: '{\"keys\":[]}', jwksUri: 'https://a'}]}",
         "f.yaml:4:37: spec.jwtRules[0].jwks: jwksUri and jwks exclude each other"},
        {"header of a claim",
         "spec: {jwtRules: [{issuer: a, outputClaimToHeaders: [{header: 'a.b', claim: c}]}]}",
         "f.yaml:4:63: spec.jwtRules[0].outputClaimToHeaders[0].header: 'a.b' is no name of a header"},
        {"header of a token", "spec: {jwtRules: [{issuer: a, fromHeaders: [{name: 'a b'}]}]}",
         "f.yaml:4:52: spec.jwtRules[0].fromHeaders[0].name: 'a b' is no name of a header"},
        {"timeout", "spec: {jwtRules: [{issuer: a, timeout: 1us}]}",
         "f.yaml:4:40: spec.jwtRules[0].timeout: '1us' is finer than a millisecond"},
        {"audience", "spec: {jwtRules: [{issuer: a, audiences: ['']}]}",
         "f.yaml:4:43: spec.jwtRules[0].audiences[0]: must not be empty"},
    };
    kind_rows_checks("security.istio.io/v1", "RequestAuthentication", rows, ROWS(rows));
}

static void peer_authentication_rows(void **state)
{
    (void)state;
    static const struct kind_row rows[] = {
        {"no ports", "spec: {selector: {matchLabels: {a: b}}, portLevelMtls: {}}",
         "f.yaml:4:41: spec.portLevelMtls: must not be empty"},
        {"port", "spec: {selector: {matchLabels: {a: b}}, portLevelMtls: {65536: {}}}",
         "f.yaml:4:57: spec.portLevelMtls.65536: '65536' is no port; one is between 1 and 65535"},
    };
    kind_rows_checks("security.istio.io/v1", "PeerAuthentication", rows, ROWS(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorization_policy_rows),
        cmocka_unit_test(request_authentication_rows),
        cmocka_unit_test(peer_authentication_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
