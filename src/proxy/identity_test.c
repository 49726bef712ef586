/* Who asks: identity fields are stripped, keys are waited for, assertions made and believed. */
#include "base/test.h"

#include "proxy/proxy_fixture.h"

#include <stdio.h>

#include "crypt/digest.h"
#include "proxy/front.h"
#include "proxy/token.h"
#include "wire/base64.h"

static struct play play;

#define KEYS                                                                                                 \
    PLAY_SEC("RequestAuthentication", "ra")                                                                  \
    "  jwtRules: [{issuer: '" PLAY_ISSUER "', jwksUri: 'https://issuer/keys'}]\n"
#define GOOD "\"sub\":\"joe\",\"exp\":1700003600,\"iat\":1699999999"

static void open_keys(const char *kid)
{
    play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE KEYS);
    play.jwks = kid ? play_jwks(&play, kid) : NULL;
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static void ask(int client, const char *token)
{
    char request[4000];
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n", token);
    play_say(&play, client, request);
}

static void serve_ok(void)
{
    play_say(&play, play_took(&play, PLAY_PORT), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* ---- keys that are waited for ------------------------------------------------------------ */

static int ask_unknown(void)
{
    open_keys("old");
    int client = play_dial(&play);
    ask(client, play_token(&play, "new", GOOD));
    assert_int_equal(play.wants.keys, 1);
    assert_string_equal(play_hear(&play, client), "");
    play_record(&play, 0);
    return client;
}

static void new_keys_that_came_let_the_token_pass(void **state)
{
    (void)state;
    int client = ask_unknown();
    play.jwks = play_jwks(&play, "new");
    play_keys(&play);
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    play_go(&play);
    serve_ok();
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    const struct record *r = play_record(&play, 1);
    assert_true(bytes_equal(r->request_principal, BYTES(PLAY_ISSUER "/joe")));
    play_close(&play);
}

static void neg_22_keys_that_could_not_be_fetched_are_401(void **state)
{
    (void)state;
    int client = ask_unknown();
    worker_keys_answer(&play.worker, play.wants.key_set, false);
    const char *answer = play_hear(&play, client);
    said_begins(answer, "HTTP/1.1 401 ");
    said_has(answer, "www-authenticate: Bearer realm=\"http://h\", error=\"invalid_token\"\r\n");
    assert_int_equal(play_record(&play, 1)->flags, RECORD_UAEX);
    assert_true(bytes_equal(play_record(&play, 1)->decision, BYTES("deny")));
    play_close(&play);
}

static void late_keys_are_401_and_their_answer_is_nobodys(void **state)
{
    (void)state;
    int client = ask_unknown();
    play_pass(&play, 5001);
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    play_record(&play, 1);
    play_close(&play);
}

static void a_client_that_leaves_waits_for_no_keys(void **state)
{
    (void)state;
    int client = ask_unknown();
    sim_reset(play.sim, client);
    play_go(&play);
    play_expect(&play, 1, 0, RECORD_DC, "downstream_remote_disconnect");
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    play_close(&play);
}

static void neg_21_good_tokens_do_not_wait_for_other_peoples_keys(void **state)
{
    (void)state;
    ask_unknown();
    int other = play_dial(&play);
    ask(other, play_token(&play, "old", GOOD));
    serve_ok();
    said_begins(play_hear(&play, other), "HTTP/1.1 200 OK");
    play_close(&play);
}

static void neg_21_a_key_set_is_asked_for_once_a_minute(void **state)
{
    (void)state;
    int client = ask_unknown();
    int second = play_dial(&play);
    ask(second, play_token(&play, "newer", GOOD));
    assert_int_equal(play.wants.keys, 1);
    worker_keys_answer(&play.worker, play.wants.key_set, false);
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    said_begins(play_hear(&play, second), "HTTP/1.1 401 ");
    ask(client, play_token(&play, "newest", GOOD));
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    assert_int_equal(play.wants.keys, 1);
    play_pass(&play, 61000);
    client = play_dial(&play);
    ask(client, play_token(&play, "newest", GOOD));
    assert_int_equal(play.wants.keys, 2);
    play_pass(&play, 70000); /* the answer is lost: the next asks again */
    client = play_dial(&play);
    ask(client, play_token(&play, "newest", GOOD));
    assert_int_equal(play.wants.keys, 3);
    play_close(&play);
}

/* ---- tokens that are remembered -------------------------------------------------------------- */

static void expiry_is_judged_at_every_use(void **state)
{
    (void)state;
    open_keys("k");
    int client = play_dial(&play);
    const char *token = play_token(&play, "k", "\"sub\":\"joe\",\"exp\":1700000030");
    ask(client, token);
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play.sim->wall_us += 600 * (int64_t)1000000;
    ask(client, token);
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    play_close(&play);
}

static void a_key_that_is_withdrawn_verifies_nothing_more(void **state)
{
    (void)state;
    open_keys("k");
    int client = play_dial(&play);
    const char *token = play_token(&play, "k", GOOD);
    ask(client, token);
    int upstream = play_took(&play, PLAY_PORT);
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play.jwks = play_jwks(&play, "other");
    play_keys(&play);
    ask(client, token);
    worker_keys_answer(&play.worker, play.wants.key_set, true);
    said_begins(play_hear(&play, client), "HTTP/1.1 401 ");
    play_close(&play);
}

static void the_cache_of_tokens_is_bounded(void **state)
{
    (void)state;
    open_keys("k");
    struct generation *g = play.worker.generation;
    const struct keys_set *row;
    struct key_set *set;
    assert_true(generation_key_set(g, play.world.result.key_sets[0].id, &row, &set));
    for (unsigned i = 0; i < TOKEN_CACHE_MAX + 50; i++) {
        struct arena arena;
        struct token *token;
        struct fail why;
        char claims[60];
        snprintf(claims, sizeof claims, "\"sub\":\"%u\"", i);
        const char *raw = play_token(&play, "k", claims);
        arena_init(&arena);
        assert_int_equal(token_verify(&play.worker, row, set, bytes_of(raw), &arena, &token, &why),
                         TOKEN_GOOD);
        assert_int_equal(token->refs, 2);
        token_unref(token);
        arena_done(&arena);
    }
    assert_int_equal(token_cache_count(play.worker.tokens), TOKEN_CACHE_MAX);
    play_close(&play);
}

/* ---- what claims identity ---------------------------------------------------------------------- */

static const char *const claiming[] = {"X-Forwarded-For",     "x_forwarded_for",  "X-Forwarded_Client-Cert",
                                       "X-Selvage-Assertion", "x_selvage_user",   "X-Envoy-Peer-Metadata",
                                       "Forwarded",           "X-Real-IP",        "True-Client-IP",
                                       "X-Original-URL",      "x-FORWARDED-proto"};

static void neg_26_identity_fields_never_reach_the_upstream(void **state)
{
    static const char *const methods[] = {"GET", "OPTIONS", "POST", "upgrade"};
    (void)state;
    for (size_t i = 0; i < ROWS(methods); i++) {
        char request[4000], *at = request, *to = request + sizeof request;
        bool upgrade = i == 3, body = i == 2;
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = play_dial(&play);
        at += snprintf(at, (size_t)(to - at),
                       "%s / HTTP/1.1\r\nHost: h\r\nOrigin: http://o\r\n"
                       "Access-Control-Request-Method: GET\r\n%s",
                       upgrade ? "GET" : methods[i], upgrade ? "Connection: upgrade\r\nUpgrade: x\r\n" : "");
        for (size_t k = 0; k < 2 * ROWS(claiming); k++)
            at += snprintf(at, (size_t)(to - at), "%s: evil\r\n", claiming[k % ROWS(claiming)]);
        at += snprintf(at, (size_t)(to - at), "%s",
                       body ? "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" : "");
        for (size_t k = 0; body && k < ROWS(claiming); k++)
            at += snprintf(at, (size_t)(to - at), "%s: evil\r\n", claiming[k]);
        snprintf(at, (size_t)(to - at), body ? "x-fine: 1\r\n\r\n" : "\r\n");
        play_say(&play, client, request);
        const char *heard = play_hear(&play, play_took(&play, PLAY_PORT));
        said_lacks(heard, "evil");
        said_has(heard, "x-forwarded-for: 192.0.2.7\r\n");
        if (body)
            said_ends(heard, "1\r\na\r\n0\r\nx-fine: 1\r\n\r\n");
        play_close(&play);
    }
}

/* Whatever the parser lets pass under another spelling of a name, the workload never sees. */
static void neg_27_no_spelling_of_a_name_passes(void **state)
{
    static const struct {
        const char *line;
        unsigned status; /* 200: it passes without the field */
    } rows[] = {
        {"X-Selvage-User: evil", 200},        {"x-SELVAGE-uSER: evil", 200},
        {"X_Selvage_User: evil", 200},        {"x-selvage_user: evil\r\nX-Selvage-User: evil", 200},
        {"X-Selvage-User : evil", 400},       {"X-Selvage-User\t: evil", 400},
        {" X-Selvage-User: evil", 400},       {"X-Fine: 1\r\n X-Selvage-User: evil", 400},
        {"X-Selvage\xc2\xadUser: evil", 400}, {"X-Selvage-User\r: evil", 400},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char request[300];
        play_open(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        int client = play_dial(&play);
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", rows[i].line);
        play_say(&play, client, request);
        if (rows[i].status == 200)
            said_lacks(play_hear(&play, play_took(&play, PLAY_PORT)), "evil");
        else
            said_begins(play_hear(&play, client), "HTTP/1.1 400 ");
        play_close(&play);
    }
}

static void neg_28_only_a_trusted_proxy_says_who_the_client_is(void **state)
{
    static const struct {
        const char *network;
        const char *remote;
        const char *forwarded;
    } trusts[] = {{"192.0.2.0/24", "198.51.100.9", "x-forwarded-for: 6.6.6.6, 198.51.100.9, 192.0.2.7\r\n"},
                  {"192.0.3.0/24", "192.0.2.7:4711", "x-forwarded-for: 192.0.2.7\r\n"}};
    (void)state;
    for (size_t i = 0; i < ROWS(trusts); i++) {
        struct bytes network = bytes_of(trusts[i].network);
        play_init(&play, ROLE_GATEWAY, PLAY_SIMPLE);
        play.world.node.proxy_networks = &network;
        play.world.node.proxy_network_count = 1;
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        play_say(&play, play_dial(&play),
                 "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 198.51.100.9\r\nX_Forwarded_For: "
                 "1.1.1.1\r\n\r\n");
        int upstream = play_took(&play, PLAY_PORT);
        const char *heard = play_hear(&play, upstream);
        said_has(heard, trusts[i].forwarded);
        said_lacks(heard, "1.1.1.1");
        play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_true(bytes_equal(play_record(&play, 1)->remote, bytes_of(trusts[i].remote)));
        play_close(&play);
    }
}

/* ---- assertions ------------------------------------------------------------------------------------ */

#define ASSERTED                                                                                             \
    PLAY_GATEWAY KEYS PLAY_NET(                                                                              \
        "ServiceEntry", "b") "  hosts: [b.test]\n  location: MESH_INTERNAL\n  resolution: STATIC\n"          \
                             "  ports: [{number: 80, protocol: HTTP, name: http, targetPort: 8080}]\n  "     \
                             "endpoints: [{address: 10.0.0.1}]\n" PLAY_ROUTE(                                \
                                 "") "---\napiVersion: selvage.dev/v1\nkind: Assertion\nmetadata: {name: "   \
                                     "a, namespace: foo}\n"                                                  \
                                     "spec: {issuer: 'https://edge', audiences: [mesh], header: X-Assert, "  \
                                     "subjectPrefix: {'" PLAY_ISSUER "': corp}, lifetime: 60s}\n"

static struct authority *root;

static void identity_new(struct identity_pem *out, const char *uri)
{
    struct fail why;
    assert_true(authority_issue(root, bytes_of(uri), NULL, 0, 3600, &play.arena, out, &why));
}

static void signer_renew(void)
{
    struct fail why;
    signer_free(play.signer);
    play.signer = signer_new_p256(&why);
}

static void open_asserted_by(const char *rules)
{
    play_init(&play, ROLE_EDGE, rules);
    play.jwks = play_jwks(&play, "k");
    identity_new(&play.self, "spiffe://td/ns/foo/sa/acc");
    signer_renew();
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
}

static void open_asserted(void)
{
    open_asserted_by(ASSERTED);
}

/* The assertion that the upstream hears. */
static const char *asserted(int client, int *upstream, const char *token)
{
    ask(client, token);
    if (*upstream < 0)
        *upstream = play_took(&play, PLAY_PORT);
    const char *heard = play_hear(&play, *upstream), *at = strstr(heard, "x-assert: ");
    if (!at)
        world_wrong("no assertion: %s", heard);
    at += strlen("x-assert: ");
    const char *assertion = arena_text(&play.arena, bytes_make(at, strcspn(at, "\r")));
    play_say(&play, *upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    return assertion;
}

static void an_assertion_says_who_asks_and_is_kept_for_half_its_life(void **state)
{
    (void)state;
    open_asserted();
    int client = play_dial(&play), upstream = -1;
    const char *token = play_token(&play, "k", GOOD ",\"aud\":\"mesh\"");
    const char *first = asserted(client, &upstream, token);
    const char *claims = arena_text(&play.arena, play_payload(&play, bytes_of(first)));
    said_has(claims, "\"iss\":\"https://edge\"");
    said_has(claims, "\"sub\":\"corp:joe\"");
    said_has(claims, "\"aud\":\"mesh\"");
    said_has(claims, "\"iat\":1700000000");
    said_has(claims, "\"exp\":1700000060");
    said_has(claims, "\"cnf\":{\"x5t#S256\":\"");
    assert_true(play_record(&play, 1)->token_id.len == 32);
    play.sim->wall_us += 29 * (int64_t)1000000;
    assert_string_equal(asserted(client, &upstream, token), first);
    play.sim->wall_us += 2 * (int64_t)1000000;
    const char *second = asserted(client, &upstream, token);
    assert_string_not_equal(second, first);
    play.sim->wall_us -= 40 * (int64_t)1000000; /* the clock is set back */
    second = asserted(client, &upstream, token);
    said_has(arena_text(&play.arena, play_payload(&play, bytes_of(second))), "\"iat\":1699999991");
    signer_renew();
    play_keys(&play);
    const char *third = asserted(client, &upstream, token);
    assert_string_not_equal(third, second);
    identity_new(&play.self, "spiffe://td/ns/foo/sa/acc");
    play_keys(&play);
    assert_string_not_equal(asserted(client, &upstream, token), third);
    play_close(&play);
}

static void one_user_with_several_tokens_has_one_assertion(void **state)
{
    (void)state;
    open_asserted();
    int client = play_dial(&play), upstream = -1;
    const char *first =
        asserted(client, &upstream, play_token(&play, "k", GOOD ",\"aud\":\"mesh\",\"jti\":\"1\""));
    play.sim->wall_us += 20 * (int64_t)1000000;
    const char *renewed = play_token(&play, "k", GOOD ",\"aud\":\"mesh\",\"jti\":\"2\"");
    assert_string_equal(asserted(client, &upstream, renewed), first);
    const char *agent = play_token(&play, "k", GOOD ",\"aud\":\"mesh\",\"act\":{\"sub\":\"robot\"}");
    assert_string_not_equal(asserted(client, &upstream, agent), first);
    play.sim->wall_us += 11 * (int64_t)1000000; /* over half of its life: for the renewed token too */
    const char *second = asserted(client, &upstream, renewed);
    assert_string_not_equal(second, first);
    said_has(arena_text(&play.arena, play_payload(&play, bytes_of(second))), "\"iat\":1700000031");
    const char *newest = play_token(&play, "k", GOOD ",\"aud\":\"mesh\",\"jti\":\"3\"");
    assert_string_equal(asserted(client, &upstream, newest), second);
    play_close(&play);
}

static void a_service_outside_the_mesh_hears_no_assertion(void **state)
{
    (void)state;
    char rules[] = ASSERTED;
    memcpy(strstr(rules, "MESH_INTERNAL"), "MESH_EXTERNAL", strlen("MESH_EXTERNAL"));
    open_asserted_by(rules);
    int client = play_dial(&play);
    ask(client, play_token(&play, "k", GOOD ",\"aud\":\"mesh\""));
    int upstream = play_took(&play, PLAY_PORT);
    said_lacks(play_hear(&play, upstream), "x-assert");
    play_say(&play, upstream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    said_begins(play_hear(&play, client), "HTTP/1.1 200 OK");
    play_close(&play);
}

static void without_a_signing_key_it_is_503(void **state)
{
    (void)state;
    open_asserted();
    signer_free(play.signer);
    play.signer = NULL;
    play_keys(&play);
    int client = play_dial(&play);
    ask(client, play_token(&play, "k", GOOD ",\"aud\":\"mesh\""));
    said_begins(play_hear(&play, client), "HTTP/1.1 503 ");
    play_expect(&play, 1, 503, RECORD_UF, "assertion_not_signed");
    play_close(&play);
}

/* ---- assertions that come: over mutual TLS ------------------------------------------------------------ */

#define EDGE "spiffe://td/ns/foo/sa/edge"
#define SIDECAR                                                                                              \
    PLAY_NET("Sidecar", "s")                                                                                 \
    "  ingress:\n  - {port: {number: 80, protocol: HTTP, name: http}, defaultEndpoint: "                     \
    "'127.0.0.1:8080'}\n" PLAY_SEC("PeerAuthentication", "pa") "  mtls: {mode: STRICT}\n" PLAY_SEC(          \
        "RequestAuthentication",                                                                             \
        "ra") "  jwtRules: [{issuer: '" PLAY_ISSUER                                                          \
              "', jwksUri: 'https://issuer/keys', fromHeaders: [{name: X-Assert}]}]\n"

/* A token of the test's provider that is bound to the certificate. */
static const char *bound(const struct identity_pem *to)
{
    struct bytes der;
    struct bytes begin = BYTES("-----BEGIN CERTIFICATE-----");
    size_t from = bytes_find_text(to->chain, begin) + begin.len,
           until = bytes_find_text(to->chain, BYTES("-----END CERTIFICATE-----"));
    assert_true(base64_decode(bytes_part(to->chain, from, until), true, &play.arena, &der));
    struct digest digest = digest_of(der);
    struct bytes text = base64url_encode(bytes_make(digest.bytes, 32), &play.arena);
    return play_token_typed(
        &play, "k", "selvage+jwt",
        arena_text(&play.arena,
                   arena_format(&play.arena, GOOD ",\"cnf\":{\"x5t#S256\":\"%.*s\"}", BYTES_FMT(text))));
}

/* What the node serves to anybody is these paths and methods, and none that looks like them. */
static void neg_32_well_known_paths_are_exact(void **state)
{
    static const struct {
        const char *request;
        bool served;
    } rows[] = {
        {"GET /.well-known/selvage/jwks.json", true},
        {"HEAD /.well-known/selvage/jwks.json", true},
        {"GET /.well-known/selvage/jwks.json?x=/admin", true},
        {"POST /.well-known/selvage/jwks.json", false},
        {"GET /.well-known/selvage/jwks.json/", false},
        {"GET /.well-known/selvage/jwks.json/../../../admin", false},
        {"GET /.well-known/selvage/jwks.jsonx", false},
        {"GET /.well-known/selvage/JWKS.json", false},
        {"GET //.well-known/selvage/jwks.json", false},
        {"GET /.well-known/selvage/jwks.json;x", false},
        {"GET /.well-known%2fselvage/jwks.json", false},
    };
    (void)state;
    open_asserted_by(ASSERTED PLAY_SEC("AuthorizationPolicy", "nobody") "  {}\n");
    for (size_t i = 0; i < ROWS(rows); i++) {
        char request[200];
        int client = play_dial(&play);
        snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: h\r\nUser-Agent: kube-probe/1\r\n\r\n",
                 rows[i].request);
        play_say(&play, client, request);
        said_begins(play_hear(&play, client), rows[i].served ? "HTTP/1.1 200 " : "HTTP/1.1 403 ");
    }
    play_close(&play);
}

static void neg_47_an_assertion_holds_only_over_the_connection_of_its_certificate(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct identity_pem edge, stranger;
        struct play_tls tls;
        char request[4000];
        play_init(&play, ROLE_SIDECAR, SIDECAR);
        play.jwks = play_jwks(&play, "k");
        identity_new(&play.self, "spiffe://td/ns/foo/sa/acc");
        identity_new(&edge, EDGE);
        identity_new(&stranger, EDGE); /* the same name does not help */
        play_start(&play);
        sim_port(play.sim, PLAY_PORT, SIM_SERVES);
        play_tls_open(&play, &tls, play_dial(&play), other ? &stranger : &edge, true);
        assert_true(tls.open);
        snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\nX-Assert: %s\r\n\r\n", bound(&edge));
        play_tls_say(&tls, request);
        if (other) {
            said_has(play_tls_hear(&tls), "Jwt is bound to another client certificate");
        } else {
            serve_ok();
            said_begins(play_tls_hear(&tls), "HTTP/1.1 200 OK");
            assert_true(bytes_equal(play_record(&play, 1)->source_principal, BYTES(EDGE)));
        }
        play_record(&play, 1);
        play_tls_close(&tls);
        play_close(&play);
    }
}

static void plain_text_is_not_spoken_where_mutual_tls_is_demanded(void **state)
{
    (void)state;
    play_init(&play, ROLE_SIDECAR, SIDECAR);
    identity_new(&play.self, "spiffe://td/ns/foo/sa/acc");
    play_start(&play);
    int client = play_dial(&play);
    play_say(&play, client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    said_lacks(play_hear(&play, client), "HTTP");
    assert_true(sim_ended(play.sim, client));
    play_expect(&play, 1, 0, RECORD_DPE, "tls_refused");
    play_close(&play);
}

/* 200 members of a list that passes through are more groups than are kept: none of them may be missed. */
static void more_groups_than_are_kept_are_403(void **state)
{
    (void)state;
    static char claims[3000];
    struct text text;
    text_init_fixed(&text, claims, sizeof claims);
    text_add_s(&text, GOOD ",\"roles\":[\"a\"");
    for (int i = 0; i < 200; i++)
        text_format(&text, ",\"g%d\"", i);
    text_add_s(&text, "]");
    play_init(&play, ROLE_GATEWAY,
              PLAY_SIMPLE KEYS PLAY_HEAD(
                  "selvage.dev/v1", "ClaimMapping", "m",
                  "foo") "  rules: [{name: all, claim: roles, passThrough: {allow: ['*']}}]\n");
    play.jwks = play_jwks(&play, "k");
    play_start(&play);
    sim_port(play.sim, PLAY_PORT, SIM_SERVES);
    ask(play_dial(&play), play_token(&play, "k", claims));
    play_expect(&play, 1, 403, RECORD_UAEX, "too_many_groups");
    play_close(&play);
}

int main(void)
{
    struct fail why;
    root = authority_new_root(BYTES("td"), 10, &why);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_groups_than_are_kept_are_403),
        cmocka_unit_test(new_keys_that_came_let_the_token_pass),
        cmocka_unit_test(neg_22_keys_that_could_not_be_fetched_are_401),
        cmocka_unit_test(late_keys_are_401_and_their_answer_is_nobodys),
        cmocka_unit_test(a_client_that_leaves_waits_for_no_keys),
        cmocka_unit_test(neg_21_good_tokens_do_not_wait_for_other_peoples_keys),
        cmocka_unit_test(neg_21_a_key_set_is_asked_for_once_a_minute),
        cmocka_unit_test(expiry_is_judged_at_every_use),
        cmocka_unit_test(a_key_that_is_withdrawn_verifies_nothing_more),
        cmocka_unit_test(the_cache_of_tokens_is_bounded),
        cmocka_unit_test(neg_26_identity_fields_never_reach_the_upstream),
        cmocka_unit_test(neg_27_no_spelling_of_a_name_passes),
        cmocka_unit_test(neg_28_only_a_trusted_proxy_says_who_the_client_is),
        cmocka_unit_test(an_assertion_says_who_asks_and_is_kept_for_half_its_life),
        cmocka_unit_test(one_user_with_several_tokens_has_one_assertion),
        cmocka_unit_test(a_service_outside_the_mesh_hears_no_assertion),
        cmocka_unit_test(without_a_signing_key_it_is_503),
        cmocka_unit_test(neg_32_well_known_paths_are_exact),
        cmocka_unit_test(neg_47_an_assertion_holds_only_over_the_connection_of_its_certificate),
        cmocka_unit_test(plain_text_is_not_spoken_where_mutual_tls_is_demanded),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    authority_free(root);
    play_keys_drop();
    return failed;
}
