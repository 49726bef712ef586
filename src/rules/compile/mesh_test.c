#include "base/test.h"

#include "rules/compile/world_fixture.h"

#define MESH(text)                                                                                           \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |-\n" \
    "    " text "\n---\n"
#define OPERATOR(text)                                                                                       \
    "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\nspec:\n"               \
    "  meshConfig: {" text "}\n---\n"
#define POLICY                                                                                               \
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: config}\n"  \
    "spec: {action: DENY, rules: [{}]}\n---\n"
#define GATEWAY                                                                                              \
    "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: foo}\nspec:\n"        \
    "  servers:\n  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}\n---\n"

static struct bytes trust_domain(const struct world *world, uint32_t index)
{
    const struct rules_node *node = world_node(world);
    assert_true(index < node->trust_domains.count);
    const struct rules_name *name = image_row(&world->rules, RULES_NAME, node->trust_domains, index);
    return world_text(world, name->text);
}

static void aliases_join_those_of_the_settings(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY, MESH("trustDomainAliases: [older, old-td]"));
    assert_int_equal(world_node(&world)->trust_domains.count, 3);
    assert_true(bytes_equal(trust_domain(&world, 0), BYTES("td")));
    assert_true(bytes_equal(trust_domain(&world, 2), BYTES("older")));
    world_done(&world);
}

static void a_node_keeps_its_own_trust_domain(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_GATEWAY, OPERATOR("trustDomain: other"));
    assert_true(bytes_equal(trust_domain(&world, 0), BYTES("td")));
    assert_true(world_says(&world, "the trust domain of this node is 'td', as its settings say"));
    world_done(&world);
}

static uint32_t denials(const char *yaml)
{
    struct world world;
    world_open(&world, ROLE_GATEWAY, yaml);
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:80");
    assert_non_null(listener);
    uint32_t count = listener->deny.count;
    world_done(&world);
    return count;
}

static void policies_of_the_root_namespace_hold_everywhere(void **state)
{
    (void)state;
    assert_int_equal(denials(GATEWAY POLICY), 0);
    assert_int_equal(denials(MESH("rootNamespace: config") GATEWAY POLICY), 1);
    assert_int_equal(denials(OPERATOR("rootNamespace: config") GATEWAY POLICY), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliases_join_those_of_the_settings),
        cmocka_unit_test(a_node_keeps_its_own_trust_domain),
        cmocka_unit_test(policies_of_the_root_namespace_hold_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
