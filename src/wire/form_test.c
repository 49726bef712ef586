/* Unit tests of form. */
#include "base/test.h"

#include "wire/form.h"

static void pairs_are_read_and_unescaped(void **state)
{
    (void)state;
    struct arena arena;
    struct form form;
    struct fail why;
    struct bytes value;
    arena_init(&arena);
    assert_true(form_read(BYTES("code=a%2Bb+c&&state=x%3D%3d&empty=&bare&u=%C3%A4"), &arena, &form, &why));
    assert_int_equal(form.count, 5);
    assert_true(form_get(&form, "code", &value) && bytes_equal(value, BYTES("a+b c")));
    assert_true(form_get(&form, "state", &value) && bytes_equal(value, BYTES("x==")));
    assert_true(form_get(&form, "empty", &value) && value.len == 0);
    assert_true(form_get(&form, "bare", &value) && value.len == 0);
    assert_true(form_get(&form, "u", &value) && bytes_equal(value, BYTES("\xc3\xa4")));
    assert_false(form_get(&form, "Code", &value));
    assert_true(form_read((struct bytes){0}, &arena, &form, &why) && form.count == 0);
    arena_done(&arena);
}

static void what_could_be_read_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct bytes in;
        const char *why;
    } rows[] = {
        {"neg_34 duplicate", BYTES_INIT("state=a&code=b&state=a"), "a parameter came twice"},
        {"neg_34 duplicate, escaped", BYTES_INIT("state=a&%73tate=b"), "a parameter came twice"},
        {"lone percent", BYTES_INIT("a=%"), "a percent sign is not followed by two hex digits"},
        {"half an escape", BYTES_INIT("a=%4"), "a percent sign is not followed by two hex digits"},
        {"no hex", BYTES_INIT("a=%4g"), "a percent sign is not followed by two hex digits"},
        {"in the name", BYTES_INIT("%zz=1"), "a percent sign is not followed by two hex digits"},
        {"neg_30 line end", BYTES_INIT("a=x%0d%0ay"), "a parameter has control characters or is not UTF-8"},
        {"NUL", BYTES_INIT("a=%00"), "a parameter has control characters or is not UTF-8"},
        {"not UTF-8", BYTES_INIT("a=%ff"), "a parameter has control characters or is not UTF-8"},
        {"too many",
         BYTES_INIT(
             "1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17&18&19&20&21&22&23&24&25&26&27&28&29&30&31&32&33"),
         "there are more than 32 parameters"},
    };
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct form form = {.count = 7};
        struct fail why;
        assert_false(form_read(rows[i].in, &arena, &form, &why));
        assert_string_equal(why.text, rows[i].why);
        assert_int_equal(form.count, 7);
    }
    arena_done(&arena);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    struct arena arena;
    struct text text;
    struct form form;
    struct fail why;
    struct bytes value;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    text_add_s(&text, "https://a.example/x?");
    form_add(&text, "scope", BYTES("openid e+mail&=#"));
    form_add(&text, "n", BYTES("~-._Z9"));
    assert_string_equal(text.at, "https://a.example/x?scope=openid%20e%2Bmail%26%3D%23&n=~-._Z9");
    assert_true(form_read(bytes_part(text_bytes(&text), 20, text.len), &arena, &form, &why));
    assert_true(form_get(&form, "scope", &value) && bytes_equal(value, BYTES("openid e+mail&=#")));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_read_and_unescaped),
        cmocka_unit_test(what_could_be_read_two_ways_is_refused),
        cmocka_unit_test(what_is_written_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
