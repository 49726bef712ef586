/* Unit tests of assertion_keep: found by what is said, replaced, bounded. */
#include "base/test.h"

#include <stdio.h>

#include "proxy/assertion_keep.h"

static struct digest said_of(struct assertion_keep *keep, unsigned number)
{
    char said[32];
    int len = snprintf(said, sizeof said, "user %u", number);
    return assertion_keep_digest(keep, bytes_make(said, (size_t)len));
}

static const struct assertion *put(struct assertion_keep *keep, unsigned number, const char *text)
{
    struct digest said = said_of(keep, number);
    return assertion_keep_put(keep, &said, bytes_of(text), 1000 + number, "0123456789abcdef0123456789abcdef");
}

static const struct assertion *find(struct assertion_keep *keep, unsigned number)
{
    struct digest said = said_of(keep, number);
    return assertion_keep_find(keep, &said);
}

static void what_says_the_same_is_found_and_replaced(void **state)
{
    (void)state;
    struct assertion_keep *keep = assertion_keep_new();
    assert_null(find(keep, 1));
    put(keep, 1, "first");
    put(keep, 2, "other");
    assert_string_equal(find(keep, 1)->text, "first");
    assert_int_equal(find(keep, 1)->len, 5);
    assert_int_equal(find(keep, 1)->until_s, 1001);
    assert_string_equal(find(keep, 1)->id, "0123456789abcdef0123456789abcdef");
    put(keep, 1, "second");
    assert_string_equal(find(keep, 1)->text, "second");
    assert_string_equal(find(keep, 2)->text, "other");
    assertion_keep_free(keep);
}

static void the_one_not_used_for_the_longest_goes_first(void **state)
{
    (void)state;
    struct assertion_keep *keep = assertion_keep_new();
    for (unsigned i = 0; i < ASSERTION_KEEP_MAX; i++)
        put(keep, i, "one");
    assert_non_null(find(keep, 0));
    put(keep, ASSERTION_KEEP_MAX, "one too many");
    assert_non_null(find(keep, 0));
    assert_null(find(keep, 1));
    assert_non_null(find(keep, 2));
    assertion_keep_free(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_the_same_is_found_and_replaced),
        cmocka_unit_test(the_one_not_used_for_the_longest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
