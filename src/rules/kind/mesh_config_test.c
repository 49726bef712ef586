#include "base/test.h"

#include "rules/resource.h"

#define HEAD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n"

static void what_the_text_of_a_config_map_says_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *says;
    } rows[] = {
        {"plain", HEAD "data:\n  mesh: |-\n    trustDomain: a.b\n    rootNamespace: istio-config\n", ""},
        {"another ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mesh: 'a: ['}\n",
         ""},
        {"number for text", HEAD "data: {a: 1}\n",
         "f.yaml:4:11: data.a: '1' is a number where text belongs; write it in quotes"},
        {"not acted on", HEAD "data:\n  mesh: |-\n    trustDomain: a.b\n    enableTracing: true\n",
         "f.yaml:7:20: data.mesh.enableTracing: enableTracing is not acted on by this version"},
        {"unknown", HEAD "data:\n  mesh: |-\n    trustDomains: a.b\n",
         "f.yaml:6:19: data.mesh.trustDomains: no field is called 'trustDomains' here; did you mean "
         "trustDomain?"},
        {"below", HEAD "data:\n  mesh: |-\n    outboundTrafficPolicy:\n      mode: ALLOW_SOME\n",
         "f.yaml:6:5: data.mesh.outboundTrafficPolicy: outboundTrafficPolicy is not acted on by this "
         "version"},
        {"trust domain", HEAD "data: {mesh: 'trustDomain: a/b'}\n",
         "f.yaml:1:14: data.mesh.trustDomain: 'a/b' is no name of a trust domain"},
        {"alias", HEAD "data:\n  mesh: |-\n    trustDomainAliases: [a, a/b]\n",
         "f.yaml:6:29: data.mesh.trustDomainAliases[1]: 'a/b' is no name of a trust domain"},
        {"root namespace", HEAD "data:\n  mesh: |-\n    rootNamespace: a.b\n",
         "f.yaml:6:20: data.mesh.rootNamespace: 'a.b' is not a name of lower-case letters, digits and -"},
        {"no map", HEAD "data: {mesh: '[a]'}\n", "f.yaml:4:14: data.mesh: is a list where a map belongs"},
        {"no YAML", HEAD "data: {mesh: 'a: ['}\n",
         "f.yaml:4:14: data.mesh: mesh:2:1: did not find expected node content"},
        {"of an installation without a name",
         "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {namespace: a}\nspec: "
         "{profile: demo}\n",
         ""},
        {"of an installation",
         "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\n"
         "spec: {profile: demo, meshConfig: {trustDomain: 5}}\n",
         "f.yaml:4:49: spec.meshConfig.trustDomain: '5' is a number where text belongs; write it in quotes"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct resource_set set;
        struct text text;
        char shown[300] = "";
        resource_set_init(&set);
        resource_set_add_file(&set, "f.yaml", bytes_of(rows[i].text));
        text_init_fixed(&text, shown, sizeof shown);
        if (set.findings.count > 0)
            finding_write(&set.findings.at[0], &text);
        print_message("  %s\n", rows[i].name);
        assert_string_equal(shown, rows[i].says);
        resource_set_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_text_of_a_config_map_says_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
