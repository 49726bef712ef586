#include "rules/kind/virtual_service_parts.h"

#include "rules/kind/retry_word.h"
#include "wire/base64.h"
#include "wire/grpc.h"

#define BODY_LARGE 102400
#define BODY_MAX 1048576

/* What a route does with a request besides sending it somewhere. */

static const char *const derive_choices[] = {"FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT", NULL};
static const char *const preflight_choices[] = {"UNSPECIFIED", "FORWARD", "IGNORE", NULL};

static const struct field uri_regex_rewrite_fields[] = {
    {"match", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct regex_rewrite, match), .max = 1024,
     .help = "the expression; every place of the path that it matches is replaced"},
    {"rewrite", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct regex_rewrite, rewrite),
     .help = "what it becomes, with \\1 for groups"},
};
FIELD_TABLE(uri_regex_rewrite, struct regex_rewrite);

static const struct field http_redirect_fields[] = {
    {"uri", FIELD_TEXT, 0, offsetof(struct http_redirect, uri), .help = "the new path"},
    {"prefixRewrite", FIELD_TEXT, 0, offsetof(struct http_redirect, prefix_rewrite),
     .help = "what the prefix that matched becomes"},
    {"authority", FIELD_TEXT, 0, offsetof(struct http_redirect, authority), .help = "the new host"},
    {"port", FIELD_INT, 0, offsetof(struct http_redirect, port), .max = 65535, .oneof = 1,
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
    {"status", FIELD_INT, FIELD_REQUIRED, offsetof(struct direct_response, status), .min = 200, .max = 600,
     .help = "the status"},
    {"body", FIELD_GROUP, 0, offsetof(struct direct_response, body), &body_table, .help = "the body"},
};
FIELD_TABLE(direct_response, struct direct_response);

static const struct field delegate_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct delegate, name), .help = "its name"},
    {"namespace", FIELD_TEXT, 0, offsetof(struct delegate, name_space), .help = "its namespace"},
};
FIELD_TABLE(delegate, struct delegate);

static const struct field http_retry_fields[] = {
    {"attempts", FIELD_INT, 0, offsetof(struct http_retry, attempts), .max = INT32_MAX,
     .help = "how often; 0 not at all"},
    {"perTryTimeout", FIELD_DURATION, 0, offsetof(struct http_retry, per_try_timeout_ms), .min = 1,
     .help = "longest time of one"},
    {"retryOn", FIELD_TEXT, 0, offsetof(struct http_retry, retry_on),
     .help = "when: Envoy's words and statuses, with commas between"},
    {"retryRemoteLocalities", FIELD_BOOL, FIELD_NOT_YET, offsetof(struct http_retry, remote),
     .help = "also far away"},
    {"retryIgnorePreviousHosts", FIELD_BOOL, 0, offsetof(struct http_retry, other_hosts),
     .help = "rather at another endpoint; so when absent"},
    {"backoff", FIELD_DURATION, 0, offsetof(struct http_retry, back_off_ms), .min = 1, .preset = "25ms",
     .help = "pause before the first, which grows with each"},
};
FIELD_TABLE(http_retry, struct http_retry);

static const struct field delay_fields[] = {
    {"percent", FIELD_INT, FIELD_DEPRECATED, offsetof(struct fault_delay, percent), .min = INT32_MIN,
     .max = INT32_MAX, .help = "use percentage"},
    {"percentage", FIELD_GROUP, 0, offsetof(struct fault_delay, percentage), &percent_table,
     .help = "of how many requests; none when absent"},
    {"fixedDelay", FIELD_DURATION, 0, offsetof(struct fault_delay, fixed_ms), .min = 1, .oneof = 1,
     .help = "how long"},
    {"exponentialDelay", FIELD_DURATION, FIELD_NOT_YET, .min = 1, .oneof = 1, .help = "how long in the mean"},
};
static FIELD_TABLE(delay, struct fault_delay);

static const struct field abort_fields[] = {
    {"httpStatus", FIELD_INT, 0, offsetof(struct fault_abort, http_status), .min = 200, .max = 600,
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
        report_own_rule(report, group_node(group, name), "a path has no spaces and no control characters");
}

/* Names of headers, or * for any. */
static void check_names(const struct group *group, const char *name, const struct text_list *list,
                        struct report *report)
{
    for (size_t i = 0; i < list->count; i++)
        if (!bytes_equal(list->at[i], BYTES("*")))
            check_header_name(report, yaml_item(yaml_get(group->node, name), i), list->at[i]);
}

/* A field whose bound is stricter here than in Istio. */
static void check_status(const struct group *group, const char *name, int64_t status, struct report *report)
{
    if (status > 599)
        report_own_rule(report, group_node(group, name), "%lld is no status; one is below 600",
                        (long long)status);
}

static void check_redirect_code(struct http_redirect *redirect, struct report *report)
{
    static const int64_t codes[] = {301, 302, 303, 307, 308};
    const struct yaml_node *node = group_node(&redirect->group, "redirectCode");
    bool known = false;
    if (redirect->code == 0)
        redirect->code = codes[0];
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        known = known || redirect->code == codes[i];
    if (redirect->code < 300)
        report_error(report, node, "%lld is none of 301, 302, 303, 307, 308", (long long)redirect->code);
    else if (!known)
        report_own_rule(report, node, "%lld is none of 301, 302, 303, 307, 308", (long long)redirect->code);
}

static void check_redirect(struct http_redirect *redirect, struct report *report)
{
    const struct group *group = &redirect->group;
    check_redirect_code(redirect, report);
    if (!redirect->uri.len && !redirect->prefix_rewrite.len && !redirect->authority.len &&
        !redirect->scheme.len && !group_has(group, "port") && !group_has(group, "derivePort"))
        report_error(report, group->node,
                     "says nothing to change: uri, prefixRewrite, authority, scheme or port belongs here");
    if (redirect->uri.len && redirect->prefix_rewrite.len)
        report_error(report, group_node(group, "prefixRewrite"), "uri and prefixRewrite exclude each other");
    check_path_text(group, "uri", redirect->uri, report);
    check_path_text(group, "prefixRewrite", redirect->prefix_rewrite, report);
    if (has_gaps(redirect->authority))
        report_own_rule(report, group_node(group, "authority"), "is no host");
    if (redirect->scheme.len && !bytes_equal(redirect->scheme, BYTES("http")) &&
        !bytes_equal(redirect->scheme, BYTES("https")))
        report_error(report, group_node(group, "scheme"), "is neither http nor https");
}

static void check_direct(const struct direct_response *direct, struct report *report)
{
    struct bytes body;
    check_status(&direct->group, "status", direct->status, report);
    if (!direct->body)
        return;
    if (!base64_decode(direct->body->base64, false, report->findings->arena, &body))
        report_error(report, group_node(&direct->body->group, "bytes"), "is not base64");
    else if (body.len > BODY_MAX)
        report_error(report, group_node(&direct->body->group, "bytes"), "has %zu bytes, more than %d",
                     body.len, BODY_MAX);
    else if (body.len > BODY_LARGE || direct->body->string.len > BODY_LARGE)
        report_warning(report, direct->body->group.node, "is large for a thing that every node keeps");
}

static void check_retry(const struct http_retry *retry, struct report *report)
{
    const struct yaml_node *node = group_node(&retry->group, "retryOn");
    struct bytes rest = retry->retry_on, word;
    struct retry_words words = {0};
    if (!retry->attempts && (retry->per_try_timeout_ms || retry->retry_on.len ||
                             group_has(&retry->group, "retryRemoteLocalities")))
        report_error(report, retry->group.node, "without attempts there are no retries to speak of");
    for (bool more = rest.len > 0; more;) {
        more = bytes_cut(&rest, ',', &word);
        if (!retry_word_read(word, &words))
            report_error(report, node, "'%.*s' is neither a status nor a word of Envoy's x-envoy-retry-on",
                         BYTES_FMT(word));
    }
}

/* Envoy counts in millionths. */
static void check_fault_percent(const struct percent *percentage, struct report *report)
{
    if (percentage && percentage->value > 0 && percentage->value < 0.0001)
        report_error(report, group_node(&percentage->group, "value"), "%g is not 0 and below 0.0001",
                     percentage->value);
}

static void check_abort(const struct fault_abort *abort, struct report *report)
{
    uint32_t status;
    check_fault_percent(abort->percentage, report);
    check_status(&abort->group, "httpStatus", abort->http_status, report);
    if (abort->grpc_status.at && !grpc_status_read(abort->grpc_status, &status))
        report_error(report, group_node(&abort->group, "grpcStatus"), "'%.*s' is no status of gRPC",
                     BYTES_FMT(abort->grpc_status));
    if (group_has(&abort->group, "http2Error"))
        report_error(report, group_node(&abort->group, "http2Error"),
                     "errors of HTTP/2 cannot be injected; httpStatus or grpcStatus belongs here");
    if (!abort->percentage)
        report_warning(report, abort->group.node, "without a percentage no request is aborted");
    if (!abort->http_status && !abort->grpc_status.at && !group_has(&abort->group, "http2Error"))
        report_warning(report, abort->group.node, "names no status, so nothing is aborted");
}

static void check_delay(const struct fault_delay *delay, struct report *report)
{
    check_fault_percent(delay->percentage, report);
    if (group_has(&delay->group, "exponentialDelay"))
        report_error(report, group_node(&delay->group, "exponentialDelay"),
                     "cannot be injected; fixedDelay belongs here");
    if (delay->percent < 0 || delay->percent > 100)
        report_own_rule(report, group_node(&delay->group, "percent"), "%lld is not between 0 and 100",
                        (long long)delay->percent);
    if (!delay->percentage && !group_has(&delay->group, "percent"))
        report_warning(report, delay->group.node, "without a percentage no request is delayed");
}

static void check_fault(const struct http_fault *fault, struct report *report)
{
    if (!fault->abort && !fault->delay)
        report_error(report, fault->group.node, "says no fault: delay or abort belongs here");
    if (fault->abort)
        check_abort(fault->abort, report);
    if (fault->delay)
        check_delay(fault->delay, report);
}

static void check_origins(const struct cors_policy *cors, struct report *report)
{
    const struct yaml_node *list = yaml_get(cors->group.node, "allowOrigins");
    for (size_t i = 0; i < cors->allow_origins.count; i++) {
        const struct string_match *origin = &cors->allow_origins.at[i];
        if (origin->value.len == 0)
            report_error(report, yaml_item(list, i), "says no origin: exact, prefix or regex belongs here");
        else if (origin->how == MATCH_REGEX)
            check_regex(report, yaml_get(yaml_item(list, i), "regex"), origin->value);
    }
}

static void check_cors(const struct cors_policy *cors, struct report *report)
{
    static const char *const methods[] = {"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                          "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"};
    check_origins(cors, report);
    for (size_t i = 0; i < cors->allow_methods.count; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof methods / sizeof methods[0]; k++)
            known = known || bytes_equal(cors->allow_methods.at[i], bytes_of(methods[k]));
        if (!known)
            report_error(report, yaml_item(yaml_get(cors->group.node, "allowMethods"), i),
                         "'%.*s' is no method such as GET, and not *", BYTES_FMT(cors->allow_methods.at[i]));
    }
    check_names(&cors->group, "allowHeaders", &cors->allow_headers, report);
    check_names(&cors->group, "exposeHeaders", &cors->expose_headers, report);
    if (cors->max_age_ms % 1000)
        report_error(report, group_node(&cors->group, "maxAge"), "browsers are told whole seconds");
}

static void check_rewrite(const struct http_rewrite *rewrite, struct report *report)
{
    const struct regex_rewrite *by_regex = rewrite->regex;
    if (!rewrite->uri.len && !by_regex && !rewrite->authority.len)
        report_error(report, rewrite->group.node,
                     "says nothing to change: uri, uriRegexRewrite or authority belongs here");
    if (rewrite->uri.len && by_regex)
        report_error(report, by_regex->group.node, "uri and uriRegexRewrite exclude each other");
    check_path_text(&rewrite->group, "uri", rewrite->uri, report);
    if (has_gaps(rewrite->authority))
        report_own_rule(report, group_node(&rewrite->group, "authority"), "is no host");
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
