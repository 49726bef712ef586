/* Tests of how the keys of a node are shown. */
#include "base/test.h"

#include "cli/keys.h"

#define LIST                                                                                                 \
    "{\"keys\":[{\"purpose\":\"root\",\"state\":\"in force\",\"id\":\"0a\",\"algorithm\":\"ECDSA P-256\","   \
    "\"made\":\"2026-11-21T09:00:00Z\",\"ends\":\"2026-11-22T09:00:00Z\"},\n"                                \
    "{\"purpose\":\"provider\",\"state\":\"in "                                                              \
    "force\",\"id\":\"k\\u001b1\",\"of\":\"https://idp.example\"}]}\n"

static void each_form_shows_every_key(void **state)
{
    (void)state;
    static const struct {
        enum keys_form form;
        const char *json;
        const char *shown; /* NULL: refused */
    } rows[] = {
        {KEYS_SHORT, LIST,
         "PURPOSE   STATE     ID   ALGORITHM    MADE                  SINCE  UNTIL  ENDS                  "
         "OF\n"
         "root      in force  0a   ECDSA P-256  2026-11-21T09:00:00Z  -      -      2026-11-22T09:00:00Z  -\n"
         "provider  in force  k\\x1b1  -            -                     -      -      -                    "
         " "
         "https://idp.example\n"},
        {KEYS_JSON, LIST, LIST},
        {KEYS_YAML, LIST,
         "keys:\n- purpose: \"root\"\n  state: \"in force\"\n  id: \"0a\"\n  algorithm: \"ECDSA P-256\"\n"
         "  made: \"2026-11-21T09:00:00Z\"\n  ends: \"2026-11-22T09:00:00Z\"\n"
         "- purpose: \"provider\"\n  state: \"in force\"\n  id: \"k\\u001b1\"\n  of: "
         "\"https://idp.example\"\n"},
        {KEYS_YAML, "{\"keys\":[]}", "keys: []\n"},
        {KEYS_SHORT, "{\"keys\":1}", NULL},
        {KEYS_SHORT, "<html>", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena arena;
        struct text out;
        arena_init(&arena);
        text_init_arena(&out, &arena);
        assert_int_equal(keys_print(bytes_of(rows[i].json), rows[i].form, &out), rows[i].shown != NULL);
        if (rows[i].shown)
            assert_string_equal(out.at, rows[i].shown);
        else
            assert_int_equal(out.len, 0);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_form_shows_every_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
