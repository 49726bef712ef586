/* Unit tests of query.c. */
#include "base/test.h"

#include "wire/query.h"

static void parameters_are_found_and_taken_out(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value, *without; /* of the parameter t; NULL: there is none */
    } rows[] = {
        {"/a", NULL, "/a"},
        {"/a?", NULL, "/a"},
        {"/a?b=t&tt=1", NULL, "/a?b=t&tt=1"},
        {"/a?t=1", "1", "/a"},
        {"/a?t", "", "/a"},
        {"/a?b=%74&t=x%2Ey%&t=2&c", "x.y%", "/a?b=%74&c"},
        {"/a?%74=1%2", "1%2", "/a"},
        {"/a?%7=1", NULL, "/a?%7=1"},
        {"/a?&&b=1&t=", "", "/a?&&b=1"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct bytes path = bytes_of(rows[i].path), value = BYTES("untouched");
        arena_init(&arena);
        bool found = query_value(path, BYTES("t"), &arena, &value);
        assert_int_equal(found, rows[i].value != NULL);
        assert_true(bytes_equal(value, found ? bytes_of(rows[i].value) : BYTES("untouched")));
        struct bytes without = query_without(path, BYTES("t"), &arena);
        if (!bytes_equal(without, bytes_of(rows[i].without)))
            print_message("%s became %.*s\n", rows[i].path, BYTES_FMT(without));
        assert_true(bytes_equal(without, bytes_of(rows[i].without)));
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_found_and_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
