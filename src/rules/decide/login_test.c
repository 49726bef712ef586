/* Unit tests of login: whose business a request is, and what kind of request. */
#include "base/test.h"

#include "rules/compile/world_fixture.h"
#include "rules/decide/login.h"

#define LOGIN(name, hosts, more)                                                                             \
    "---\napiVersion: selvage.dev/v1\nkind: Login\nmetadata: {name: " name                                   \
    ", namespace: foo}\nspec: {hosts: [" hosts "], issuer: 'https://i', clientId: " name more "}\n"

static void the_host_chooses_the_login(void **state)
{
    (void)state;
    static const struct {
        const char *authority, *name;
    } rows[] = {
        {"app.example.com", "foo/a"}, {"APP.example.com:8443", "foo/a"}, {"app.example.com.", "foo/a"},
        {"x.example.com", "foo/b"},   {"x.y.example.com", "foo/c"},      {"example.com", "foo/d"},
        {"other.org", "foo/d"},       {"appXexample.com", "foo/d"},      {"", NULL},
    };
    struct world world;
    world_open(&world, ROLE_EDGE,
               LOGIN("a", "app.example.com", "") LOGIN("b", "'*.example.com'", "")
                   LOGIN("c", "'*.y.example.com'", "") LOGIN("d", "'*'", ""));
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct rules_login *login =
            login_find(&world.rules, world_node(&world)->logins, bytes_of(rows[i].authority));
        const char *name = login ? arena_text(&world.arena, world_text(&world, login->name)) : NULL;
        if (!name != !rows[i].name || (name && strcmp(name, rows[i].name) != 0))
            world_wrong("%s: %s", rows[i].authority, name ? name : "none");
    }
    world_done(&world);
}

static void the_path_tells_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum login_place place;
    } rows[] = {
        {"/app", LOGIN_WANTED},
        {"/app/x?y", LOGIN_WANTED},
        {"/apple", LOGIN_WANTED},
        {"/", LOGIN_OPEN},
        {"/app/open", LOGIN_OPEN},
        {"/app/open?x=/app", LOGIN_OPEN},
        {"/app/open/x", LOGIN_WANTED},
        {"/app/files/x", LOGIN_OPEN},
        {"/app/files/..%2fx", LOGIN_WANTED},
        {"/app/files/..%5Cx", LOGIN_WANTED},
        {"/app/files/;/x", LOGIN_WANTED},
        {"/app/files/\\x", LOGIN_WANTED},
        {"//app/x", LOGIN_WANTED},
        {"/app/files/x?y=//z;%2f", LOGIN_OPEN},
        {"/.selvage/login/callback?code=1", LOGIN_CALLBACK},
        {"/.selvage/login/callback/", LOGIN_OPEN},
        {"/.selvage/logout", LOGIN_LOGOUT},
        {"/.selvage/logout/backchannel", LOGIN_BACKCHANNEL},
    };
    struct world world;
    world_open(&world, ROLE_EDGE,
               LOGIN("a", "a.b", ", paths: ['/app*'], publicPaths: [/app/open, '/app/files/*']"));
    const struct rules_login *login = login_find(&world.rules, world_node(&world)->logins, BYTES("a.b"));
    for (size_t i = 0; i < ROWS(rows); i++)
        if (login_place(&world.rules, login, bytes_of(rows[i].path)) != rows[i].place)
            world_wrong("%s", rows[i].path);
    world_done(&world);
}

struct ask {
    const char *name, *method, *fields[3]; /* name:value */
    bool navigates, forged, own;
};

static void request_of(const struct ask *ask, struct arena *arena, struct http_request *out)
{
    *out = (struct http_request){
        .method = bytes_of(ask->method), .scheme = BYTES("https"), .authority = BYTES("app.example:8443")};
    http_fields_init(&out->fields, arena);
    for (size_t i = 0; i < 3 && ask->fields[i]; i++) {
        struct bytes value = bytes_of(ask->fields[i]), name;
        bytes_cut(&value, '|', &name);
        http_fields_add(&out->fields, name, value);
    }
}

static void browsers_are_told_from_machines_and_own_pages_from_others(void **state)
{
    (void)state;
    static const struct ask rows[] = {
        {"a page", "GET", {"sec-fetch-mode|navigate", "sec-fetch-dest|document"}, true, false, false},
        {"a page, asked first", "HEAD", {"sec-fetch-mode|navigate"}, true, false, false},
        {"typed in", "GET", {"sec-fetch-mode|navigate", "sec-fetch-site|none"}, true, false, true},
        {"a link elsewhere",
         "GET",
         {"sec-fetch-mode|navigate", "sec-fetch-site|cross-site"},
         true,
         false,
         false},
        {"a frame", "GET", {"sec-fetch-mode|navigate", "sec-fetch-dest|iframe"}, false, false, false},
        {"fetch()", "GET", {"sec-fetch-mode|cors", "accept|text/html"}, false, false, false},
        {"an image", "GET", {"sec-fetch-mode|no-cors", "sec-fetch-dest|image"}, false, false, false},
        {"an older browser", "GET", {"accept|text/html,application/xml;q=0.9"}, true, false, false},
        {"an older script",
         "GET",
         {"accept|text/html", "x-requested-with|XMLHttpRequest"},
         false,
         false,
         false},
        {"curl", "GET", {"accept|*/*"}, false, false, false},
        {"an API client", "GET", {"accept|application/json"}, false, false, false},
        {"nothing said", "GET", {NULL}, false, false, false},
        {"a form", "POST", {"sec-fetch-mode|navigate", "sec-fetch-site|same-origin"}, false, false, true},
        {"a form of another site",
         "POST",
         {"sec-fetch-mode|navigate", "sec-fetch-site|cross-site"},
         false,
         true,
         false},
        {"neg_36 a form of a sibling",
         "POST",
         {"sec-fetch-mode|navigate", "sec-fetch-site|same-site"},
         false,
         true,
         false},
        {"a form, by Origin", "POST", {"origin|https://app.example:8443"}, false, false, true},
        {"another port", "POST", {"origin|https://app.example"}, false, true, false},
        {"without TLS", "POST", {"origin|http://app.example:8443"}, false, true, false},
        {"a sandboxed frame", "POST", {"origin|null"}, false, true, false},
        {"a machine's post", "POST", {NULL}, false, false, false},
        {"said twice",
         "POST",
         {"sec-fetch-site|same-origin", "origin|https://evil.example"},
         false,
         false,
         false},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request request;
        request_of(&rows[i], &arena, &request);
        if (login_navigates(&request) != rows[i].navigates ||
            login_is_forged(&request, true, false) != rows[i].forged ||
            login_is_own(&request, true) != rows[i].own)
            world_wrong("%s", rows[i].name);
    }
    arena_done(&arena);
}

static void neg_36_a_websocket_is_its_own_pages_alone(void **state)
{
    (void)state;
    static const struct ask rows[] = {
        {"a sibling's", "GET", {"sec-fetch-site|same-site"}, false, true, false},
        {"a sibling's, by Origin", "GET", {"origin|https://evil.example"}, false, true, false},
        {"its own page's", "GET", {"origin|https://app.example:8443"}, false, false, true},
        {"a program's", "GET", {NULL}, false, false, false},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct http_request request;
        request_of(&rows[i], &arena, &request);
        if (login_is_forged(&request, true, true) != rows[i].forged || login_is_forged(&request, true, false))
            world_wrong("%s", rows[i].name);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_host_chooses_the_login),
        cmocka_unit_test(the_path_tells_what_is_wanted),
        cmocka_unit_test(neg_36_a_websocket_is_its_own_pages_alone),
        cmocka_unit_test(browsers_are_told_from_machines_and_own_pages_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
