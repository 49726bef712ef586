#include "rules/kind/virtual_service_parts.h"

/* What a route does with a request besides sending it somewhere. */

static const char *const derive_choices[] = {"FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT", NULL};
static const char *const preflight_choices[] = {"UNSPECIFIED", "FORWARD", "IGNORE", NULL};

static const struct field uri_regex_rewrite_fields[] = {
    {"match", FIELD_TEXT, 0, .help = "the expression"},
    {"rewrite", FIELD_TEXT, 0, .help = "what it becomes, with \\1 for groups"},
};
FIELD_TABLE(uri_regex_rewrite, struct group);

static const struct field http_redirect_fields[] = {
    {"uri", FIELD_TEXT, 0, .oneof = 2, .help = "the new path"},
    {"prefixRewrite", FIELD_TEXT, 0, .oneof = 2, .help = "what the prefix that matched becomes"},
    {"authority", FIELD_TEXT, 0, .help = "the new host"},
    {"port", FIELD_INT, 0, .min = 1, .max = 65535, .oneof = 1, .help = "the new port"},
    {"derivePort", FIELD_CHOICE, 0, .choices = derive_choices, .oneof = 1, .help = "where the port is from"},
    {"scheme", FIELD_TEXT, 0, .help = "the new scheme"},
    {"redirectCode", FIELD_INT, 0, .max = 399, .help = "301, 302, 303, 307 or 308"},
};
FIELD_TABLE(http_redirect, struct group);

static const struct field body_fields[] = {
    {"string", FIELD_TEXT, 0, .max = 1048576, .oneof = 1, .help = "as text"},
    {"bytes", FIELD_TEXT, 0, .max = 1398104, .oneof = 1, .help = "in base64"},
};
static FIELD_TABLE(body, struct group);

static const struct field direct_response_fields[] = {
    {"status", FIELD_INT, FIELD_REQUIRED, .min = 200, .max = 599, .help = "the status"},
    {"body", FIELD_GROUP, 0, .group = &body_table, .help = "the body"},
};
FIELD_TABLE(direct_response, struct group);

static const struct field delegate_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
    {"namespace", FIELD_TEXT, 0, .help = "its namespace"},
};
FIELD_TABLE(delegate, struct group);

static const struct field http_retry_fields[] = {
    {"attempts", FIELD_INT, 0, .max = INT32_MAX, .help = "how often; 0 not at all"},
    {"perTryTimeout", FIELD_DURATION, 0, .min = 1, .help = "longest time of one"},
    {"retryOn", FIELD_TEXT, 0, .help = "when"},
    {"retryRemoteLocalities", FIELD_BOOL, 0, .help = "also far away"},
    {"retryIgnorePreviousHosts", FIELD_BOOL, 0, .help = "at another endpoint"},
    {"backoff", FIELD_DURATION, 0, .min = 1, .help = "pause before"},
};
FIELD_TABLE(http_retry, struct group);

static const struct field delay_fields[] = {
    {"percent", FIELD_INT, FIELD_DEPRECATED, .max = 100, .help = "use percentage"},
    {"percentage", FIELD_GROUP, 0, .group = &percent_table, .help = "of how many requests"},
    {"fixedDelay", FIELD_DURATION, 0, .min = 1, .oneof = 1, .help = "how long"},
    {"exponentialDelay", FIELD_DURATION, 0, .min = 1, .oneof = 1, .help = "how long in the mean"},
};
static FIELD_TABLE(delay, struct group);

static const struct field abort_fields[] = {
    {"httpStatus", FIELD_INT, 0, .min = 200, .max = 600, .oneof = 1, .help = "the status"},
    {"grpcStatus", FIELD_TEXT, 0, .oneof = 1, .help = "gRPC's status"},
    {"http2Error", FIELD_TEXT, 0, .oneof = 1, .help = "HTTP/2's error"},
    {"percentage", FIELD_GROUP, 0, .group = &percent_table, .help = "of how many requests"},
};
static FIELD_TABLE(abort, struct group);

static const struct field http_fault_fields[] = {
    {"delay", FIELD_GROUP, 0, .group = &delay_table, .help = "wait"},
    {"abort", FIELD_GROUP, 0, .group = &abort_table, .help = "fail"},
};
FIELD_TABLE(http_fault, struct group);

static const struct field cors_policy_fields[] = {
    {"allowOrigin", FIELD_TEXT, FIELD_LIST | FIELD_DEPRECATED, .help = "use allowOrigins"},
    {"allowOrigins", FIELD_MATCH, FIELD_LIST, .help = "origins allowed"},
    {"allowMethods", FIELD_TEXT, FIELD_LIST, .help = "methods allowed"},
    {"allowHeaders", FIELD_TEXT, FIELD_LIST, .help = "request headers allowed"},
    {"exposeHeaders", FIELD_TEXT, FIELD_LIST, .help = "response headers shown to scripts"},
    {"maxAge", FIELD_DURATION, 0, .min = 1, .help = "how long the answer holds"},
    {"allowCredentials", FIELD_BOOL, 0, .help = "with cookies"},
    {"unmatchedPreflights", FIELD_CHOICE, 0, .choices = preflight_choices, .help = "what happens to others"},
};
FIELD_TABLE(cors_policy, struct group);
