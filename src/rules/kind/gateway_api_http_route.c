#include "rules/duration.h"
#include "rules/kind/gateway_api.h"
#include "rules/kind/gateway_api_kinds.h"

#define MATCHES_MAX 128 /* of all rules of a route */

static const char *const path_types[] = {"Exact", "PathPrefix", "RegularExpression", NULL};
static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH", NULL};

/* What a path must not hold unless it is an expression: it would be read differently on the way. */
static void check_path(const struct group *group, struct report *report)
{
    static const char *const within[] = {"//", "/./", "/../", "%2f", "%2F", "#"};
    static const char *const at_end[] = {"/..", "/."};
    const struct yaml_node *node = member(group->node, "value");
    if (!node || member_is(group->node, "type", "PathPrefix", "RegularExpression"))
        return;
    if (!bytes_starts(node->text, BYTES("/")))
        report_error(report, node, "begins with no /");
    for (size_t i = 0; i < sizeof(within) / sizeof(within[0]); i++)
        if (bytes_find_text(node->text, bytes_of(within[i])) < node->text.len)
            report_error(report, node, "holds %s, which no path to compare with may", within[i]);
    for (size_t i = 0; i < sizeof(at_end) / sizeof(at_end[0]); i++)
        if (bytes_ends(node->text, bytes_of(at_end[i])))
            report_error(report, node, "ends with %s, which no path to compare with may", at_end[i]);
    if (!form_fits(&form_path, node->text))
        report_error(report, node, "is not %s", form_path.article);
}

static const struct field path_fields[] = {
    {"type", FIELD_TEXT, 0, .choices = path_types, .preset = "PathPrefix", .help = "how it is compared"},
    {"value", FIELD_TEXT, 0, .max = 1024, .preset = "/", .help = "the path, its beginning, or an expression"},
};
static FIELD_TABLE_CHECKED(path, struct group, check_path);

static const struct field match_fields[] = {
    {"path", FIELD_GROUP, 0, 0, &path_table, .help = "the path, without the query"},
    {"headers", FIELD_GROUP, FIELD_LIST, 0, &gateway_header_match_table, .count_max = 16, .unique = "name",
     .help = "headers that all fit"},
    {"queryParams", FIELD_GROUP, FIELD_LIST, 0, &gateway_query_match_table, .count_max = 16, .unique = "name",
     .help = "query parameters that all fit"},
    {"method", FIELD_TEXT, 0, .choices = methods, .help = "the method"},
};
static FIELD_TABLE(match, struct group);

static const struct field backend_fields[] = {
    {"group", FIELD_TEXT, 0, .form = &form_group, .max = NAME_MAX_BYTES, .preset = "",
     .help = "the API group, '' for the core"},
    {"kind", FIELD_TEXT, FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES, .preset = "Service",
     .help = "the kind"},
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the name"},
    {"namespace", FIELD_TEXT, 0, .form = &form_dns_label, .max = LABEL_MAX_BYTES,
     .help = "the namespace, when it is another; a ReferenceGrant there has to allow it"},
    {"port", FIELD_INT, 0, .min = 1, .max = PORT_MAX, .help = "the port; a Service needs it"},
    {"weight", FIELD_INT, 0, .max = 1000000, .preset = "1", .help = "its share among all that are named"},
    {"filters", FIELD_GROUP, FIELD_LIST, 0, &gateway_http_filter_table, .count_max = 16,
     .help = "what is done to requests that go there"},
};

static void check_backend(const struct group *group, struct report *report)
{
    gateway_weighted_ref_table.check(group, report);
    check_http_filters(group, report);
}
static FIELD_TABLE_CHECKED(backend, struct group, check_backend);

static int64_t milliseconds(const struct yaml_node *node)
{
    int64_t ms = 0;
    return node && duration_read(node->text, &ms) ? ms : 0;
}

static void check_timeouts(const struct group *group, struct report *report)
{
    const struct yaml_node *one = member(group->node, "backendRequest");
    int64_t whole = milliseconds(member(group->node, "request"));
    if (whole > 0 && milliseconds(one) > whole)
        report_error(report, one, "is longer than request, %.*s",
                     BYTES_FMT(member_text(group->node, "request", "")));
}

static const struct field timeouts_fields[] = {
    {"request", FIELD_DURATION, 0, .form = &form_short_duration,
     .help = "for the whole answer, tries included; 0s: no limit"},
    {"backendRequest", FIELD_DURATION, 0, .form = &form_short_duration, .help = "for one try"},
};
static FIELD_TABLE_CHECKED(timeouts, struct group, check_timeouts);

static const struct field retry_fields[] = {
    {"codes", FIELD_INT, FIELD_LIST, .min = 400, .max = 599, .unique = ".",
     .help = "statuses that are tried again"},
    {"attempts", FIELD_INT, 0, .min = 1, .max = INT32_MAX, .help = "how often at most"},
    {"backoff", FIELD_DURATION, 0, .form = &form_short_duration, .help = "how long to wait between tries"},
};
static FIELD_TABLE(retry, struct group);

/* Is the matched prefix known? Without matches the rule has one, of the prefix /. */
static bool one_prefix(const struct yaml_node *rule)
{
    const struct yaml_node *matches = member(rule, "matches");
    if (!matches)
        return true;
    return matches->count == 1 &&
           member_is(member(matches->first, "path"), "type", "PathPrefix", "PathPrefix");
}

static void check_prefix_change(const struct yaml_node *rule, const struct yaml_node *filters,
                                struct report *report)
{
    static const char *const names[] = {"requestRedirect", "urlRewrite"};
    for (const struct yaml_node *n = filters ? filters->first : NULL; n; n = n->next) {
        for (size_t i = 0; i < 2; i++) {
            const struct yaml_node *path = member(member(n, names[i]), "path");
            if (member(path, "replacePrefixMatch") && !one_prefix(rule))
                report_error(report, path,
                             "replacing the matched prefix needs exactly one match, of type "
                             "PathPrefix");
        }
    }
}

static void check_redirects(const struct yaml_node *rule, struct report *report)
{
    const struct yaml_node *filters = member(rule, "filters");
    for (const struct yaml_node *n = filters ? filters->first : NULL; n; n = n->next)
        if (member(n, "requestRedirect") && member_count(rule, "backendRefs") > 0)
            report_error(report, n, "a rule that redirects has no backendRefs");
}

static void check_rule(const struct group *group, struct report *report)
{
    const struct yaml_node *backends = member(group->node, "backendRefs");
    check_http_filters(group, report);
    check_redirects(group->node, report);
    check_prefix_change(group->node, member(group->node, "filters"), report);
    for (const struct yaml_node *n = backends ? backends->first : NULL; n; n = n->next)
        check_prefix_change(group->node, member(n, "filters"), report);
}

static const struct field rule_fields[] = {
    {"name", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "a name for the rule"},
    {"matches", FIELD_GROUP, FIELD_LIST, 0, &match_table, .count_max = 64,
     .help = "which requests: any of these; none written: all"},
    {"filters", FIELD_GROUP, FIELD_LIST, 0, &gateway_http_filter_table, .count_max = 16,
     .help = "what is done to them"},
    {"backendRefs", FIELD_GROUP, FIELD_LIST, 0, &backend_table, .count_max = 16, .help = "where they go"},
    {"timeouts", FIELD_GROUP, 0, 0, &timeouts_table, .help = "how long they may take"},
    {"retry", FIELD_GROUP, 0, 0, &retry_table, .help = "what is tried again"},
    {"sessionPersistence", FIELD_GROUP, 0, 0, &gateway_persistence_table,
     .help = "how a client stays with one endpoint"},
};
static FIELD_TABLE_CHECKED(rule, struct group, check_rule);

static void check_matches_count(const struct group *group, size_t when_absent, struct report *report)
{
    const struct yaml_node *rules = member(group->node, "rules");
    size_t count = 0;
    for (const struct yaml_node *n = rules ? rules->first : NULL; n; n = n->next)
        count += member(n, "matches") ? member_count(n, "matches") : when_absent;
    if (count > MATCHES_MAX)
        report_error(report, rules, "its rules have %zu matches together, more than %d", count, MATCHES_MAX);
}

static void check_http(const struct group *group, struct report *report)
{
    check_parents(group, report);
    check_rule_names(group, report);
    check_matches_count(group, 1, report);
}

static const struct field http_route_fields[] = {
    GATEWAY_PARENTS,
    {"hostnames", FIELD_TEXT, FIELD_LIST, .form = &form_host, .max = NAME_MAX_BYTES, .count_max = 16,
     .help = "the hosts it is for; none written: all of the listener"},
    {"rules", FIELD_GROUP, FIELD_LIST | FIELD_FILLED, 0, &rule_table, .count_max = 16,
     .help = "what becomes of which requests; none written: all to nowhere"},
};
static FIELD_TABLE_CHECKED(http_route, struct group, check_http);

/* GRPCRoute */

static void check_method(const struct group *group, struct report *report)
{
    const struct yaml_node *service = member(group->node, "service");
    const struct yaml_node *method = member(group->node, "method");
    if (!service && !method)
        report_error(report, group->node, "service or method is missing");
    if (member_is(group->node, "type", "Exact", "RegularExpression"))
        return;
    if (service && !form_fits(&form_grpc_service, service->text))
        report_error(report, service, "is not %s", form_grpc_service.article);
    if (method && !form_fits(&form_grpc_method, method->text))
        report_error(report, method, "is not %s", form_grpc_method.article);
}

static const char *const method_types[] = {"Exact", "RegularExpression", NULL};

static const struct field method_fields[] = {
    {"type", FIELD_TEXT, 0, .choices = method_types, .preset = "Exact", .help = "how they are compared"},
    {"service", FIELD_TEXT, 0, .max = 1024, .help = "the service with its package"},
    {"method", FIELD_TEXT, 0, .max = 1024, .help = "the method"},
};
static FIELD_TABLE_CHECKED(method, struct group, check_method);

static const struct field grpc_match_fields[] = {
    {"method", FIELD_GROUP, 0, 0, &method_table, .help = "the service and method"},
    {"headers", FIELD_GROUP, FIELD_LIST, 0, &gateway_header_match_table, .count_max = 16, .unique = "name",
     .help = "headers that all fit"},
};
static FIELD_TABLE(grpc_match, struct group);

static void check_grpc_backend(const struct group *group, struct report *report)
{
    gateway_weighted_ref_table.check(group, report);
    check_grpc_filters(group, report);
}

static const struct field grpc_backend_fields[] = {
    {"group", FIELD_TEXT, 0, .form = &form_group, .max = NAME_MAX_BYTES, .preset = "",
     .help = "the API group, '' for the core"},
    {"kind", FIELD_TEXT, FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES, .preset = "Service",
     .help = "the kind"},
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the name"},
    {"namespace", FIELD_TEXT, 0, .form = &form_dns_label, .max = LABEL_MAX_BYTES,
     .help = "the namespace, when it is another; a ReferenceGrant there has to allow it"},
    {"port", FIELD_INT, 0, .min = 1, .max = PORT_MAX, .help = "the port; a Service needs it"},
    {"weight", FIELD_INT, 0, .max = 1000000, .preset = "1", .help = "its share among all that are named"},
    {"filters", FIELD_GROUP, FIELD_LIST, 0, &gateway_grpc_filter_table, .count_max = 16,
     .help = "what is done to requests that go there"},
};
static FIELD_TABLE_CHECKED(grpc_backend, struct group, check_grpc_backend);

static const struct field grpc_rule_fields[] = {
    {"name", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,
     .help = "a name for the rule"},
    {"matches", FIELD_GROUP, FIELD_LIST, 0, &grpc_match_table, .count_max = 64,
     .help = "which calls: any of these; none written: all"},
    {"filters", FIELD_GROUP, FIELD_LIST, 0, &gateway_grpc_filter_table, .count_max = 16,
     .help = "what is done to them"},
    {"backendRefs", FIELD_GROUP, FIELD_LIST, 0, &grpc_backend_table, .count_max = 16,
     .help = "where they go"},
    {"sessionPersistence", FIELD_GROUP, 0, 0, &gateway_persistence_table,
     .help = "how a client stays with one endpoint"},
};
static FIELD_TABLE_CHECKED(grpc_rule, struct group, check_grpc_filters);

static void check_grpc(const struct group *group, struct report *report)
{
    check_parents(group, report);
    check_rule_names(group, report);
    check_matches_count(group, 0, report);
}

static const struct field grpc_route_fields[] = {
    GATEWAY_PARENTS,
    {"hostnames", FIELD_TEXT, FIELD_LIST, .form = &form_host, .max = NAME_MAX_BYTES, .count_max = 16,
     .help = "the hosts it is for; none written: all of the listener"},
    {"rules", FIELD_GROUP, FIELD_LIST, 0, &grpc_rule_table, .count_max = 16,
     .help = "what becomes of which calls"},
};
static FIELD_TABLE_CHECKED(grpc_route, struct group, check_grpc);

const struct kind http_route_kind = {
    .id = KIND_HTTP_ROUTE,
    .name = "HTTPRoute",
    .group = GATEWAY_API,
    .versions = "v1 v1beta1",
    .plain = true,
    .not_yet = true,
    .table = &http_route_table,
    .help = "Which HTTP requests of a Gateway or service go where, and changed how.",
};

const struct kind grpc_route_kind = {
    .id = KIND_GRPC_ROUTE,
    .name = "GRPCRoute",
    .group = GATEWAY_API,
    .versions = "v1",
    .plain = true,
    .not_yet = true,
    .table = &grpc_route_table,
    .help = "Which gRPC calls of a Gateway or service go where, and changed how.",
};
