#include "cli/kind_manual.h"

#include "cli/kind_words.h"
#include "control/settings.h"

#define PATH_BYTES 400
#define SEEN_MAX 256

/* Tables of the kind that were described already: a second time they are only referred to. */
struct seen {
    struct {
        const struct field_table *table;
        char path[PATH_BYTES];
    } at[SEEN_MAX];
    size_t count;
};

/* roff reads a backslash, and a dot or apostrophe in front, as its own. */
static void roff(struct bytes words, struct text *out)
{
    if (words.len > 0 && (words.at[0] == '.' || words.at[0] == '\''))
        text_add_s(out, "\\&");
    for (size_t i = 0; i < words.len; i++) {
        if (words.at[i] == '\\')
            text_add_s(out, "\\e");
        else if (words.at[i] == '-')
            text_add_s(out, "\\-");
        else if (words.at[i] == '~')
            text_add_s(out, "\\(ti");
        else if (words.at[i] == '^')
            text_add_s(out, "\\(ha");
        else
            text_add_c(out, words.at[i]);
    }
}

static const char *seen_at(const struct seen *seen, const struct field_table *table)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->at[i].table == table)
            return seen->at[i].path;
    return NULL;
}

static void see(struct seen *seen, const struct field_table *table, const char *path)
{
    struct text text;
    if (seen->count == SEEN_MAX)
        return;
    text_init_fixed(&text, seen->at[seen->count].path, PATH_BYTES);
    text_add_s(&text, path);
    seen->at[seen->count++].table = table;
}

static void entry(const struct field *field, const char *path, const char *as, struct text *out)
{
    char words[2000];
    struct text text;
    text_add_s(out, ".TP\n.B ");
    roff(bytes_of(path), out);
    text_init_fixed(&text, words, sizeof words);
    text_add_s(&text, " <");
    field_type_words(field, &text);
    text_add_s(&text, field->flags & FIELD_REQUIRED ? ">, required" : ">");
    roff(text_bytes(&text), out);
    text_add_c(out, '\n');
    text_init_fixed(&text, words, sizeof words);
    field_sentences(field, &text);
    if (as)
        text_format(&text, " Its fields are those of %s.", as);
    roff(text_bytes(&text), out);
    text_add_c(out, '\n');
}

static void table(const struct field_table *fields, const char *above, struct seen *seen, struct text *out)
{
    see(seen, fields, above);
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->fields[i];
        char path[PATH_BYTES];
        struct text text;
        text_init_fixed(&text, path, sizeof path);
        text_format(&text, "%s%s%s%s", above, above[0] ? "." : "", field->name,
                    field->flags & FIELD_LIST ? "[]" : "");
        const char *as = field->group ? seen_at(seen, field->group) : NULL;
        entry(field, path, as, out);
        if (field->group && !as && !text.cut)
            table(field->group, path, seen, out);
    }
}

static void section(const char *name, const char *api, const char *help, bool not_yet, struct text *out)
{
    text_add_s(out, ".SH ");
    roff(bytes_of(name), out);
    text_add_c(out, '\n');
    if (api[0]) {
        text_add_s(out, ".I ");
        roff(bytes_of(api), out);
        text_add_s(out, "\n.PP\n");
    }
    roff(bytes_of(help), out);
    text_add_s(out, not_yet ? " It is read and checked; this version does not act on it.\n" : "\n");
}

void kind_manual_write(struct text *out)
{
    static struct seen seen; /* too much for a stack */
    text_add_s(
        out,
        ".TH SELVAGE\\-RESOURCES 5 \"\" \"selvage " SELVAGE_VERSION
        "\" \"File formats\"\n.ad l\n.nh\n.SH NAME\nselvage\\-resources \\- what resources of a mesh may "
        "say\n"
        ".SH DESCRIPTION\nResources are read from the files that selvage.yaml names, as Kubernetes would\n"
        "read them. The same is told piece by piece by\n.BR \"selvage explain\\-kind\" .\n");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        char api[200];
        struct text text;
        text_init_fixed(&text, api, sizeof api);
        text_format(&text, "%s%s%s", kinds[i]->group, kinds[i]->group[0] ? ": " : "", kinds[i]->versions);
        section(kinds[i]->name, api, kinds[i]->help, kinds[i]->not_yet, out);
        seen.count = 0;
        table(kinds[i]->table, kinds[i]->at_top ? "" : "spec", &seen, out);
    }
    section(SETTINGS, "", SETTINGS_HELP, false, out);
    seen.count = 0;
    table(&settings_table, "", &seen, out);
}
