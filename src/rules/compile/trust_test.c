/* Unit tests of roots of other trust domains and of revoked serials: which of them apply to a node. */
#include "base/test.h"

#include "rules/compile/world_fixture.h"

#define BUNDLE(name, ns, domain)                                                                             \
    "---\napiVersion: selvage.dev/v1\nkind: TrustBundle\nmetadata: {name: " name ", namespace: " ns          \
    "}\nspec: {trustDomain: " domain ", endpoint: {url: 'https://" domain "/'}}\n"
#define REVOKE(name, ns, serials)                                                                            \
    "---\napiVersion: selvage.dev/v1\nkind: Revocation\nmetadata: {name: " name ", namespace: " ns           \
    "}\nspec: {serials: [" serials "], reason: lost}\n"

static void bundles_of_the_root_and_the_nodes_namespace_apply(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_EDGE,
               BUNDLE("a", "foo", "one.example") BUNDLE("b", "istio-system", "two.example")
                   BUNDLE("c", "elsewhere", "three.example"));
    assert_int_equal(world.result.bundle_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_false(bytes_equal(world.result.bundles[i].trust_domain, BYTES("three.example")));
    assert_false(world.result.bundles[0].id == world.result.bundles[1].id);
    world_done(&world);
}

static void nobody_else_vouches_for_our_own_domain(void **state)
{
    (void)state;
    static const struct {
        const char *bundle;
        const char *says;
    } own[] = {
        {BUNDLE("a", "foo", "td"),
         "'td' is the node's own trust domain: its own authority vouches for it, this bundle does not"},
        {BUNDLE("a", "foo", "old-td"),
         "'old-td' is the node's own trust domain: its own authority vouches for it, this bundle does not"},
    };
    for (size_t i = 0; i < ROWS(own); i++) {
        struct world world;
        world_open(&world, ROLE_EDGE, own[i].bundle);
        assert_int_equal(world.result.bundle_count, 0);
        assert_true(world_says(&world, own[i].says));
        world_done(&world);
    }
}

static void two_bundles_of_one_domain_are_refused(void **state)
{
    (void)state;
    struct world world;
    struct fail why;
    world_init(&world, ROLE_EDGE);
    world_add(&world, BUNDLE("a", "foo", "one.example") BUNDLE("b", "foo", "one.example"));
    assert_false(world_compile(&world, &why));
    assert_string_equal(why.text,
                        "TrustBundles foo/a and foo/b are both of the trust domain one.example; one may be");
    world_done(&world);
}

static void serials_are_collected_as_certificates_have_them(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_EDGE,
               REVOKE("a", "foo", "'0A:FF', 'b'") REVOKE("b", "istio-system", "'cc'")
                   REVOKE("c", "elsewhere", "'dd'"));
    assert_int_equal(world.result.revoked_count, 3);
    static const char *const wanted[] = {"0aff", "0b", "cc"};
    for (size_t i = 0; i < 3; i++) {
        bool found = false;
        for (size_t k = 0; k < 3; k++)
            found |= bytes_equal(world.result.revoked[k].serial, bytes_of(wanted[i]));
        assert_true(found);
    }
    assert_true(bytes_equal(world.result.revoked[0].reason, BYTES("lost")));
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundles_of_the_root_and_the_nodes_namespace_apply),
        cmocka_unit_test(nobody_else_vouches_for_our_own_domain),
        cmocka_unit_test(two_bundles_of_one_domain_are_refused),
        cmocka_unit_test(serials_are_collected_as_certificates_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
