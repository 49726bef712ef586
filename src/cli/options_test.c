#include "base/test.h"

#include <stdio.h>

#include "cli/options.h"

struct wish {
    bool flag;
    const char *text;
    struct texts texts;
    int64_t number;
    int choice;
};

static const char *const choices[] = {"One", "Two", NULL};
static const struct option options[] = {
    {"flag", 'f', OPTION_FLAG, offsetof(struct wish, flag), .help = "a flag"},
    {"text", 't', OPTION_TEXT, offsetof(struct wish, text), "TEXT", "a text", .choices = NULL},
    {"more", 0, OPTION_TEXTS, offsetof(struct wish, texts), "TEXT", "texts", .choices = NULL},
    {"number", 'n', OPTION_NUMBER, offsetof(struct wish, number), "N", "a number", .min = -5, .max = 10},
    {"choice", 0, OPTION_CHOICE, offsetof(struct wish, choice), "WHAT", "a choice", .choices = choices,
     .bare = "two"},
};
static const struct command_line line = {
    "test", "PATH", 1, 2, "", options, sizeof options / sizeof options[0]};

static int words_of(const char *text, char *room, size_t size, char **argv)
{
    static char name[] = "test";
    int argc = 0;
    char *save = NULL;
    snprintf(room, size, "%s", text);
    argv[argc++] = name;
    for (char *word = strtok_r(room, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    return argc;
}

static void a_line_is_read_by_its_table(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        bool good;
        int code;
        bool flag;
        const char *text;
        size_t texts;
        int64_t number;
        int choice;
        size_t operands;
    } rows[] = {
        {"a", true, 0, false, NULL, 0, 0, 0, 1},
        {"a b", true, 0, false, NULL, 0, 0, 0, 2},
        {"a b c", false, 64, false, NULL, 0, 0, 0, 0},
        {"", false, 64, false, NULL, 0, 0, 0, 0},
        {"-f a", true, 0, true, NULL, 0, 0, 0, 1},
        {"a -f b", true, 0, true, NULL, 0, 0, 0, 2},
        {"--flag=x a", false, 64, false, NULL, 0, 0, 0, 0},
        {"-t x a", true, 0, false, "x", 0, 0, 0, 1},
        {"-tx a", true, 0, false, "x", 0, 0, 0, 1},
        {"-ftx a", true, 0, true, "x", 0, 0, 0, 1},
        {"--text=x a", true, 0, false, "x", 0, 0, 0, 1},
        {"a --text", false, 64, false, NULL, 0, 0, 0, 0},
        {"--more=1 --more 2 a", true, 0, false, NULL, 2, 0, 0, 1},
        {"-n 10 a", true, 0, false, NULL, 0, 10, 0, 1},
        {"-n -5 a", true, 0, false, NULL, 0, -5, 0, 1},
        {"-n 11 a", false, 64, false, NULL, 0, 0, 0, 0},
        {"-n -6 a", false, 64, false, NULL, 0, 0, 0, 0},
        {"-n x a", false, 64, false, NULL, 0, 0, 0, 0},
        {"--choice=TWO a", true, 0, false, NULL, 0, 0, 1, 1},
        {"--choice a", true, 0, false, NULL, 0, 0, 1, 1},
        {"--choice=three a", false, 64, false, NULL, 0, 0, 0, 0},
        {"--flog a", false, 64, false, NULL, 0, 0, 0, 0},
        {"-x a", false, 64, false, NULL, 0, 0, 0, 0},
        {"-- -f", true, 0, false, NULL, 0, 0, 0, 1},
        {"-", true, 0, false, NULL, 0, 0, 0, 1},
        {"--help", false, 0, false, NULL, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char room[100];
        char *argv[20];
        struct wish wish = {0};
        struct operands operands;
        int code = -1;
        int argc = words_of(rows[i].words, room, sizeof room, argv);
        bool good = options_read(&line, argc, argv, &wish, &operands, &code);
        if (good != rows[i].good || code != rows[i].code)
            print_message("%s\n", rows[i].words);
        assert_int_equal(good, rows[i].good);
        assert_int_equal(code, rows[i].code);
        if (!good)
            continue;
        assert_int_equal(wish.flag, rows[i].flag);
        assert_int_equal(wish.texts.count, rows[i].texts);
        assert_int_equal(wish.number, rows[i].number);
        assert_int_equal(wish.choice, rows[i].choice);
        assert_int_equal(operands.count, rows[i].operands);
        assert_true(rows[i].text ? wish.text && strcmp(wish.text, rows[i].text) == 0 : !wish.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_by_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
