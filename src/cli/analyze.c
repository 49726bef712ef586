#include "cli/analyze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/analyze_filter.h"
#include "cli/analyze_print.h"
#include "cli/options.h"
#include "cli/paint.h"
#include "cli/paths.h"
#include "control/state_file.h"
#include "rules/analyze/analysis.h"
#include "rules/analyze/code.h"

struct wish {
    bool recursive;
    bool list;
    bool everywhere;
    int color;    /* enum color */
    int form;     /* enum analyze_form */
    int failure;  /* enum finding_level */
    int output;   /* enum finding_level */
    int use_kube; /* of yes_no */
    const char *name_space;
    const char *mesh_file;
    struct texts suppressions;
    struct texts analyzers;
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER, COLOR_TRUE, COLOR_FALSE };
enum { KUBE_FALSE, KUBE_TRUE };

static const char *const forms[] = {"log", "json", "yaml", NULL};
static const char *const colors[] = {"auto", "always", "never", "true", "false", NULL};
static const char *const levels[] = {"Info", "Warning", "Error", NULL}; /* enum finding_level */
static const char *const no_yes[] = {"false", "true", NULL};

static const struct option options[] = {
    {"recursive", 'R', OPTION_FLAG, offsetof(struct wish, recursive), .help = "also the directories below"},
    {"output", 'o', OPTION_CHOICE, offsetof(struct wish, form), "FORM",
     "how to print what was found: log, json, yaml (log)", .choices = forms},
    {"failure-threshold", 0, OPTION_CHOICE, offsetof(struct wish, failure), "LEVEL",
     "exit with 79 from this level on: Info, Warning, Error (Error)", .choices = levels},
    {"output-threshold", 0, OPTION_CHOICE, offsetof(struct wish, output), "LEVEL",
     "print from this level on (Info)", .choices = levels},
    {"suppress", 'S', OPTION_TEXTS, offsetof(struct wish, suppressions), "CODE=RESOURCE",
     .help = "say nothing of a code about resources: \"IST0103=Pod *.testing\"; may be repeated"},
    {"namespace", 'n', OPTION_TEXT, offsetof(struct wish, name_space), "NAME",
     .help = "only what is about resources of this namespace (all)"},
    {"all-namespaces", 'A', OPTION_FLAG, offsetof(struct wish, everywhere),
     .help = "about all, whatever -n says"},
    {"analyzer", 0, OPTION_TEXTS, offsetof(struct wish, analyzers), "NAME",
     .help = "run this one; may be repeated (all but those that must be asked for)"},
    {"list-analyzers", 'L', OPTION_FLAG, offsetof(struct wish, list),
     .help = "print the analyzers with what they say, and exit"},
    {"meshConfigFile", 0, OPTION_TEXT, offsetof(struct wish, mesh_file), "FILE",
     .help = "the mesh's settings (those of the ConfigMap istio, where it is among the files)"},
    {"use-kube", 'k', OPTION_CHOICE, offsetof(struct wish, use_kube), "TRUTH",
     "for istioctl's callers: files alone are read, as with false", .choices = no_yes, .bare = "true"},
    {"color", 0, OPTION_CHOICE, offsetof(struct wish, color), "WHEN", "colours: auto, always, never (auto)",
     .choices = colors, .bare = "always"},
};

static const struct command_line line = {
    "analyze",
    "PATH...",
    0,
    SIZE_MAX,
    "A PATH is a file, a directory, or - for standard input.\n",
    options,
    sizeof options / sizeof options[0],
};

static bool color_wanted(int color)
{
    return color == COLOR_AUTO ? paint_wanted(STDOUT_FILENO) : color == COLOR_ALWAYS || color == COLOR_TRUE;
}

/* ---- the list --------------------------------------------------------- */

static void codes_list(const char *says)
{
    struct bytes rest = bytes_of(says), one;
    for (bool more = true; more;) {
        more = bytes_cut(&rest, ' ', &one);
        const struct code *code = code_find(one);
        printf("    %s %s %s: %s\n", code->code, finding_level_name(code->level), code->name, code->help);
    }
}

static int analyzers_list(void)
{
    for (size_t i = 0; i < analyzer_count; i++) {
        printf("* %s:\n    %s\n", analyzers[i].name, analyzers[i].help);
        codes_list(analyzers[i].says);
    }
    printf("* reading:\n    each resource by itself, before any analyzer\n");
    codes_list("IST0106 SEL0001 SEL0002 SEL0003 SEL0004 SEL0005 SEL0006");
    return EXIT_SUCCESS;
}

/* ---- the verdict ------------------------------------------------------ */

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
    analyze_print(findings, (enum analyze_form)wish->form, (enum finding_level)wish->output,
                  color_wanted(wish->color), &out);
    fwrite(out.at, 1, out.len, stdout);
    if (findings->dropped > 0)
        fprintf(stderr, "%zu more are not shown\n", findings->dropped);
    int code_of_exit = verdict(findings, wish->failure);
    if (wish->form == FORM_LOG && out.len == 0 && code_of_exit == EXIT_SUCCESS)
        fprintf(stderr, "\xE2\x9C\x94 No validation issues found when analyzing %.*s.\n",
                BYTES_FMT(text_bytes(&paths)));
    if (code_of_exit != EXIT_SUCCESS)
        fprintf(stderr, "Error: Analyzers found issues when analyzing %.*s.\n",
                BYTES_FMT(text_bytes(&paths)));
    return code_of_exit;
}

/* ---- running ---------------------------------------------------------- */

static bool mesh_read(const char *file, struct arena *arena, const struct yaml_node **out, struct fail *why)
{
    struct bytes text;
    struct yaml_stream stream;
    *out = NULL;
    if (!file)
        return true;
    if (!file_read(file, YAML_BYTES_MAX, arena, &text, why) || !yaml_read(file, text, arena, &stream, why))
        return false;
    *out = stream.count ? stream.documents[0] : NULL;
    return true;
}

static bool set_analyze(struct resource_set *set, const struct wish *wish, struct fail *why)
{
    struct analysis analysis;
    const struct yaml_node *mesh;
    if (!mesh_read(wish->mesh_file, &set->arena, &mesh, why))
        return false;
    resource_set_finish(set);
    analysis_init(&analysis, set, mesh, NULL, &set->findings);
    if (wish->analyzers.count == 0)
        analysis_run(&analysis);
    for (size_t i = 0; i < wish->analyzers.count; i++)
        analyzer_find(bytes_of(wish->analyzers.at[i]))->run(&analysis);
    analysis_done(&analysis);
    analyze_filter(set, &wish->suppressions, wish->everywhere ? NULL : wish->name_space);
    return true;
}

/* What options alone cannot say; a wrong one has been told. */
static bool wish_check(const struct wish *wish, const struct operands *operands)
{
    struct fail why = {.text = ""};
    for (size_t i = 0; i < wish->suppressions.count && !why.text[0]; i++) {
        struct bytes rest = bytes_of(wish->suppressions.at[i]), code;
        bytes_cut(&rest, '=', &code);
        if (suppression_check(wish->suppressions.at[i], &why) && !code_find(code))
            fprintf(stderr, "Warning: there is no code '%.*s', so that it suppresses nothing.\n",
                    BYTES_FMT(code));
    }
    for (size_t i = 0; i < wish->analyzers.count && !why.text[0]; i++)
        if (!analyzer_find(bytes_of(wish->analyzers.at[i])))
            fail(&why, FAIL_INPUT, "there is no analyzer '%s'; --list-analyzers prints them",
                 wish->analyzers.at[i]);
    if (!why.text[0] && wish->use_kube == KUBE_TRUE)
        fail(&why, FAIL_INPUT, "files are analyzed, no cluster; leave --use-kube out");
    if (!why.text[0] && operands->count == 0)
        fail(&why, FAIL_INPUT, "PATH... is missing");
    if (why.text[0])
        fprintf(stderr, "selvage analyze: %s\n`selvage analyze --help` says how it is used.\n", why.text);
    return !why.text[0];
}

int analyze_main(int argc, char **argv)
{
    struct wish wish = {.failure = FINDING_ERROR, .output = FINDING_INFO};
    struct operands operands;
    int code_of_exit;
    if (!options_read(&line, argc, argv, &wish, &operands, &code_of_exit))
        return code_of_exit;
    if (wish.list)
        return analyzers_list();
    if (!wish_check(&wish, &operands))
        return EXIT_USAGE;
    struct resource_set set;
    struct fail why;
    int result = EXIT_FAILURE; /* a path that cannot be read; what is wrong in one is EXIT_INPUT */
    bool good = true;
    resource_set_init(&set);
    set.findings.keeps_sources = true;
    for (size_t i = 0; i < operands.count && good; i++)
        good = paths_add(&set, operands.at[i], wish.recursive, &why);
    if (good && set_analyze(&set, &wish, &why))
        result = report_set(&set, &wish, &operands);
    else
        fprintf(stderr, "Error: %s\n", why.text);
    resource_set_done(&set);
    return result;
}
