#include "cli/analyze_print.h"

#include <string.h>

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
static void member(struct text *out, enum analyze_form form, bool first, const char *name,
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

/* Only istioctl's codes have a page of theirs. */
static void documentation(const struct finding *finding, struct text *out)
{
    text_add_s(out, "https://istio.io/latest/docs/reference/config/analysis/");
    for (const char *at = finding->code; *at; at++)
        text_add_c(out, ascii_lower(*at));
    text_add_c(out, '/');
}

static void level(const struct finding *finding, struct text *out)
{
    text_add_s(out, finding_level_name(finding->level));
}

static void print_record(const struct finding *finding, enum analyze_form form, struct text *out)
{
    if (form == FORM_JSON)
        text_add_s(out, "\t{");
    member(out, form, true, "code", code, finding);
    if (strncmp(finding->code, "IST", 3) == 0)
        member(out, form, false, "documentationUrl", documentation, finding);
    member(out, form, false, "level", level, finding);
    member(out, form, false, "message", message, finding);
    if (finding->name.len > 0)
        member(out, form, false, "origin", origin, finding);
    member(out, form, false, "reference", place, finding);
    if (form == FORM_JSON)
        text_add_s(out, "\n\t}");
}

void analyze_print(const struct findings *findings, enum analyze_form form, enum finding_level from,
                   bool color, struct text *out)
{
    size_t shown = 0;
    if (form == FORM_JSON)
        text_add_s(out, "[");
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->at[i].level < from)
            continue;
        if (form == FORM_JSON)
            text_add_s(out, shown > 0 ? ",\n" : "\n");
        shown++;
        if (form == FORM_LOG) {
            analyze_line(&findings->at[i], color, out);
            finding_quote(findings, &findings->at[i], out);
        } else {
            print_record(&findings->at[i], form, out);
        }
    }
    if (form == FORM_JSON)
        text_add_s(out, shown > 0 ? "\n]\n" : "]\n");
    if (form == FORM_YAML && shown == 0)
        text_add_s(out, "[]\n");
}
