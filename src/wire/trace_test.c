/* Unit tests of trace.c. */
#include "base/test.h"

#include <stdio.h>

#include "wire/trace.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void traceparents_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint8_t flags;
    } rows[] = {
        {"00-" ID "-" SPAN "-01", true, 1},
        {"00-" ID "-" SPAN "-ff", true, 3},
        {"00-" ID "-" SPAN "-00", true, 0},
        {"cc-" ID "-" SPAN "-01", true, 1},
        {"01-" ID "-" SPAN "-01-what-comes-later", true, 1},
        {"", false, 0},
        {"00-" ID "-" SPAN "-01-", false, 0},
        {"01-" ID "-" SPAN "-01x", false, 0},
        {"ff-" ID "-" SPAN "-01", false, 0},
        {"FF-" ID "-" SPAN "-01", false, 0},
        {"00-" ID "-" SPAN "-1", false, 0},
        {"00-" ID "-" SPAN "-0A", false, 0},
        {"00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01", false, 0},
        {"00-00000000000000000000000000000000-" SPAN "-01", false, 0},
        {"00-" ID "-0000000000000000-01", false, 0},
        {"00_" ID "-" SPAN "-01", false, 0},
        {"00-" ID "_" SPAN "-01", false, 0},
        {"00-" ID "-" SPAN "_01", false, 0},
        {" 00-" ID "-" SPAN "-01", false, 0},
        {"0g-" ID "-" SPAN "-01", false, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct trace trace = {.flags = 77};
        assert_int_equal(trace_parse(bytes_of(rows[i].text), &trace), rows[i].ok);
        assert_int_equal(trace.flags, rows[i].ok ? rows[i].flags : 77);
    }
}

static void a_child_keeps_the_trace_and_has_its_own_span(void **state)
{
    (void)state;
    struct trace parent, child;
    char buffer[TRACE_TEXT_SIZE];
    assert_true(trace_parse(BYTES("cc-" ID "-" SPAN "-01-x"), &parent));
    trace_child(&parent, (const uint8_t *)"\x01\x23\x45\x67\x89\xab\xcd\xef", &child);
    assert_true(bytes_equal(trace_text(&child, buffer), BYTES("00-" ID "-0123456789abcdef-01")));
    assert_string_equal(buffer, "00-" ID "-0123456789abcdef-01");
}

static void ids_are_never_zero(void **state)
{
    (void)state;
    static const uint8_t zero[TRACE_RANDOM_SIZE];
    struct trace trace, again;
    char buffer[TRACE_TEXT_SIZE];
    trace_start(zero, false, &trace);
    assert_true(trace_parse(trace_text(&trace, buffer), &again));
    assert_int_equal(again.flags, TRACE_RANDOM);
    trace_start(zero, true, &trace);
    assert_int_equal(trace.flags, TRACE_RANDOM | TRACE_SAMPLED);
}

#define K64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void tracestates_travel_or_are_dropped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"a=1", true},
        {"rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE", true},
        {"a=1,,b=2,", true},
        {"fw529a3039@dt=FfAAAA", true},
        {"0a_-*/=v v", true},
        {"a= 1", true},
        {K64 K64 K64 K64 "=1", true},
        {K64 K64 K64 K64 "a=1", false},
        {"", false},
        {" , ", false},
        {"a", false},
        {"a=", false},
        {"=1", false},
        {"A=1", false},
        {"@a=1", false},
        {"a =1", false},
        {"a=1=2", false},
        {"a=\t1", false},
        {"a=\xC3\xA9", false},
        {"a=1,b=2,a=3", false},
        {"a=1;b", true},
    };
    char many[400] = "";
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(trace_state_ok(bytes_of(rows[i].text)), rows[i].ok);
    for (int i = 0; i < 33; i++) {
        assert_int_equal(trace_state_ok(bytes_of(many)), i > 0);
        snprintf(many + strlen(many), 12, "k%d=1,", i);
    }
    assert_false(trace_state_ok(bytes_of(many)));
    assert_false(trace_state_ok(BYTES("a=" K64 K64 K64 K64 ",b=" K64 K64 K64 K64)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traceparents_are_read_or_refused),
        cmocka_unit_test(a_child_keeps_the_trace_and_has_its_own_span),
        cmocka_unit_test(ids_are_never_zero),
        cmocka_unit_test(tracestates_travel_or_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
