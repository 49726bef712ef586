/* Where tokens stand: several rules, several places, what goes on and what does not; routes by claims. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>

static struct play play;

#define EXP ",\"exp\":1700003600"
#define JOE "\"sub\":\"joe\"" EXP
#define LATE "\"sub\":\"joe\",\"exp\":1600000000"
#define RULES(more) PLAY_SEC("RequestAuthentication", "ra") "  jwtRules:\n" more
#define ISSUER "  - issuer: '" PLAY_ISSUER "'\n    jwksUri: 'https://issuer/keys'\n"

static void open_rules(const char *yaml)
{
    play_init(&play, ROLE_GATEWAY, yaml);
    play.jwks = play_jwks(&play, "k");
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static const char *token(const char *claims)
{
    return play_token(&play, "k", claims);
}

/* The head that the upstream gets, or NULL: the client then got `status`. */
static const char *passes(const char *request, unsigned status)
{
    int client = play_dial(&play);
    play_say(&play, client, request);
    if (status != 200) {
        char begin[20];
        snprintf(begin, sizeof begin, "HTTP/1.1 %u ", status);
        said_begins(play_hear(&play, client), begin);
        return NULL;
    }
    int upstream = play_took(&play, PLAY_PORT);
    const char *heard = play_hear(&play, upstream);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 ");
    return heard;
}

static const char *request(const char *path, const char *fields)
{
    return arena_format(&play.arena, "GET %s HTTP/1.1\r\nHost: h\r\n%s\r\n", path, fields).at;
}

static const char *with(const char *format, const char *value)
{
    struct text text;
    const char *at = strstr(format, "@");
    text_init_arena(&text, &play.arena);
    text_add(&text, bytes_make(format, (size_t)(at - format)));
    text_add_s(&text, value);
    text_add_s(&text, at + 1);
    return arena_text(&play.arena, text_bytes(&text));
}

static void tokens_in_parameters_and_cookies_go_no_further(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE RULES(ISSUER "    fromParams: [t, u]\n    fromCookies: [c]\n"));
    const char *joe = token(JOE), *late = token(LATE);
    const char *heard = passes(request(with("/a?b=1&t=@&c=2", joe), ""), 200);
    said_begins(heard, "GET /a?b=1&c=2 HTTP/1.1\r\n");
    heard = passes(request("/", with("Cookie: a=1; c=@; d=2\r\n", joe)), 200);
    said_has(heard, "\r\ncookie: a=1; d=2\r\n");
    heard = passes(request(with("/?u=@", joe), with("Cookie: c=\"@\"\r\n", joe)), 200);
    said_begins(heard, "GET / HTTP/1.1\r\n");
    said_lacks(heard, "cookie");
    /* every token of a rule has to be good, wherever it stands */
    passes(request(with("/?t=@", joe), with("Cookie: c=@\r\n", late)), 401);
    passes(request(with("/?t=@", late), with("Cookie: c=@\r\n", joe)), 401);
    /* the default places are none of this rule's */
    heard = passes(request("/", with("Authorization: Bearer @\r\n", late)), 200);
    said_has(heard, "authorization: Bearer ");
    /* of a repeated parameter the first counts, and all of the name go */
    heard = passes(request(with(with("/?t=@&%74=@", joe), late), ""), 200);
    said_begins(heard, "GET / HTTP/1.1\r\n");
    play_close(&play);
}

static void a_rule_may_let_its_token_pass_on(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE RULES(ISSUER
                                 "    forwardOriginalToken: true\n    fromParams: [t]\n"
                                 "    fromCookies: [c]\n    fromHeaders: [{name: X-A, prefix: 'T '}]\n"));
    const char *joe = token(JOE);
    const char *heard = passes(request(with("/?t=@", joe), ""), 200);
    said_has(heard, with("GET /?t=@ HTTP/1.1\r\n", joe));
    heard = passes(request("/", with("Cookie: c=@\r\n", joe)), 200);
    said_has(heard, with("cookie: c=@\r\n", joe));
    heard = passes(request("/", with("X-A: T @\r\nX-A: T evil\r\nX-A: other\r\n", joe)), 200);
    said_has(heard, with("x-a: T @\r\n", joe));
    said_lacks(heard, "evil");
    said_lacks(heard, "other");
    play_close(&play);
}

static void headers_are_read_as_envoy_reads_them(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE RULES(ISSUER "    fromHeaders: [{name: X-A, prefix: 'T '}, {name: X-B}]\n"));
    const char *joe = token(JOE);
    static const struct {
        const char *fields;
        bool known; /* a token was found there */
        unsigned status;
    } rows[] = {
        {"X-A: T @\r\n", true, 200},
        {"X-A: Some T @, more\r\n", true, 200},
        {"X-A: no\r\nX-A: T @\r\n", true, 200},
        {"X-A: t @\r\n", false, 200},
        {"X-A: T ~\r\nX-C: @\r\n", false, 401},
        {"X-B: @\r\n", true, 200},
        {"X-B: @\r\nX-B: x\r\n", false, 401},
        {"X-B: x @\r\n", false, 401},
    };
    unsigned records = 0;
    for (size_t i = 0; i < ROWS(rows); i++) {
        passes(request("/", with(rows[i].fields, joe)), rows[i].status);
        const struct record *r = play_record(&play, ++records);
        assert_int_equal(r->request_principal.len > 0, rows[i].known);
    }
    play_close(&play);
}

static void of_several_rules_the_first_content_one_speaks(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE RULES(
        ISSUER "    fromHeaders: [{name: x-2}]\n    outputClaimToHeaders: [{header: x-sub, claim: sub}]\n"
               "    audiences: [two]\n" ISSUER "    fromHeaders: [{name: x-1}]\n"
               "    outputClaimToHeaders: [{header: x-sub, claim: sub}]\n"));
    const char *two = token("\"sub\":\"two\",\"aud\":\"two\"" EXP), *one = token("\"sub\":\"one\"" EXP);
    const char *heard = passes(request("/", with(with("X-1: @\r\nX-2: @\r\n", one), two)), 200);
    said_has(heard, "x-sub: two\r\n");
    said_lacks(heard, "x-1");
    said_lacks(heard, "x-2");
    /* the first rule's audience is wrong, the second is content: the request passes, as with Istio */
    heard = passes(request("/", with(with("X-1: @\r\nX-2: @\r\n", one), one)), 200);
    said_has(heard, "x-sub: one\r\n");
    /* nobody is content: the audience's 403 */
    passes(request("/", with("X-2: @\r\n", one)), 403);
    heard = passes(request("/", "X-Sub: evil\r\n"), 200);
    said_lacks(heard, "x-sub");
    play_close(&play);
}

static void claims_become_headers(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE RULES(
        ISSUER "    outputPayloadToHeader: x-payload\n    outputClaimToHeaders:\n"
               "    - {header: x-groups, claim: groups}\n    - {header: x-deep, claim: a.b}\n"
               "    - {header: x-bad, claim: bad}\n    - {header: x-none, claim: none}\n"));
    const char *joe = token("\"groups\":[\"g1\",\"g2\"],\"a\":{\"b\":7},\"bad\":\"x\\r\\nx-admin: 1\"" EXP);
    const char *heard =
        passes(request("/", with("Authorization: Bearer @\r\nX-Groups: root\r\nX-Bad: 1\r\n", joe)), 200);
    said_has(heard, "x-groups: g1,g2\r\n");
    said_has(heard, "x-deep: 7\r\n");
    said_has(heard, "x-payload: eyJ");
    said_lacks(heard, "x-bad");
    said_lacks(heard, "x-admin");
    said_lacks(heard, "x-none");
    said_lacks(heard, "root");
    play_close(&play);
}

#define ALLOW_CLAIM(name, value)                                                                             \
    PLAY_SEC("AuthorizationPolicy", "p")                                                                     \
    "  rules: [{when: [{key: 'request.auth.claims[" name "]', values: [" value "]}]}]\n"

static void a_claim_may_be_a_list_of_words(void **state)
{
    (void)state;
    open_rules(PLAY_SIMPLE ALLOW_CLAIM("roles", "admin") RULES(ISSUER "    spaceDelimitedClaims: [roles]\n"));
    passes(request("/", with("Authorization: Bearer @\r\n", token("\"roles\":\"user admin\"" EXP))), 200);
    passes(request("/", with("Authorization: Bearer @\r\n", token("\"roles\":\"user admins\"" EXP))), 403);
    play_rules(&play, PLAY_SIMPLE ALLOW_CLAIM("roles", "admin") RULES(ISSUER));
    play_keys(&play);
    passes(request("/", with("Authorization: Bearer @\r\n", token("\"roles\":\"user admin\"" EXP))), 403);
    play_close(&play);
}

#define BY_CLAIMS                                                                                            \
    PLAY_GATEWAY PLAY_SERVICE("b", "8080")                                                                   \
        PLAY_NET("VirtualService",                                                                           \
                 "v") "  hosts: ['*']\n  gateways: [g]\n  http:\n"                                           \
                      "  - match: [{headers: {'@request.auth.claims.roles': {exact: admin},\n"               \
                      "                       '@request.auth.claims[a][B]': {prefix: x}},\n"                 \
                      "             withoutHeaders: {'@request.auth.claims.barred': {regex: 'y.*'}}}]\n"     \
                      "    route: [{destination: {host: b.test, port: {number: 80}}}]\n"

static void routes_are_chosen_by_claims(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        unsigned status;
    } rows[] = {
        {"\"roles\":\"user admin\",\"a\":{\"B\":\"xy\"}" EXP, 200},
        {"\"roles\":[\"user\",\"admin\"],\"a\":{\"B\":[\"xy\"]},\"barred\":\"no\"" EXP, 200},
        {"\"roles\":\"admin\",\"a\":{\"B\":\"xy\"},\"barred\":\"yes\"" EXP, 404},
        {"\"roles\":\"admin\",\"a\":{\"b\":\"xy\"}" EXP, 404},
        {"\"roles\":\"user\",\"a\":{\"B\":\"xy\"}" EXP, 404},
        {"\"sub\":\"x\"" EXP, 404},
        {LATE, 401},
    };
    open_rules(BY_CLAIMS RULES(ISSUER "    spaceDelimitedClaims: [roles]\n"));
    for (size_t i = 0; i < ROWS(rows); i++)
        passes(request("/", with("Authorization: Bearer @\r\n", token(rows[i].claims))), rows[i].status);
    passes(request("/", ""), 404);
    passes(request("/", "request.auth.claims.roles: admin\r\n@request.auth.claims.roles: admin\r\n"), 400);
    passes(request("/", "request.auth.claims.roles: admin\r\n"), 404);
    play_close(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_in_parameters_and_cookies_go_no_further),
        cmocka_unit_test(a_rule_may_let_its_token_pass_on),
        cmocka_unit_test(headers_are_read_as_envoy_reads_them),
        cmocka_unit_test(of_several_rules_the_first_content_one_speaks),
        cmocka_unit_test(claims_become_headers),
        cmocka_unit_test(a_claim_may_be_a_list_of_words),
        cmocka_unit_test(routes_are_chosen_by_claims),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    play_keys_drop();
    return failed;
}
