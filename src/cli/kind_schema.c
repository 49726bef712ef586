#include "cli/kind_schema.h"

#include <stdlib.h>

#include "cli/kind_words.h"
#include "control/settings.h"
#include "rules/document.h"
#include "wire/json.h"
#include "wire/yaml_scalar.h"

#define TABLES_MAX 1024
#define NAME_BYTES 300

#define DURATION_PATTERN "^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\\u00b5s|ms|s|m|h))+)$"

/* Each table becomes one definition, called after where it was met first. */
struct schema {
    json_t *definitions;
    struct {
        const struct field_table *table;
        char name[NAME_BYTES];
    } known[TABLES_MAX];
    size_t count;
};

static json_t *reference(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/definitions/%s", name));
}

static json_t *table_schema(struct schema *schema, const struct field_table *table, const char *name);

static json_t *table_reference(struct schema *schema, const struct field_table *table, const char *above,
                               const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->known[i].table == table)
            return reference(schema->known[i].name);
    if (schema->count == TABLES_MAX)
        return json_object();
    char *own = schema->known[schema->count].name;
    schema->known[schema->count++].table = table;
    snprintf(own, NAME_BYTES, "%s.%s", above, name);
    json_object_set_new(schema->definitions, own, table_schema(schema, table, own));
    return reference(own);
}

static json_t *choices_array(const struct field *field, bool numbers)
{
    json_t *all = json_array();
    for (size_t i = 0; field->choices[i]; i++)
        json_array_append_new(all, numbers ? json_integer(atoi(field->choices[i]))
                                           : json_string(field->choices[i]));
    return all;
}

/* "^([Tt][Cc][Pp]|...)$": a schema has no other way to say "in any letter case". */
static json_t *choices_nocase(const struct field *field)
{
    char pattern[4000];
    struct text text;
    text_init_fixed(&text, pattern, sizeof pattern);
    for (size_t i = 0; field->choices[i]; i++) {
        text_add_s(&text, i == 0 ? "^(" : "|");
        for (const char *c = field->choices[i]; *c; c++) {
            char small = ascii_lower(*c);
            if (ascii_is_alpha(*c))
                text_format(&text, "[%c%c]", small - 'a' + 'A', small);
            else
                text_add_c(&text, *c);
        }
    }
    text_add_s(&text, ")$");
    return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *text_schema(const struct field *field)
{
    json_t *out = json_pack("{s:s}", "type", "string");
    if (field->choices)
        json_object_set_new(out, "enum", choices_array(field, false));
    if (field->form)
        json_object_set_new(out, "pattern", json_string(field->form->pattern));
    if (field->flags & FIELD_FILLED)
        json_object_set_new(out, "minLength", json_integer(1));
    if (field->max > 0)
        json_object_set_new(out, "maxLength", json_integer(field->max));
    return out;
}

static json_t *number_schema(const struct field *field)
{
    bool whole = field->type == FIELD_INT;
    json_t *out = json_pack("{s:s}", "type", whole ? "integer" : "number");
    if (field->choices)
        json_object_set_new(out, "enum", choices_array(field, true));
    if (field->max > 0) {
        json_object_set_new(out, "minimum", json_integer(field->min));
        json_object_set_new(out, "maximum", json_integer(field->max));
    }
    return out;
}

static json_t *match_schema(void)
{
    json_t *properties = json_object();
    static const char *const forms[] = {"exact", "prefix", "regex"};
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(properties, forms[i], json_pack("{s:s}", "type", "string"));
    return json_pack("{s:s,s:o,s:b,s:i}", "type", "object", "properties", properties, "additionalProperties",
                     0, "maxProperties", 1);
}

static json_t *duration_schema(const struct field *field)
{
    return json_pack("{s:s,s:s}", "type", "string", "pattern",
                     field->form ? field->form->pattern : DURATION_PATTERN);
}

/* One value, or one element of a list or map. */
static json_t *value_schema(struct schema *schema, const struct field *field, const char *above)
{
    switch (field->type) {
    case FIELD_TEXT:
        return text_schema(field);
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_INT:
    case FIELD_NUMBER:
        return number_schema(field);
    case FIELD_DURATION:
        return duration_schema(field);
    case FIELD_CHOICE:
        if (field->flags & FIELD_NOCASE)
            return choices_nocase(field);
        return json_pack("{s:o}", "enum", choices_array(field, false));
    case FIELD_MATCH:
        return match_schema();
    case FIELD_GROUP:
        return table_reference(schema, field->group, above, field->name);
    case FIELD_ANY:
        return json_object();
    }
    return json_object();
}

static json_t *many_schema(const struct field *field, json_t *element)
{
    bool map = field->flags & FIELD_MAP;
    json_t *out = json_pack("{s:s,s:o}", "type", map ? "object" : "array",
                            map ? "additionalProperties" : "items", element);
    if (field->count_max)
        json_object_set_new(out, map ? "maxProperties" : "maxItems", json_integer(field->count_max));
    if (field->flags & FIELD_FILLED)
        json_object_set_new(out, map ? "minProperties" : "minItems", json_integer(1));
    if (field->unique && field->unique[0] == '.')
        json_object_set_new(out, "uniqueItems", json_true());
    return out;
}

/* As it would be written: a number, a truth value, or text. */
static json_t *preset_value(const struct field *field)
{
    int64_t number;
    if (field->type == FIELD_BOOL)
        return json_boolean(field->preset[0] == 't');
    if (field->type == FIELD_INT && yaml_scalar_int(bytes_of(field->preset), &number))
        return json_integer(number);
    if (field->type == FIELD_NUMBER)
        return json_real(atof(field->preset));
    return json_string(field->preset);
}

/* Beside a $ref draft 7 sees nothing, so the words stand around it. */
static json_t *with_words(const struct field *field, json_t *value)
{
    char words[2000];
    struct text text;
    if (json_object_get(value, "$ref"))
        value = json_pack("{s:[o]}", "allOf", value);
    text_init_fixed(&text, words, sizeof words);
    field_sentences(field, &text);
    json_object_set_new(value, "description", json_string(words));
    if (field->preset && !(field->flags & (FIELD_LIST | FIELD_MAP)))
        json_object_set_new(value, "default", preset_value(field));
    if (field->flags & FIELD_DEPRECATED)
        json_object_set_new(value, "deprecated", json_true());
    return value;
}

static json_t *field_schema(struct schema *schema, const struct field *field, const char *above)
{
    json_t *value = value_schema(schema, field, above);
    if (field->flags & (FIELD_LIST | FIELD_MAP))
        value = many_schema(field, value);
    return with_words(field, value);
}

/* Of the fields that exclude each other no two. */
static json_t *exclusions(const struct field_table *table)
{
    json_t *all = json_array();
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < i; k++)
            if (table->fields[i].oneof && table->fields[i].oneof == table->fields[k].oneof)
                json_array_append_new(all, json_pack("{s:{s:[s,s]}}", "not", "required",
                                                     table->fields[k].name, table->fields[i].name));
    return all;
}

static json_t *table_schema(struct schema *schema, const struct field_table *table, const char *name)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    json_t *excluded = exclusions(table);
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        json_object_set_new(properties, field->name, field_schema(schema, field, name));
        if (field->flags & FIELD_REQUIRED)
            json_array_append_new(required, json_string(field->name));
    }
    json_t *out =
        json_pack("{s:s,s:o,s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
    if (json_array_size(required) > 0)
        json_object_set(out, "required", required);
    if (json_array_size(excluded) > 0)
        json_object_set(out, "allOf", excluded);
    json_decref(required);
    json_decref(excluded);
    return out;
}

static json_t *api_versions(const struct kind *kind)
{
    json_t *all = json_array();
    struct bytes rest = bytes_of(kind->versions);
    struct bytes version = {0};
    for (bool more = true; more;) {
        more = bytes_cut(&rest, ' ', &version);
        json_array_append_new(
            all, json_sprintf("%s%s%.*s", kind->group, kind->group[0] ? "/" : "", BYTES_FMT(version)));
    }
    return all;
}

/* Does it say anything that must be written? Then a resource without it is none. */
static bool is_needed(const struct field_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->fields[i].flags & FIELD_REQUIRED)
            return true;
    return false;
}

static json_t *kind_schema(struct schema *schema, const struct kind *kind, const char *name)
{
    json_t *out = NULL;
    json_t *properties = NULL;
    if (kind->at_top) {
        out = table_schema(schema, kind->table, name);
        properties = json_object_get(out, "properties");
        json_object_set_new(out, "required", json_pack("[s,s,s]", "apiVersion", "kind", "metadata"));
    } else {
        properties = json_object();
        out = json_pack("{s:s,s:o,s:b,s:[s,s,s]}", "type", "object", "properties", properties,
                        "additionalProperties", 0, "required", "apiVersion", "kind", "metadata");
        json_object_set_new(properties, "spec", table_reference(schema, kind->table, name, "spec"));
        json_object_set_new(properties, "status", json_object());
        if (kind->plain || is_needed(kind->table))
            json_array_append_new(json_object_get(out, "required"), json_string("spec"));
    }
    json_object_set_new(properties, "apiVersion", json_pack("{s:o}", "enum", api_versions(kind)));
    json_object_set_new(properties, "kind", json_pack("{s:s}", "const", kind->name));
    if (kind->unnamed)
        json_array_remove(json_object_get(out, "required"), 2);
    json_object_set_new(properties, "metadata",
                        kind->unnamed ? json_object()
                                      : table_reference(schema, &metadata_table, "meta", "ObjectMeta"));
    json_object_set_new(out, "description", json_string(kind->help));
    return out;
}

static void kind_name(const struct kind *kind, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "%s.%s", kind->group[0] ? kind->group : "core", kind->name);
}

static void kind_define(struct schema *schema, const struct kind *kind)
{
    char name[NAME_BYTES];
    kind_name(kind, name);
    json_object_set_new(schema->definitions, name, kind_schema(schema, kind, name));
}

/* What says that it is of this kind, in whatever version, has to be a whole one. */
static json_t *kind_condition(const struct kind *kind)
{
    char name[NAME_BYTES];
    json_t *group = kind->group[0] ? json_sprintf("^%s/", kind->group) : json_string("^[^/]*$");
    kind_name(kind, name);
    return json_pack("{s:{s:{s:{s:s},s:{s:s,s:o}},s:[s,s]},s:o}", "if", "properties", "kind", "const",
                     kind->name, "apiVersion", "type", "string", "pattern", group, "required", "kind",
                     "apiVersion", "then", reference(name));
}

static json_t *all_kinds(struct schema *schema)
{
    json_t *conditions = json_array();
    for (size_t i = 0; i < KIND_COUNT; i++) {
        kind_define(schema, kinds[i]);
        json_array_append_new(conditions, kind_condition(kinds[i]));
    }
    return json_pack("{s:s,s:[s,s],s:o}", "type", "object", "required", "apiVersion", "kind", "allOf",
                     conditions);
}

static json_t *one_kind(struct schema *schema, const struct kind *kind)
{
    char name[NAME_BYTES];
    kind_define(schema, kind);
    kind_name(kind, name);
    return json_pack("{s:[o]}", "allOf", reference(name));
}

static json_t *root_of(struct schema *schema, struct bytes name, struct bytes api)
{
    const struct kind *kind = kind_meant(name, api);
    if (name.len == 0)
        return all_kinds(schema);
    if (bytes_equal(name, BYTES(SETTINGS)))
        return table_schema(schema, &settings_table, SETTINGS);
    return kind ? one_kind(schema, kind) : NULL;
}

bool kind_schema_write(struct bytes name, struct bytes api, struct text *out)
{
    struct schema *schema = calloc(1, sizeof *schema);
    if (!schema)
        return false;
    schema->definitions = json_object();
    json_t *root = root_of(schema, name, api);
    if (root) {
        json_object_set_new(root, "$schema", json_string("http://json-schema.org/draft-07/schema#"));
        json_object_set(root, "definitions", schema->definitions);
        char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
        text_add_s(out, text ? text : "");
        text_add_c(out, '\n');
        free(text);
    }
    json_decref(root);
    json_decref(schema->definitions);
    free(schema);
    return root != NULL;
}
