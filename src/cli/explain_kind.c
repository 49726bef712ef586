#include "cli/explain_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/kind_manual.h"
#include "cli/kind_schema.h"
#include "cli/kind_words.h"
#include "cli/options.h"
#include "control/settings.h"
#include "rules/document.h"

#define DEPTH_MAX 24
#define WIDTH 96

struct wish {
    bool recursive;
    bool schema;
    bool manual;
    const char *api;
};

/* Words in lines of WIDTH, each behind `indent` blanks. */
static void wrapped(struct bytes words, size_t indent, struct text *out)
{
    size_t at = 0;
    struct bytes word = {0};
    for (bool more = true; more;) {
        more = bytes_cut(&words, ' ', &word);
        if (at > 0 && at + 1 + word.len > WIDTH) {
            text_add_c(out, '\n');
            at = 0;
        }
        if (at == 0)
            text_format(out, "%*s", (int)indent, "");
        else
            text_add_c(out, ' ');
        text_add(out, word);
        at += word.len + (at == 0 ? indent : 1);
    }
    text_add_c(out, '\n');
}

static void field_line(const struct field *field, size_t indent, struct text *out)
{
    text_format(out, "%*s%s\t<", (int)indent, "", field->name);
    field_type_words(field, out);
    text_format(out, ">%s\n", field->flags & FIELD_REQUIRED ? " -required-" : "");
}

static void field_words(const struct field *field, size_t indent, struct text *out)
{
    char words[2000];
    struct text text;
    text_init_fixed(&text, words, sizeof(words));
    field_sentences(field, &text);
    if (text.len > 0)
        wrapped(text_bytes(&text), indent, out);
}

static void table(const struct field_table *fields, size_t depth, bool recursive, struct text *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->fields[i];
        field_line(field, 2 + 2 * depth, out);
        if (!recursive) {
            field_words(field, 4, out);
            text_add_c(out, '\n');
        } else if (field->group && depth < DEPTH_MAX) {
            table(field->group, depth + 1, recursive, out);
        }
    }
}

static void kinds_list(struct text *out)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        text_format(out, "%-22s %-26s %-20s %s\n", kinds[i]->name,
                    kinds[i]->group[0] ? kinds[i]->group : "(core)", kinds[i]->versions, kinds[i]->help);
    text_format(out, "%-22s %-26s %-20s %s\n", SETTINGS, "(node)", "", SETTINGS_HELP);
}

static void head(const struct kind *kind, struct text *out)
{
    const struct kind *other = kind_namesake(kind);
    if (kind->group[0])
        text_format(out, "GROUP:      %s\n", kind->group);
    text_format(out, "KIND:       %s\nVERSION:    %s\n", kind->name, kind->versions);
    if (other) {
        text_add_s(out, "ANOTHER:    --api-version ");
        kind_api(other, out);
        text_add_c(out, '\n');
    }
    if (kind->not_yet)
        text_add_s(out, "NOT YET:    it is read and checked; this version does not act on it\n");
    text_add_c(out, '\n');
}

/* A place in the tables: a field, or the whole when `field` is NULL. */
struct place {
    const struct field_table *table;
    const struct field *field;
};

static bool walk(struct bytes path, const struct kind *kind, struct place *place)
{
    bool first = true;
    bool more = path.len > 0;
    while (more) {
        struct bytes step = {0};
        more = bytes_cut(&path, '.', &step);
        bool top = first && kind && !kind->at_top;
        first = false;
        if (top && bytes_equal(step, BYTES("spec")))
            continue;
        if (top && bytes_equal(step, BYTES("metadata"))) {
            place->table = &metadata_table;
            continue;
        }
        place->field = place->table ? field_find(place->table, step) : NULL;
        if (!place->field)
            return false;
        place->table = place->field->group;
    }
    return true;
}

static void place_write(const struct place *place, const char *about, bool recursive, struct text *out)
{
    if (place->field) {
        text_add_s(out, "FIELD: ");
        field_line(place->field, 0, out);
        text_add_c(out, '\n');
    }
    text_add_s(out, "DESCRIPTION:\n");
    if (place->field)
        field_words(place->field, 4, out);
    else
        wrapped(bytes_of(about), 4, out);
    if (!place->table)
        return;
    text_add_s(out, "\nFIELDS:\n");
    table(place->table, 0, recursive, out);
}

bool explain_kind_write(struct bytes path, struct bytes api, bool recursive, struct text *out)
{
    struct bytes name = {0};
    if (path.len == 0) {
        kinds_list(out);
        return true;
    }
    bytes_cut(&path, '.', &name);
    const struct kind *kind = kind_meant(name, api);
    if (!kind && !bytes_equal(name, BYTES(SETTINGS)))
        return false;
    struct place place = {.table = kind ? kind->table : &settings_table};
    if (!walk(path, kind, &place))
        return false;
    if (kind)
        head(kind, out);
    place_write(&place, kind ? kind->help : SETTINGS_HELP, recursive, out);
    return true;
}

static const struct option options[] = {
    {"recursive", 0, OPTION_FLAG, offsetof(struct wish, recursive),
     .help = "all fields below, by name and type"},
    {"api-version", 0, OPTION_TEXT, offsetof(struct wish, api), "GROUP/VERSION",
     .help = "which of the kinds that share a name (Gateway)"},
    {"json-schema", 0, OPTION_FLAG, offsetof(struct wish, schema),
     .help = "print a JSON Schema for editors: of KIND, or of all"},
    {"man", 0, OPTION_FLAG, offsetof(struct wish, manual), .help = "print the manual page of all kinds"},
};

static const struct command_line usage = {
    "explain-kind",
    "[KIND[.FIELD...]]",
    0,
    1,
    "What a resource, or `settings` (selvage.yaml), may say; without KIND the kinds are listed.\n",
    options,
    sizeof options / sizeof options[0],
};

static bool write_wish(const struct wish *wish, struct bytes path, struct text *out)
{
    struct bytes api = bytes_of(wish->api);
    if (wish->manual) {
        kind_manual_write(out);
        return true;
    }
    return wish->schema ? kind_schema_write(path, api, out)
                        : explain_kind_write(path, api, wish->recursive, out);
}

int explain_kind_main(int argc, char **argv)
{
    struct wish wish = {.api = ""};
    struct arena arena;
    struct text out;
    struct operands operands;
    int code;
    if (!options_read(&usage, argc, argv, &wish, &operands, &code))
        return code;
    arena_init(&arena);
    text_init_arena(&out, &arena);
    const char *path = operands.count ? operands.at[0] : "";
    bool good = write_wish(&wish, bytes_of(path), &out);
    if (good)
        fwrite(out.at, 1, out.len, stdout);
    else
        fprintf(stderr, "selvage explain-kind: there is no %s; `selvage explain-kind` lists the kinds\n",
                path);
    arena_done(&arena);
    return good ? EXIT_SUCCESS : EXIT_USAGE;
}
