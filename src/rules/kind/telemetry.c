#include "rules/kind/istio_kinds.h"
#include "rules/kind/target_ref.h"

static const char *const mode_choices[] = {"CLIENT_AND_SERVER", "CLIENT", "SERVER", NULL};
static const char *const metric_choices[] = {
    "ALL_METRICS",        "REQUEST_COUNT",          "REQUEST_DURATION",       "REQUEST_SIZE",
    "RESPONSE_SIZE",      "TCP_OPENED_CONNECTIONS", "TCP_CLOSED_CONNECTIONS", "TCP_SENT_BYTES",
    "TCP_RECEIVED_BYTES", "GRPC_REQUEST_MESSAGES",  "GRPC_RESPONSE_MESSAGES", NULL};
static const char *const operation_choices[] = {"UPSERT", "REMOVE", NULL};
enum { OPERATION_UPSERT, OPERATION_REMOVE };

struct tag_override {
    struct group group;
    int operation;
    struct bytes value;
};

struct telemetry {
    struct group group;
    struct selector *selector;
    struct target_ref *target_ref;
    struct target_ref_list target_refs;
};

static const struct field provider_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED,
     .help = "a provider that the mesh configuration names"},
};
static FIELD_TABLE(provider, struct group);

static const struct field direction_fields[] = {
    {"mode", FIELD_CHOICE, 0, .choices = mode_choices, .help = "for calls that go out, come in, or both"},
};
static FIELD_TABLE(direction, struct group);

static const struct field tag_literal_fields[] = {
    {"value", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .help = "the text"},
};
static FIELD_TABLE(tag_literal, struct group);

static const struct field tag_source_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .help = "its name"},
    {"defaultValue", FIELD_TEXT, 0, .help = "what holds when it is absent"},
};
static FIELD_TABLE(tag_source, struct group);

static const struct field custom_tag_fields[] = {
    {"literal", FIELD_GROUP, 0, .group = &tag_literal_table, .oneof = 1, .help = "always the same"},
    {"environment", FIELD_GROUP, 0, .group = &tag_source_table, .oneof = 1, .help = "a variable"},
    {"header", FIELD_GROUP, 0, .group = &tag_source_table, .oneof = 1, .help = "a header of the request"},
    {"formatter", FIELD_GROUP, 0, .group = &tag_literal_table, .oneof = 1,
     .help = "text with Envoy's operators"},
};
static FIELD_TABLE(custom_tag, struct group);

static const struct field tracing_fields[] = {
    {"match", FIELD_GROUP, 0, .group = &direction_table, .help = "where it holds"},
    {"providers", FIELD_GROUP, FIELD_LIST, .group = &provider_table, .help = "where spans go"},
    {"randomSamplingPercentage", FIELD_NUMBER, 0, .max = 100, .help = "share of requests traced"},
    {"disableSpanReporting", FIELD_BOOL, 0, .help = "no spans"},
    {"disableContextPropagation", FIELD_BOOL, 0, .help = "trace headers are left alone"},
    {"customTags", FIELD_GROUP, FIELD_MAP, .group = &custom_tag_table, .help = "tags of each span"},
    {"enableIstioTags", FIELD_BOOL, 0, .help = "Istio's own tags too"},
    {"useRequestIdForTraceSampling", FIELD_BOOL, 0, .help = "the request's id says whether it is traced"},
};
static FIELD_TABLE(tracing, struct group);

static void check_tag_override(const struct group *group, struct report *report)
{
    const struct tag_override *tag = (const void *)group;
    if (tag->operation == OPERATION_UPSERT && tag->value.len == 0)
        report_error(report, group_node(group, "value"), "operation UPSERT needs a value");
    if (tag->operation == OPERATION_REMOVE && tag->value.len > 0)
        report_error(report, group_node(group, "value"), "operation REMOVE takes no value");
}

static const struct field tag_override_fields[] = {
    {"operation", FIELD_CHOICE, 0, offsetof(struct tag_override, operation), .choices = operation_choices,
     .help = "whether it is set or taken out"},
    {"value", FIELD_TEXT, 0, offsetof(struct tag_override, value), .help = "an expression of CEL"},
};
static FIELD_TABLE_CHECKED(tag_override, struct tag_override, check_tag_override);

static const struct field metric_match_fields[] = {
    {"metric", FIELD_CHOICE, 0, .choices = metric_choices, .oneof = 1, .help = "one of Istio's metrics"},
    {"customMetric", FIELD_TEXT, FIELD_FILLED, .oneof = 1, .help = "another metric"},
    {"mode", FIELD_CHOICE, 0, .choices = mode_choices, .help = "for calls that go out, come in, or both"},
};
static FIELD_TABLE(metric_match, struct group);

static const struct field override_fields[] = {
    {"match", FIELD_GROUP, 0, .group = &metric_match_table, .help = "which metrics"},
    {"disabled", FIELD_BOOL, 0, .help = "not counted"},
    {"tagOverrides", FIELD_GROUP, FIELD_MAP, .group = &tag_override_table, .help = "tags changed, by name"},
};
static FIELD_TABLE(override, struct group);

static const struct field metrics_fields[] = {
    {"providers", FIELD_GROUP, FIELD_LIST, .group = &provider_table, .help = "where metrics go"},
    {"overrides", FIELD_GROUP, FIELD_LIST, .group = &override_table, .help = "what is different"},
    {"reportingInterval", FIELD_DURATION, 0, .min = 1, .help = "time between reports of long connections"},
};
static FIELD_TABLE(metrics, struct group);

static const struct field filter_fields[] = {
    {"expression", FIELD_TEXT, 0, .help = "an expression of CEL: what is logged"},
};
static FIELD_TABLE(filter, struct group);

static const struct field access_logging_fields[] = {
    {"match", FIELD_GROUP, 0, .group = &direction_table, .help = "where it holds"},
    {"providers", FIELD_GROUP, FIELD_LIST, .group = &provider_table, .help = "where records go"},
    {"disabled", FIELD_BOOL, 0, .help = "no records"},
    {"filter", FIELD_GROUP, 0, .group = &filter_table, .help = "which requests are logged"},
};
static FIELD_TABLE(access_logging, struct group);

static const struct field telemetry_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct telemetry, selector), &selector_table, .oneof = 1,
     .help = "the workloads meant; all of the namespace when absent"},
    {"targetRef", FIELD_GROUP, 0, offsetof(struct telemetry, target_ref), &target_ref_table, .oneof = 1,
     .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct telemetry, target_refs), &target_ref_table,
     .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"tracing", FIELD_GROUP, FIELD_LIST, .group = &tracing_table, .help = "spans"},
    {"metrics", FIELD_GROUP, FIELD_LIST, .group = &metrics_table, .help = "metrics"},
    {"accessLogging", FIELD_GROUP, FIELD_LIST, .group = &access_logging_table, .help = "access records"},
};
static FIELD_TABLE(telemetry, struct telemetry);

/* Tags are looked at as written: what they say was checked by their tables. */
static void check_tags(const struct yaml_node *tracing, struct report *report)
{
    const struct yaml_node *tags = yaml_get(tracing, "customTags");
    for (const struct yaml_node *n = tags ? tags->first : NULL; n; n = n->next)
        if (n->key.len == 0)
            report_error(report, n, "a tag has a name");
    const struct yaml_node *providers = yaml_get(tracing, "providers");
    if (providers && providers->count > 1)
        report_warning(report, providers, "only one provider counts");
}

static void check(struct resource *resource, struct report *report)
{
    const struct telemetry *telemetry = resource->spec;
    const struct yaml_node *tracing = yaml_get(telemetry->group.node, "tracing");
    check_attachment(report, telemetry->selector, telemetry->target_ref, &telemetry->target_refs);
    if (tracing && tracing->count > 1)
        report_warning(report, tracing, "only one tracing counts");
    for (const struct yaml_node *n = tracing ? tracing->first : NULL; n; n = n->next)
        check_tags(n, report);
}

const struct kind telemetry_kind = {
    .id = KIND_TELEMETRY,
    .name = "Telemetry",
    .group = "telemetry.istio.io",
    .versions = "v1 v1alpha1",
    .not_yet = true,
    .table = &telemetry_table,
    .check = check,
    .help = "What is traced, counted and logged.",
};
