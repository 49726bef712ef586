#include "base/test.h"

#include <string.h>

#include "cli/explain_kind.h"
#include "cli/kind_manual.h"
#include "cli/kind_schema.h"
#include "rules/resource.h"
#include "wire/json.h"

static void shown_is(const char *path, const char *api, bool recursive, const char *want)
{
    static char shown[1 << 18];
    struct text text;
    text_init_fixed(&text, shown, sizeof shown);
    assert_true(explain_kind_write(bytes_of(path), bytes_of(api), recursive, &text));
    assert_string_equal(shown, want);
}

static void a_field_is_explained_as_kubectl_would(void **state)
{
    (void)state;
    shown_is(
        "ReferenceGrant.spec.from", "", false,
        "GROUP:      gateway.networking.k8s.io\nKIND:       ReferenceGrant\nVERSION:    v1 v1beta1\n"
        "NOT YET:    it is read and checked; this version does not act on it\n\n"
        "FIELD: from\t<[]Object> -required-\n\nDESCRIPTION:\n"
        "    Who may refer. At most 16 elements. Not empty.\n\nFIELDS:\n"
        "  group\t<string> -required-\n"
        "    The API group of who refers. It is an API group such as gateway.networking.k8s.io, or '' for\n"
        "    the core. At most 253 bytes.\n\n"
        "  kind\t<string> -required-\n"
        "    The kind of who refers. It is a kind such as Service. At most 63 bytes. Not empty.\n\n"
        "  namespace\t<string> -required-\n"
        "    The namespace of who refers. It is a name of lower-case letters, digits and -. At most 63\n"
        "    bytes. Not empty.\n\n");
    shown_is(
        "peerauthentications.mtls.mode", "", false,
        "GROUP:      security.istio.io\nKIND:       PeerAuthentication\nVERSION:    v1 v1beta1\n\n"
        "FIELD: mode\t<string>\n\nDESCRIPTION:\n"
        "    UNSET inherits, PERMISSIVE takes both, STRICT takes mutual TLS only. One of UNSET, DISABLE,\n"
        "    PERMISSIVE, STRICT.\n");
}

static void recursive_is_names_and_types(void **state)
{
    (void)state;
    shown_is(
        "tcproutes.spec.rules", "", true,
        "GROUP:      gateway.networking.k8s.io\nKIND:       TCPRoute\nVERSION:    v1 v1alpha2\n"
        "NOT YET:    it is read and checked; this version does not act on it\n\n"
        "FIELD: rules\t<[]Object> -required-\n\nDESCRIPTION:\n    Where connections go. At most 16 elements. "
        "Not empty.\n\nFIELDS:\n  name\t<string>\n  backendRefs\t<[]Object> -required-\n    group\t<string>\n"
        "    kind\t<string>\n    name\t<string> -required-\n    namespace\t<string>\n    port\t<integer>\n"
        "    weight\t<integer>\n");
}

static void kinds_of_one_name_are_told_apart_by_their_group(void **state)
{
    (void)state;
    char shown[200];
    struct text text;
    static const struct {
        const char *api;
        const char *begins;
    } rows[] = {
        {"", "GROUP:      networking.istio.io\nKIND:       Gateway\n"},
        {"networking.istio.io/v1", "GROUP:      networking.istio.io\n"},
        {"gateway.networking.k8s.io/v1", "GROUP:      gateway.networking.k8s.io\nKIND:       Gateway\n"},
        {"v1", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        text_init_fixed(&text, shown, sizeof shown);
        bool found = explain_kind_write(BYTES("gateways"), bytes_of(rows[i].api), false, &text);
        assert_int_equal(found, rows[i].begins != NULL);
        assert_true(!found || bytes_starts(bytes_of(shown), bytes_of(rows[i].begins)));
    }
}

static void what_there_is_not_is_not_explained(void **state)
{
    (void)state;
    static const char *const rows[] = {"Nothing", "PeerAuthentication.nothing",
                                       "PeerAuthentication.spec.mtls.", "settings.limits.nothing",
                                       "PeerAuthentication.mtls.mode.x"};
    char shown[100];
    struct text text;
    for (size_t i = 0; i < ROWS(rows); i++) {
        text_init_fixed(&text, shown, sizeof shown);
        assert_false(explain_kind_write(bytes_of(rows[i]), BYTES(""), false, &text));
        assert_int_equal(text.len, 0);
    }
    assert_false(kind_schema_write(BYTES("Nothing"), BYTES(""), &text));
}

static json_t *schema_of(const char *name)
{
    struct arena arena;
    struct text text;
    struct fail why;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    assert_true(kind_schema_write(bytes_of(name), BYTES(""), &text));
    json_t *schema = json_read(text_bytes(&text), (size_t)16 << 20, &why);
    assert_non_null(schema);
    arena_done(&arena);
    return schema;
}

static const json_t *at(const json_t *value, const char *const *way)
{
    for (; *way; way++)
        value = json_object_get(value, *way);
    return value;
}

static void a_schema_says_what_the_table_says(void **state)
{
    (void)state;
    json_t *schema = schema_of("HTTPRoute");
    static const char *const code[] = {
        "definitions", "gateway.networking.k8s.io.HTTPRoute.spec.rules.filters.requestRedirect", "properties",
        "statusCode", NULL};
    const json_t *status = at(schema, code);
    struct text text;
    char shown[400];
    assert_non_null(status);
    text_init_fixed(&text, shown, sizeof shown);
    json_write(&text, status);
    assert_string_equal(
        shown,
        "{\"default\":302,\"description\":\"The status of the answer. One of 301, 302, 303, 307, 308. "
        "Without "
        "it 302 "
        "holds.\",\"enum\":[301,302,303,307,308],\"maximum\":399,\"minimum\":300,\"type\":\"integer\"}");
    json_decref(schema);
}

static void every_reference_of_the_schema_leads_somewhere(const json_t *value, const json_t *definitions)
{
    const char *key;
    json_t *member;
    size_t i;
    struct bytes way;
    if (json_text(json_object_get(value, "$ref"), &way)) {
        assert_true(bytes_starts(way, BYTES("#/definitions/")));
        assert_non_null(json_object_get(definitions, way.at + strlen("#/definitions/")));
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
        every_reference_of_the_schema_leads_somewhere(member, definitions);
    json_array_foreach(value, i, member) every_reference_of_the_schema_leads_somewhere(member, definitions);
}

static void the_schema_of_all_kinds_is_whole(void **state)
{
    (void)state;
    json_t *schema = schema_of("");
    every_reference_of_the_schema_leads_somewhere(schema, json_object_get(schema, "definitions"));
    assert_int_equal(json_array_size(json_object_get(schema, "allOf")), KIND_COUNT);
    json_decref(schema);
    json_decref(schema_of("settings"));
}

static void the_manual_has_every_kind(void **state)
{
    (void)state;
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    kind_manual_write(&text);
    for (size_t i = 0; i < KIND_COUNT; i++)
        assert_true(bytes_find_text(text_bytes(&text), arena_format(&arena, "\n.SH %s\n", kinds[i]->name)) <
                    text.len);
    assert_true(bytes_find_text(text_bytes(&text), BYTES("\n.B spec.servers[].tls.mode <string>\n")) <
                text.len);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_explained_as_kubectl_would),
        cmocka_unit_test(recursive_is_names_and_types),
        cmocka_unit_test(kinds_of_one_name_are_told_apart_by_their_group),
        cmocka_unit_test(what_there_is_not_is_not_explained),
        cmocka_unit_test(a_schema_says_what_the_table_says),
        cmocka_unit_test(the_schema_of_all_kinds_is_whole),
        cmocka_unit_test(the_manual_has_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
