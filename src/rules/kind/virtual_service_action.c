#include "rules/kind/virtual_service_parts.h"

#include "rules/kind/retry_word.h"
#include "wire/base64.h"
#include "wire/grpc.h"

/* What a route does with a request besides sending it somewhere. */

static const char *const derive_choices[] = {"FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT", NULL};
static const char *const preflight_choices[] = {"UNSPECIFIED", "FORWARD", "IGNORE", NULL};

static const struct field uri_regex_rewrite_fields[] = {
    {"match", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct regex_rewrite, match),
     .help = "the expression; every place of the path that it matches is replaced"},
    {"rewrite", FIELD_TEXT, FIELD_REQUIRED, offsetof(struct regex_rewrite, rewrite),
     .help = "what it becomes, with \\1 for groups"},
};
FIELD_TABLE(uri_regex_rewrite, struct regex_rewrite);

static const struct field http_redirect_fields[] = {
    {"uri", FIELD_TEXT, 0, offsetof(struct http_redirect, uri), .oneof = 2, .help = "the new path"},
    {"prefixRewrite", FIELD_TEXT, 0, offsetof(struct http_redirect, prefix_rewrite), .oneof = 2,
     .help = "what the prefix that matched becomes"},
    {"authority", FIELD_TEXT, 0, offsetof(struct http_redirect, authority), .help = "the new host"},
    {"port", FIELD_INT, 0, offsetof(struct http_redirect, port), .min = 1, .max = 65535, .oneof = 1,
     .help = "the new port"},
    {"derivePort", FIELD_CHOICE, 0, offsetof(struct http_redirect, derive_port), .choices = derive_choices,
     .oneof = 1, .help = "where the port is from"},
    {"scheme", FIELD_TEXT, 0, offsetof(struct http_redirect, scheme), .help = "the new scheme"},
    {"redirectCode", FIELD_INT, 0, offsetof(struct http_redirect, code), .max = 399, .preset = "301",
     .help = "301, 302, 303, 307 or 308"},
};
FIELD_TABLE(http_redirect, struct http_redirect);

static const struct field body_fields[] = {
    {"string", FIELD_TEXT, 0, offsetof(struct http_body, string), .max = 1048576, .oneof = 1,
     .help = "as text"},
    {"bytes", FIELD_TEXT, 0, offsetof(struct http_body, base64), .max = 1398104, .oneof = 1,
     .help = "in base64"},
};
static FIELD_TABLE(body, struct http_body);

static const struct field direct_response_fields[] = {
    {"status", FIELD_INT, FIELD_REQUIRED, offsetof(struct direct_response, status), .min = 200, .max = 599,
     .help = "the status"},
    {"body", FIELD_GROUP, 0, offsetof(struct direct_response, body), &body_table, .help = "the body"},
};
FIELD_TABLE(direct_response, struct direct_response);

static const struct field delegate_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
    {"namespace", FIELD_TEXT, 0, .help = "its namespace"},
};
FIELD_TABLE(delegate, struct group);

static const struct field http_retry_fields[] = {
    {"attempts", FIELD_INT, 0, offsetof(struct http_retry, attempts), .max = INT32_MAX,
     .help = "how often; 0 not at all"},
    {"perTryTimeout", FIELD_DURATION, 0, offsetof(struct http_retry, per_try_timeout_ms), .min = 1,
     .help = "longest time of one"},
    {"retryOn", FIELD_TEXT, 0, offsetof(struct http_retry, retry_on),
     .help = "when: Envoy's words and statuses, with commas between"},
    {"retryRemoteLocalities", FIELD_BOOL, FIELD_NOT_YET, .help = "also far away"},
    {"retryIgnorePreviousHosts", FIELD_BOOL, 0, offsetof(struct http_retry, other_hosts),
     .help = "rather at another endpoint; so when absent"},
    {"backoff", FIELD_DURATION, 0, offsetof(struct http_retry, back_off_ms), .min = 1, .preset = "25ms",
     .help = "pause before the first, which grows with each"},
};
FIELD_TABLE(http_retry, struct http_retry);

static const struct field delay_fields[] = {
    {"percent", FIELD_INT, FIELD_DEPRECATED, offsetof(struct fault_delay, percent), .max = 100,
     .help = "use percentage"},
    {"percentage", FIELD_GROUP, 0, offsetof(struct fault_delay, percentage), &percent_table,
     .help = "of how many requests; none when absent"},
    {"fixedDelay", FIELD_DURATION, 0, offsetof(struct fault_delay, fixed_ms), .min = 1, .oneof = 1,
     .help = "how long"},
    {"exponentialDelay", FIELD_DURATION, FIELD_NOT_YET, .min = 1, .oneof = 1, .help = "how long in the mean"},
};
static FIELD_TABLE(delay, struct fault_delay);

static const struct field abort_fields[] = {
    {"httpStatus", FIELD_INT, 0, offsetof(struct fault_abort, http_status), .min = 200, .max = 599,
     .oneof = 1, .help = "the status"},
    {"grpcStatus", FIELD_TEXT, 0, offsetof(struct fault_abort, grpc_status), .oneof = 1,
     .help = "gRPC's status, by name: UNAVAILABLE"},
    {"http2Error", FIELD_TEXT, FIELD_NOT_YET, .oneof = 1, .help = "HTTP/2's error"},
    {"percentage", FIELD_GROUP, 0, offsetof(struct fault_abort, percentage), &percent_table,
     .help = "of how many requests; none when absent"},
};
static FIELD_TABLE(abort, struct fault_abort);

static const struct field http_fault_fields[] = {
    {"delay", FIELD_GROUP, 0, offsetof(struct http_fault, delay), &delay_table, .help = "wait"},
    {"abort", FIELD_GROUP, 0, offsetof(struct http_fault, abort), &abort_table, .help = "fail"},
};
FIELD_TABLE(http_fault, struct http_fault);

static const struct field cors_policy_fields[] = {
    {"allowOrigin", FIELD_TEXT, FIELD_LIST | FIELD_DEPRECATED, offsetof(struct cors_policy, allow_origin),
     .help = "use allowOrigins"},
    {"allowOrigins", FIELD_MATCH, FIELD_LIST, offsetof(struct cors_policy, allow_origins),
     .help = "origins allowed"},
    {"allowMethods", FIELD_TEXT, FIELD_LIST, offsetof(struct cors_policy, allow_methods),
     .help = "methods allowed"},
    {"allowHeaders", FIELD_TEXT, FIELD_LIST, offsetof(struct cors_policy, allow_headers),
     .help = "request headers allowed"},
    {"exposeHeaders", FIELD_TEXT, FIELD_LIST, offsetof(struct cors_policy, expose_headers),
     .help = "response headers shown to scripts"},
    {"maxAge", FIELD_DURATION, 0, offsetof(struct cors_policy, max_age_ms), .min = 1,
     .help = "how long the answer holds"},
    {"allowCredentials", FIELD_BOOL, 0, offsetof(struct cors_policy, allow_credentials),
     .help = "with cookies"},
    {"unmatchedPreflights", FIELD_CHOICE, 0, offsetof(struct cors_policy, unmatched_preflights),
     .choices = preflight_choices,
     .help = "what happens to those of other origins; they are forwarded when absent"},
};
FIELD_TABLE(cors_policy, struct cors_policy);

/* ---- checks ----------------------------------------------------------- */

static bool has_gaps(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7F)
            return true;
    return false;
}

static void check_path_text(const struct group *group, const char *name, struct bytes text,
                            struct report *report)
{
    if (has_gaps(text))
        report_error(report, group_node(group, name), "a path has no spaces and no control characters");
}

static void check_line(const struct group *group, const char *name, const struct text_list *list,
                       struct report *report)
{
    for (size_t i = 0; i < list->count; i++)
        if (has_gaps(list->at[i]) || !list->at[i].len)
            report_error(report, yaml_item(yaml_get(group->node, name), i),
                         "must be one word, without spaces and control characters");
}

static void check_redirect(const struct http_redirect *redirect, struct report *report)
{
    static const int64_t codes[] = {301, 302, 303, 307, 308};
    bool known = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        known = known || redirect->code == codes[i];
    if (!known)
        report_error(report, group_node(&redirect->group, "redirectCode"),
                     "%lld is none of 301, 302, 303, 307, 308", (long long)redirect->code);
    if (!redirect->group.set)
        report_error(report, redirect->group.node,
                     "says nothing to change: uri, prefixRewrite, authority, scheme or port belongs here");
    check_path_text(&redirect->group, "uri", redirect->uri, report);
    check_path_text(&redirect->group, "prefixRewrite", redirect->prefix_rewrite, report);
    if (has_gaps(redirect->authority))
        report_error(report, group_node(&redirect->group, "authority"), "is no host");
    if (redirect->scheme.len && !bytes_equal(redirect->scheme, BYTES("http")) &&
        !bytes_equal(redirect->scheme, BYTES("https")))
        report_error(report, group_node(&redirect->group, "scheme"), "is neither http nor https");
}

static void check_direct(const struct direct_response *direct, struct report *report)
{
    struct bytes body;
    if (direct->body && direct->body->base64.len &&
        !base64_decode(direct->body->base64, false, report->findings->arena, &body))
        report_error(report, group_node(&direct->body->group, "bytes"), "is not base64");
}

static void check_retry(const struct http_retry *retry, struct report *report)
{
    const struct yaml_node *node = group_node(&retry->group, "retryOn");
    struct bytes rest = retry->retry_on, word;
    struct retry_words words = {0};
    if (!retry->attempts && (retry->per_try_timeout_ms || retry->retry_on.len))
        report_error(report, retry->group.node, "without attempts there are no retries to speak of");
    while (rest.len) {
        bytes_cut(&rest, ',', &word);
        if (!retry_word_read(bytes_trim(word), &words))
            report_error(report, node, "'%.*s' is neither a status nor a word of Envoy's x-envoy-retry-on",
                         BYTES_FMT(bytes_trim(word)));
    }
}

static void check_fault(const struct http_fault *fault, struct report *report)
{
    const struct fault_abort *abort = fault->abort;
    uint32_t status;
    if (abort && abort->grpc_status.at && !grpc_status_read(abort->grpc_status, &status))
        report_error(report, group_node(&abort->group, "grpcStatus"), "'%.*s' is no status of gRPC",
                     BYTES_FMT(abort->grpc_status));
    if (abort && !abort->percentage)
        report_warning(report, abort->group.node, "without a percentage no request is aborted");
    if (fault->delay && !fault->delay->percentage && !group_has(&fault->delay->group, "percent"))
        report_warning(report, fault->delay->group.node, "without a percentage no request is delayed");
}

static void check_cors(const struct cors_policy *cors, struct report *report)
{
    const struct yaml_node *list = yaml_get(cors->group.node, "allowOrigins");
    for (size_t i = 0; i < cors->allow_origins.count; i++)
        if (cors->allow_origins.at[i].how == MATCH_REGEX)
            check_regex(report, yaml_get(yaml_item(list, i), "regex"), cors->allow_origins.at[i].value);
    check_line(&cors->group, "allowMethods", &cors->allow_methods, report);
    check_line(&cors->group, "allowHeaders", &cors->allow_headers, report);
    check_line(&cors->group, "exposeHeaders", &cors->expose_headers, report);
}

static void check_rewrite(const struct http_rewrite *rewrite, struct report *report)
{
    const struct regex_rewrite *by_regex = rewrite->regex;
    check_path_text(&rewrite->group, "uri", rewrite->uri, report);
    if (has_gaps(rewrite->authority))
        report_error(report, group_node(&rewrite->group, "authority"), "is no host");
    if (!by_regex)
        return;
    check_path_text(&by_regex->group, "rewrite", by_regex->rewrite, report);
    check_substitution(report, group_node(&by_regex->group, "match"), by_regex->match,
                       group_node(&by_regex->group, "rewrite"), by_regex->rewrite);
}

void check_actions(const struct http_route *route, struct report *report)
{
    if (route->redirect)
        check_redirect(route->redirect, report);
    if (route->direct_response)
        check_direct(route->direct_response, report);
    if (route->retries)
        check_retry(route->retries, report);
    if (route->fault)
        check_fault(route->fault, report);
    if (route->cors)
        check_cors(route->cors, report);
    if (route->rewrite)
        check_rewrite(route->rewrite, report);
}
