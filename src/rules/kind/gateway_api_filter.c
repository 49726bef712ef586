#include "rules/kind/gateway_api.h"

/* Filters of HTTPRoute and GRPCRoute: a type, and the member that goes with it. */

static const char *const http_types[] = {"RequestHeaderModifier",
                                         "ResponseHeaderModifier",
                                         "RequestMirror",
                                         "RequestRedirect",
                                         "URLRewrite",
                                         "ExtensionRef",
                                         "CORS",
                                         "ExternalAuth",
                                         NULL};
static const char *const grpc_types[] = {"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror",
                                         "ExtensionRef", NULL};
static const char *const path_types[] = {"ReplaceFullPath", "ReplacePrefixMatch", NULL};
static const char *const schemes[] = {"http", "https", NULL};
static const char *const redirects[] = {"301", "302", "303", "307", "308", NULL};
static const char *const methods[] = {"GET",     "HEAD",  "POST",  "PUT", "DELETE", "CONNECT",
                                      "OPTIONS", "TRACE", "PATCH", "*",   NULL};
static const char *const auth_protocols[] = {"HTTP", "GRPC", NULL};

struct typed {
    const char *type;
    const char *member;
};

/* Each member goes with its type, and each type needs its member. */
static void check_typed(const struct yaml_node *node, const char *key, const struct typed *rows, size_t count,
                        struct report *report)
{
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *own = member(node, rows[i].member);
        bool named = member_is(node, key, "", rows[i].type);
        if (own && !named)
            report_error(report, own, "goes with %s %s only", key, rows[i].type);
        if (!own && named)
            report_error(report, node, "%s is missing, which %s %s needs", rows[i].member, key, rows[i].type);
    }
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void check_path_change(const struct group *group, struct report *report)
{
    static const struct typed rows[] = {{"ReplaceFullPath", "replaceFullPath"},
                                        {"ReplacePrefixMatch", "replacePrefixMatch"}};
    check_typed(group->node, "type", rows, COUNT(rows), report);
}

static const struct field path_change_fields[] = {
    {"type", FIELD_TEXT, FIELD_REQUIRED, .choices = path_types, .help = "what is replaced"},
    {"replaceFullPath", FIELD_TEXT, 0, .max = 1024, .help = "the whole new path"},
    {"replacePrefixMatch", FIELD_TEXT, 0, .max = 1024, .help = "what stands instead of the matched prefix"},
};
static FIELD_TABLE_CHECKED(path_change, struct group, check_path_change);

#define HOSTNAME                                                                                             \
    {                                                                                                        \
        "hostname", FIELD_TEXT, FIELD_FILLED, .form = &form_dns_name, .max = NAME_MAX_BYTES,                 \
                                              .help = "the host that stands instead"                         \
    }

static const struct field redirect_fields[] = {
    {"scheme", FIELD_TEXT, 0, .choices = schemes, .help = "the scheme to go to"},
    HOSTNAME,
    {"path", FIELD_GROUP, 0, 0, &path_change_table, .help = "the path to go to"},
    {"port", FIELD_INT, 0, .min = 1, .max = PORT_MAX, .help = "the port to go to"},
    {"statusCode", FIELD_INT, 0, .min = 300, .max = 399, .choices = redirects, .preset = "302",
     .help = "the status of the answer"},
};
static FIELD_TABLE(redirect, struct group);

static const struct field rewrite_fields[] = {
    HOSTNAME,
    {"path", FIELD_GROUP, 0, 0, &path_change_table, .help = "the path that goes upstream"},
};
static FIELD_TABLE(rewrite, struct group);

static void check_star_alone(const struct group *group, struct report *report)
{
    static const char *const lists[] = {"allowOrigins", "allowMethods", "allowHeaders"};
    for (size_t i = 0; i < COUNT(lists); i++) {
        const struct yaml_node *list = member(group->node, lists[i]);
        for (const struct yaml_node *n = list ? list->first : NULL; n; n = n->next)
            if (list->count > 1 && bytes_equal(n->text, BYTES("*")))
                report_error(report, n, "'*' stands for all, so it stands alone");
    }
}

static const struct field cors_fields[] = {
    {"allowOrigins", FIELD_TEXT, FIELD_LIST, .form = &form_origin, .max = 253, .count_max = 64, .unique = ".",
     .help = "who may read the answer"},
    {"allowCredentials", FIELD_BOOL, 0, .help = "whether cookies may go along"},
    {"allowMethods", FIELD_TEXT, FIELD_LIST, .choices = methods, .count_max = 9, .unique = ".",
     .help = "which methods they may use"},
    {"allowHeaders", FIELD_TEXT, FIELD_LIST, .form = &form_header_name, .max = 256, .count_max = 64,
     .unique = ".", .help = "which headers they may send"},
    {"exposeHeaders", FIELD_TEXT, FIELD_LIST, .form = &form_header_name, .max = 256, .count_max = 64,
     .unique = ".", .help = "which headers of the answer they may read"},
    {"maxAge", FIELD_INT, 0, .min = 1, .max = INT32_MAX, .preset = "5",
     .help = "for how many seconds a browser may remember it"},
};
static FIELD_TABLE_CHECKED(cors, struct group, check_star_alone);

#define ALLOWED_HEADERS                                                                                      \
    {                                                                                                        \
        "allowedHeaders", FIELD_TEXT, FIELD_LIST, .count_max = 64, .unique = ".",                            \
                                                  .help = "headers of the request that it is shown"          \
    }

static const struct field auth_grpc_fields[] = {ALLOWED_HEADERS};
static FIELD_TABLE(auth_grpc, struct group);

static const struct field auth_http_fields[] = {
    {"path", FIELD_TEXT, 0, .form = &form_path, .max = 1024, .help = "what stands before the request's path"},
    ALLOWED_HEADERS,
    {"allowedResponseHeaders", FIELD_TEXT, FIELD_LIST, .count_max = 64, .unique = ".",
     .help = "headers of its answer that go on to the upstream"},
};
static FIELD_TABLE(auth_http, struct group);

static const struct field auth_body_fields[] = {
    {"maxSize", FIELD_INT, 0, .max = INT32_MAX, .help = "so many bytes at most; 0 sends none"},
};
static FIELD_TABLE(auth_body, struct group);

static void check_auth(const struct group *group, struct report *report)
{
    static const struct typed rows[] = {{"HTTP", "http"}, {"GRPC", "grpc"}};
    check_typed(group->node, "protocol", rows, COUNT(rows), report);
}

static const struct field auth_fields[] = {
    {"protocol", FIELD_TEXT, FIELD_REQUIRED, .choices = auth_protocols, .help = "what it is asked over"},
    {"backendRef", FIELD_GROUP, FIELD_REQUIRED, 0, &gateway_service_ref_table, .help = "who is asked"},
    {"grpc", FIELD_GROUP, 0, 0, &auth_grpc_table, .help = "of protocol GRPC: what it is shown"},
    {"http", FIELD_GROUP, 0, 0, &auth_http_table, .help = "of protocol HTTP: what it is shown"},
    {"forwardBody", FIELD_GROUP, 0, 0, &auth_body_table, .help = "how much of the body it is shown"},
};
static FIELD_TABLE_CHECKED(auth, struct group, check_auth);

static void check_filter(const struct group *group, struct report *report)
{
    static const struct typed rows[] = {
        {"RequestHeaderModifier", "requestHeaderModifier"},
        {"ResponseHeaderModifier", "responseHeaderModifier"},
        {"RequestMirror", "requestMirror"},
        {"RequestRedirect", "requestRedirect"},
        {"URLRewrite", "urlRewrite"},
        {"ExtensionRef", "extensionRef"},
        {"CORS", "cors"},
        {"ExternalAuth", "externalAuth"},
    };
    check_typed(group->node, "type", rows, COUNT(rows), report);
}

#define FILTER_SHARED                                                                                        \
    {"requestHeaderModifier",                                                                                \
     FIELD_GROUP,                                                                                            \
     0,                                                                                                      \
     0,                                                                                                      \
     &gateway_header_change_table,                                                                           \
     .help = "what becomes of the request's headers"},                                                       \
        {"responseHeaderModifier",                                                                           \
         FIELD_GROUP,                                                                                        \
         0,                                                                                                  \
         0,                                                                                                  \
         &gateway_header_change_table,                                                                       \
         .help = "what becomes of the answer's headers"},                                                    \
        {"requestMirror", FIELD_GROUP, 0, 0, &gateway_mirror_table, .help = "who gets copies of requests"},  \
    {                                                                                                        \
        "extensionRef", FIELD_GROUP, 0, 0, &gateway_object_ref_table, .help = "a filter of one's own"        \
    }

static const struct field gateway_grpc_filter_fields[] = {
    {"type", FIELD_TEXT, FIELD_REQUIRED, .choices = grpc_types, .help = "what the filter does"},
    FILTER_SHARED,
};
FIELD_TABLE_CHECKED(gateway_grpc_filter, struct group, check_filter);

static const struct field gateway_http_filter_fields[] = {
    {"type", FIELD_TEXT, FIELD_REQUIRED, .choices = http_types, .help = "what the filter does"},
    FILTER_SHARED,
    {"requestRedirect", FIELD_GROUP, 0, 0, &redirect_table, .help = "where the client is sent"},
    {"urlRewrite", FIELD_GROUP, 0, 0, &rewrite_table, .help = "what host and path become"},
    {"cors", FIELD_GROUP, 0, 0, &cors_table, .help = "who may read answers from other origins"},
    {"externalAuth", FIELD_GROUP, 0, 0, &auth_table, .help = "who else is asked whether it may"},
};
FIELD_TABLE_CHECKED(gateway_http_filter, struct group, check_filter);

static const struct yaml_node *of_type(const struct yaml_node *filters, const char *type)
{
    for (const struct yaml_node *n = filters ? filters->first : NULL; n; n = n->next)
        if (member_is(n, "type", "", type))
            return n;
    return NULL;
}

static void check_once(const struct yaml_node *filters, const char *const *types, struct report *report)
{
    for (; *types; types++) {
        const struct yaml_node *first = of_type(filters, *types);
        for (const struct yaml_node *n = first ? first->next : NULL; n; n = n->next)
            if (member_is(n, "type", "", *types))
                report_error(report, n, "a second filter of type %s", *types);
    }
}

void check_http_filters(const struct group *group, struct report *report)
{
    static const char *const once[] = {
        "CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", NULL};
    const struct yaml_node *filters = member(group->node, "filters");
    const struct yaml_node *redirect = of_type(filters, "RequestRedirect");
    check_once(filters, once, report);
    if (redirect && of_type(filters, "URLRewrite"))
        report_error(report, redirect, "RequestRedirect and URLRewrite exclude each other");
}

void check_grpc_filters(const struct group *group, struct report *report)
{
    static const char *const once[] = {"RequestHeaderModifier", "ResponseHeaderModifier", NULL};
    check_once(member(group->node, "filters"), once, report);
}
