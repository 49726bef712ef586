#include "rules/field.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "rules/duration.h"
#include "rules/nearest.h"
#include "wire/yaml_scalar.h"

/* A list as its struct has it, whatever the element is; a map has the keys behind. */
struct many {
    void *at;
    size_t count;
    struct bytes *keys;
};

/* What was written, for messages: short, printable, and never a secret. */
struct shown {
    char text[100];
};

static struct shown shown_of(const struct field *field, const struct yaml_node *node)
{
    struct shown shown = {0};
    struct text text;
    text_init_fixed(&text, shown.text, sizeof(shown.text));
    if (field->flags & FIELD_SECRET) {
        text_add_s(&text, "the value");
    } else if (!yaml_is_scalar(node)) {
        text_add_s(&text, "the value");
    } else {
        text_add_c(&text, '\'');
        text_add_shown(&text, node->text, 80);
        text_add_c(&text, '\'');
    }
    return shown;
}

static bool wrong_type(const struct field *field, const struct yaml_node *node, const char *right,
                       struct report *report)
{
    struct shown shown = shown_of(field, node);
    report_error(report, node, "%s is %s where %s belongs", shown.text, yaml_kind_name(node->kind), right);
    return false;
}

static void choices_list(const struct field *field, struct text *out)
{
    for (size_t i = 0; field->choices[i]; i++) {
        if (field->choices[i][0] == '\0')
            continue;
        if (out->len > 0)
            text_add_s(out, ", ");
        text_add_s(out, field->choices[i]);
    }
}

static bool no_choice(const struct field *field, const struct yaml_node *node, struct report *report)
{
    struct shown shown = shown_of(field, node);
    struct text list;
    text_init_arena(&list, report->findings->arena);
    choices_list(field, &list);
    report_error(report, node, "%s is none of %.*s", shown.text, BYTES_FMT(text_bytes(&list)));
    return false;
}

static bool is_choice(const struct field *field, struct bytes text)
{
    for (size_t i = 0; field->choices[i]; i++)
        if (bytes_equal(text, bytes_of(field->choices[i])))
            return true;
    return false;
}

static bool has_form(const struct field *field, const struct yaml_node *node, struct report *report)
{
    if (!field->form || form_fits(field->form, node->text))
        return true;
    struct shown shown = shown_of(field, node);
    report_error(report, node, "%s is not %s", shown.text, field->form->article);
    return false;
}

static bool read_text(const struct field *field, const struct yaml_node *node, void *out,
                      struct report *report)
{
    struct bytes *text = out;
    if (node->kind != YAML_TEXT) {
        if (!yaml_is_scalar(node))
            return wrong_type(field, node, "text", report);
        struct shown shown = shown_of(field, node);
        report_error(report, node, "%s is %s where text belongs; write it in quotes", shown.text,
                     yaml_kind_name(node->kind));
        return false;
    }
    if ((field->flags & FIELD_FILLED) && node->text.len == 0) {
        report_error(report, node, "must not be empty");
        return false;
    }
    if (field->max > 0 && node->text.len > (size_t)field->max) {
        report_error(report, node, "has %zu bytes, more than %lld", node->text.len, (long long)field->max);
        return false;
    }
    if (field->choices && !is_choice(field, node->text))
        return no_choice(field, node, report);
    if (!has_form(field, node, report))
        return false;
    *text = node->text;
    return true;
}

static bool read_bool(const struct field *field, const struct yaml_node *node, void *out,
                      struct report *report)
{
    if (node->kind != YAML_BOOL)
        return wrong_type(field, node, "true or false", report);
    *(bool *)out = node->truth;
    return true;
}

/* Protobuf's JSON takes whole numbers also as text and as 80.0. */
static bool int_of(const struct yaml_node *node, bool plain, int64_t *out)
{
    if (node->kind == YAML_TEXT)
        return !plain && node->text.len < 20 && yaml_scalar_int(node->text, out);
    if (node->kind == YAML_FLOAT && fabs(node->real) <= 1e15 && node->real == floor(node->real)) {
        *out = (int64_t)node->real;
        return true;
    }
    *out = node->number;
    return node->kind == YAML_INT;
}

static bool read_int(const struct field *field, const struct yaml_node *node, void *out,
                     struct report *report)
{
    int64_t number = 0;
    int64_t min = field->max > 0 ? field->min : INT32_MIN;
    int64_t max = field->max > 0 ? field->max : UINT32_MAX;
    if (!int_of(node, report->plain && node->parent, &number))
        return wrong_type(field, node, "a whole number", report);
    if (number < min || number > max) {
        report_error(report, node, "%lld is not between %lld and %lld", (long long)number, (long long)min,
                     (long long)max);
        return false;
    }
    if (field->choices && !is_choice(field, node->text))
        return no_choice(field, node, report);
    *(int64_t *)out = number;
    return true;
}

static bool read_number(const struct field *field, const struct yaml_node *node, void *out,
                        struct report *report)
{
    if ((node->kind != YAML_INT && node->kind != YAML_FLOAT) || !isfinite(node->real))
        return wrong_type(field, node, "a number", report);
    if (field->max > 0 && (node->real < (double)field->min || node->real > (double)field->max)) {
        report_error(report, node, "%g is not between %lld and %lld", node->real, (long long)field->min,
                     (long long)field->max);
        return false;
    }
    *(double *)out = node->real;
    return true;
}

static bool read_duration(const struct field *field, const struct yaml_node *node, void *out,
                          struct report *report)
{
    int64_t ms = 0;
    if (node->kind != YAML_TEXT || !duration_read(node->text, &ms)) {
        struct shown shown = shown_of(field, node);
        report_error(report, node, "%s is no duration such as 1.5s, 300ms or 1h", shown.text);
        return false;
    }
    if (!has_form(field, node, report))
        return false;
    if (ms < field->min || (field->max > 0 && ms > field->max)) {
        struct shown shown = shown_of(field, node);
        char low[32];
        char high[32];
        duration_text(field->min, low);
        duration_text(field->max, high);
        if (field->max > 0)
            report_error(report, node, "%s is not between %s and %s", shown.text, low, high);
        else
            report_error(report, node, "%s is shorter than %s", shown.text, low);
        return false;
    }
    if (!duration_is_whole(node->text)) {
        struct shown shown = shown_of(field, node);
        report_error(report, node, "%s is finer than a millisecond", shown.text);
        return false;
    }
    *(int64_t *)out = ms;
    return true;
}

static int choice_of(const struct field *field, const struct yaml_node *node, bool plain)
{
    for (int i = 0; field->choices[i]; i++) {
        struct bytes choice = bytes_of(field->choices[i]);
        if (!plain && node->kind == YAML_INT && node->number == i)
            return i;
        if (node->kind != YAML_TEXT)
            continue;
        if (bytes_equal(node->text, choice) ||
            ((field->flags & FIELD_NOCASE) && bytes_equal_nocase(node->text, choice)))
            return i;
    }
    return -1;
}

static bool read_choice(const struct field *field, const struct yaml_node *node, void *out,
                        struct report *report)
{
    int choice = choice_of(field, node, report->plain);
    if (choice < 0)
        return no_choice(field, node, report);
    if (field->choices_not_yet & (1u << choice)) {
        struct shown shown = shown_of(field, node);
        report_not_yet(report, node, shown.text);
    }
    *(int *)out = choice;
    return true;
}

static bool read_match(const struct field *field, const struct yaml_node *node, void *out,
                       struct report *report)
{
    static const char *const forms[] = {"", "exact", "prefix", "regex"};
    struct string_match *match = out;
    struct string_match found = {.how = MATCH_ANY};
    if (node->kind != YAML_MAP)
        return wrong_type(field, node, "a map with one of exact, prefix, regex", report);
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        size_t how = 0;
        for (size_t i = MATCH_EXACT; i <= MATCH_REGEX; i++) {
            if (bytes_equal(n->key, bytes_of(forms[i])))
                how = i;
        }
        if (n->kind == YAML_NULL)
            continue;
        if (how == 0 || found.how != MATCH_ANY) {
            report_error(report, n, "here belongs one of exact, prefix, regex");
            return false;
        }
        if (!read_text(field, n, &found.value, report))
            return false;
        found.how = (enum match_how)how;
    }
    *match = found;
    return true;
}

static void read_into(const struct field_table *table, const struct yaml_node *node, void *out,
                      struct report *report);

static bool read_group(const struct field *field, const struct yaml_node *node, void *out,
                       struct report *report)
{
    if (node->kind != YAML_MAP)
        return wrong_type(field, node, "a map", report);
    if (field->flags & (FIELD_LIST | FIELD_MAP))
        read_into(field->group, node, out, report);
    else
        *(void **)out = field_read(field->group, node, report);
    return true;
}

static bool read_any(const struct field *field, const struct yaml_node *node, void *out,
                     struct report *report)
{
    (void)field;
    (void)report;
    *(const struct yaml_node **)out = node;
    return true;
}

/* In the order of enum field_type. */
static const struct {
    bool (*read)(const struct field *field, const struct yaml_node *node, void *out, struct report *report);
    size_t size;
} types[] = {
    {read_text, sizeof(struct bytes)},
    {read_bool, sizeof(bool)},
    {read_int, sizeof(int64_t)},
    {read_number, sizeof(double)},
    {read_duration, sizeof(int64_t)},
    {read_choice, sizeof(int)},
    {read_match, sizeof(struct string_match)},
    {read_group, sizeof(void *)},
    {read_any, sizeof(void *)},
};

static size_t element_size(const struct field *field)
{
    return field->type == FIELD_GROUP ? field->group->size : types[field->type].size;
}

static void read_elements(const struct field *field, const struct yaml_node *node, struct many *many,
                          struct report *report)
{
    size_t size = element_size(field);
    char *at = arena_alloc_array(report->findings->arena, node->count, size);
    size_t index = 0;
    for (const struct yaml_node *n = node->first; n; n = n->next, index++) {
        if (many->keys)
            many->keys[index] = n->key;
        if (n->kind == YAML_NULL && (field->flags & FIELD_NULLS))
            report_own_rule(report, n, "must not be empty");
        else if (n->kind == YAML_NULL)
            report_error(report, n, "must not be empty");
        else
            types[field->type].read(field, n, at + index * size, report);
    }
    many->at = at;
    many->count = node->count;
}

/* The members that make an element what it is, one after the other; scalars stand for themselves. */
static struct bytes identity_of(const struct field *field, const struct yaml_node *node, struct arena *arena)
{
    struct text text;
    struct bytes rest = bytes_of(field->unique);
    struct bytes name = {0};
    if (node->kind != YAML_MAP)
        return yaml_is_scalar(node) ? node->text : (struct bytes){0};
    text_init_arena(&text, arena);
    for (bool more = true; more;) {
        more = bytes_cut(&rest, ' ', &name);
        for (const struct yaml_node *n = node->first; n; n = n->next)
            if (bytes_equal(n->key, name) && yaml_is_scalar(n))
                text_add(&text, n->text);
        if (more)
            text_add_c(&text, ' ');
    }
    return text_bytes(&text);
}

static void check_unique(const struct field *field, const struct yaml_node *list, struct report *report)
{
    struct map seen;
    map_init(&seen);
    for (struct yaml_node *n = list->first; n; n = n->next) {
        struct bytes identity = identity_of(field, n, report->findings->arena);
        if (map_put(&seen, identity, n)) {
            char shown[100];
            struct text text;
            text_init_fixed(&text, shown, sizeof(shown));
            text_add_shown(&text, identity, 80);
            report_error(report, n, "'%s' stands in the list twice", shown);
        }
    }
    map_done(&seen);
}

static void read_many(const struct field *field, const struct yaml_node *node, void *out,
                      struct report *report)
{
    bool map = field->flags & FIELD_MAP;
    size_t max = field->count_max ? field->count_max : FIELD_COUNT_MAX;
    struct many many = {0};
    if (node->kind != (map ? YAML_MAP : YAML_LIST)) {
        wrong_type(field, node, map ? "a map" : "a list", report);
        return;
    }
    if (node->count > max) {
        report_error(report, node, "has %zu elements, more than %zu", node->count, max);
        return;
    }
    if (map)
        many.keys = arena_array(report->findings->arena, struct bytes, node->count);
    read_elements(field, node, &many, report);
    if (field->unique)
        check_unique(field, node, report);
    memcpy(out, &many, map ? sizeof(many) : offsetof(struct many, keys));
}

static void read_value(const struct field *field, const struct yaml_node *node, void *out,
                       struct report *report)
{
    if (field->flags & (FIELD_LIST | FIELD_MAP))
        read_many(field, node, out, report);
    else
        types[field->type].read(field, node, out, report);
}

static void say_flags(const struct field *field, const struct yaml_node *node, struct report *report)
{
    bool strict = report->strict;
    report->strict = strict || (field->flags & FIELD_GUARD);
    if (field->flags & FIELD_DEPRECATED)
        report_add(report, FINDING_WARNING, FINDING_DEPRECATED, node, "%s is deprecated%s%s", field->name,
                   field->help ? ": " : "", field->help ? field->help : "");
    if (field->flags & FIELD_NOT_YET)
        report_not_yet(report, node, field->name);
    report->strict = strict;
}

static bool is_kept(const struct field *field)
{
    return field->offset > 0;
}

static void read_field(const struct field *field, const struct yaml_node *node, char *out,
                       struct report *report)
{
    union {
        struct many many;
        struct string_match match;
        struct bytes text;
        double number;
    } scratch;
    memset(&scratch, 0, sizeof(scratch));
    say_flags(field, node, report);
    read_value(field, node, is_kept(field) ? (void *)(out + field->offset) : (void *)&scratch, report);
}

static void say_unknown(const struct field_table *table, const struct yaml_node *node, struct report *report)
{
    struct nearest nearest;
    char shown[100];
    struct text text;
    nearest_init(&nearest, node->key);
    for (size_t i = 0; i < table->count; i++)
        nearest_try(&nearest, table->fields[i].name);
    text_init_fixed(&text, shown, sizeof(shown));
    text_add_shown(&text, node->key, 80);
    /* In a policy a field that is not understood could mean the opposite of what was meant. */
    report_add(report, report->strict ? FINDING_ERROR : FINDING_WARNING, FINDING_UNKNOWN_FIELD, node,
               "no field is called '%s' here%s%s%s", shown, nearest.name ? "; did you mean " : "",
               nearest.name ? nearest.name : "", nearest.name ? "?" : "");
}

static void read_written(const struct field_table *table, const struct yaml_node *node, char *out,
                         struct report *report)
{
    struct group *group = (struct group *)(void *)out;
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        const struct field *field = field_find(table, n->key);
        if (!field) {
            say_unknown(table, n, report);
        } else if (n->kind != YAML_NULL) {
            group->set |= UINT64_C(1) << (size_t)(field - table->fields);
            read_field(field, n, out, report);
        }
    }
}

static void apply_preset(const struct field *field, char *out, struct report *report)
{
    struct yaml_node node = {.kind = YAML_TEXT, .text = bytes_of(field->preset)};
    if (is_kept(field))
        read_value(field, &node, out + field->offset, report);
}

static void check_required(const struct field_table *table, const struct group *group, struct report *report)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        bool set = group->set & (UINT64_C(1) << i);
        if (set && (field->flags & FIELD_FILLED) && (field->flags & (FIELD_LIST | FIELD_MAP))) {
            const struct yaml_node *node = yaml_get(group->node, field->name);
            /* Istio reads an empty list of a policy as none at all, which can mean everything. */
            if (node && node->count == 0 && field->type == FIELD_TEXT && report->strict)
                report_own_rule(report, node, "must not be empty");
            else if (node && node->count == 0)
                report_error(report, node, "must not be empty");
        }
        if (!set && (field->flags & FIELD_REQUIRED))
            report_error(report, group->node, "%s is missing", field->name);
    }
}

static void check_oneof(const struct field_table *table, const struct group *group, struct report *report)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!table->fields[i].oneof || !(group->set & (UINT64_C(1) << i)))
            continue;
        for (size_t k = 0; k < i; k++) {
            if (table->fields[k].oneof == table->fields[i].oneof && (group->set & (UINT64_C(1) << k)))
                report_error(report, yaml_get(group->node, table->fields[i].name),
                             "%s and %s exclude each other", table->fields[k].name, table->fields[i].name);
        }
    }
}

static void read_into(const struct field_table *table, const struct yaml_node *node, void *out,
                      struct report *report)
{
    struct group *group = out;
    size_t errors = report->findings->errors, ours = report->findings->ours;
    group->node = node;
    if (node && node->kind == YAML_MAP)
        read_written(table, node, out, report);
    for (size_t i = 0; i < table->count; i++) {
        if (table->fields[i].preset && !(group->set & (UINT64_C(1) << i)))
            apply_preset(&table->fields[i], out, report);
    }
    check_required(table, group, report);
    check_oneof(table, group, report);
    if (table->check && node && report->findings->errors - report->findings->ours == errors - ours)
        table->check(group, report);
}

void *field_read(const struct field_table *table, const struct yaml_node *node, struct report *report)
{
    void *out = arena_alloc(report->findings->arena, table->size);
    if (node && node->kind != YAML_MAP && node->kind != YAML_NULL)
        report_error(report, node, "is %s where a map belongs", yaml_kind_name(node->kind));
    read_into(table, node, out, report);
    return out;
}

const struct field *field_find(const struct field_table *table, struct bytes name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (bytes_equal(bytes_of(table->fields[i].name), name))
            return &table->fields[i];
    }
    return NULL;
}

bool group_has(const struct group *group, const char *name)
{
    const struct yaml_node *node = yaml_get(group->node, name);
    return node && node->kind != YAML_NULL;
}

const struct yaml_node *group_node(const struct group *group, const char *name)
{
    const struct yaml_node *node = yaml_get(group->node, name);
    return node ? node : group->node;
}
