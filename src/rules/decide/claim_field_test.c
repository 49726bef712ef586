/* Unit tests of claim_field.c. */
#include "base/test.h"

#include "rules/decide/claim_field.h"

static void neg_30_claims_become_values_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *claim, *value; /* NULL: the header is not set */
    } rows[] = {
        {"\"joe\"", "joe"},
        {"\"a,b\"", "a,b"},
        {"1562182722", "1562182722"},
        {"-1", "-1"},
        {"2.0", "2"},
        {"2.5", "2.500000"},
        {"true", "true"},
        {"[\"a\",\"b\",3,false]", "a,b,3,false"},
        {"\"\\u00fc\"", "\xc3\xbc"},
        {"\"\"", NULL},
        {"\"a\\r\\nx-admin: 1\"", NULL},
        {"\"a\\u0000\"", NULL},
        {"[\"a,admin\"]", NULL},
        {"[\"a\",\"\"]", NULL},
        {"[\"a\\n\"]", NULL},
        {"[[\"a\"]]", NULL},
        {"[]", NULL},
        {"{\"a\":1}", NULL},
        {"null", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct bytes value = BYTES("untouched");
        json_t *claim = json_loads(rows[i].claim, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        arena_init(&arena);
        assert_non_null(claim);
        bool ok = claim_field_value(claim, &arena, &value);
        assert_int_equal(ok, rows[i].value != NULL);
        if (!bytes_equal(value, ok ? bytes_of(rows[i].value) : BYTES("untouched")))
            print_message("%s became %.*s\n", rows[i].claim, BYTES_FMT(value));
        assert_true(bytes_equal(value, ok ? bytes_of(rows[i].value) : BYTES("untouched")));
        json_decref(claim);
        arena_done(&arena);
    }
    struct arena arena;
    struct bytes value;
    arena_init(&arena);
    assert_false(claim_field_value(NULL, &arena, &value));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neg_30_claims_become_values_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
