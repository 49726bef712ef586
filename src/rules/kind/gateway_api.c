#include "rules/kind/gateway_api.h"

#include "rules/duration.h"

const char *const gateway_scopes[] = {"All", "None", NULL};

const struct yaml_node *member(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = yaml_get(map, name);
    return node && node->kind != YAML_NULL ? node : NULL;
}

struct bytes member_text(const struct yaml_node *map, const char *name, const char *preset)
{
    const struct yaml_node *node = member(map, name);
    return node && yaml_is_scalar(node) ? node->text : bytes_of(preset);
}

bool member_is(const struct yaml_node *map, const char *name, const char *preset, const char *value)
{
    return bytes_equal(member_text(map, name, preset), bytes_of(value));
}

size_t member_count(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = member(map, name);
    return node ? node->count : 0;
}

#define REF_GROUP .form = &form_group, .max = NAME_MAX_BYTES, .help = "the API group, '' for the core"
#define REF_KIND .form = &form_kind, .max = LABEL_MAX_BYTES, .help = "the kind"
#define REF_NAME                                                                                             \
    {                                                                                                        \
        "name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the name"         \
    }
#define REF_NAMESPACE                                                                                        \
    {                                                                                                        \
        "namespace", FIELD_TEXT, 0,                                                                          \
            .form = &form_dns_label, .max = LABEL_MAX_BYTES,                                                 \
            .help = "the namespace, when it is another; a ReferenceGrant there has to allow it"              \
    }
#define REF_PORT                                                                                             \
    {                                                                                                        \
        "port", FIELD_INT, 0, .min = 1, .max = PORT_MAX, .help = "the port"                                  \
    }

static const struct field gateway_object_ref_fields[] = {
    {"group", FIELD_TEXT, FIELD_REQUIRED, REF_GROUP},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, REF_KIND},
    REF_NAME,
};
FIELD_TABLE(gateway_object_ref, struct group);

static const struct field gateway_far_ref_fields[] = {
    {"group", FIELD_TEXT, FIELD_REQUIRED, REF_GROUP},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, REF_KIND},
    REF_NAME,
    REF_NAMESPACE,
};
FIELD_TABLE(gateway_far_ref, struct group);

static const struct field gateway_secret_ref_fields[] = {
    {"group", FIELD_TEXT, 0, .preset = "", REF_GROUP},
    {"kind", FIELD_TEXT, FIELD_FILLED, .preset = "Secret", REF_KIND},
    REF_NAME,
    REF_NAMESPACE,
};
FIELD_TABLE(gateway_secret_ref, struct group);

static const struct field gateway_parent_ref_fields[] = {
    {"group", FIELD_TEXT, 0, .preset = GATEWAY_API, REF_GROUP},
    {"kind", FIELD_TEXT, FIELD_FILLED, .preset = "Gateway", REF_KIND},
    REF_NAME,
    REF_NAMESPACE,
    REF_PORT,
    {"sectionName", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "the one listener, or port of a Service, by name"},
};
FIELD_TABLE(gateway_parent_ref, struct group);

static void check_service_ref(const struct group *group, struct report *report)
{
    if (member_is(group->node, "group", "", "") && member_is(group->node, "kind", "Service", "Service") &&
        !member(group->node, "port"))
        report_error(report, group->node, "port is missing, which a Service needs");
}

#define SERVICE_REF                                                                                          \
    {"group", FIELD_TEXT, 0, .preset = "", REF_GROUP},                                                       \
        {"kind", FIELD_TEXT, FIELD_FILLED, .preset = "Service", REF_KIND}, REF_NAME, REF_NAMESPACE, REF_PORT

static const struct field gateway_service_ref_fields[] = {SERVICE_REF};
FIELD_TABLE_CHECKED(gateway_service_ref, struct group, check_service_ref);

static const struct field gateway_weighted_ref_fields[] = {
    SERVICE_REF,
    {"weight", FIELD_INT, 0, .max = 1000000, .preset = "1", .help = "its share among all that are named"},
};
FIELD_TABLE_CHECKED(gateway_weighted_ref, struct group, check_service_ref);

static const char *const match_types[] = {"Exact", "RegularExpression", NULL};
#define MATCH_TYPE                                                                                           \
    {                                                                                                        \
        "type", FIELD_TEXT, 0, .choices = match_types, .preset = "Exact", .help = "how it is compared"       \
    }
#define HEADER_NAME                                                                                          \
    {                                                                                                        \
        "name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_header_name, .max = 256,            \
                                                           .help = "the name, in any letter case"            \
    }
#define HEADER_VALUE                                                                                         \
    {                                                                                                        \
        "value", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_header_value, .max = 4096,         \
                                                            .help = "the value"                              \
    }

static const struct field gateway_header_match_fields[] = {MATCH_TYPE, HEADER_NAME, HEADER_VALUE};
FIELD_TABLE(gateway_header_match, struct group);

static const struct field gateway_query_match_fields[] = {
    MATCH_TYPE,
    HEADER_NAME,
    {"value", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = 1024, .help = "the value"},
};
FIELD_TABLE(gateway_query_match, struct group);

static const struct field header_fields[] = {HEADER_NAME, HEADER_VALUE};
static FIELD_TABLE(header, struct group);

static const struct field gateway_header_change_fields[] = {
    {"set", FIELD_GROUP, FIELD_LIST, 0, &header_table, .count_max = 16, .unique = "name",
     .help = "headers that get this value alone"},
    {"add", FIELD_GROUP, FIELD_LIST, 0, &header_table, .count_max = 16, .unique = "name",
     .help = "headers that get this value beside what they have"},
    {"remove", FIELD_TEXT, FIELD_LIST, .count_max = 16, .unique = ".", .help = "headers to leave out"},
};
FIELD_TABLE(gateway_header_change, struct group);

static void check_fraction(const struct group *group, struct report *report)
{
    const struct yaml_node *of = member(group->node, "denominator");
    const struct yaml_node *part = member(group->node, "numerator");
    double whole = of ? of->real : 100;
    if (part && part->real > whole)
        report_error(report, part, "%.0f is more than the denominator, %.0f", part->real, whole);
}

static const struct field fraction_fields[] = {
    {"numerator", FIELD_INT, FIELD_REQUIRED, .max = INT32_MAX, .help = "so many"},
    {"denominator", FIELD_INT, 0, .min = 1, .max = INT32_MAX, .preset = "100", .help = "of so many"},
};
static FIELD_TABLE_CHECKED(fraction, struct group, check_fraction);

static const struct field gateway_mirror_fields[] = {
    {"backendRef", FIELD_GROUP, FIELD_REQUIRED, 0, &gateway_service_ref_table, .help = "who gets the copies"},
    {"percent", FIELD_INT, 0, .max = 100, .oneof = 1, .help = "of a hundred requests so many"},
    {"fraction", FIELD_GROUP, 0, 0, &fraction_table, .oneof = 1, .help = "or: a finer share"},
};
FIELD_TABLE(gateway_mirror, struct group);

static const char *const session_types[] = {"Cookie", "Header", NULL};
static const char *const lifetimes[] = {"Permanent", "Session", NULL};

static const struct field session_cookie_fields[] = {
    {"name", FIELD_TEXT, FIELD_FILLED, .form = &form_header_name, .max = 256, .help = "the cookie's name"},
    {"path", FIELD_TEXT, 0, .max = 1024, .preset = "/", .help = "the path that it is sent for"},
    {"lifetimeType", FIELD_TEXT, 0, .choices = lifetimes, .preset = "Session",
     .help = "whether it outlives the browser"},
};
static FIELD_TABLE(session_cookie, struct group);

static const struct field session_header_fields[] = {HEADER_NAME};
static FIELD_TABLE(session_header, struct group);

static void check_persistence(const struct group *group, struct report *report)
{
    static const struct {
        const char *type;
        const char *member;
    } rows[] = {{"Cookie", "cookie"}, {"Header", "header"}};
    const struct yaml_node *cookie = member(group->node, "cookie");
    for (size_t i = 0; i < 2; i++) {
        const struct yaml_node *own = member(group->node, rows[i].member);
        bool named = member_is(group->node, "type", "Cookie", rows[i].type);
        if (own && !named)
            report_error(report, own, "goes with type %s only", rows[i].type);
        if (!own && named)
            report_error(report, group->node, "%s is missing, which type %s needs", rows[i].member,
                         rows[i].type);
    }
    if (member_is(cookie, "lifetimeType", "Session", "Permanent") && !member(group->node, "absoluteTimeout"))
        report_error(report, cookie, "lifetimeType Permanent needs an absoluteTimeout");
}

static const struct field gateway_persistence_fields[] = {
    {"type", FIELD_TEXT, 0, .choices = session_types, .preset = "Cookie", .help = "what carries the session"},
    {"absoluteTimeout", FIELD_DURATION, 0, .form = &form_short_duration,
     .help = "when a session ends, however busy it is"},
    {"cookie", FIELD_GROUP, 0, 0, &session_cookie_table, .help = "of type Cookie: which"},
    {"header", FIELD_GROUP, 0, 0, &session_header_table, .help = "of type Header: which"},
};
FIELD_TABLE_CHECKED(gateway_persistence, struct group, check_persistence);

static const struct field expression_fields[] = {
    {"key", FIELD_TEXT, FIELD_REQUIRED, .help = "a label's name"},
    {"operator", FIELD_TEXT, FIELD_REQUIRED, .help = "In, NotIn, Exists or DoesNotExist"},
    {"values", FIELD_TEXT, FIELD_LIST, .help = "of In and NotIn: the values"},
};
static FIELD_TABLE(expression, struct group);

static const struct field gateway_label_selector_fields[] = {
    {"matchLabels", FIELD_TEXT, FIELD_MAP, .help = "labels that it must have"},
    {"matchExpressions", FIELD_GROUP, FIELD_LIST, 0, &expression_table, .help = "what must hold of labels"},
};
FIELD_TABLE(gateway_label_selector, struct group);

static bool agree(const struct yaml_node *a, const struct yaml_node *b, const char *name)
{
    return bytes_equal(member_text(a, name, ""), member_text(b, name, ""));
}

static bool all_agree(const struct yaml_node *a, const struct yaml_node *b, const char *const *names)
{
    for (; *names; names++)
        if (!agree(a, b, *names))
            return false;
    return true;
}

/* Either both say it or neither does. */
static bool all_say(const struct yaml_node *a, const struct yaml_node *b, const char *const *names)
{
    for (; *names; names++)
        if (!member(a, *names) != !member(b, *names))
            return false;
    return true;
}

void check_references(const struct yaml_node *list, const char *const *same, const char *const *tells,
                      struct report *report)
{
    const char *also = tells[1] ? " or port" : "";
    for (const struct yaml_node *a = list ? list->first : NULL; a; a = a->next) {
        for (const struct yaml_node *b = list->first; b != a; b = b->next) {
            if (!all_agree(a, b, same))
                continue;
            if (!all_say(a, b, tells))
                report_error(report, a, "names what element %zu names: then both say %s%s or neither does",
                             b->index, tells[0], also);
            else if (all_agree(a, b, tells))
                report_error(report, a, "names what element %zu names, and no other %s%s of it", b->index,
                             tells[0], also);
        }
    }
}

void check_parents(const struct group *group, struct report *report)
{
    static const char *const same[] = {"group", "kind", "namespace", "name", NULL};
    static const char *const tells[] = {"sectionName", "port", NULL};
    check_references(member(group->node, "parentRefs"), same, tells, report);
}

void check_rule_names(const struct group *group, struct report *report)
{
    const struct yaml_node *rules = member(group->node, "rules");
    for (const struct yaml_node *a = rules ? rules->first : NULL; a; a = a->next)
        for (const struct yaml_node *b = rules->first; member(a, "name") && b != a; b = b->next)
            if (member(b, "name") && agree(a, b, "name"))
                report_error(report, member(a, "name"), "'%.*s' is the name of another rule",
                             BYTES_FMT(member_text(a, "name", "")));
}
