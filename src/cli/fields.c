#include "cli/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "control/settings.h"
#include "rules/duration.h"
#include "rules/resource.h"

static void type_name(const struct field *field, struct text *out)
{
    static const char *const names[] = {"text",   "true|false", "int",   "number", "duration",
                                        "choice", "match",      "group", "any"};
    if (field->flags & FIELD_LIST)
        text_format(out, "[]%s", names[field->type]);
    else if (field->flags & FIELD_MAP)
        text_format(out, "map of %s", names[field->type]);
    else
        text_add_s(out, names[field->type]);
}

static void choices(const struct field *field, struct text *out)
{
    const char *between = "; ";
    for (size_t i = 0; field->choices && field->choices[i]; i++) {
        if (field->choices[i][0] == '\0')
            continue;
        text_format(out, "%s%s%s", between, field->choices[i],
                    field->choices_not_yet & (1u << i) ? " (not yet)" : "");
        between = ", ";
    }
}

static void bounds(const struct field *field, struct text *out)
{
    if (field->max <= 0 || field->type == FIELD_TEXT)
        return;
    if (field->type == FIELD_DURATION) {
        char low[32];
        char high[32];
        duration_text(field->min, low);
        duration_text(field->max, high);
        text_format(out, "; %s to %s", low, high);
    } else if (field->max < INT32_MAX) {
        text_format(out, "; %lld to %lld", (long long)field->min, (long long)field->max);
    }
}

static void line(const struct field *field, struct text *out)
{
    char type[64];
    struct text text;
    text_init_fixed(&text, type, sizeof(type));
    type_name(field, &text);
    text_format(out, "  %-26s %-16s %s", field->name, type, field->help ? field->help : "");
    choices(field, out);
    bounds(field, out);
    if (field->preset)
        text_format(out, "; default %s", field->preset);
    if (field->flags & FIELD_REQUIRED)
        text_add_s(out, "; required");
    if (field->flags & FIELD_DEPRECATED)
        text_add_s(out, "; deprecated");
    if (field->flags & FIELD_NOT_YET)
        text_add_s(out, "; not acted on yet");
    text_add_c(out, '\n');
}

static void table(const struct field_table *fields, struct text *out)
{
    for (size_t i = 0; i < fields->count; i++)
        line(&fields->fields[i], out);
}

#define SETTINGS "settings"
#define SETTINGS_HELP "What selvage.yaml says about the node itself."

static void kinds_list(struct text *out)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        text_format(out, "%-22s %-20s %-20s %s\n", kinds[i]->name,
                    kinds[i]->group[0] ? kinds[i]->group : "(core)", kinds[i]->versions, kinds[i]->help);
    text_format(out, "%-22s %-20s %-20s %s\n", SETTINGS, "(node)", "", SETTINGS_HELP);
}

bool fields_write(struct bytes path, struct text *out)
{
    struct bytes head = {0};
    if (path.len == 0) {
        kinds_list(out);
        return true;
    }
    bool more = bytes_cut(&path, '.', &head);
    const struct kind *kind = kind_named(head);
    bool settings = bytes_equal(head, BYTES(SETTINGS));
    if (!kind && !settings)
        return false;
    const struct field_table *at = kind ? kind->table : &settings_table;
    const struct field *field = NULL;
    while (more) {
        more = bytes_cut(&path, '.', &head);
        if (!field && bytes_equal(head, BYTES("spec")))
            continue;
        field = at ? field_find(at, head) : NULL;
        if (!field)
            return false;
        at = field->group;
    }
    if (field)
        line(field, out);
    else if (!kind)
        text_add_s(out, SETTINGS ": " SETTINGS_HELP "\n");
    else
        text_format(out, "%s (%s%s%s): %s\n", kind->name, kind->group, kind->group[0] ? "/" : "",
                    kind->versions, kind->help);
    if (at)
        table(at, out);
    return true;
}

static const struct command_line usage = {
    "fields",
    "[KIND[.path]]",
    0,
    1,
    "What a resource, or `settings` (selvage.yaml), may say; without KIND the kinds are listed.\n",
    NULL,
    0,
};

int fields_main(int argc, char **argv)
{
    struct arena arena;
    struct text out;
    struct operands operands;
    int code;
    if (!options_read(&usage, argc, argv, NULL, &operands, &code))
        return code;
    arena_init(&arena);
    text_init_arena(&out, &arena);
    const char *path = operands.count ? operands.at[0] : "";
    bool good = fields_write(bytes_of(path), &out);
    if (good)
        fwrite(out.at, 1, out.len, stdout);
    else
        fprintf(stderr, "selvage fields: there is no %s; `selvage fields` lists the kinds\n", path);
    arena_done(&arena);
    return good ? EXIT_SUCCESS : EXIT_USAGE;
}
