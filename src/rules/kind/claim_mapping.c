#include "rules/kind/claim_mapping.h"

static const struct field claim_pass_fields[] = {
    {"prefix", FIELD_TEXT, 0, offsetof(struct claim_pass, prefix), .max = 256,
     .help = "put in front of each value"},
    {"allow", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_pass, allow),
     .max = 256, .help = "the values let through"},
};
static FIELD_TABLE(claim_pass, struct claim_pass);

static const struct field claim_rule_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_rule, name), .max = 253,
     .help = "a name, for logs and audit; unique in the list"},
    {"issuer", FIELD_TEXT, FIELD_FILLED, offsetof(struct claim_rule, issuer), .max = 2048,
     .help = "only tokens of this issuer"},
    {"claim", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_rule, claim), .max = 1024,
     .help = "the claim looked at: a.b or [a][b] for one inside another"},
    {"exact", FIELD_TEXT, FIELD_FILLED, offsetof(struct claim_rule, exact), .max = 1024, .oneof = 1,
     .help = "a value is this"},
    {"prefix", FIELD_TEXT, FIELD_FILLED, offsetof(struct claim_rule, prefix), .max = 1024, .oneof = 1,
     .help = "a value begins with this"},
    {"suffix", FIELD_TEXT, FIELD_FILLED, offsetof(struct claim_rule, suffix), .max = 1024, .oneof = 1,
     .help = "a value ends with this"},
    {"in", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct claim_rule, in), .max = 1024, .oneof = 1,
     .help = "a value is one of these"},
    {"passThrough", FIELD_GROUP, 0, offsetof(struct claim_rule, pass_through), &claim_pass_table, .oneof = 1,
     .help = "the values themselves become groups"},
    {"groups", FIELD_TEXT, FIELD_LIST | FIELD_FILLED, offsetof(struct claim_rule, groups), .max = 256,
     .help = "the groups given when a value fits"},
};
static FIELD_TABLE(claim_rule, struct claim_rule);

static const struct field claim_mapping_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct claim_mapping, selector), &selector_table,
     .help = "the nodes meant; all of the namespace when absent"},
    {"claim", FIELD_TEXT, FIELD_FILLED, offsetof(struct claim_mapping, claim), .max = 256, .preset = "groups",
     .help = "the claim that the groups become"},
    {"rules", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct claim_mapping, rules),
     &claim_rule_table, .count_max = 1024, .help = "tried in order; all that fit add their groups"},
};
static FIELD_TABLE(claim_mapping, struct claim_mapping);

#define CLAIM_DEPTH_MAX 8

static bool take_step(struct bytes *rest, struct bytes *step)
{
    if (rest->at[0] == '[') {
        size_t end = bytes_find(*rest, ']');
        if (end == rest->len)
            return false;
        *step = bytes_part(*rest, 1, end);
        *rest = bytes_part(*rest, end + 1, rest->len);
        return true;
    }
    size_t end = 0;
    while (end < rest->len && rest->at[end] != '.' && rest->at[end] != '[')
        end++;
    *step = bytes_part(*rest, 0, end);
    *rest = bytes_part(*rest, end, rest->len);
    return true;
}

bool claim_path_read(struct bytes path, struct arena *arena, struct text_list *out, struct fail *why)
{
    struct bytes *steps = arena_array(arena, struct bytes, CLAIM_DEPTH_MAX);
    struct bytes rest = path;
    size_t count = 0;
    if (path.len == 0)
        return fail(why, FAIL_INPUT, "the path of a claim is empty");
    while (rest.len > 0) {
        if (count == CLAIM_DEPTH_MAX)
            return fail(why, FAIL_LIMIT, "the path of a claim has at most %d names", CLAIM_DEPTH_MAX);
        if (!take_step(&rest, &steps[count]) || steps[count].len == 0)
            return fail(why, FAIL_INPUT,
                        "is no path of a claim such as realm_access.roles or [https://a.b/c]");
        count++;
        if (rest.len > 0 && rest.at[0] == '.') {
            rest = bytes_part(rest, 1, rest.len);
            if (rest.len == 0)
                return fail(why, FAIL_INPUT, "the path of a claim ends with a dot");
        } else if (rest.len > 0 && rest.at[0] != '[') {
            return fail(why, FAIL_INPUT, "after ] a . or [ belongs");
        }
    }
    *out = (struct text_list){steps, count};
    return true;
}

static void check_path(const struct claim_rule *rule, struct report *report)
{
    struct fail why;
    struct text_list steps;
    const struct yaml_node *node = group_node(&rule->group, "claim");
    size_t scheme = bytes_find_text(rule->claim, BYTES("://"));
    if (scheme < rule->claim.len && rule->claim.at[0] != '[')
        report_error(report, node, "a claim with dots in its name stands in brackets: [%.*s]",
                     BYTES_FMT(rule->claim));
    else if (!claim_path_read(rule->claim, report->findings->arena, &steps, &why))
        report_error(report, node, "%s", why.text);
}

static void check_rule(const struct claim_mapping *mapping, size_t index, struct report *report)
{
    const struct claim_rule *rule = &mapping->rules.at[index];
    bool matches = rule->exact.at || rule->prefix.at || rule->suffix.at || rule->in.count > 0;
    check_path(rule, report);
    if (!matches && !rule->pass_through)
        report_error(report, rule->group.node,
                     "one of exact, prefix, suffix, in and passThrough belongs here");
    if (matches && rule->groups.count == 0)
        report_error(report, rule->group.node, "groups are missing");
    if (rule->pass_through && rule->groups.count > 0)
        report_error(report, group_node(&rule->group, "groups"),
                     "with passThrough the values are the groups");
    for (size_t k = 0; k < index; k++) {
        if (bytes_equal(mapping->rules.at[k].name, rule->name))
            report_error(report, group_node(&rule->group, "name"), "'%.*s' is the name of another rule",
                         BYTES_FMT(rule->name));
    }
}

static void check(struct resource *resource, struct report *report)
{
    const struct claim_mapping *mapping = resource->spec;
    check_selector(report, mapping->selector);
    for (size_t i = 0; i < mapping->rules.count; i++)
        check_rule(mapping, i, report);
}

const struct kind claim_mapping_kind = {
    .id = KIND_CLAIM_MAPPING,
    .name = "ClaimMapping",
    .group = "selvage.dev",
    .versions = "v1",
    .security = true,
    .table = &claim_mapping_table,
    .check = check,
    .help = "From what a token claims to groups.",
};
