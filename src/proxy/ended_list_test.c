/* Unit tests of ended_list: what counts, for how long, and what gives way when there are too many. */
#include "base/test.h"

#include "proxy/ended_list.h"

#define NOW 1700000000

static void add(struct ended_list *list, uint64_t mark, int64_t at_s, int64_t until_s, int64_t now_s)
{
    const struct ended one = {mark, at_s, until_s};
    ended_list_add(list, &one, now_s);
}

static void what_began_before_the_end_has_ended(void **state)
{
    (void)state;
    struct ended_list *list = ended_list_new();
    add(list, 1, NOW, NOW + 60, NOW);
    assert_true(ended_list_any(list));
    assert_true(ended_list_has(list, 1, NOW));
    assert_false(ended_list_has(list, 1, NOW + 1));
    assert_false(ended_list_has(list, 2, NOW));
    add(list, 1, NOW + 5, NOW + 30, NOW); /* the later end and the longer memory count */
    assert_true(ended_list_has(list, 1, NOW + 5));
    ended_list_free(list);
}

static void a_full_list_takes_new_ends_in_place_of_the_first_to_go(void **state)
{
    (void)state;
    struct ended_list *list = ended_list_new();
    for (uint64_t i = 0; i < ENDED_LIST_MAX; i++)
        add(list, i, NOW, NOW + 1000 + (int64_t)i, NOW);
    add(list, ENDED_LIST_MAX, NOW, NOW + 9000, NOW);
    assert_true(ended_list_has(list, ENDED_LIST_MAX, NOW));
    assert_false(ended_list_has(list, 0, NOW));
    assert_true(ended_list_has(list, 1, NOW));
    ended_list_free(list);
}

/* The addition that sweeps tells again what is over: it begins anew. */
static void what_is_over_can_end_again(void **state)
{
    (void)state;
    struct ended_list *list = ended_list_new();
    for (uint64_t i = 0; i < 1023; i++)
        add(list, i, NOW, NOW + 10, NOW);
    add(list, 7, NOW + 20, NOW + 90, NOW + 20);
    assert_true(ended_list_has(list, 7, NOW + 20));
    assert_false(ended_list_has(list, 8, NOW));
    ended_list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_began_before_the_end_has_ended),
        cmocka_unit_test(a_full_list_takes_new_ends_in_place_of_the_first_to_go),
        cmocka_unit_test(what_is_over_can_end_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
