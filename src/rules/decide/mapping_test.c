#include "base/test.h"

#include <stdlib.h>

#include <stdio.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/mapping.h"

#define MAPPING(rules)                                                                                       \
    "apiVersion: selvage.dev/v1\nkind: ClaimMapping\nmetadata: {name: m, namespace: foo}\n"                  \
    "spec: {rules: [" rules "]}\n"

/* label<rule, in order, between spaces. */
static void groups_are(const char *name, const char *yaml, const char *payload, const char *expected)
{
    struct world world;
    struct mapping_result result;
    struct fail why;
    char buffer[400];
    struct text text;
    world_open(&world, ROLE_EDGE, yaml);
    json_t *claims = json_read(bytes_of(payload), 100000, &why);
    assert_non_null(claims);
    mapping_apply(&world.rules, claims, &world.arena, &result);
    text_init_fixed(&text, buffer, sizeof buffer);
    for (size_t i = 0; i < result.count; i++)
        text_format(&text, "%s%.*s<%.*s", i ? " " : "", BYTES_FMT(result.groups[i].label),
                    BYTES_FMT(result.groups[i].rule));
    if (strcmp(buffer, expected) != 0)
        world_wrong("%s: %s", name, buffer);
    json_decref(claims);
    world_done(&world);
}

#define EXACT "{name: e, claim: role, exact: boss, groups: [admin, staff]}"
#define STAFF "{name: s, claim: dept, prefix: 'eng-', groups: [staff, eng]}"

static void claims_become_groups(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *yaml;
        const char *claims;
        const char *groups;
    } rows[] = {
        {"no mapping", "", "{\"role\":\"boss\"}", ""},
        {"exact", MAPPING(EXACT), "{\"role\":\"boss\"}", "admin<e staff<e"},
        {"exact of another", MAPPING(EXACT), "{\"role\":\"Boss\"}", ""},
        {"one of a list", MAPPING(EXACT), "{\"role\":[\"x\",\"boss\"]}", "admin<e staff<e"},
        {"a list that is not of texts", MAPPING(EXACT), "{\"role\":[\"boss\",1]}", ""},
        {"an object", MAPPING(EXACT), "{\"role\":{\"boss\":true}}", ""},
        {"a label once, by its first rule", MAPPING(EXACT ", " STAFF),
         "{\"role\":\"boss\",\"dept\":\"eng-1\"}", "admin<e staff<e eng<s"},
        {"suffix", MAPPING("{name: d, claim: email, suffix: '@a.b', groups: [ab]}"), "{\"email\":\"x@a.b\"}",
         "ab<d"},
        {"in", MAPPING("{name: i, claim: r, in: [x, w], groups: [xy]}"), "{\"r\":\"w\"}", "xy<i"},
        {"not in", MAPPING("{name: i, claim: r, in: [x, w], groups: [xy]}"), "{\"r\":\"z\"}", ""},
        {"inside", MAPPING("{name: m, claim: realm_access.roles, exact: r, groups: [g]}"),
         "{\"realm_access\":{\"roles\":[\"r\"]}}", "g<m"},
        {"a name with dots", MAPPING("{name: m, claim: '[https://a.b/c]', exact: r, groups: [g]}"),
         "{\"https://a.b/c\":\"r\"}", "g<m"},
        {"of its issuer", MAPPING("{name: m, issuer: i, claim: r, exact: r, groups: [g]}"),
         "{\"iss\":\"i\",\"r\":\"r\"}", "g<m"},
        {"of another issuer", MAPPING("{name: m, issuer: i, claim: r, exact: r, groups: [g]}"),
         "{\"iss\":\"j\",\"r\":\"r\"}", ""},
        {"passed through", MAPPING("{name: p, claim: g, passThrough: {prefix: 'idp-', allow: [a, 'b*']}}"),
         "{\"g\":[\"a\",\"bc\",\"d\",\"ax\"]}", "idp-a<p idp-bc<p"},
        {"control characters are left out", MAPPING("{name: p, claim: g, passThrough: {allow: ['*']}}"),
         "{\"g\":[\"a\\nb\",\"c\"]}", "c<p"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        groups_are(rows[i].name, rows[i].yaml, rows[i].claims, rows[i].groups);
}

static void neg_40_addresses_speak_for_one_domain_and_are_verified(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        bool matches;
    } rows[] = {
        {"{\"email\":\"x@a.b\"}", true},
        {"{\"email\":\"x@a.b\",\"email_verified\":true}", true},
        {"{\"email\":\"x@a.b\",\"email_verified\":\"true\"}", true},
        {"{\"email\":\"x@a.b\",\"email_verified\":false}", false},
        {"{\"email\":\"x@a.b\",\"email_verified\":\"false\"}", false},
        {"{\"email\":\"x@a.b\",\"email_verified\":1}", false},
        {"{\"email\":\"x@evil.com@a.b\"}", false},
        {"{\"email\":\"@a.b\"}", false},
        {"{\"email\":\"x@A.b\"}", false},
        {"{\"email\":\"x@\u0430.b\"}", false}, /* a Cyrillic letter */
        {"{\"email\":[\"x@a.b\"]}", false},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        groups_are(rows[i].claims, MAPPING("{name: d, claim: email, suffix: '@a.b', groups: [ab]}"),
                   rows[i].claims, rows[i].matches ? "ab<d" : "");
}

static void too_many_groups_are_cut(void **state)
{
    (void)state;
    struct world world;
    struct mapping_result result;
    json_t *claims = json_object(), *list = json_array();
    world_open(&world, ROLE_EDGE, MAPPING("{name: p, claim: g, passThrough: {allow: ['*']}}"));
    for (int i = 0; i < MAPPING_GROUPS_MAX + 1; i++)
        json_array_append_new(list, json_sprintf("g%d", i));
    json_object_set_new(claims, "g", list);
    mapping_apply(&world.rules, claims, &world.arena, &result);
    assert_int_equal(result.count, MAPPING_GROUPS_MAX);
    assert_true(result.cut);
    json_decref(claims);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_become_groups),
        cmocka_unit_test(neg_40_addresses_speak_for_one_domain_and_are_verified),
        cmocka_unit_test(too_many_groups_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
