#include "base/test.h"

#include "base/text.h"
#include "wire/spiffe_id.h"

static void neg_44_ids_follow_the_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *trust_domain; /* NULL: refused */
        const char *path;
        const char *why;
    } rows[] = {
        {"spiffe://td", "td", "", NULL},
        {"", NULL, NULL, "the SPIFFE id is empty"},
        {"spiffe://td.a-b_9/x/Y._-", "td.a-b_9", "/x/Y._-", NULL},
        {"Spiffe://td/x", NULL, NULL, "'Spiffe://td/x' does not begin with spiffe://"},
        {"spiffe://td/.../x", "td", "/.../x", NULL},
        {"spiffe://td/../x", NULL, NULL, "the path has a segment '..'"},
        {"spiffe://td/./x", NULL, NULL, "the path has a segment '.'"},
        {"spiffe://td/x/", NULL, NULL, "the path has an empty segment or ends in '/'"},
        {"spiffe://td/", NULL, NULL, "the path has an empty segment or ends in '/'"},
        {"spiffe:///x", NULL, NULL, "the trust domain is missing"},
        {"spiffe://TD/x", NULL, NULL,
         "trust domain 'TD': byte 1 is none of lower-case letters, digits, '.', '-' and '_'"},
        {"spiffe://td:80/x", NULL, NULL,
         "trust domain 'td:80': byte 3 is none of lower-case letters, digits, '.', '-' and '_'"},
        {"spiffe://td/a%20", NULL, NULL,
         "path segment 'a%20': byte 2 is none of letters, digits, '.', '-' and '_'"},
        {"spiffe://td/a?b", NULL, NULL,
         "path segment 'a?b': byte 2 is none of letters, digits, '.', '-' and '_'"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct spiffe_id id = {.path = BYTES("untouched")};
        struct fail why = {0};
        assert_int_equal(spiffe_id_parse(bytes_of(rows[i].in), &id, &why), rows[i].trust_domain != NULL);
        if (rows[i].trust_domain) {
            assert_true(bytes_equal(id.trust_domain, bytes_of(rows[i].trust_domain)));
            assert_true(bytes_equal(id.path, bytes_of(rows[i].path)));
        } else {
            assert_string_equal(why.text, rows[i].why);
            assert_true(bytes_equal(id.path, BYTES("untouched")));
        }
    }
}

static void neg_44_lengths_end_at_255_and_2048(void **state)
{
    (void)state;
    char text[SPIFFE_ID_MAX + 2];
    struct spiffe_id id;
    struct fail why;
    memset(text, 'a', sizeof text);
    memcpy(text, "spiffe://", 9);
    assert_true(spiffe_id_parse(bytes_make(text, 9 + 255), &id, &why));
    assert_false(spiffe_id_parse(bytes_make(text, 9 + 256), &id, &why));
    assert_string_equal(why.text, "the trust domain has 256 bytes; at most 255 are allowed");
    text[11] = '/';
    assert_true(spiffe_id_parse(bytes_make(text, 2048), &id, &why));
    assert_false(spiffe_id_parse(bytes_make(text, 2049), &id, &why));
    assert_string_equal(why.text, "the SPIFFE id has 2049 bytes; at most 2048 are allowed");
}

static void istio_form_has_five_parts(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *name_space; /* empty: not Istio's form by the grammar */
        const char *account;
        bool istio; /* what Istio itself takes */
    } rows[] = {
        {"spiffe://td/ns/a/sa/b", "a", "b", true}, {"spiffe://td/ns/a/sa/b/c", "", "", false},
        {"spiffe://td/ns/a/sb/b", "", "", false},  {"spiffe://td/ms/a/sa/b", "", "", false},
        {"spiffe://td/ns/a/sa", "", "", false},    {"spiffe://T D/ns//sa/", "", "", true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct spiffe_id id = {0};
        struct fail why;
        spiffe_id_parse(bytes_of(rows[i].in), &id, &why);
        assert_true(bytes_equal(id.name_space, bytes_of(rows[i].name_space)));
        assert_true(bytes_equal(id.account, bytes_of(rows[i].account)));
        assert_int_equal(spiffe_istio_parse(bytes_of(rows[i].in), &id, &why), rows[i].istio);
    }
}

static void a_trust_domain_is_a_name_or_an_id(void **state)
{
    (void)state;
    struct bytes out;
    struct fail why;
    assert_true(spiffe_trust_domain_parse(BYTES("td"), &out, &why));
    assert_true(spiffe_trust_domain_parse(BYTES("spiffe://td/x"), &out, &why));
    assert_true(bytes_equal(out, BYTES("td")));
    assert_false(spiffe_trust_domain_parse(BYTES("http://td"), &out, &why));
    assert_false(spiffe_trust_domain_parse(BYTES("td/x"), &out, &why));
}

static void formatting_wants_every_part(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    assert_true(bytes_equal(spiffe_id_format(&arena, BYTES("td"), BYTES("a"), BYTES("b")),
                            BYTES("spiffe://td/ns/a/sa/b")));
    assert_int_equal(spiffe_id_format(&arena, BYTES("td"), BYTES(""), BYTES("b")).len, 0);
    assert_int_equal(spiffe_id_format(&arena, BYTES("td"), BYTES("a"), BYTES("")).len, 0);
    assert_int_equal(spiffe_id_format(&arena, BYTES(""), BYTES("a"), BYTES("b")).len, 0);
    arena_done(&arena);
}

static void neg_46_aliases_expand_istio_ids_only(void **state)
{
    (void)state;
    const struct bytes uris[] = {BYTES("spiffe://a/ns/x/sa/y"), BYTES("spiffe://a/other"), BYTES("text")};
    const struct bytes aliases[] = {BYTES("b"), BYTES("a")};
    const struct bytes right[] = {BYTES("spiffe://a/ns/x/sa/y"), BYTES("spiffe://a/other"),
                                  BYTES("spiffe://b/ns/x/sa/y"), BYTES("text")};
    struct arena arena;
    size_t count;
    arena_init(&arena);
    struct bytes *got = spiffe_aliases_expand(&arena, uris, 3, aliases, 2, &count);
    assert_int_equal(count, ROWS(right));
    for (size_t i = 0; i < count; i++)
        assert_true(bytes_equal(got[i], right[i]));
    spiffe_aliases_expand(&arena, NULL, 0, aliases, 2, &count);
    assert_int_equal(count, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_44_ids_follow_the_grammar),
        cmocka_unit_test(neg_44_lengths_end_at_255_and_2048),
        cmocka_unit_test(istio_form_has_five_parts),
        cmocka_unit_test(a_trust_domain_is_a_name_or_an_id),
        cmocka_unit_test(formatting_wants_every_part),
        cmocka_unit_test(neg_46_aliases_expand_istio_ids_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
