#include "base/test.h"

#include <stdio.h>

#include "rules/kind/header_value.h"

static const struct {
    const char *value;
    bool on_response;
    const char *parts; /* is:text?other:max, a line each */
} good[] = {
    {"", false, ""},
    {"plain", false, "0:plain?:0 "},
    {"50%%", false, "0:50?:0 0:%?:0 "},
    {"%%%%", false, "0:%?:0 0:%?:0 "},
    {"%REQ(X-A)%", false, "1:x-a?:0 "},
    {"a %REQ(:Path?x-b):12% b", false, "0:a ?:0 1::path?x-b:12 0: b?:0 "},
    {"%RESP(x-a)%%RESPONSE_CODE%", true, "2:x-a?:0 3:?:0 "},
    {"%PROTOCOL%", false, "4:?:0 "},
    {"%DOWNSTREAM_REMOTE_ADDRESS%", true, "5:?:0 "},
    {"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", false, "6:?:0 "},
    {"%%REQ(x)%%", false, "0:%?:0 0:REQ(x)?:0 0:%?:0 "},
};

static const struct {
    const char *value;
    bool on_response;
    const char *why; /* how it begins */
} bad[] = {
    {"%", false, "a percent sign is not closed by another; a percent sign is written %%"},
    {"50%", false, "a percent sign is not closed by another; a percent sign is written %%"},
    {"%%%", false, "a percent sign is not closed by another; a percent sign is written %%"},
    {"%REQ(x", false, "a percent sign is not closed by another; a percent sign is written %%"},
    {"%FOO%", false, "'%FOO%' is none of the operators that are acted on (REQ(NAME), PROTOCOL, "},
    {"%REQ%", false, "'%REQ%' is none of the operators that are acted on ("},
    {"%PROTOCOL()%", false, "'%PROTOCOL()%' is none of the operators that are acted on ("},
    {"%protocol%", false, "'%protocol%' is none of the operators that are acted on ("},
    {"%DYNAMIC_METADATA(a:b)%", false,
     "'%DYNAMIC_METADATA(a:b)%' is none of the operators that are acted on ("},
    {"%REQ(x%", false, "'%REQ(x%' has no closing parenthesis"},
    {"%REQ()%", false, "'' is no name of a header"},
    {"%REQ(a b)%", false, "'a b' is no name of a header"},
    {"%REQ(x?)%", false, "'' is no name of a header"},
    {"%REQ(x?y?z)%", false, "'y?z' is no name of a header"},
    {"%REQ(x):%", false, "'%REQ(x):%' ends with something other than ) or ):LENGTH"},
    {"%REQ(x):0%", false, "'%REQ(x):0%' ends with something other than ) or ):LENGTH"},
    {"%REQ(x):65537%", false, "'%REQ(x):65537%' ends with something other than ) or ):LENGTH"},
    {"%REQ(x)y%", false, "'%REQ(x)y%' ends with something other than ) or ):LENGTH"},
    {"%RESP(x)%", false, "'%RESP(x)%' is not known before there is a response"},
    {"%RESPONSE_CODE%", false, "'%RESPONSE_CODE%' is not known before there is a response"},
    {"%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%", false, "a value has at most 16 parts"},
};

static void values_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(good); i++) {
        struct header_part parts[HEADER_PARTS_MAX];
        size_t count = 99;
        struct arena arena;
        struct fail why;
        char text[400] = "";
        arena_init(&arena);
        print_message("  %s\n", good[i].value);
        assert_true(
            header_value_read(bytes_of(good[i].value), good[i].on_response, &arena, parts, &count, &why));
        for (size_t n = 0; n < count; n++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d:%.*s?%.*s:%u ", (int)parts[n].is,
                     BYTES_FMT(parts[n].text), BYTES_FMT(parts[n].other), parts[n].max);
        assert_string_equal(text, good[i].parts);
        arena_done(&arena);
    }
}

static void others_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct header_part parts[HEADER_PARTS_MAX];
        size_t count = 99;
        struct arena arena;
        struct fail why;
        arena_init(&arena);
        print_message("  %s\n", bad[i].value);
        assert_false(
            header_value_read(bytes_of(bad[i].value), bad[i].on_response, &arena, parts, &count, &why));
        assert_int_equal(count, 99);
        assert_int_equal(strncmp(why.text, bad[i].why, strlen(bad[i].why)), 0);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
