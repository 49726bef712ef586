#include "base/test.h"

#include <stdlib.h>

#include <arpa/inet.h>
#include <stdio.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/authz.h"

#define SIDECAR                                                                                              \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: foo}\n"               \
    "spec: {ingress: [{port: {number: 1, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:81'},\n"   \
    "  {port: {number: 2, protocol: TCP, name: tcp}, defaultEndpoint: '127.0.0.1:82'}]}\n"
#define POLICY(name, spec)                                                                                   \
    "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"                                     \
    "metadata: {name: " name ", namespace: foo}\nspec: " spec "\n"
#define ALLOW(rules) POLICY("p", "{action: ALLOW, rules: [" rules "]}")
#define DENY(rules) POLICY("p", "{action: DENY, rules: [" rules "]}")

static struct arena arena;

/* ---- facts ------------------------------------------------------------ */

static struct fact_address ip(const char *text)
{
    struct fact_address fact = {.state = FACT_KNOWN};
    if (inet_pton(AF_INET6, text, fact.bytes) == 1)
        return fact;
    fact.bytes[10] = fact.bytes[11] = 0xFF;
    assert_int_equal(inet_pton(AF_INET, text, fact.bytes + 12), 1);
    return fact;
}

static struct facts request(const char *method, const char *path)
{
    static struct http_fields none;
    return (struct facts){.http = true,
                          .method = fact_known(bytes_of(method)),
                          .path = fact_known(bytes_of(path)),
                          .host = fact_known(BYTES("A.com")),
                          .peer = ip("10.0.0.1"),
                          .remote = ip("192.0.2.7"),
                          .local = ip("10.9.9.9"),
                          .port_state = FACT_KNOWN,
                          .port = 8080,
                          .fields_state = FACT_KNOWN,
                          .fields = &none};
}

/* One change of the usual request, so that a row stays a line. */
enum change {
    AS_IT_IS,
    NO_PEER_CERT,
    PRINCIPAL,
    HOST,
    FIELD,
    FIELD_TWICE,
    TOKEN,
    GROUP,
    SNI,
    PORT,
    PEER,
    UNKNOWN_PATH,
    UNKNOWN_FIELDS,
    UNKNOWN_CLAIMS,
    UNKNOWN_PRINCIPAL,
    UNKNOWN_HOST,
};

static void change(struct facts *facts, enum change how, const char *what)
{
    struct fail why = {0};
    struct http_fields *fields = arena_new(&arena, struct http_fields);
    static struct bytes group;
    http_fields_init(fields, &arena);
    switch (how) {
    case AS_IT_IS:
    case NO_PEER_CERT:
        return;
    case PRINCIPAL:
        facts->principal = fact_known(bytes_of(what));
        return;
    case HOST:
        facts->host = fact_known(bytes_of(what));
        return;
    case FIELD_TWICE:
        http_fields_add(fields, BYTES("x-a"), BYTES("first"));
        /* fallthrough */
    case FIELD:
        http_fields_add(fields, BYTES("x-a"), bytes_of(what));
        facts->fields = fields;
        return;
    case TOKEN:
        facts->claims = json_read(bytes_of(what), 10000, &why);
        facts->claims_state = FACT_KNOWN;
        assert_string_equal(why.text, "");
        return;
    case GROUP:
        group = bytes_of(what);
        facts->claims = json_read(BYTES("{\"iss\":\"i\",\"sub\":\"s\",\"groups\":\"forged\"}"), 10000, &why);
        facts->claims_state = FACT_KNOWN;
        facts->mapped_claim = BYTES("groups");
        facts->groups = &group;
        facts->group_count = 1;
        return;
    case SNI:
        facts->sni = fact_known(bytes_of(what));
        return;
    case PORT:
        facts->port = (uint32_t)atoi(what);
        return;
    case PEER:
        facts->peer = ip(what);
        return;
    case UNKNOWN_PATH:
        facts->path.state = FACT_UNKNOWN;
        return;
    case UNKNOWN_FIELDS:
        facts->fields_state = FACT_UNKNOWN;
        facts->fields = NULL;
        return;
    case UNKNOWN_CLAIMS:
        facts->claims_state = FACT_UNKNOWN;
        return;
    case UNKNOWN_PRINCIPAL:
        facts->principal.state = FACT_UNKNOWN;
        return;
    case UNKNOWN_HOST:
        facts->host.state = FACT_UNKNOWN;
        return;
    }
}

static enum verdict decide_on(const char *policies, struct facts *facts, bool tcp, struct decision *out)
{
    struct world world;
    world_open(&world, ROLE_SIDECAR, policies);
    const struct rules_listener *listener = world_listener(&world, tcp ? "0.0.0.0:2" : "0.0.0.0:1");
    *out = authz_decide(&world.rules, listener, facts, &arena);
    world_done(&world);
    return out->verdict;
}

struct row {
    const char *name;
    const char *policies;
    enum change how;
    const char *what;
    enum verdict verdict;
};

static void rows_check(const struct row *rows, size_t count, bool tcp)
{
    for (size_t i = 0; i < count; i++) {
        struct facts facts = request("GET", "/a/b?q=1");
        struct decision decision;
        if (tcp)
            facts = (struct facts){.peer = ip("10.0.0.1"), .port_state = FACT_KNOWN, .port = 8080};
        arena_reset(&arena);
        change(&facts, rows[i].how, rows[i].what);
        if (decide_on(rows[i].policies, &facts, tcp, &decision) != rows[i].verdict)
            world_wrong("%s: verdict %d, not %d", rows[i].name, (int)decision.verdict, (int)rows[i].verdict);
        json_decref((json_t *)(uintptr_t)facts.claims);
    }
}

#define PATHS(path) "{to: [{operation: {paths: ['" path "']}}]}"
#define NOT_PATHS(path) "{to: [{operation: {notPaths: ['" path "']}}]}"
#define HOSTS(host) "{to: [{operation: {hosts: ['" host "']}}]}"
#define SOURCE(field, value) "{from: [{source: {" field ": ['" value "']}}]}"
#define WHEN(key, value) "{when: [{key: '" key "', values: ['" value "']}]}"
#define WHEN_NOT(key, value) "{when: [{key: '" key "', notValues: ['" value "']}]}"
#define ALICE                                                                                                \
    "{\"iss\":\"https://i/x\",\"sub\":\"alice\",\"aud\":[\"a1\",\"a2\"],\"azp\":\"app\",\"scope\":\"read "   \
    "write\",\"n\":{\"m\":[\"v\",1]},\"t\":true}"

static void neg_29_each_attribute_compares_as_istio_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no policy", SIDECAR, AS_IT_IS, "", DECISION_ALLOW},
        {"allow nothing", SIDECAR POLICY("p", "{action: ALLOW}"), AS_IT_IS, "", DECISION_DENY},
        {"allow everything", SIDECAR ALLOW("{}"), AS_IT_IS, "", DECISION_ALLOW},
        {"deny everything", SIDECAR DENY("{}"), AS_IT_IS, "", DECISION_DENY},
        {"path exact, without query", SIDECAR ALLOW(PATHS("/a/b")), AS_IT_IS, "", DECISION_ALLOW},
        {"path another", SIDECAR ALLOW(PATHS("/a/B")), AS_IT_IS, "", DECISION_DENY},
        {"path prefix", SIDECAR ALLOW(PATHS("/a*")), AS_IT_IS, "", DECISION_ALLOW},
        {"path suffix", SIDECAR ALLOW(PATHS("*/b")), AS_IT_IS, "", DECISION_ALLOW},
        {"path template", SIDECAR ALLOW(PATHS("/{*}/b")), AS_IT_IS, "", DECISION_ALLOW},
        {"path template too short", SIDECAR ALLOW(PATHS("/a/b/{*}")), AS_IT_IS, "", DECISION_DENY},
        {"host in another case", SIDECAR ALLOW(HOSTS("a.COM")), AS_IT_IS, "", DECISION_ALLOW},
        {"host with a port is another", SIDECAR ALLOW(HOSTS("a.com")), HOST, "a.com:80", DECISION_DENY},
        {"host prefix", SIDECAR ALLOW(HOSTS("a.com*")), HOST, "A.com:80", DECISION_ALLOW},
        {"principal", SIDECAR ALLOW(SOURCE("principals", "td/ns/n/sa/s")), PRINCIPAL, "td/ns/n/sa/s",
         DECISION_ALLOW},
        {"principal by alias", SIDECAR ALLOW(SOURCE("principals", "td/ns/n/sa/s")), PRINCIPAL,
         "old-td/ns/n/sa/s", DECISION_ALLOW},
        {"cluster.local is the local one", SIDECAR ALLOW(SOURCE("principals", "cluster.local/ns/n/sa/s")),
         PRINCIPAL, "td/ns/n/sa/s", DECISION_ALLOW},
        {"a foreign trust domain is not", SIDECAR ALLOW(SOURCE("principals", "other/ns/n/sa/s")), PRINCIPAL,
         "td/ns/n/sa/s", DECISION_DENY},
        {"a dot is a dot", SIDECAR ALLOW(SOURCE("principals", "*/sa/a.b")), PRINCIPAL, "td/ns/n/sa/aXb",
         DECISION_DENY},
        {"no certificate", SIDECAR ALLOW(SOURCE("principals", "*")), NO_PEER_CERT, "", DECISION_DENY},
        {"not any principal requires mTLS", SIDECAR DENY(SOURCE("notPrincipals", "*")), NO_PEER_CERT, "",
         DECISION_DENY},
        {"namespace with a star inside", SIDECAR ALLOW(SOURCE("namespaces", "p*d")), PRINCIPAL,
         "td/ns/prod/sa/s", DECISION_ALLOW},
        {"namespace is whole", SIDECAR ALLOW(SOURCE("namespaces", "pro")), PRINCIPAL, "td/ns/prod/sa/s",
         DECISION_DENY},
        {"account of the policy's namespace", SIDECAR ALLOW(SOURCE("serviceAccounts", "s")), PRINCIPAL,
         "td/ns/foo/sa/s", DECISION_ALLOW},
        {"account of another", SIDECAR ALLOW(SOURCE("serviceAccounts", "s")), PRINCIPAL, "td/ns/bar/sa/s",
         DECISION_DENY},
        {"account with its namespace", SIDECAR ALLOW(SOURCE("serviceAccounts", "bar/s")), PRINCIPAL,
         "td/ns/bar/sa/s", DECISION_ALLOW},
        {"account is whole", SIDECAR ALLOW(SOURCE("serviceAccounts", "bar/s")), PRINCIPAL, "td/ns/bar/sa/st",
         DECISION_DENY},
        {"a partner's namespace of the same name", SIDECAR ALLOW(SOURCE("namespaces", "prod")), PRINCIPAL,
         "partner.example/ns/prod/sa/s", DECISION_ALLOW},
        {"a partner's account of the same name", SIDECAR ALLOW(SOURCE("serviceAccounts", "bar/s")), PRINCIPAL,
         "partner.example/ns/bar/sa/s", DECISION_ALLOW},
        {"not where its trust domain is named too",
         SIDECAR ALLOW("{from: [{source: {namespaces: [prod], trustDomains: [td]}}]}"), PRINCIPAL,
         "partner.example/ns/prod/sa/s", DECISION_DENY},
        {"trust domain", SIDECAR ALLOW(SOURCE("trustDomains", "t*")), PRINCIPAL, "td/ns/bar/sa/s",
         DECISION_ALLOW},
        {"peer address", SIDECAR ALLOW(SOURCE("ipBlocks", "10.0.0.0/30")), AS_IT_IS, "", DECISION_ALLOW},
        {"peer address outside", SIDECAR ALLOW(SOURCE("ipBlocks", "10.0.0.0/30")), PEER, "10.0.0.4",
         DECISION_DENY},
        {"client address is another", SIDECAR ALLOW(SOURCE("remoteIpBlocks", "10.0.0.1")), AS_IT_IS, "",
         DECISION_DENY},
        {"IPv6 address", SIDECAR ALLOW(SOURCE("ipBlocks", "2001:db8::/33")), PEER, "2001:db8:7fff::1",
         DECISION_ALLOW},
        {"IPv6 address outside", SIDECAR ALLOW(SOURCE("ipBlocks", "2001:db8::/33")), PEER, "2001:db8:8000::1",
         DECISION_DENY},
        {"port", SIDECAR ALLOW("{to: [{operation: {ports: ['8080']}}]}"), AS_IT_IS, "", DECISION_ALLOW},
        {"another port", SIDECAR ALLOW("{to: [{operation: {ports: ['8080']}}]}"), PORT, "80", DECISION_DENY},
        {"sni", SIDECAR ALLOW(WHEN("connection.sni", "*.a.com")), SNI, "x.a.com", DECISION_ALLOW},
        {"no sni", SIDECAR ALLOW(WHEN("connection.sni", "*.a.com")), AS_IT_IS, "", DECISION_DENY},
        {"field", SIDECAR ALLOW(WHEN("request.headers[X-A]", "v*")), FIELD, "value", DECISION_ALLOW},
        {"repeated field is joined", SIDECAR ALLOW(WHEN("request.headers[x-a]", "first,b")), FIELD_TWICE, "b",
         DECISION_ALLOW},
        {"repeated field is not its last", SIDECAR ALLOW(WHEN("request.headers[x-a]", "b")), FIELD_TWICE, "b",
         DECISION_DENY},
        {"empty field is present", SIDECAR ALLOW(WHEN("request.headers[x-a]", "*")), FIELD, "",
         DECISION_ALLOW},
        {"field not there", SIDECAR DENY(WHEN_NOT("request.headers[x-a]", "v")), AS_IT_IS, "", DECISION_DENY},
        {"the host as a field", SIDECAR ALLOW(WHEN("request.headers[:authority]", "A.com")), AS_IT_IS, "",
         DECISION_ALLOW},
    };
    rows_check(rows, ROWS(rows), false);
}

static void tokens_compare_as_istio_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"request principal, last slash", SIDECAR ALLOW(SOURCE("requestPrincipals", "https://i/x/alice")),
         TOKEN, ALICE, DECISION_ALLOW},
        {"issuer by prefix", SIDECAR ALLOW(SOURCE("requestPrincipals", "*/alice")), TOKEN, ALICE,
         DECISION_ALLOW},
        {"subject by prefix", SIDECAR ALLOW(SOURCE("requestPrincipals", "https://i/x/al*")), TOKEN, ALICE,
         DECISION_ALLOW},
        {"no slash wants an empty subject", SIDECAR ALLOW(SOURCE("requestPrincipals", "https:*")), TOKEN,
         "{\"iss\":\"https:\",\"sub\":\"s\"}", DECISION_DENY},
        {"an issuer with an empty subject", SIDECAR ALLOW(SOURCE("requestPrincipals", "i")), TOKEN,
         "{\"iss\":\"i\",\"sub\":\"\"}", DECISION_ALLOW},
        {"a missing subject is not an empty one", SIDECAR ALLOW(SOURCE("requestPrincipals", "i")), TOKEN,
         "{\"iss\":\"i\"}", DECISION_DENY},
        {"any principal has a subject", SIDECAR ALLOW(SOURCE("requestPrincipals", "*")), TOKEN,
         "{\"iss\":\"i\"}", DECISION_DENY},
        {"no token", SIDECAR ALLOW(SOURCE("requestPrincipals", "*")), AS_IT_IS, "", DECISION_DENY},
        {"no token and not any", SIDECAR DENY(SOURCE("notRequestPrincipals", "*")), AS_IT_IS, "",
         DECISION_DENY},
        {"audience of a list", SIDECAR ALLOW(WHEN("request.auth.audiences", "a2")), TOKEN, ALICE,
         DECISION_ALLOW},
        {"presenter", SIDECAR ALLOW(WHEN("request.auth.presenter", "app")), TOKEN, ALICE, DECISION_ALLOW},
        {"a word of scope", SIDECAR ALLOW(WHEN("request.auth.claims[scope]", "write")), TOKEN, ALICE,
         DECISION_ALLOW},
        {"scope is no whole text", SIDECAR ALLOW(WHEN("request.auth.claims[scope]", "read write")), TOKEN,
         ALICE, DECISION_DENY},
        {"nested list, any text in it", SIDECAR ALLOW(WHEN("request.auth.claims[n][m]", "v")), TOKEN, ALICE,
         DECISION_ALLOW},
        {"numbers never match", SIDECAR ALLOW(WHEN("request.auth.claims[n][m]", "1")), TOKEN, ALICE,
         DECISION_DENY},
        {"truths never match", SIDECAR ALLOW(WHEN("request.auth.claims[t]", "*")), TOKEN, ALICE,
         DECISION_DENY},
        {"a path that ends early", SIDECAR ALLOW(WHEN("request.auth.claims[sub][x]", "*")), TOKEN, ALICE,
         DECISION_DENY},
        {"mapped groups", SIDECAR ALLOW(WHEN("request.auth.claims[groups]", "admin")), GROUP, "admin",
         DECISION_ALLOW},
        {"mapped groups replace the claim", SIDECAR ALLOW(WHEN("request.auth.claims[groups]", "forged")),
         GROUP, "admin", DECISION_DENY},
    };
    rows_check(rows, ROWS(rows), false);
}

static void fields_of_http_on_tcp(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no policy", SIDECAR, AS_IT_IS, "", DECISION_ALLOW},
        {"allow by port", SIDECAR ALLOW("{to: [{operation: {ports: ['8080']}}]}"), AS_IT_IS, "",
         DECISION_ALLOW},
        {"an allow rule with a path is dropped",
         SIDECAR ALLOW("{to: [{operation: {ports: ['8080'], paths: ['/a']}}]}"), AS_IT_IS, "", DECISION_DENY},
        {"a deny rule loses only the path",
         SIDECAR DENY("{to: [{operation: {ports: ['8080'], paths: ['/a']}}]}"), AS_IT_IS, "", DECISION_DENY},
        {"a deny rule of paths alone denies all", SIDECAR DENY(PATHS("/a")), AS_IT_IS, "", DECISION_DENY},
        {"a deny rule for another port", SIDECAR DENY("{to: [{operation: {ports: ['9'], paths: ['/a']}}]}"),
         AS_IT_IS, "", DECISION_ALLOW},
    };
    rows_check(rows, ROWS(rows), true);
}

static void unknown_facts_decide_only_what_is_sure(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"deny by unknown path", SIDECAR DENY(PATHS("/x")), UNKNOWN_PATH, "", DECISION_UNKNOWN},
        {"deny by not an unknown path", SIDECAR DENY(NOT_PATHS("/x")), UNKNOWN_PATH, "", DECISION_UNKNOWN},
        {"deny whatever the path",
         SIDECAR DENY("{to: [{operation: {paths: ['/x']}}, {operation: {methods: [GET]}}]}"), UNKNOWN_PATH,
         "", DECISION_DENY},
        {"deny by another method too", SIDECAR DENY("{to: [{operation: {paths: ['/x'], methods: [PUT]}}]}"),
         UNKNOWN_PATH, "", DECISION_ALLOW},
        {"allow by unknown field", SIDECAR ALLOW(WHEN("request.headers[x-a]", "v")), UNKNOWN_FIELDS, "",
         DECISION_UNKNOWN},
        {"allow by unknown field and a wrong path",
         SIDECAR ALLOW(
             "{to: [{operation: {paths: ['/x']}}], when: [{key: 'request.headers[x-a]', values: [v]}]}"),
         UNKNOWN_FIELDS, "", DECISION_DENY},
        {"allow by path, whatever the fields",
         SIDECAR ALLOW(PATHS("/a/b") ", " WHEN("request.headers[x-a]", "v")), UNKNOWN_FIELDS, "",
         DECISION_ALLOW},
        {"allow by unknown claims", SIDECAR ALLOW(WHEN("request.auth.claims[g]", "v")), UNKNOWN_CLAIMS, "",
         DECISION_UNKNOWN},
        {"not by unknown claims", SIDECAR ALLOW(WHEN_NOT("request.auth.claims[g]", "v")), UNKNOWN_CLAIMS, "",
         DECISION_UNKNOWN},
        {"unknown request principal", SIDECAR DENY(SOURCE("notRequestPrincipals", "*")), UNKNOWN_CLAIMS, "",
         DECISION_UNKNOWN},
        {"unknown audience", SIDECAR DENY(WHEN("request.auth.audiences", "a")), UNKNOWN_CLAIMS, "",
         DECISION_UNKNOWN},
        {"unknown principal", SIDECAR ALLOW(SOURCE("namespaces", "n")), UNKNOWN_PRINCIPAL, "",
         DECISION_UNKNOWN},
        {"unknown host", SIDECAR ALLOW(HOSTS("a.com")), UNKNOWN_HOST, "", DECISION_UNKNOWN},
        {"nothing is allowed: sure, whatever may be denied",
         SIDECAR DENY(PATHS("/x")) POLICY("q", "{action: ALLOW}"), UNKNOWN_PATH, "", DECISION_DENY},
        {"denied: sure, whatever may be allowed",
         SIDECAR DENY("{}") POLICY("q", "{action: ALLOW, rules: [" PATHS("/x") "]}"), UNKNOWN_PATH, "",
         DECISION_DENY},
    };
    rows_check(rows, ROWS(rows), false);
}

static void audit_never_decides_and_rules_keep_their_number(void **state)
{
    (void)state;
    struct facts facts = request("GET", "/a/b");
    struct world world;
    world_open(&world, ROLE_SIDECAR,
               SIDECAR POLICY("watch", "{action: AUDIT, rules: [{}]}")
                   POLICY("p", "{action: ALLOW, rules: [" PATHS("/no") ", " PATHS("/a/b") "]}"));
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:1");
    struct decision decision = authz_decide(&world.rules, listener, &facts, &arena);
    assert_int_equal(decision.verdict, DECISION_ALLOW);
    assert_true(bytes_equal(authz_rule_name(&world.rules, decision.policy, decision.rule, &arena),
                            BYTES("ns[foo]-policy[p]-rule[1]")));
    assert_true(bytes_equal(authz_rule_name(&world.rules, decision.audit, decision.audit_rule, &arena),
                            BYTES("ns[foo]-policy[watch]-rule[0]")));
    assert_true(bytes_equal(authz_rule_name(&world.rules, NULL, 0, &arena), BYTES("none")));
    world_done(&world);
}

/* ---- the property ----------------------------------------------------- */

static uint64_t drawn = 88172645463325252U;

static unsigned draw(unsigned below)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    return (unsigned)(drawn % below);
}

static const char *const paths[] = {"/x", "/x/y", "/z", "/", "/x/y/z"};
static const char *const principals[] = {"td/ns/n/sa/s", "td/ns/foo/sa/t", "old-td/ns/n/sa/s", ""};
static const char *const tokens[] = {"{\"iss\":\"i\",\"sub\":\"s\"}",
                                     "{\"iss\":\"i\",\"g\":\"v\",\"aud\":\"a\"}",
                                     "{\"iss\":\"i\",\"sub\":\"s\",\"g\":[\"v\",\"w\"]}", ""};

#define TWO_GROUPS                                                                                           \
    "{to: [{operation: {paths: ['/x'], methods: [GET]}}, {operation: {notPaths: ['/z']}}], "                 \
    "from: [{source: {principals: ['*']}}]}"

static const char *const rules[] = {
    PATHS("/x"),
    PATHS("/x*"),
    NOT_PATHS("/x"),
    PATHS("/{*}/{**}"),
    SOURCE("principals", "td/ns/n/sa/s"),
    SOURCE("notPrincipals", "*"),
    SOURCE("namespaces", "f*"),
    SOURCE("notServiceAccounts", "n/s"),
    SOURCE("requestPrincipals", "*"),
    SOURCE("notRequestPrincipals", "i/s"),
    WHEN("request.auth.claims[g]", "v"),
    WHEN_NOT("request.auth.claims[g]", "w"),
    WHEN("request.auth.audiences", "a"),
    WHEN("request.headers[x-a]", "v"),
    WHEN_NOT("request.headers[x-a]", "*"),
    TWO_GROUPS,
};

static void concrete(struct facts *facts, bool path, bool principal, bool token, bool fields)
{
    struct fail why;
    if (path)
        facts->path = fact_known(bytes_of(paths[draw(ROWS(paths))]));
    if (principal) {
        const char *name = principals[draw(ROWS(principals))];
        facts->principal = *name ? fact_known(bytes_of(name)) : (struct fact){0};
    }
    if (token) {
        const char *payload = tokens[draw(ROWS(tokens))];
        facts->claims = *payload ? json_read(bytes_of(payload), 1000, &why) : NULL;
        facts->claims_state = *payload ? FACT_KNOWN : FACT_ABSENT;
    }
    if (fields)
        change(facts, draw(2) ? FIELD : AS_IT_IS, draw(2) ? "v" : "");
}

static void one_draw_holds(const struct world *world)
{
    const struct rules_listener *listener = world_listener(world, "0.0.0.0:1");
    bool path = draw(2), principal = draw(2), token = draw(2), fields = draw(2);
    struct facts known = request("GET", "/x"), unknown;
    concrete(&known, true, true, true, true);
    unknown = known;
    if (path)
        unknown.path.state = FACT_UNKNOWN;
    if (principal)
        unknown.principal.state = FACT_UNKNOWN;
    if (token) {
        unknown.claims_state = FACT_UNKNOWN;
        unknown.claims = NULL;
    }
    if (fields) {
        unknown.fields_state = FACT_UNKNOWN;
        unknown.fields = NULL;
    }
    enum verdict sure = authz_decide(&world->rules, listener, &unknown, &arena).verdict;
    for (int i = 0; i < 8; i++) {
        struct facts later = known;
        concrete(&later, path, principal, token, fields);
        enum verdict verdict = authz_decide(&world->rules, listener, &later, &arena).verdict;
        assert_true(verdict == DECISION_ALLOW || verdict == DECISION_DENY);
        assert_true(sure == DECISION_UNKNOWN || sure == verdict);
        if (token)
            json_decref((json_t *)(uintptr_t)later.claims);
    }
    json_decref((json_t *)(uintptr_t)known.claims);
}

static void what_is_sure_stays_whatever_the_unknowns_become(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        char policies[8000];
        struct text text;
        struct world world;
        text_init_fixed(&text, policies, sizeof policies);
        text_add_s(&text, SIDECAR);
        unsigned count = 1 + draw(4);
        for (unsigned i = 0; i < count; i++)
            text_format(&text, POLICY("p%u", "{action: %s, rules: [%s, %s]}"), i, draw(2) ? "DENY" : "ALLOW",
                        rules[draw(ROWS(rules))], rules[draw(ROWS(rules))]);
        world_open(&world, ROLE_SIDECAR, policies);
        for (int i = 0; i < 20; i++)
            one_draw_holds(&world);
        world_done(&world);
        arena_reset(&arena);
    }
}

static int arena_begin(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int arena_end(void **state)
{
    (void)state;
    arena_done(&arena);
    arena_stock_drop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_29_each_attribute_compares_as_istio_does),
        cmocka_unit_test(tokens_compare_as_istio_does),
        cmocka_unit_test(fields_of_http_on_tcp),
        cmocka_unit_test(unknown_facts_decide_only_what_is_sure),
        cmocka_unit_test(audit_never_decides_and_rules_keep_their_number),
        cmocka_unit_test(what_is_sure_stays_whatever_the_unknowns_become),
    };
    return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
