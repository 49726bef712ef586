#include "cli/analyze.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/paths.h"

enum form { FORM_LOG, FORM_JSON, FORM_YAML };

struct wish {
    bool recursive;
    bool color;
    enum form form;
    enum finding_level failure;
    enum finding_level output;
};

static const char usage[] =
    "usage: selvage analyze [options] PATH...\n"
    "  -R, --recursive               also the directories below\n"
    "  -o, --output log|json|yaml    how to print what was found (log)\n"
    "      --failure-threshold L     exit with 79 from this level on: Info, Warning, Error (Error)\n"
    "      --output-threshold L      print from this level on (Info)\n"
    "      --color auto|always|never colours (auto)\n"
    "A PATH is a file, a directory, or - for standard input.\n";

static bool level_of(const char *text, enum finding_level *out)
{
    for (int i = FINDING_INFO; i <= FINDING_ERROR; i++) {
        if (strcasecmp(text, finding_level_name((enum finding_level)i)) == 0) {
            *out = (enum finding_level)i;
            return true;
        }
    }
    return false;
}

static bool form_of(const char *text, enum form *out)
{
    static const char *const forms[] = {"log", "json", "yaml"};
    for (int i = FORM_LOG; i <= FORM_YAML; i++) {
        if (strcmp(text, forms[i]) == 0) {
            *out = (enum form)i;
            return true;
        }
    }
    return false;
}

static bool color_of(const char *text, bool *out)
{
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    *out = isatty(STDOUT_FILENO) && !(none && none[0]) && !(term && strcmp(term, "dumb") == 0);
    if (!text || strcmp(text, "auto") == 0)
        return true;
    *out = strcmp(text, "always") == 0 || strcmp(text, "true") == 0;
    return *out || strcmp(text, "never") == 0 || strcmp(text, "false") == 0;
}

static bool take_option(int option, const char *value, struct wish *wish)
{
    switch (option) {
    case 'R':
        wish->recursive = true;
        return true;
    case 'o':
        return form_of(value, &wish->form);
    case 'f':
        return level_of(value, &wish->failure);
    case 'p':
        return level_of(value, &wish->output);
    case 'c':
        return color_of(value, &wish->color);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct wish *wish, bool *help)
{
    static const struct option options[] = {
        {"recursive", no_argument, NULL, 'R'},
        {"output", required_argument, NULL, 'o'},
        {"failure-threshold", required_argument, NULL, 'f'},
        {"output-threshold", required_argument, NULL, 'p'},
        {"color", optional_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *wish = (struct wish){.failure = FINDING_ERROR, .output = FINDING_INFO};
    color_of(NULL, &wish->color);
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, "Ro:h", options, NULL)) != -1;) {
        *help = option == 'h';
        if (*help)
            return true;
        if (!take_option(option, option == 'c' && !optarg ? "always" : optarg, wish)) {
            if (optarg)
                fprintf(stderr, "selvage analyze: '%s' is no value of this option\n", optarg);
            return false;
        }
    }
    return optind < argc;
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
    static const char *const colors[] = {"", "\033[33m", "\033[1;31m"};
    const char *paint = color ? colors[finding->level] : "";
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
        if (findings->at[i].level < wish->output)
            continue;
        if (wish->form == FORM_JSON)
            text_add_s(out, shown > 0 ? ",\n" : "\n");
        shown++;
        if (wish->form == FORM_LOG)
            analyze_line(&findings->at[i], wish->color, out);
        else
            print_record(&findings->at[i], wish->form, out);
    }
    if (wish->form == FORM_JSON)
        text_add_s(out, shown > 0 ? "\n]\n" : "]\n");
    if (wish->form == FORM_YAML && shown == 0)
        text_add_s(out, "[]\n");
}

static void paths_join(int argc, char **argv, struct text *out)
{
    for (int i = optind; i < argc; i++) {
        if (i > optind)
            text_add_s(out, ", ");
        text_add_s(out, argv[i]);
    }
}

static int verdict(const struct findings *findings, enum finding_level threshold)
{
    size_t counts[] = {findings->infos, findings->warnings, findings->errors};
    size_t reached = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->at[i].level == FINDING_ERROR && strcmp(findings->at[i].code, FINDING_UNREADABLE) == 0)
            return EXIT_INPUT;
    }
    for (int i = (int)threshold; i <= FINDING_ERROR; i++)
        reached += counts[i];
    return reached > 0 ? EXIT_FINDINGS : EXIT_SUCCESS;
}

static int report_set(struct resource_set *set, const struct wish *wish, int argc, char **argv)
{
    const struct findings *findings = &set->findings;
    struct text out;
    struct text paths;
    text_init_arena(&out, &set->arena);
    text_init_arena(&paths, &set->arena);
    paths_join(argc, argv, &paths);
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
    struct wish wish;
    bool help = false;
    if (!read_options(argc, argv, &wish, &help)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (help) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    struct resource_set set;
    struct fail why;
    int result = EXIT_INPUT;
    bool good = true;
    resource_set_init(&set);
    for (int i = optind; i < argc && good; i++)
        good = paths_add(&set, argv[i], wish.recursive, &why);
    if (good) {
        resource_set_finish(&set);
        result = report_set(&set, &wish, argc, argv);
    } else {
        fprintf(stderr, "Error: %s\n", why.text);
    }
    resource_set_done(&set);
    return result;
}
