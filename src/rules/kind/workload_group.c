#include "rules/kind/istio_kinds.h"
#include "rules/kind/workload_entry.h"

/* What a group of workloads has in common; each that joins becomes a WorkloadEntry. */

struct probe_header {
    struct group group;
    struct bytes name;
};

struct probe_http {
    struct group group;
    struct bytes scheme;
    FIELD_LIST_OF(struct probe_header) headers;
};

struct probe_exec {
    struct group group;
    struct text_list command;
};

struct probe {
    struct group group;
    struct probe_http *http;
};

struct group_metadata {
    struct group group;
    struct text_map labels;
};

struct workload_group {
    struct group group;
    struct group_metadata *metadata;
    struct workload_entry *template;
    struct probe *probe;
};

static const struct field group_metadata_fields[] = {
    {"labels", FIELD_TEXT, FIELD_MAP, offsetof(struct group_metadata, labels), .count_max = 256,
     .help = "labels of each entry"},
    {"annotations", FIELD_TEXT, FIELD_MAP, .count_max = 256, .help = "annotations of each entry"},
};
static FIELD_TABLE(group_metadata, struct group_metadata);

static const struct field probe_header_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct probe_header, name), .help = "the header"},
    {"value", FIELD_TEXT, 0, .help = "its value"},
};
static FIELD_TABLE(probe_header, struct probe_header);

static const struct field probe_http_fields[] = {
    {"path", FIELD_TEXT, 0, .help = "what is asked for"},
    {"port", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = 65535, .help = "the workload's port"},
    {"host", FIELD_TEXT, 0, .help = "the host asked for"},
    {"scheme", FIELD_TEXT, 0, offsetof(struct probe_http, scheme), .help = "HTTP or HTTPS"},
    {"httpHeaders", FIELD_GROUP, FIELD_LIST, offsetof(struct probe_http, headers), &probe_header_table,
     .help = "headers sent along"},
};
static FIELD_TABLE(probe_http, struct probe_http);

static const struct field probe_tcp_fields[] = {
    {"host", FIELD_TEXT, 0, .help = "where; the workload when absent"},
    {"port", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = 65535, .help = "the port"},
};
static FIELD_TABLE(probe_tcp, struct group);

static const struct field probe_exec_fields[] = {
    {"command", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct probe_exec, command),
     .help = "the command and its arguments"},
};
static FIELD_TABLE(probe_exec, struct probe_exec);

static const struct field probe_grpc_fields[] = {
    {"port", FIELD_INT, 0, .min = 1, .max = 65535, .help = "the port"},
    {"service", FIELD_TEXT, 0, .help = "the service asked after"},
};
static FIELD_TABLE(probe_grpc, struct group);

static const struct field probe_fields[] = {
    {"initialDelaySeconds", FIELD_INT, 0, .max = INT32_MAX, .help = "time before the first"},
    {"timeoutSeconds", FIELD_INT, 0, .max = INT32_MAX, .help = "longest time of one"},
    {"periodSeconds", FIELD_INT, 0, .max = INT32_MAX, .help = "time between two"},
    {"successThreshold", FIELD_INT, 0, .max = INT32_MAX, .help = "successes in a row that make it ready"},
    {"failureThreshold", FIELD_INT, 0, .max = INT32_MAX, .help = "failures in a row that end it"},
    {"httpGet", FIELD_GROUP, 0, offsetof(struct probe, http), &probe_http_table, .oneof = 1,
     .help = "by a request"},
    {"tcpSocket", FIELD_GROUP, 0, .group = &probe_tcp_table, .oneof = 1, .help = "by connecting"},
    {"exec", FIELD_GROUP, 0, .group = &probe_exec_table, .oneof = 1, .help = "by a command"},
    {"grpc", FIELD_GROUP, 0, .group = &probe_grpc_table, .oneof = 1, .help = "by gRPC's health service"},
};
static FIELD_TABLE(probe, struct probe);

static const struct field workload_group_fields[] = {
    {"metadata", FIELD_GROUP, 0, offsetof(struct workload_group, metadata), &group_metadata_table,
     .help = "what each entry is labelled with"},
    {"template", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct workload_group, template),
     &workload_entry_table, .help = "the entry of whoever joins"},
    {"probe", FIELD_GROUP, 0, offsetof(struct workload_group, probe), &probe_table,
     .help = "when a workload is ready"},
};
static FIELD_TABLE(workload_group, struct workload_group);

/* Letters, digits and -, as Kubernetes has it for probes. */
static bool is_probe_header(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!ascii_is_alpha(name.at[i]) && !ascii_is_digit(name.at[i]) && name.at[i] != '-')
            return false;
    return name.len > 0;
}

static void check_probe_http(const struct probe_http *http, struct report *report)
{
    if (http->scheme.len > 0 && !bytes_equal(http->scheme, BYTES("HTTP")) &&
        !bytes_equal(http->scheme, BYTES("HTTPS")))
        report_error(report, group_node(&http->group, "scheme"), "'%.*s' is neither HTTP nor HTTPS",
                     BYTES_FMT(http->scheme));
    for (size_t i = 0; i < http->headers.count; i++)
        if (!is_probe_header(http->headers.at[i].name))
            report_error(report, group_node(&http->headers.at[i].group, "name"),
                         "'%.*s' is no name of a header", BYTES_FMT(http->headers.at[i].name));
}

static void check_probe(const struct probe *probe, struct report *report)
{
    if (probe->http)
        check_probe_http(probe->http, report);
    /* Istio's schema has grpc; its validation refuses it all the same. */
    if (!probe->http && !group_has(&probe->group, "tcpSocket") && !group_has(&probe->group, "exec"))
        report_error(report, probe->group.node, "says no way: httpGet, tcpSocket or exec belongs here");
}

static void check(struct resource *resource, struct report *report)
{
    const struct workload_group *group = resource->spec;
    if (group->metadata)
        check_labels(report, &group->metadata->group, "labels", &group->metadata->labels);
    workload_entry_check_socket(group->template, report);
    workload_entry_check_ports(group->template, report);
    if (group->probe)
        check_probe(group->probe, report);
}

const struct kind workload_group_kind = {
    .id = KIND_WORKLOAD_GROUP,
    .name = "WorkloadGroup",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .not_yet = true,
    .table = &workload_group_table,
    .check = check,
    .help = "What workloads that join have in common.",
};
