#include "base/test.h"

#include "rules/canonical.h"
#include "rules/duration.h"
#include "rules/kind/peer_authentication.h"
#include "rules/kind/secret.h"

static void add(struct resource_set *set, const char *file, const char *text)
{
    resource_set_add_file(set, file, bytes_of(text));
}

static void says(const struct resource_set *set, size_t index, const char *sentence)
{
    char shown[600];
    struct text text;
    text_init_fixed(&text, shown, sizeof(shown));
    assert_true(index < set->findings.count);
    finding_write(&set->findings.at[index], &text);
    assert_string_equal(shown, sentence);
}

#define PEER(name, mode)                                                                                     \
    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: " name                     \
    "}\nspec: {mtls: {mode: " mode "}}\n"

static void resources_are_sorted_and_found(void **state)
{
    (void)state;
    struct resource_set set;
    resource_set_init(&set);
    add(&set, "a.yaml", PEER("b", "STRICT") "---\n" PEER("a", "DISABLE"));
    add(&set, "s.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: z}\nstringData: {password: x}\n");
    assert_true(resource_set_finish(&set));
    assert_int_equal(set.count, 3);
    assert_true(bytes_equal(set.at[0]->name, BYTES("a")));
    const struct resource *found =
        resource_find(&set, KIND_PEER_AUTHENTICATION, BYTES("default"), BYTES("b"));
    assert_int_equal(((const struct peer_authentication *)found->spec)->mtls->mode, MTLS_STRICT);
    assert_int_equal(found->line, 1);
    assert_null(resource_find(&set, KIND_PEER_AUTHENTICATION, BYTES("default"), BYTES("c")));
    const struct secret *secret = resource_find(&set, KIND_SECRET, BYTES("z"), BYTES("s"))->spec;
    struct bytes password;
    assert_true(text_map_get(&secret->string_data, "password", &password));
    assert_true(bytes_equal(password, BYTES("x")));
    resource_set_done(&set);
}

static void what_stands_twice_names_both_places(void **state)
{
    (void)state;
    struct resource_set set;
    resource_set_init(&set);
    add(&set, "b.yaml", PEER("a", "STRICT"));
    add(&set, "a.yaml", "\n" PEER("a", "DISABLE"));
    assert_false(resource_set_finish(&set));
    says(&set, 0, "b.yaml:1:1: PeerAuthentication default/a stands already at a.yaml:2");
    resource_set_done(&set);
}

static void documents_that_are_no_resource(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *sentence;
        size_t errors;
    } rows[] = {
        {"a: [", "f:2:1: did not find expected node content", 1},
        {"[1]", "f:1:1: is a list where a resource belongs, and left out", 0},
        {"keys: []", "f:1:1: is no resource and is left out", 0},
        {"kind: Gateway", "f:1:1: is no resource: apiVersion is missing", 1},
        {"apiVersion: v1\nkind: Deployment", "f:1:1: Deployment is left to Kubernetes", 0},
        {"apiVersion: networking.istio.io/v1\nkind: VirtualPlace",
         "f:2:7: kind: VirtualPlace of networking.istio.io is no kind this version acts on", 0},
        {"apiVersion: security.istio.io/v1\nkind: AuthorisationPolicy",
         "f:2:7: kind: AuthorisationPolicy of security.istio.io is no kind this version acts on; did you "
         "mean "
         "AuthorizationPolicy?",
         1},
        {"apiVersion: security.istio.io/v9\nkind: PeerAuthentication",
         "f:1:13: apiVersion: PeerAuthentication is read in the versions v1 v1beta1 of security.istio.io, "
         "not in this "
         "one",
         1},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, annotations: "
         "{istio.io/dry-run: 'true'}}",
         "f:3:53: metadata.annotations[\"istio.io/dry-run\"]: belongs to an AuthorizationPolicy", 1},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, annotations: "
         "{internal.istio.io/parents: a}}",
         "f:3:62: metadata.annotations[\"internal.istio.io/parents\"]: belongs to Istio alone", 1},
        {"apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a.b}\nspec: {servers: [{port: "
         "{number: 80, name: h, protocol: HTTP}, hosts: [a.b]}]}",
         "f:3:18: metadata.name: 'a.b' is no name of a Gateway: lower-case letters, digits and -", 1},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: A_b}",
         "f:3:18: metadata.name: 'A_b' is no name: lower-case letters, digits, - and .", 1},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct resource_set set;
        resource_set_init(&set);
        add(&set, "f", rows[i].in);
        resource_set_finish(&set);
        says(&set, 0, rows[i].sentence);
        assert_int_equal(set.findings.errors, rows[i].errors);
        resource_set_done(&set);
    }
}

static void findings_are_bounded_but_counted(void **state)
{
    (void)state;
    struct resource_set set;
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    for (int i = 0; i < FINDINGS_MAX + 5; i++)
        text_add_s(&text, "---\nkind: X\n");
    resource_set_init(&set);
    resource_set_add_file(&set, "f", text_bytes(&text));
    assert_int_equal(set.findings.count, FINDINGS_MAX);
    assert_int_equal(set.findings.dropped, 5);
    assert_int_equal(set.findings.errors, FINDINGS_MAX + 5);
    resource_set_done(&set);
    arena_done(&arena);
}

static struct digest revision(const char *a, const char *b)
{
    struct resource_set set;
    resource_set_init(&set);
    add(&set, "a.yaml", a);
    add(&set, "b.yaml", b);
    assert_true(resource_set_finish(&set));
    struct digest digest = set.revision;
    resource_set_done(&set);
    return digest;
}

static void the_revision_knows_no_order_and_no_places(void **state)
{
    (void)state;
    struct digest one = revision(PEER("a", "STRICT"), PEER("b", "STRICT"));
    struct digest two = revision("\n\n" PEER("b", "'STRICT'"), PEER("a", "STRICT"));
    struct digest other = revision(PEER("a", "STRICT"), PEER("b", "DISABLE"));
    assert_memory_equal(one.bytes, two.bytes, DIGEST_SIZE);
    assert_memory_not_equal(one.bytes, other.bytes, DIGEST_SIZE);
}

static void a_secret_leaves_only_its_names(void **state)
{
    (void)state;
    struct resource_set set;
    char shown[600];
    struct text text;
    resource_set_init(&set);
    add(&set, "s",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    b: x\n"
        "    kubectl.kubernetes.io/last-applied-configuration: '{\"hidden\"}'\n"
        "stringData: {tls.key: hidden}\ndata: {tls.key: aGlkZGVu, password: aGlkZGVu}\n");
    assert_true(resource_set_finish(&set));
    text_init_fixed(&text, shown, sizeof(shown));
    canonical_write(set.at[0], &text);
    assert_string_equal(
        shown, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"annotations\":{\"b\":\"x\"},"
               "\"name\":\"s\",\"namespace\":\"default\"},\"spec\":{\"names\":[\"password\",\"tls.key\"],"
               "\"type\":\"Opaque\"}}");
    resource_set_done(&set);
}

static void a_finding_quotes_its_line_but_no_secret(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *shows;
    } rows[] = {
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x}\nspec:\n\tmtls: "
         "1\n",
         "       5 | \x20mtls: 1\n         | ^\n"},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x}\n"
         "spec: {selector: {matchLabels: {a: \"\xC3\xA9\"}}, mtls: {mode: ON}}\n",
         "       4 | spec: {selector: {matchLabels: {a: \"\xC3\xA9\"}}, mtls: {mode: ON}}\n"
         "         |                                                        ^\n"},
        {"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: x, annotations: {a: "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}, "
         "labels: 1}\n",
         "       3 | ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}, labels: 1}\n"
         "         |                                                                ^\n"},
        {"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {tls.key: hidden!}\nfoo: hidden\n", ""},
        {"kind: Secret\ndata: {a: 'hidden}\n", ""},
        {"a: b: c\n", "       1 | a: b: c\n         |     ^\n"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct resource_set set;
        char shown[600] = "";
        struct text text;
        resource_set_init(&set);
        set.findings.keeps_sources = true;
        add(&set, "f.yaml", rows[i].file);
        assert_true(set.findings.count > 0);
        text_init_fixed(&text, shown, sizeof(shown));
        finding_quote(&set.findings, &set.findings.at[0], &text);
        assert_string_equal(shown, rows[i].shows);
        resource_set_done(&set);
    }
}

static void durations_are_gos(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"1.5s", 1500}, {"300ms", 300},      {"1h2m3s", 3723000}, {"0s", 0},
        {"1us", 1},     {"0.000s", 0},       {"5", -1},           {"", -1},
        {"-1s", -1},    {"1.2.3s", -1},      {"s", -1},           {"1d", -1},
        {"1s ", -1},    {"9999999999h", -1},
    };
    assert_true(duration_is_whole(BYTES("1.5s")) && duration_is_whole(BYTES("8760h0.001s")));
    assert_true(!duration_is_whole(BYTES("1us")) && !duration_is_whole(BYTES("2.000000001s")));
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t ms = -1;
        bool good = duration_read(bytes_of(rows[i].text), &ms);
        assert_int_equal(good, rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

/* Tables must fit the presence bits, and every field must have its sentence. */
static void check_table(const struct field_table *table, int depth)
{
    assert_true(table->count <= 64 && depth < 20);
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        assert_non_null(field->help);
        assert_true(field->type != FIELD_CHOICE || field->choices);
        assert_true(field->type != FIELD_GROUP || field->group);
        assert_true(field->offset < table->size);
        if (field->group)
            check_table(field->group, depth + 1);
    }
}

static void tables_are_well_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        assert_int_equal(kinds[i]->id, i);
        check_table(kinds[i]->table, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resources_are_sorted_and_found),
        cmocka_unit_test(what_stands_twice_names_both_places),
        cmocka_unit_test(documents_that_are_no_resource),
        cmocka_unit_test(findings_are_bounded_but_counted),
        cmocka_unit_test(the_revision_knows_no_order_and_no_places),
        cmocka_unit_test(a_secret_leaves_only_its_names),
        cmocka_unit_test(a_finding_quotes_its_line_but_no_secret),
        cmocka_unit_test(durations_are_gos),
        cmocka_unit_test(tables_are_well_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
