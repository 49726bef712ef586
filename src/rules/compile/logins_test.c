/* Unit tests of Login: its checks, its rows, and what control is told. */
#include "base/test.h"

#include <stdio.h>

#include "rules/compile/world_fixture.h"

#define LOGIN(name, spec)                                                                                    \
    "---\napiVersion: selvage.dev/v1\nkind: Login\nmetadata: {name: " name ", namespace: foo}\nspec: {" spec \
    "}\n"
#define BASE "hosts: [App.example.com], issuer: 'https://idp.example', clientId: app"
#define SECRET                                                                                               \
    "---\napiVersion: v1\nkind: Secret\nmetadata: {name: idp, namespace: foo}\n"                             \
    "data: {clientSecret: c2VjcmV0}\nstringData: {other: open sesame}\n"

static const struct rules_login *login_of(const struct world *world)
{
    assert_int_equal(world_node(world)->logins.count, 1);
    return image_row(&world->rules, RULES_LOGIN, world_node(world)->logins, 0);
}

static bool text_is(const struct world *world, struct image_text text, const char *wanted)
{
    return bytes_equal(world_text(world, text), bytes_of(wanted));
}

static void what_is_not_written_has_its_preset(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_EDGE, LOGIN("staff", BASE));
    const struct rules_login *login = login_of(&world);
    assert_true(text_is(&world, login->name, "foo/staff"));
    assert_true(text_is(&world, login->cookie, "__Host-selvage-session"));
    assert_true(text_is(&world, login->callback_path, "/.selvage/login/callback"));
    assert_true(text_is(&world, login->logout_path, "/.selvage/logout"));
    assert_true(text_is(&world, login->backchannel_path, "/.selvage/logout/backchannel"));
    assert_true(text_is(&world, login->after_logout, "/"));
    assert_true(text_is(&world, login->scope, "openid"));
    assert_int_equal(login->idle_s, 8 * 3600);
    assert_int_equal(login->lifetime_s, 24 * 3600);
    assert_int_equal(login->refresh_s, 0);
    assert_int_equal(world.result.login_count, 1);
    assert_true(world.result.logins[0].id == login->id);
    assert_false(world.result.logins[0].has_secret);
    assert_int_equal(world.result.key_set_count, 1);
    assert_true(world.result.key_sets[0].id == login->key_set);
    world_done(&world);
}

static void what_is_written_is_in_the_row(void **state)
{
    (void)state;
    struct world world;
    world_open(
        &world, ROLE_EDGE,
        SECRET LOGIN("staff",
                     BASE ", clientSecret: {name: idp, key: other}, scopes: [openid, email, offline_access], "
                          "parameters: {prompt: consent}, session: {idle: 10m, lifetime: 2h, refresh: 90s}, "
                          "cookieName: me, forwardIdToken: true, publicPaths: ['/open/*'], "
                          "allowedRedirectHosts: [www.example.com]"));
    const struct rules_login *login = login_of(&world);
    assert_true(text_is(&world, login->scope, "openid email offline_access"));
    assert_true(text_is(&world, login->cookie, "__Host-me"));
    assert_int_equal(login->parameters.count, 2);
    assert_int_equal(login->idle_s, 600);
    assert_int_equal(login->lifetime_s, 7200);
    assert_int_equal(login->refresh_s, 90);
    assert_int_equal(login->forward_id_token, 1);
    assert_true(bytes_equal(world.result.logins[0].secret, BYTES("open sesame")));
    world_done(&world);
}

static void a_secret_that_is_not_there_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *sentence;
    } rows[] = {
        {LOGIN("s", BASE ", clientSecret: {name: idp}"),
         "there is no Secret 'idp' in namespace 'foo': nobody can log in"},
        {SECRET LOGIN("s", BASE ", clientSecret: {name: idp, key: x}"),
         "Secret 'idp' has no entry 'x': nobody can log in"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct world world;
        world_open(&world, ROLE_EDGE, rows[i].yaml);
        assert_true(world_says(&world, rows[i].sentence));
        assert_true(world.result.logins[0].has_secret && !world.result.logins[0].secret.len);
        world_done(&world);
    }
}

static void a_sidecar_logs_nobody_in(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, ROLE_SIDECAR, LOGIN("s", BASE));
    assert_int_equal(world_node(&world)->logins.count, 0);
    assert_int_equal(world.result.login_count, 0);
    world_done(&world);
}

static void what_is_wrong_is_told_with_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *sentence;
    } rows[] = {
        {BASE ", issuer2: x", "spec.issuer2: no field is called 'issuer2' here; did you mean issuer?"},
        {"hosts: ['a b'], issuer: 'https://i', clientId: a",
         "spec.hosts[0]: 'a b' is no host: a name such as shop.example.com, *.example.com or * belongs here"},
        {"hosts: [a.b], issuer: idp, clientId: a", "'idp' is no http or https URL"},
        {"hosts: [a.b], issuer: 'https://i/?a', clientId: a", "an issuer has no query and no fragment"},
        {BASE ", cookieName: 'a;b'", "'a;b' is no name: letters, digits, -, _ and . are right"},
        {BASE ", callbackPath: callback",
         "'callback' is no plain path: it begins with one / and has no %, ?, #, ;, * or space"},
        {BASE ", callbackPath: '/a/../b'",
         "'/a/../b' is no plain path: it begins with one / and has no %, ?, #, ;, * or space"},
        {BASE ", logoutPath: '/out%2f'",
         "'/out%2f' is no plain path: it begins with one / and has no %, ?, #, ;, * or space"},
        {BASE ", logoutPath: /.selvage/login/callback", "callbackPath has the same path"},
        {BASE ", publicPaths: ['/a*b']", "'/a*b' is no path, nor a path with * at its end"},
        {BASE ", parameters: {state: x}", "state is set by the login itself"},
        {BASE ", parameters: {code_challenge_method: plain}",
         "code_challenge_method is set by the login itself"},
        {BASE ", session: {idle: 2h, lifetime: 1h}", "idle is longer than lifetime"},
        {BASE ", clientSecret: {}", "one of name and file belongs here"},
        {BASE ", clientSecret: {file: '../x'}",
         "'../x' is neither an absolute path nor the name of a credential"},
        {BASE ", afterLogout: '//evil.example'", "must be a path, or a URL of one of allowedRedirectHosts: "
                                                 "the redirect target begins with two slashes, "
                                                 "which leads to another host"},
        {BASE ", afterLogout: 'https://evil.example/'",
         "must be a path, or a URL of one of allowedRedirectHosts: the redirect target leads to a host that "
         "is not "
         "allowed"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char yaml[1200];
        struct world world;
        struct fail why;
        snprintf(yaml, sizeof yaml,
                 "apiVersion: selvage.dev/v1\nkind: Login\nmetadata: {name: l, namespace: foo}\nspec: {%s}\n",
                 rows[i].spec);
        world_init(&world, ROLE_EDGE);
        world_add(&world, yaml);
        if (world_compile(&world, &why))
            world_wrong("%s: it was taken", rows[i].spec);
        if (!bytes_ends(bytes_of(why.text), bytes_of(rows[i].sentence)))
            world_wrong("%s: %s", rows[i].spec, why.text);
        world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_written_has_its_preset),
        cmocka_unit_test(what_is_written_is_in_the_row),
        cmocka_unit_test(a_secret_that_is_not_there_is_told),
        cmocka_unit_test(a_sidecar_logs_nobody_in),
        cmocka_unit_test(what_is_wrong_is_told_with_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
