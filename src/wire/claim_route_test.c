/* Unit tests of claim_route.c. */
#include "base/test.h"

#include "wire/claim_route.h"

static void names_mean_claims(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t count;
        const char *first, *last;
    } rows[] = {
        {"@request.auth.claims.a", 1, "a", "a"},
        {"@Request.Auth.Claims.a.B-c", 2, "a", "B-c"},
        {"@request.auth.claims[https://a.b/c][d]", 2, "https://a.b/c", "d"},
        {"@request.auth.claims[a] [b]", 1, "a] [b", "a] [b"},
        {"@request.auth.claims..", 2, "", ""},
        {"@request.auth.claims", 0, "", ""},
        {"@request.auth.claims.", 0, "", ""},
        {"@request.auth.claims[]", 0, "", ""},
        {"@request.auth.claims[a", 0, "", ""},
        {"@request.auth.claims-a", 0, "", ""},
        {"@request.auth.claims.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", 0, "", ""},
        {"request.auth.claims.a", 0, "", ""},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim_route out = {.count = 0};
        bool ok = claim_route_read(bytes_of(rows[i].name), &out);
        assert_int_equal(ok, rows[i].count > 0);
        assert_int_equal(claim_route_is(bytes_of(rows[i].name)), rows[i].name[0] == '@');
        if (!ok)
            continue;
        assert_int_equal(out.count, rows[i].count);
        assert_true(bytes_equal(out.steps[0], bytes_of(rows[i].first)));
        assert_true(bytes_equal(out.steps[out.count - 1], bytes_of(rows[i].last)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_mean_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
