#include "base/test.h"

#include <stdio.h>
#include <string.h>

#include "control/name.h"

static struct address address(const char *text)
{
    struct address out;
    assert_true(address_parse(bytes_of(text), &out));
    return out;
}

static void answer(struct name *name, enum name_family family, const char *text, int64_t ttl_s,
                   uint64_t now_ms)
{
    struct address at = address(text);
    struct name_answer found = {.outcome = NAME_FOUND, .at = &at, .count = 1, .ttl_s = ttl_s};
    name_take(name, family, &found, now_ms);
}

static void none(struct name *name, enum name_family family, uint64_t now_ms)
{
    struct name_answer nothing = {.outcome = NAME_NONE};
    name_take(name, family, &nothing, now_ms);
}

static void failed(struct name *name, enum name_family family, uint64_t now_ms)
{
    struct name_answer late = {.outcome = NAME_FAILED, .problem = "no answer in time"};
    name_take(name, family, &late, now_ms);
}

static bool reached(const struct address *at)
{
    return at->at[15] == 1;
}

static void is(const struct name *name, const char *wanted)
{
    struct address all[2 * NAME_ADDRESSES_MAX];
    char text[1000] = "", one[ADDRESS_TEXT_SIZE];
    size_t count = name_addresses(name, reached, all);
    for (size_t i = 0; i < count; i++) {
        struct bytes part = address_text(&all[i], one);
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%.*s", len ? " " : "", BYTES_FMT(part));
    }
    assert_string_equal(text, wanted);
}

static void a_name_is_asked_for_again_when_its_shortest_ttl_has_passed(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int64_t four_s, six_s;
        uint64_t next_ms;
    } rows[] = {
        {"the shorter one", 30, 20, 21000}, {"zero", 0, 60, 2000},
        {"a year", 31536000, 60, 61000},    {"a year both", 31536000, 31536000, 3601000},
        {"below zero", 60, -5, 2000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct name name = {0};
        name_ask(&name);
        answer(&name, NAME_V4, "10.0.0.1", rows[i].four_s, 500);
        assert_true(name_is_asking(&name));
        assert_int_equal(name.next_ms, 0);
        answer(&name, NAME_V6, "fd00::1", rows[i].six_s, 1000);
        assert_false(name_is_asking(&name));
        if (name.next_ms != rows[i].next_ms)
            print_error("%s: %llu\n", rows[i].name, (unsigned long long)name.next_ms);
        assert_int_equal(name.next_ms, rows[i].next_ms);
        is(&name, "10.0.0.1 fd00::1");
    }
}

static void a_failure_keeps_the_addresses_and_backs_off(void **state)
{
    (void)state;
    struct name name = {0};
    const uint64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    name_ask(&name);
    answer(&name, NAME_V4, "10.0.0.1", 5, 0);
    none(&name, NAME_V6, 0);
    assert_int_equal(name.next_ms, 5000);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        name_ask(&name);
        failed(&name, NAME_V4, 10000);
        failed(&name, NAME_V6, 10000);
        assert_int_equal(name.next_ms, 10000 + waits[i]);
        is(&name, "10.0.0.1");
        assert_string_equal(name.problem, "AAAA: no answer in time");
    }
    name_ask(&name);
    assert_string_equal(name.problem, "");
    answer(&name, NAME_V4, "10.0.0.2", 5, 20000);
    none(&name, NAME_V6, 20000);
    assert_int_equal(name.next_ms, 25000);
    is(&name, "10.0.0.2");
    name_ask(&name);
    failed(&name, NAME_V4, 30000);
    failed(&name, NAME_V6, 30000);
    assert_int_equal(name.next_ms, 31000); /* from the beginning */
}

static void one_family_is_there_while_the_other_is_late(void **state)
{
    (void)state;
    struct name name = {0};
    name_ask(&name);
    answer(&name, NAME_V4, "10.0.0.1", 5, 0);
    is(&name, "10.0.0.1");
    failed(&name, NAME_V6, 3000);
    assert_int_equal(name.next_ms, 4000);
    assert_true(name.halves[NAME_V4].known);
    assert_false(name.halves[NAME_V6].known);
}

static void an_answer_of_none_takes_the_addresses_away(void **state)
{
    (void)state;
    struct name name = {0};
    name_ask(&name);
    answer(&name, NAME_V4, "10.0.0.1", 600, 0);
    answer(&name, NAME_V6, "fd00::1", 600, 0);
    name_ask(&name);
    none(&name, NAME_V4, 1000);
    failed(&name, NAME_V6, 1000);
    is(&name, "fd00::1"); /* what is said of one says nothing of the other */
    name_ask(&name);
    none(&name, NAME_V4, 1000);
    none(&name, NAME_V6, 1000);
    is(&name, "");
    assert_int_equal(name.next_ms, 6000);
}

static void addresses_of_no_route_are_left_out_where_there_are_others(void **state)
{
    (void)state;
    struct name name = {0};
    answer(&name, NAME_V6, "fd00::2", 5, 0);
    is(&name, "fd00::2");
    answer(&name, NAME_V4, "10.0.0.1", 5, 0);
    is(&name, "10.0.0.1");
    answer(&name, NAME_V6, "fd00::1", 5, 0);
    is(&name, "10.0.0.1 fd00::1");
}

static void an_address_counts_once_and_there_is_a_maximum(void **state)
{
    (void)state;
    struct address many[NAME_ADDRESSES_MAX + 10];
    struct name name = {0};
    struct name_answer found = {.at = many, .count = sizeof many / sizeof many[0], .ttl_s = 5};
    for (size_t i = 0; i < found.count; i++) {
        many[i] = address("10.0.0.0");
        many[i].at[3] = (uint8_t)(i ? i - 1 : 0);
    }
    name_take(&name, NAME_V4, &found, 0);
    assert_int_equal(name.halves[NAME_V4].count, NAME_ADDRESSES_MAX);
    assert_int_equal(name.halves[NAME_V4].at[1].at[3], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_for_again_when_its_shortest_ttl_has_passed),
        cmocka_unit_test(a_failure_keeps_the_addresses_and_backs_off),
        cmocka_unit_test(one_family_is_there_while_the_other_is_late),
        cmocka_unit_test(an_answer_of_none_takes_the_addresses_away),
        cmocka_unit_test(addresses_of_no_route_are_left_out_where_there_are_others),
        cmocka_unit_test(an_address_counts_once_and_there_is_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
