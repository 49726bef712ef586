#include "cli/kind_words.h"

#include <string.h>

#include "rules/duration.h"

static bool is_plural(struct bytes name, const char *word)
{
    struct bytes one = bytes_of(word);
    if (!one.at || one.len < 2)
        return false;
    char last = one.at[one.len - 1];
    if (last == 'y' && !memchr("aeiou", one.at[one.len - 2], 5))
        return name.len == one.len + 2 && bytes_ends_nocase(name, BYTES("ies")) &&
               bytes_equal_nocase(bytes_part(name, 0, one.len - 1), bytes_part(one, 0, one.len - 1));
    struct bytes ending = last == 's' ? BYTES("es") : BYTES("s");
    return name.len == one.len + ending.len && bytes_starts_nocase(name, one) &&
           bytes_ends_nocase(name, ending);
}

static bool is_named(const struct kind *kind, struct bytes name)
{
    return bytes_equal_nocase(bytes_of(kind->name), name) || is_plural(name, kind->name);
}

static bool is_of(const struct kind *kind, struct bytes api)
{
    struct bytes group = {0};
    struct bytes rest = api;
    if (api.len == 0)
        return true;
    if (!bytes_cut(&rest, '/', &group) && bytes_equal(api, BYTES("v1")))
        group = (struct bytes){0};
    return bytes_equal(group, bytes_of(kind->group));
}

const struct kind *kind_meant(struct bytes name, struct bytes api)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (is_named(kinds[i], name) && is_of(kinds[i], api))
            return kinds[i];
    return NULL;
}

const struct kind *kind_namesake(const struct kind *kind)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i] != kind && bytes_equal(bytes_of(kinds[i]->name), bytes_of(kind->name)))
            return kinds[i];
    return NULL;
}

void kind_api(const struct kind *kind, struct text *out)
{
    struct bytes rest = bytes_of(kind->versions);
    struct bytes first = {0};
    bytes_cut(&rest, ' ', &first);
    text_format(out, "%s%s%.*s", kind->group, kind->group[0] ? "/" : "", BYTES_FMT(first));
}

void field_type_words(const struct field *field, struct text *out)
{
    /* In the order of enum field_type. */
    static const char *const names[] = {"string", "boolean", "integer", "number", "duration",
                                        "string", "Object",  "Object",  "any"};
    if (field->flags & FIELD_LIST)
        text_add_s(out, "[]");
    if (field->flags & FIELD_MAP)
        text_add_s(out, "map[string]");
    text_add_s(out, names[field->type]);
}

static void choices_words(const struct field *field, struct text *out)
{
    const char *between = field->flags & FIELD_LIST ? " Each is one of " : " One of ";
    for (size_t i = 0; field->choices && field->choices[i]; i++) {
        if (field->choices[i][0] == '\0')
            continue;
        text_format(out, "%s%s%s", between, field->choices[i],
                    field->choices_not_yet & (1u << (i < 32 ? i : 31)) ? " (not acted on yet)" : "");
        between = ", ";
    }
    if (between[0] == ',')
        text_add_s(out, field->flags & FIELD_NOCASE ? ", in any letter case." : ".");
}

static void bounds_words(const struct field *field, struct text *out)
{
    if (field->type == FIELD_TEXT && field->max > 0 && field->max < INT32_MAX)
        text_format(out, " At most %lld bytes.", (long long)field->max);
    if (field->max <= 0 || field->type == FIELD_TEXT || field->choices)
        return;
    if (field->type == FIELD_DURATION) {
        char low[32];
        char high[32];
        duration_text(field->min, low);
        duration_text(field->max, high);
        text_format(out, " From %s to %s.", low, high);
    } else if (field->max < INT32_MAX) {
        text_format(out, " From %lld to %lld.", (long long)field->min, (long long)field->max);
    } else if (field->min > 0) {
        text_format(out, " At least %lld.", (long long)field->min);
    }
}

static void count_words(const struct field *field, struct text *out)
{
    bool many = field->flags & (FIELD_LIST | FIELD_MAP);
    if (many && field->count_max)
        text_format(out, " At most %u elements.", field->count_max);
    if (many && field->unique)
        text_add_s(out, " No two are the same.");
    if (field->flags & FIELD_FILLED)
        text_add_s(out, " Not empty.");
}

static void sentence(const char *words, struct text *out)
{
    if (!words || !words[0])
        return;
    text_add_c(out, words[0] >= 'a' && words[0] <= 'z' ? (char)(words[0] - 'a' + 'A') : words[0]);
    text_add_s(out, words + 1);
    if (!bytes_ends(bytes_of(words), BYTES(".")))
        text_add_c(out, '.');
}

void field_sentences(const struct field *field, struct text *out)
{
    sentence(field->help, out);
    choices_words(field, out);
    if (field->form)
        text_format(out, " %s %s.", field->flags & (FIELD_LIST | FIELD_MAP) ? "Each is" : "It is",
                    field->form->article);
    bounds_words(field, out);
    count_words(field, out);
    if (field->preset)
        text_format(out, " Without it %s holds.", field->preset[0] ? field->preset : "''");
    if (field->flags & FIELD_DEPRECATED)
        text_add_s(out, " Deprecated.");
    if (field->flags & FIELD_NOT_YET)
        text_add_s(out, " Not acted on yet.");
}
