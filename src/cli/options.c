#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "rules/nearest.h"

enum { WIDTH_MAX = 30 };

/* ---- help ---------------------------------------------------------------- */

static void option_show(const struct option *option, char *out, size_t size)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(out, size, "  %s--%s%s%s", letter, option->name, option->value ? option->bare ? "=" : " " : "",
             option->value ? option->value : "");
}

static void usage_print(const struct command_line *line, FILE *to)
{
    char shown[100];
    int width = 0;
    fprintf(to, "usage: selvage %s [options]%s%s\n", line->command, line->operands[0] ? " " : "",
            line->operands);
    if (line->about[0])
        fprintf(to, "\n%s", line->about);
    for (size_t i = 0; i < line->count; i++) {
        option_show(&line->options[i], shown, sizeof shown);
        if ((int)strlen(shown) > width && strlen(shown) <= WIDTH_MAX)
            width = (int)strlen(shown);
    }
    fputs("\n", to);
    for (size_t i = 0; i < line->count; i++) {
        option_show(&line->options[i], shown, sizeof shown);
        fprintf(to, "%-*s  %s\n", width, shown, line->options[i].help);
    }
    fprintf(to, "%-*s  %s\n", width, "  -h, --help", "this text");
}

/* ---- values --------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool wrong(const struct command_line *line, const char *format,
                                                        ...)
{
    va_list args;
    fprintf(stderr, "selvage %s: ", line->command);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

static bool number_take(const struct option *option, const char *value, int64_t *out)
{
    uint64_t number;
    bool minus = value[0] == '-' && option->min < 0;
    if (!bytes_to_u64(bytes_of(value + minus), INT64_MAX, &number))
        return false;
    int64_t is = minus ? -(int64_t)number : (int64_t)number;
    if (is < option->min || is > option->max)
        return false;
    *out = is;
    return true;
}

static bool choice_take(const struct option *option, const char *value, int *out)
{
    for (int i = 0; option->choices[i]; i++) {
        if (strcasecmp(option->choices[i], value) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool texts_take(const char *value, struct texts *out)
{
    if (out->count == TEXTS_MAX)
        return false;
    out->at[out->count++] = value;
    return true;
}

static bool value_store(const struct option *option, const char *value, void *into)
{
    void *at = (char *)into + option->offset;
    switch (option->type) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return true;
    case OPTION_TEXT:
        *(const char **)at = value;
        return true;
    case OPTION_TEXTS:
        return texts_take(value, at);
    case OPTION_NUMBER:
        return number_take(option, value, at);
    case OPTION_CHOICE:
        return choice_take(option, value, at);
    }
    return false;
}

/* ---- reading ---------------------------------------------------------------- */

struct reader {
    const struct command_line *line;
    char **argv;
    int argc;
    int next;
    void *into;
};

static const struct option *option_named(const struct command_line *line, struct bytes name)
{
    for (size_t i = 0; i < line->count; i++)
        if (bytes_equal(bytes_of(line->options[i].name), name))
            return &line->options[i];
    return NULL;
}

static const struct option *option_lettered(const struct command_line *line, char letter)
{
    for (size_t i = 0; i < line->count; i++)
        if (line->options[i].letter == letter)
            return &line->options[i];
    return NULL;
}

static bool option_unknown(const struct command_line *line, struct bytes name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < line->count; i++)
        nearest_try(&nearest, line->options[i].name);
    if (nearest.name)
        return wrong(line, "there is no option '%.*s'; is --%s meant?", BYTES_FMT(name), nearest.name);
    return wrong(line, "there is no option '%.*s'", BYTES_FMT(name));
}

/* `given` is what was written with the option itself, or NULL. */
static bool option_take(struct reader *reader, const struct option *option, const char *given)
{
    const struct command_line *line = reader->line;
    if (option->type == OPTION_FLAG && given)
        return wrong(line, "--%s takes no value", option->name);
    if (option->type != OPTION_FLAG && !given)
        given = option->bare;
    if (option->type != OPTION_FLAG && !given) {
        if (reader->next == reader->argc)
            return wrong(line, "--%s needs a value", option->name);
        given = reader->argv[reader->next++];
    }
    return value_store(option, given, reader->into) ||
           wrong(line, "'%s' is no value of --%s", given, option->name);
}

static bool long_take(struct reader *reader, const char *written)
{
    struct bytes rest = bytes_of(written), name;
    bool valued = bytes_cut(&rest, '=', &name);
    const struct option *option = option_named(reader->line, name);
    if (!option)
        return option_unknown(reader->line, name);
    return option_take(reader, option, valued ? rest.at : NULL);
}

static bool letters_take(struct reader *reader, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *option = option_lettered(reader->line, *letters);
        if (!option)
            return option_unknown(reader->line, bytes_make(letters, 1));
        if (option->type != OPTION_FLAG)
            return option_take(reader, option, letters[1] ? letters + 1 + (letters[1] == '=') : NULL);
        if (!option_take(reader, option, NULL))
            return false;
    }
    return true;
}

static bool operands_judge(const struct command_line *line, const struct operands *operands)
{
    if (operands->count > line->operands_max)
        return wrong(line, "'%s' is one argument too many", operands->at[line->operands_max]);
    if (operands->count < line->operands_min)
        return wrong(line, "%s is missing", line->operands);
    return true;
}

static bool all_take(struct reader *reader, struct operands *operands, bool *help)
{
    bool options = true;
    while (reader->next < reader->argc) {
        char *word = reader->argv[reader->next++];
        bool good = true;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0))
            *help = true;
        else if (options && word[0] == '-' && word[1] == '-')
            good = long_take(reader, word + 2);
        else if (options && word[0] == '-' && word[1])
            good = letters_take(reader, word + 1);
        else
            operands->at[operands->count++] = word;
        if (!good || *help)
            return good;
    }
    return operands_judge(reader->line, operands);
}

bool options_read(const struct command_line *line, int argc, char **argv, void *into,
                  struct operands *operands, int *code)
{
    struct reader reader = {.line = line, .argv = argv, .argc = argc, .next = argc > 0, .into = into};
    bool help = false;
    *operands = (struct operands){argv + (argc > 0), 0};
    bool good = all_take(&reader, operands, &help);
    if (help)
        usage_print(line, stdout);
    else if (!good)
        fprintf(stderr, "`selvage %s --help` says how it is used.\n", line->command);
    *code = good ? 0 : EXIT_USAGE;
    return good && !help;
}
