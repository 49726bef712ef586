#include "rules/kind/destination_rule.h"

#include "rules/kind/export_to.h"

static const struct field subset_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct subset, name),
     .help = "a name for it"},
    {"labels", FIELD_TEXT, FIELD_MAP, offsetof(struct subset, labels), .max = 63,
     .help = "labels that its endpoints carry"},
    {"trafficPolicy", FIELD_GROUP, 0, offsetof(struct subset, traffic_policy), &traffic_policy_table,
     .help = "what holds for it instead"},
};
static FIELD_TABLE(subset, struct subset);

static const struct field destination_rule_fields[] = {
    {"host", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct destination_rule, host),
     .help = "the service, or *.DOMAIN"},
    {"trafficPolicy", FIELD_GROUP, 0, offsetof(struct destination_rule, traffic_policy),
     &traffic_policy_table, .help = "how to speak with it"},
    {"subsets", FIELD_GROUP, FIELD_LIST, offsetof(struct destination_rule, subsets), &subset_table,
     .help = "parts of its endpoints, by labels"},
    {"exportTo", FIELD_TEXT, FIELD_LIST, offsetof(struct destination_rule, export_to),
     .help = "namespaces that see it"},
    {"workloadSelector", FIELD_GROUP, 0, offsetof(struct destination_rule, workload_selector),
     &selector_table, .help = "the callers it holds for"},
};
static FIELD_TABLE(destination_rule, struct destination_rule);

static void check_subset(const struct destination_rule *rule, size_t index, struct bytes namespace,
                         struct report *report)
{
    const struct subset *subset = &rule->subsets.at[index];
    if (!host_is_label(subset->name))
        report_error(report, group_node(&subset->group, "name"), "'%.*s' is no name of a subset",
                     BYTES_FMT(subset->name));
    for (size_t i = 0; i < index; i++)
        if (bytes_equal(rule->subsets.at[i].name, subset->name))
            report_error(report, group_node(&subset->group, "name"), "'%.*s' is the name of another subset",
                         BYTES_FMT(subset->name));
    check_labels(report, &subset->group, "labels", &subset->labels);
    traffic_policy_check(subset->traffic_policy, namespace, report);
}

static void check(struct resource *resource, struct report *report)
{
    const struct destination_rule *rule = resource->spec;
    check_host_name(report, group_node(&rule->group, "host"), rule->host);
    traffic_policy_check(rule->traffic_policy, resource->namespace, report);
    for (size_t i = 0; i < rule->subsets.count; i++)
        check_subset(rule, i, resource->namespace, report);
    check_selector(report, rule->workload_selector);
    check_export_to(report, &rule->group, &rule->export_to, resource->namespace,
                    rule->workload_selector ? EXPORT_CALLERS : EXPORT_PLAIN);
}

const struct kind destination_rule_kind = {
    .id = KIND_DESTINATION_RULE,
    .name = "DestinationRule",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &destination_rule_table,
    .check = check,
    .help = "How to speak with a service: load balancing, TLS, subsets.",
};
