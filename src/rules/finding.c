#include "rules/finding.h"

#include <stdlib.h>
#include <string.h>

#define SENTENCE_MAX 600

void findings_init(struct findings *findings, struct arena *arena)
{
    *findings = (struct findings){.arena = arena};
}

static void count(struct findings *findings, enum finding_level level)
{
    size_t *const counts[] = {&findings->infos, &findings->warnings, &findings->errors};
    ++*counts[level];
}

static struct finding *add(struct findings *findings)
{
    if (findings->count >= FINDINGS_MAX) {
        findings->dropped++;
        return NULL;
    }
    if (findings->count == findings->room) {
        size_t room = findings->room ? findings->room * 2 : 16;
        struct finding *at = arena_array(findings->arena, struct finding, room);
        if (findings->at)
            memcpy(at, findings->at, findings->count * sizeof(*at));
        findings->at = at;
        findings->room = room;
    }
    return &findings->at[findings->count++];
}

void findings_add_all(struct findings *findings, const struct findings *others)
{
    for (size_t i = 0; i < others->count; i++) {
        struct finding *finding = add(findings);
        if (finding)
            *finding = others->at[i];
    }
    findings->dropped += others->dropped;
    findings->errors += others->errors;
    findings->warnings += others->warnings;
    findings->infos += others->infos;
}

static void fill_in(struct finding *finding, const struct report *report, const struct yaml_node *node)
{
    struct text path;
    finding->file = report->file;
    finding->kind = report->kind;
    finding->namespace = report->namespace;
    finding->name = report->name;
    if (!node)
        return;
    /* A map or list begins where its key stands, not at the line below. */
    bool at_key = !yaml_is_scalar(node) && node->key_line > 0;
    finding->line = at_key ? node->key_line : node->line;
    finding->column = at_key ? node->key_column : node->column;
    text_init_arena(&path, report->findings->arena);
    yaml_path(node, &path);
    finding->path = text_bytes(&path);
}

static void vadd(struct report *report, enum finding_level level, const char *code,
                 const struct yaml_node *node, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

static void vadd(struct report *report, enum finding_level level, const char *code,
                 const struct yaml_node *node, const char *format, va_list args)
{
    count(report->findings, level);
    if (level == FINDING_ERROR && (strcmp(code, FINDING_NOT_YET) == 0 || strcmp(code, FINDING_OWN_RULE) == 0))
        report->findings->ours++;
    struct finding *finding = add(report->findings);
    if (!finding)
        return;
    struct text sentence;
    finding->level = level;
    finding->code = code;
    fill_in(finding, report, node);
    /* What was written may hold anything; what is said about it is one printable line. */
    struct text raw;
    text_init_arena(&raw, report->findings->arena);
    text_vformat(&raw, format, args);
    text_init_arena(&sentence, report->findings->arena);
    text_add_shown(&sentence, text_bytes(&raw), SENTENCE_MAX);
    finding->sentence = text_bytes(&sentence);
}

void report_add(struct report *report, enum finding_level level, const char *code,
                const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vadd(report, level, code, node, format, args);
    va_end(args);
}

void report_error(struct report *report, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vadd(report, FINDING_ERROR, FINDING_INVALID, node, format, args);
    va_end(args);
}

void report_warning(struct report *report, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vadd(report, FINDING_WARNING, FINDING_INVALID, node, format, args);
    va_end(args);
}

void report_own_rule(struct report *report, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vadd(report, FINDING_ERROR, FINDING_OWN_RULE, node, format, args);
    va_end(args);
}

void report_not_yet(struct report *report, const struct yaml_node *node, const char *what)
{
    if (report->strict)
        report_add(report, FINDING_ERROR, FINDING_NOT_YET, node,
                   "%s is not acted on by this version, so the resource would not do what it says", what);
    else
        report_add(report, FINDING_WARNING, FINDING_NOT_YET, node, "%s is not acted on by this version",
                   what);
}

static int compare(const void *a, const void *b)
{
    const struct finding *x = a;
    const struct finding *y = b;
    int by_file = strcmp(x->file ? x->file : "", y->file ? y->file : "");
    if (by_file != 0)
        return by_file;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return bytes_compare(x->sentence, y->sentence);
}

void findings_sort(struct findings *findings)
{
    if (findings->count > 1)
        qsort(findings->at, findings->count, sizeof(*findings->at), compare);
}

void findings_keep(struct findings *findings, bool (*wanted)(const struct finding *finding, void *with),
                   void *with)
{
    size_t *const counts[] = {&findings->infos, &findings->warnings, &findings->errors};
    size_t left = 0;
    for (size_t i = 0; i < findings->count; i++) {
        if (wanted(&findings->at[i], with))
            findings->at[left++] = findings->at[i];
        else
            --*counts[findings->at[i].level];
    }
    findings->count = left;
}

const char *finding_level_name(enum finding_level level)
{
    static const char *const names[] = {"Info", "Warning", "Error"};
    return names[level];
}

void finding_write(const struct finding *finding, struct text *out)
{
    text_add_s(out, finding->file ? finding->file : "-");
    if (finding->line > 0)
        text_format(out, ":%u:%u", finding->line, finding->column);
    text_add_s(out, ": ");
    if (finding->path.len > 0) {
        text_add(out, finding->path);
        text_add_s(out, ": ");
    }
    text_add(out, finding->sentence);
}
