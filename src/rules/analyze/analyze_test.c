#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/analyze/analysis.h"
#include "rules/analyze/annotation.h"
#include "rules/analyze/code.h"

/* "CODE line: sentence" of the first finding, or empty; *count of all. */
static const char *analyzed(const char *analyzer, const char *resources, char *shown, size_t room,
                            size_t *count)
{
    struct arena arena;
    struct resource_set set;
    struct findings findings;
    struct analysis analysis;
    arena_init(&arena);
    resource_set_init(&set);
    findings_init(&findings, &arena);
    resource_set_add_file(&set, "f.yaml", bytes_of(resources));
    resource_set_finish(&set);
    analysis_init(&analysis, &set, NULL, NULL, &findings);
    if (analyzer)
        analyzer_find(bytes_of(analyzer))->run(&analysis);
    else
        analysis_run(&analysis);
    analysis_done(&analysis);
    shown[0] = '\0';
    if (findings.count)
        snprintf(shown, room, "%s %u: %.*s", findings.at[0].code, findings.at[0].line,
                 BYTES_FMT(findings.at[0].sentence));
    *count = findings.count;
    resource_set_done(&set);
    arena_done(&arena);
    return shown;
}

struct row {
    const char *analyzer;
    const char *resources;
    const char *says; /* the first; "": nothing */
};

static void rows_play(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char shown[900];
        size_t found;
        assert_string_equal(analyzed(rows[i].analyzer, rows[i].resources, shown, sizeof shown, &found),
                            rows[i].says);
    }
}

#define POLICY(spec)                                                                                         \
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: a}\n"       \
    "spec: {" spec "}\n"

static void policies_that_do_something_else(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"selvage.HostPortAnalyzer", POLICY("rules: [{to: [{operation: {hosts: [a.com]}}]}]"),
         "SEL0105 4: a request whose Host header names the port (a.com:443) is not allowed by this; add "
         "\"a.com:*\""},
        {"selvage.HostPortAnalyzer", POLICY("action: DENY, rules: [{to: [{operation: {hosts: [a.com]}}]}]"),
         "SEL0105 4: a request whose Host header names the port (a.com:443) is not kept out by this; add "
         "\"a.com:*\""},
        {"selvage.HostPortAnalyzer", POLICY("rules: [{to: [{operation: {hosts: [a.com, 'a.com:*']}}]}]"), ""},
        {"selvage.HostPortAnalyzer", POLICY("rules: [{to: [{operation: {hosts: ['a.com*', a.com]}}]}]"), ""},
        {"selvage.ClaimAnalyzer",
         POLICY("rules: [{when: [{key: 'request.auth.claims[email_verified]', values: ['yes']}]}]"),
         "SEL0104 4: the claim email_verified is true or false, and only text and lists of text are "
         "compared: it "
         "never holds"},
        {"selvage.ClaimAnalyzer",
         POLICY("rules: [{when: [{key: 'request.auth.claims[admin]', values: ['true']}]}]"),
         "SEL0104 4: a claim that is true or false is no text: this holds only where the token has the word "
         "in "
         "quotes"},
        {"selvage.ClaimAnalyzer",
         POLICY("rules: [{when: [{key: 'request.auth.claims[realm_access][roles]', values: [x]}]}]"), ""},
        {"selvage.RuleAnalyzer",
         POLICY("rules: [{from: [{source: {principals: ['spiffe://td/ns/a/sa/b']}}]}]"),
         "SEL0101 4: never holds: write it without spiffe://, as td/ns/a/sa/b"},
        {"selvage.RuleAnalyzer", POLICY("rules: [{to: [{operation: {methods: [get]}}]}]"),
         "SEL0101 4: never holds: methods are compared by the letter, and are in capitals"},
        {"selvage.RuleAnalyzer",
         POLICY("rules: [{from: [{source: {namespaces: [x], notNamespaces: [x, 'y']}}]}]"),
         "SEL0101 4: never holds: notNamespaces excludes all of it"},
        {"selvage.RuleAnalyzer",
         POLICY("rules: [{from: [{source: {namespaces: [x, z], notNamespaces: [x, 'y']}}]}]"), ""},
        {"selvage.RuleAnalyzer", POLICY("rules: [{to: [{operation: {paths: ['/a?b=c']}}]}]"),
         "SEL0108 4: never holds: ? does not stand in a path as policies see it"},
        {"selvage.RuleAnalyzer", POLICY("rules: [{to: [{operation: {paths: ['/a', '*.js']}}]}]"), ""},
        {"selvage.ShadowAnalyzer", POLICY("rules: [{}, {to: [{operation: {methods: [GET]}}]}]"),
         "SEL0102 4: adds nothing: rule 0 of this policy holds for every request"},
        {"selvage.ShadowAnalyzer",
         POLICY("rules: [{to: [{operation: {methods: [GET]}}]}, {to: [{operation: {methods: [PUT]}}]}]"), ""},
        {"selvage.AnonymousAnalyzer", POLICY("rules: [{from: [{source: {notNamespaces: [x]}}]}]"),
         "SEL0107 4: exceptions alone also hold for who has no identity at all; add principals or "
         "requestPrincipals: [\"*\"] if that is not meant"},
        {"selvage.AnonymousAnalyzer",
         POLICY("rules: [{from: [{source: {principals: ['*'], notNamespaces: [x]}}]}]"), ""},
        {"selvage.IssuerAnalyzer",
         POLICY("rules: [{from: [{source: {requestPrincipals: ['https://i/s']}}]}]"),
         "SEL0106 4: no RequestAuthentication of this namespace or of istio-system verifies tokens of "
         "https://i"},
        {"selvage.DenyWidthAnalyzer", POLICY("action: DENY, rules: [{to: [{operation: {ports: [http]}}]}]"),
         "SEL0103 4: 'http' is no port number and is left out of the comparison, so that more is denied"},
    };
    rows_play(rows, ROWS(rows));
}

#define TCP_SIDECAR                                                                                          \
    "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: a}\n"            \
    "spec: {ingress: [{port: {number: 9000, protocol: TCP, name: tcp}, defaultEndpoint: '127.0.0.1:1'}]}\n"

static void deny_is_wider_where_there_is_tcp(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"selvage.DenyWidthAnalyzer",
         POLICY("action: DENY, rules: [{to: [{operation: {methods: [PUT]}}]}]") TCP_SIDECAR,
         "SEL0103 4: port 9000 of a chosen workload is TCP, where this cannot be compared and is left out: "
         "the "
         "rule covers its connections too; name the ports that are meant"},
        {"selvage.DenyWidthAnalyzer",
         POLICY("action: DENY, rules: [{to: [{operation: {methods: [PUT], ports: ['80']}}]}]") TCP_SIDECAR,
         ""},
        {"selvage.DenyWidthAnalyzer", POLICY("rules: [{to: [{operation: {methods: [PUT]}}]}]") TCP_SIDECAR,
         ""},
    };
    rows_play(rows, ROWS(rows));
}

#define SERVICE(name, spec)                                                                                  \
    "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name                  \
    ", namespace: a}\n"                                                                                      \
    "spec: {" spec "}\n"
#define ENTRY                                                                                                \
    "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e, namespace: a}\n"       \
    "spec: {hosts: [w.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC}\n"

static void references_are_followed(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {NULL, SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: nobody.example}}]}]") ENTRY,
         "IST0101 5: referenced host not found: \"nobody.example\""},
        {NULL,
         SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: w.example, port: {number: 81}}}]}]")
             ENTRY,
         "IST0101 5: referenced host:port not found: \"w.example:81\""},
        {NULL,
         SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: w.example, subset: v1}}]}]") ENTRY,
         "IST0101 5: referenced host+subset in destinationrule not found: \"w.example+v1\""},
        {NULL, SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: w.example}}]}]") ENTRY, ""},
        /* Without any service nothing is known about hosts. */
        {NULL, SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: nobody.example}}]}]"), ""},
        {NULL,
         SERVICE("v", "hosts: [x], gateways: [g], http: [{route: [{destination: {host: w.example}}]}]") ENTRY,
         "IST0101 5: referenced gateway not found: \"g\""},
        {NULL,
         SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: w.example}}]}]")
             SERVICE("w", "hosts: [x], http: [{route: [{destination: {host: w.example}}]}]") ENTRY,
         "IST0109 5: the VirtualServices a/v, a/w all route x.a.svc.cluster.local within the mesh, and only "
         "the "
         "oldest acts; make them one"},
        {NULL,
         SERVICE("v", "hosts: [x], http: [{route: [{destination: {host: w.example}}]}, "
                      "{match: [{uri: {prefix: /a}}], route: [{destination: {host: w.example}}]}]") ENTRY,
         "IST0130 5: rule #1 is never used: a rule without match stands before it"},
    };
    rows_play(rows, ROWS(rows));
}

static void an_annotation_says_no_more(void **state)
{
    (void)state;
    static const char *const values[] = {"IST0101", "'*'", "'IST0109, IST0101'", "IST0109"};
    for (size_t i = 0; i < ROWS(values); i++) {
        char text[900], shown[900];
        size_t count;
        snprintf(text, sizeof text,
                 "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, annotations: "
                 "{galley.istio.io/analyze-suppress: %s}}\nspec: {hosts: [x], gateways: [g], http: [{route: "
                 "[{destination: {host: w}}]}]}\n",
                 values[i]);
        analyzed("virtualservice.GatewayAnalyzer", text, shown, sizeof shown, &count);
        assert_int_equal(bytes_starts(bytes_of(shown), BYTES("IST0101")), i == 3);
    }
}

static void values_of_annotations_are_the_injectors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
        bool good;
    } rows[] = {
        {"sidecar.istio.io/interceptionMode", "TPROXY", true},
        {"sidecar.istio.io/interceptionMode", "tproxy", false},
        {"traffic.sidecar.istio.io/includeInboundPorts", "*", true},
        {"traffic.sidecar.istio.io/excludeInboundPorts", "80, 443", true},
        {"traffic.sidecar.istio.io/excludeInboundPorts", "*", false},
        {"traffic.sidecar.istio.io/excludeInboundPorts", "65536", false},
        {"traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.0/8,1.2.3.0/24", true},
        {"traffic.sidecar.istio.io/includeOutboundIPRanges", "10.0.0.1", false},
        {"traffic.sidecar.istio.io/excludeInterfaces", "eth0,br-lan", true},
        {"traffic.sidecar.istio.io/excludeInterfaces", "a_name_of_16_byt", false},
        {"prometheus.istio.io/merge-metrics", "false", true},
        {"prometheus.istio.io/merge-metrics", "no", false},
        {"sidecar.istio.io/proxyCPU", "100m", true},
        {"sidecar.istio.io/proxyMemory", "128Mi", true},
        {"sidecar.istio.io/proxyMemory", "lots", false},
        {"proxy.istio.io/config", "{tracing: {}}", true},
        {"proxy.istio.io/config", "text", false},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct fail why;
        const struct annotation *found = annotation_find(bytes_of(rows[i].name));
        assert_non_null(found);
        assert_int_equal(found->check(bytes_of(rows[i].value), &arena, &why), rows[i].good);
    }
    assert_null(annotation_find(BYTES("sidecar.istio.io/unheardOf")));
    arena_done(&arena);
}

/* What the table of analyzers promises is what the table of codes has, and the manual tells of each. */
static void codes_are_known_and_documented(void **state)
{
    (void)state;
    char path[600];
    static char manual[100000];
    const char *source = getenv("SELVAGE_SOURCE");
    snprintf(path, sizeof path, "%s/docs/codes.md", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < analyzer_count; i++) {
        struct bytes rest = bytes_of(analyzers[i].says), one;
        assert_ptr_equal(analyzer_find(bytes_of(analyzers[i].name)), &analyzers[i]);
        for (bool more = true; more;) {
            more = bytes_cut(&rest, ' ', &one);
            assert_non_null(code_find(one));
        }
    }
    for (size_t i = 0; i < code_count; i++) {
        char row[200];
        snprintf(row, sizeof row, "| %s | %s | %s |", codes[i].code, finding_level_name(codes[i].level),
                 codes[i].name);
        assert_non_null(strstr(manual, row));
        assert_true(i == 0 || strcmp(codes[i - 1].code, codes[i].code) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_that_do_something_else),
        cmocka_unit_test(deny_is_wider_where_there_is_tcp),
        cmocka_unit_test(references_are_followed),
        cmocka_unit_test(an_annotation_says_no_more),
        cmocka_unit_test(values_of_annotations_are_the_injectors),
        cmocka_unit_test(codes_are_known_and_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
