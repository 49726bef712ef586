#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "rules/compile/world_fixture.h"
#include "rules/decide/authz.h"
#include "rules/decide/candidates.h"

/*
 * Whatever the policies and the request, the index must not change the answer: the
 * same listener without it walks the whole list.
 */

#define SIDECAR                                                                                              \
    "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s, namespace: foo}\n"               \
    "spec: {ingress: [{port: {number: 1, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:81'},\n"   \
    "  {port: {number: 2, protocol: TCP, name: tcp}, defaultEndpoint: '127.0.0.1:82'}]}\n"

static struct arena arena;
static uint64_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(seed >> 33) % below;
}

/* ---- policies --------------------------------------------------------- */

/* Words that are likely to meet what the requests below have. */
static const char *const principals[] = {"td/ns/a/sa/x",     "td/ns/b/sa/y", "cluster.local/ns/a/sa/x",
                                         "*/sa/x",           "td/ns/a/*",    "*",
                                         "old-td/ns/c/sa/z", "td/ns/c/sa/x"};
static const char *const request_principals[] = {"i1/s1", "i1/*", "*/s2", "i2/s*", "*", "i2", "i1/s2", "i*"};
static const char *const namespaces[] = {"a", "b", "c", "a*", "*b", "*", "ns"};
static const char *const accounts[] = {"a/x", "x", "b/y", "c/z", "foo/x"};
static const char *const blocks[] = {"10.0.0.0/8",   "10.1.0.0/16", "10.1.2.3",
                                     "192.0.2.0/30", "::/0",        "0.0.0.0/0"};
static const char *const methods[] = {"GET", "POST", "PUT", "*", "G*"};
static const char *const paths[] = {"/a",     "/a*",     "/a/b",       "*/b", "/b/*",   "*",
                                    "/{*}/b", "/a/{**}", "/a/b/{*}/c", "/c",  "/a/{*}", "/b/c*"};
static const char *const hosts[] = {"A.com", "a.com", "*.com", "b.*", "*", "b.com:80"};
static const char *const ports[] = {"80", "8080", "443"};

struct list {
    const char *field;
    const char *const *words;
    uint32_t count;
};

#define WORDS(name) name, sizeof name / sizeof name[0]

static const struct list source[] = {
    {"principals", WORDS(principals)},    {"requestPrincipals", WORDS(request_principals)},
    {"namespaces", WORDS(namespaces)},    {"ipBlocks", WORDS(blocks)},
    {"remoteIpBlocks", WORDS(blocks)},    {"notPrincipals", WORDS(principals)},
    {"notNamespaces", WORDS(namespaces)}, {"notIpBlocks", WORDS(blocks)},
};

static const struct list operation[] = {
    {"methods", WORDS(methods)}, {"paths", WORDS(paths)},        {"hosts", WORDS(hosts)},
    {"ports", WORDS(ports)},     {"notMethods", WORDS(methods)}, {"notPaths", WORDS(paths)},
    {"notHosts", WORDS(hosts)},  {"notPorts", WORDS(ports)},
};

static const char *const texts[] = {"one", "two", "t*", "*o", "*", "admin", "read", "td", "sni.com"};

static const struct list keys[] = {
    {"request.auth.claims[group]", WORDS(texts)},
    {"request.auth.claims[scope]", WORDS(texts)},
    {"request.auth.claims[deep][er]", WORDS(texts)},
    {"request.auth.audiences", WORDS(texts)},
    {"request.auth.presenter", WORDS(texts)},
    {"request.headers[x-a]", WORDS(texts)},
    {"request.headers[:method]", WORDS(methods)},
    {"source.ip", WORDS(blocks)},
    {"remote.ip", WORDS(blocks)},
    {"source.principal", WORDS(principals)},
    {"source.namespace", WORDS(namespaces)},
    {"source.serviceAccount", WORDS(accounts)},
    {"destination.port", WORDS(ports)},
    {"connection.sni", WORDS(texts)},
    {"source.trustDomain", WORDS(texts)},
    {"request.headers[:path]", WORDS(paths)},
};

static void words_add(struct text *out, const struct list *list)
{
    uint32_t count = 1 + draw(3);
    text_add_c(out, '[');
    for (uint32_t i = 0; i < count; i++)
        text_format(out, "%s'%s'", i ? ", " : "", list->words[draw(list->count)]);
    text_add_c(out, ']');
}

/* Up to three different fields of a table. */
static void fields_add(struct text *out, const struct list *table, uint32_t size)
{
    uint32_t at = draw(size), count = 1 + draw(3);
    for (uint32_t i = 0; i < count; i++) {
        text_format(out, "%s%s: ", i ? ", " : "", table[(at + i * 3) % size].field);
        words_add(out, &table[(at + i * 3) % size]);
    }
}

static void groups_add(struct text *out, const char *list, const char *one, const struct list *table)
{
    uint32_t count = 1 + draw(2);
    text_format(out, "%s: [", list);
    for (uint32_t i = 0; i < count; i++) {
        text_format(out, "%s{%s: {", i ? ", " : "", one);
        fields_add(out, table, 8);
        text_add_s(out, "}}");
    }
    text_add_s(out, "]");
}

static void when_add(struct text *out)
{
    uint32_t count = 1 + draw(2);
    text_add_s(out, "when: [");
    for (uint32_t i = 0; i < count; i++) {
        const struct list *key = &keys[draw(sizeof keys / sizeof keys[0])];
        text_format(out, "%s{key: '%s', %s: ", i ? ", " : "", key->field, draw(4) ? "values" : "notValues");
        words_add(out, key);
        text_add_s(out, "}");
    }
    text_add_s(out, "]");
}

static void rule_add(struct text *out)
{
    uint32_t parts = 1 + draw(7); /* some of from, to, when */
    bool first = true;
    text_add_c(out, '{');
    for (uint32_t bit = 1; bit <= 4; bit *= 2) {
        if (!(parts & bit))
            continue;
        text_add_s(out, first ? "" : ", ");
        first = false;
        if (bit == 1)
            groups_add(out, "from", "source", source);
        else if (bit == 2)
            groups_add(out, "to", "operation", operation);
        else
            when_add(out);
    }
    text_add_c(out, '}');
}

static const char *policies_text(uint32_t count)
{
    static const char *const actions[] = {"ALLOW", "DENY", "AUDIT"};
    struct text out;
    text_init_arena(&out, &arena);
    text_add_s(&out, SIDECAR);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rules = 1 + draw(2);
        text_format(&out,
                    "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
                    "metadata: {name: p%u, namespace: foo}\nspec: {action: %s, rules: [",
                    i, actions[draw(3)]);
        for (uint32_t r = 0; r < rules; r++) {
            text_add_s(&out, r ? ", " : "");
            rule_add(&out);
        }
        text_add_s(&out, "]}\n");
    }
    return out.at;
}

/* ---- requests --------------------------------------------------------- */

static struct fact fact_drawn(const char *const *words, uint32_t count)
{
    uint32_t at = draw(count + 2);
    if (at >= count)
        return (struct fact){at == count ? FACT_ABSENT : draw(4) ? FACT_ABSENT : FACT_UNKNOWN, {0}};
    return fact_known(bytes_of(words[at]));
}

static struct fact_address address_drawn(void)
{
    static const unsigned char addresses[][4] = {{10, 1, 2, 3}, {10, 1, 9, 9}, {192, 0, 2, 2}, {8, 8, 8, 8}};
    struct fact_address address = {.state = draw(8) ? FACT_KNOWN : FACT_UNKNOWN};
    address.bytes[10] = address.bytes[11] = 0xFF;
    memcpy(address.bytes + 12, addresses[draw(4)], 4);
    return address;
}

static json_t *claims_drawn(void)
{
    static const char *const tokens[] = {
        "{}",
        "{'iss': 'i1', 'sub': 's1', 'group': 'one', 'aud': 'admin'}",
        "{'iss': 'i2', 'sub': 's2', 'group': ['two', 'one', 3], 'scope': 'read admin', 'azp': 'one'}",
        "{'iss': 'i2', 'sub': '', 'deep': {'er': ['two']}, 'aud': ['one', 'read'], 'scope': ''}",
        "{'iss': 'i1', 'sub': 5, 'group': {'one': 1}, 'scope': ['read', 'two'], 'deep': 'one'}",
    };
    json_error_t error;
    char text[200];
    snprintf(text, sizeof text, "%s", tokens[draw(5)]);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    return json_loads(text, 0, &error);
}

static struct facts request_drawn(bool http)
{
    static const char *const who[] = {"td/ns/a/sa/x",           "td/ns/b/sa/y", "old-td/ns/c/sa/z",
                                      "td/ns/a/ns/b/sa/x/sa/y", "odd",          "td/ns/ab/sa/x/z"};
    static const char *const where[] = {"/a", "/a/b", "/b/c?x", "/", "/a/b/x/c", "/b/", "/q/b#f", ""};
    static const char *const names[] = {"a.com", "A.COM", "b.com:80", "x.com", ""};
    static const char *const verbs[] = {"GET", "POST", "PUT", "GOT"};
    static const struct bytes groups[] = {BYTES_INIT("one"), BYTES_INIT("admin"), BYTES_INIT("t")};
    struct http_fields *fields = arena_new(&arena, struct http_fields);
    struct facts facts = {.http = http};
    http_fields_init(fields, &arena);
    facts.principal = fact_drawn(who, 6);
    facts.peer = address_drawn();
    facts.remote = address_drawn();
    facts.local = address_drawn();
    facts.port_state = FACT_KNOWN;
    facts.port = draw(2) ? 80 : 8080;
    facts.sni = fact_drawn(texts, 9);
    if (!http)
        return facts;
    facts.host = fact_drawn(names, 5);
    facts.method = fact_drawn(verbs, 4);
    facts.path = fact_drawn(where, 8);
    facts.fields_state = draw(8) ? FACT_KNOWN : FACT_UNKNOWN;
    if (draw(2))
        http_fields_add(fields, BYTES("x-a"), bytes_of(texts[draw(9)]));
    if (!draw(4))
        http_fields_add(fields, BYTES("x-a"), BYTES("two"));
    facts.fields = fields;
    facts.claims_state = (enum fact_state)draw(3);
    if (facts.claims_state == FACT_KNOWN)
        facts.claims = claims_drawn();
    if (!draw(3)) {
        facts.mapped_claim = BYTES("group");
        facts.groups = groups;
        facts.group_count = draw(4);
    }
    return facts;
}

/* ---- the tests -------------------------------------------------------- */

static void decisions_compare(const struct world *world, const struct rules_listener *listener,
                              uint32_t round)
{
    struct rules_listener plain = *listener;
    plain.deny_index = plain.allow_index = plain.audit_index = (struct image_rows){0, 0};
    for (int i = 0; i < 200; i++) {
        struct facts facts = request_drawn(listener->protocol == SPEAKS_HTTP);
        struct decision by_index = authz_decide(&world->rules, listener, &facts, &arena),
                        by_walk = authz_decide(&world->rules, &plain, &facts, &arena);
        if (by_index.verdict != by_walk.verdict || by_index.policy != by_walk.policy ||
            by_index.rule != by_walk.rule || by_index.audit != by_walk.audit ||
            by_index.audit_rule != by_walk.audit_rule)
            world_wrong("round %u, request %d: %.*s by the index, %.*s by walking the list", round, i,
                        BYTES_FMT(authz_rule_name(&world->rules, by_index.policy, by_index.rule, &arena)),
                        BYTES_FMT(authz_rule_name(&world->rules, by_walk.policy, by_walk.rule, &arena)));
        json_decref((json_t *)(uintptr_t)facts.claims);
    }
}

static void the_index_changes_no_decision(void **state)
{
    uint32_t indexed = 0;
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        struct world world;
        seed = round + 1;
        world_open(&world, ROLE_SIDECAR, policies_text(20 + draw(120)));
        IMAGE_FOR(&world.rules, RULES_LISTENER, struct rules_listener, listener,
                  image_all(&world.rules, RULES_LISTENER))
        {
            indexed += listener->deny_index.count + listener->allow_index.count;
            decisions_compare(&world, listener, round);
        }
        world_done(&world);
        arena_reset(&arena);
    }
    assert_true(indexed > 60); /* else nothing was compared */
}

/* A policy of each shape many times over (@ is its number): what is asked of one request may not grow with
 * their number. */
static const struct {
    const char *name;
    const char *rule;
} shapes[] = {
    {"paths", "{to: [{operation: {paths: ['/p@/*'], methods: [GET]}}]}"},
    {"exact paths of two groups", "{to: [{operation: {paths: [/p@]}}, {operation: {paths: [/q@]}}]}"},
    {"ends of paths", "{to: [{operation: {paths: ['*/p@']}}]}"},
    {"templates", "{to: [{operation: {paths: ['/p@/{*}/x']}}]}"},
    {"hosts", "{to: [{operation: {hosts: ['h@.com', '*.h@.com']}}]}"},
    {"ports", "{to: [{operation: {ports: ['1@']}}]}"},
    {"principals", "{from: [{source: {principals: ['td/ns/n@/sa/a']}}]}"},
    {"namespaces", "{from: [{source: {namespaces: [n@]}}]}"},
    {"accounts", "{when: [{key: source.serviceAccount, values: ['n/a@']}]}"},
    {"request principals", "{from: [{source: {requestPrincipals: ['i/s@']}}]}"},
    {"issuers", "{from: [{source: {requestPrincipals: ['i@/*']}}]}"},
    {"addresses", "{from: [{source: {ipBlocks: ['10.@.0.0/16']}}]}"},
    {"claims", "{when: [{key: 'request.auth.claims[g]', values: [g@]}]}"},
    {"fields", "{when: [{key: 'request.headers[x-g]', values: [g@]}]}"},
    {"paths beside what all ask for",
     "{from: [{source: {namespaces: [m]}}], to: [{operation: {paths: [/p@]}}], "
     "when: [{key: 'request.auth.claims[g]', values: [g]}]}"},
};

/* @ stands for the number. */
static void shape_add(struct text *out, const char *shape, unsigned number)
{
    for (; *shape; shape++) {
        if (*shape == '@')
            text_add_u64(out, number);
        else
            text_add_c(out, *shape);
    }
}

static uint32_t candidates_count(const struct world *world, const struct rules_listener *listener)
{
    json_t *claims = json_pack("{s:s, s:s, s:[s]}", "iss", "i7", "sub", "s7", "g", "g7");
    struct http_fields *fields = arena_new(&arena, struct http_fields);
    struct facts facts = {
        .http = true,
        .method = fact_known(BYTES("GET")),
        .path = fact_known(BYTES("/p7/b/x")),
        .host = fact_known(BYTES("A.H7.com")),
        .principal = fact_known(BYTES("td/ns/n7/sa/a7")),
        .peer = {.state = FACT_KNOWN, .bytes = {[10] = 0xFF, [11] = 0xFF, [12] = 10, [13] = 7}},
        .port_state = FACT_KNOWN,
        .port = 17,
        .fields_state = FACT_KNOWN,
        .fields = fields,
        .claims_state = FACT_KNOWN,
        .claims = claims};
    struct candidates candidates;
    uint32_t count = 0;
    http_fields_init(fields, &arena);
    http_fields_add(fields, BYTES("x-g"), BYTES("g7"));
    assert_true(candidates_find(&world->rules,
                                image_row(&world->rules, RULES_INDEX, listener->allow_index, 0), &facts,
                                &arena, &candidates));
    while (candidates_next(&candidates))
        count++;
    json_decref(claims);
    return count;
}

static void few_of_many_are_tried(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct world world;
        struct text out;
        text_init_arena(&out, &arena);
        text_add_s(&out, SIDECAR);
        for (unsigned p = 0; p < 200; p++) {
            text_format(&out,
                        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
                        "metadata: {name: p%u, namespace: foo}\nspec: {rules: [",
                        p);
            shape_add(&out, shapes[i].rule, p);
            text_add_s(&out, "]}\n");
        }
        world_open(&world, ROLE_SIDECAR, out.at);
        const struct rules_listener *listener = world_listener(&world, "0.0.0.0:1");
        assert_non_null(listener);
        if (listener->allow_index.count != 1)
            world_wrong("%s: there is no index", shapes[i].name);
        uint32_t count = candidates_count(&world, listener);
        if (count > 2)
            world_wrong("%s: %u of 200 rules are tried", shapes[i].name, count);
        world_done(&world);
        arena_reset(&arena);
    }
}

static void a_short_list_needs_no_index(void **state)
{
    struct world world;
    (void)state;
    seed = 1;
    world_open(&world, ROLE_SIDECAR, policies_text(4));
    assert_int_equal(world_listener(&world, "0.0.0.0:1")->allow_index.count, 0);
    world_done(&world);
    arena_reset(&arena);
}

/* So that an edge, which does not know what a later hop will see, is told MAYBE by the whole list. */
static void what_is_unknown_is_not_looked_up(void **state)
{
    struct world world;
    struct candidates candidates;
    struct facts facts = {.http = true, .path = {.state = FACT_UNKNOWN}};
    (void)state;
    struct text out;
    text_init_arena(&out, &arena);
    text_add_s(&out, SIDECAR);
    for (unsigned p = 0; p < 20; p++)
        text_format(
            &out,
            "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
            "metadata: {name: p%u, namespace: foo}\nspec: {rules: [{to: [{operation: {paths: [/%u]}}]}]}\n",
            p, p);
    world_open(&world, ROLE_SIDECAR, out.at);
    const struct rules_listener *listener = world_listener(&world, "0.0.0.0:1");
    const struct rules_index *index = image_row(&world.rules, RULES_INDEX, listener->allow_index, 0);
    assert_false(candidates_find(&world.rules, index, &facts, &arena, &candidates));
    assert_int_equal(authz_decide(&world.rules, listener, &facts, &arena).verdict, DECISION_UNKNOWN);
    facts.path = fact_known(BYTES("/19"));
    assert_true(candidates_find(&world.rules, index, &facts, &arena, &candidates));
    assert_int_equal(authz_decide(&world.rules, listener, &facts, &arena).verdict, DECISION_ALLOW);
    world_done(&world);
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_changes_no_decision),
        cmocka_unit_test(few_of_many_are_tried),
        cmocka_unit_test(a_short_list_needs_no_index),
        cmocka_unit_test(what_is_unknown_is_not_looked_up),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
