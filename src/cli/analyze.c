#include "cli/analyze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/paint.h"
#include "cli/paths.h"

enum form { FORM_LOG, FORM_JSON, FORM_YAML };

struct wish {
    bool recursive;
    int color; /* enum color */
    int form;  /* enum form */
    int failure;
    int output; /* both enum finding_level */
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER, COLOR_TRUE, COLOR_FALSE };

static const char *const forms[] = {"log", "json", "yaml", NULL};
static const char *const colors[] = {"auto", "always", "never", "true", "false", NULL};
static const char *const levels[] = {"Info", "Warning", "Error", NULL}; /* enum finding_level */

static const struct option options[] = {
    {"recursive", 'R', OPTION_FLAG, offsetof(struct wish, recursive), .help = "also the directories below"},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM",
     "how to print what was found: log, json, yaml (log)", .choices = forms},
    {"failure-threshold", 0, OPTION_CHOICE, offsetof(struct wish, failure), "LEVEL",
     "exit with 79 from this level on: Info, Warning, Error (Error)", .choices = levels},
    {"output-threshold", 0, OPTION_CHOICE, offsetof(struct wish, output), "LEVEL",
     "print from this level on (Info)", .choices = levels},
    {"color", 0, OPTION_CHOICE, offsetof(struct wish, color), "WHEN", "colours: auto, always, never (auto)",
     .choices = colors, .bare = "always"},
};

static const struct command_line line = {
    "analyze",
    "PATH...",
    1,
    SIZE_MAX,
    "A PATH is a file, a directory, or - for standard input.\n",
    options,
    sizeof options / sizeof options[0],
};

static bool color_wanted(int color)
{
    return color == COLOR_AUTO ? paint_wanted(STDOUT_FILENO) : color == COLOR_ALWAYS || color == COLOR_TRUE;
}

static void origin(const struct finding *finding, struct text *out)
{
    text_add_shown(out, finding->kind, 63);
    text_add_c(out, ' ');
    if (finding->namespace.len > 0) {
        text_add_shown(out, finding->namespace, 63);
        text_add_c(out, '/');
    }
    text_add_shown(out, finding->name, 253);
}

static void place(const struct finding *finding, struct text *out)
{
    text_add_s(out, finding->file ? finding->file : "-");
    if (finding->line > 0)
        text_format(out, ":%u", finding->line);
}

static void message(const struct finding *finding, struct text *out)
{
    if (finding->path.len > 0) {
        text_add(out, finding->path);
        text_add_s(out, ": ");
    }
    text_add(out, finding->sentence);
}

void analyze_line(const struct finding *finding, bool color, struct text *out)
{
    static const char *const paints[] = {"", "\033[33m", "\033[1;31m"};
    const char *paint = color ? paints[finding->level] : "";
    text_format(out, "%s%s%s [%s] (", paint, finding_level_name(finding->level), paint[0] ? "\033[0m" : "",
                finding->code);
    if (finding->name.len > 0) {
        origin(finding, out);
        text_add_c(out, ' ');
    }
    place(finding, out);
    text_add_s(out, ") ");
    message(finding, out);
    text_add_c(out, '\n');
}

/* One member; also one line of YAML, for JSON text is YAML too. */
static void member(struct text *out, enum form form, bool first, const char *name,
                   void (*value)(const struct finding *, struct text *), const struct finding *finding)
{
    struct arena arena;
    struct text text;
    arena_init(&arena);
    text_init_arena(&text, &arena);
    value(finding, &text);
    if (form == FORM_YAML)
        text_format(out, "%s %s: ", first ? "-" : " ", name);
    else
        text_format(out, "%s\n\t\t\"%s\": ", first ? "" : ",", name);
    text_add_json(out, text_bytes(&text));
    if (form == FORM_YAML)
        text_add_c(out, '\n');
    arena_done(&arena);
}

static void code(const struct finding *finding, struct text *out)
{
    text_add_s(out, finding->code);
}

static void level(const struct finding *finding, struct text *out)
{
    text_add_s(out, finding_level_name(finding->level));
}

static void print_record(const struct finding *finding, enum form form, struct text *out)
{
    if (form == FORM_JSON)
        text_add_s(out, "\t{");
    member(out, form, true, "code", code, finding);
    member(out, form, false, "level", level, finding);
    member(out, form, false, "message", message, finding);
    if (finding->name.len > 0)
        member(out, form, false, "origin", origin, finding);
    member(out, form, false, "reference", place, finding);
    if (form == FORM_JSON)
        text_add_s(out, "\n\t}");
}

static void print_all(const struct findings *findings, const struct wish *wish, struct text *out)
{
    size_t shown = 0;
    if (wish->form == FORM_JSON)
        text_add_s(out, "[");
    for (size_t i = 0; i < findings->count; i++) {
        if ((int)findings->at[i].level < wish->output)
            continue;
        if (wish->form == FORM_JSON)
            text_add_s(out, shown > 0 ? ",\n" : "\n");
        shown++;
        if (wish->form == FORM_LOG)
            analyze_line(&findings->at[i], color_wanted(wish->color), out);
        else
            print_record(&findings->at[i], (enum form)wish->form, out);
    }
    if (wish->form == FORM_JSON)
        text_add_s(out, shown > 0 ? "\n]\n" : "]\n");
    if (wish->form == FORM_YAML && shown == 0)
        text_add_s(out, "[]\n");
}

static void paths_join(const struct operands *operands, struct text *out)
{
    for (size_t i = 0; i < operands->count; i++) {
        if (i > 0)
            text_add_s(out, ", ");
        text_add_s(out, operands->at[i]);
    }
}

static int verdict(const struct findings *findings, int threshold)
{
    size_t counts[] = {findings->infos, findings->warnings, findings->errors};
    size_t reached = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->at[i].level == FINDING_ERROR && strcmp(findings->at[i].code, FINDING_UNREADABLE) == 0)
            return EXIT_INPUT;
    }
    for (int i = threshold; i <= FINDING_ERROR; i++)
        reached += counts[i];
    return reached > 0 ? EXIT_FINDINGS : EXIT_SUCCESS;
}

static int report_set(struct resource_set *set, const struct wish *wish, const struct operands *operands)
{
    const struct findings *findings = &set->findings;
    struct text out;
    struct text paths;
    text_init_arena(&out, &set->arena);
    text_init_arena(&paths, &set->arena);
    paths_join(operands, &paths);
    print_all(findings, wish, &out);
    fwrite(out.at, 1, out.len, stdout);
    if (findings->dropped > 0)
        fprintf(stderr, "%zu more are not shown\n", findings->dropped);
    int code_of_exit = verdict(findings, wish->failure);
    if (wish->form == FORM_LOG && out.len == 0 && code_of_exit == EXIT_SUCCESS)
        printf("\xE2\x9C\x94 No validation issues found when analyzing %.*s.\n",
               BYTES_FMT(text_bytes(&paths)));
    if (code_of_exit != EXIT_SUCCESS)
        fprintf(stderr, "Error: Analyzers found issues when analyzing %.*s.\n",
                BYTES_FMT(text_bytes(&paths)));
    return code_of_exit;
}

int analyze_main(int argc, char **argv)
{
    struct wish wish = {.failure = FINDING_ERROR, .output = FINDING_INFO};
    struct operands operands;
    int code_of_exit;
    if (!options_read(&line, argc, argv, &wish, &operands, &code_of_exit))
        return code_of_exit;
    struct resource_set set;
    struct fail why;
    int result = EXIT_FAILURE; /* a path that cannot be read; what is wrong in one is EXIT_INPUT */
    bool good = true;
    resource_set_init(&set);
    for (size_t i = 0; i < operands.count && good; i++)
        good = paths_add(&set, operands.at[i], wish.recursive, &why);
    if (good) {
        resource_set_finish(&set);
        result = report_set(&set, &wish, &operands);
    } else {
        fprintf(stderr, "Error: %s\n", why.text);
    }
    resource_set_done(&set);
    return result;
}
