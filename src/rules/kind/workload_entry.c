#include "rules/kind/workload_entry.h"

static const struct field workload_entry_fields[] = {
    {"address", FIELD_TEXT, 0, offsetof(struct workload_entry, address), .max = 256,
     .help = "an IP address, a name (of a service with resolution DNS), or unix:///path"},
    {"ports", FIELD_INT, FIELD_MAP, offsetof(struct workload_entry, ports), .count_max = 128,
     .help = "numbers of the service's ports here, by their names"},
    {"labels", FIELD_TEXT, FIELD_MAP, offsetof(struct workload_entry, labels), .max = 63, .count_max = 256,
     .help = "labels of the workload"},
    {"network", FIELD_TEXT, FIELD_NOT_YET, offsetof(struct workload_entry, network), .max = 2048,
     .help = "the network it is in"},
    {"locality", FIELD_TEXT, 0, offsetof(struct workload_entry, locality), .max = 2048,
     .help = "REGION/ZONE/SUBZONE"},
    {"weight", FIELD_INT, 0, offsetof(struct workload_entry, weight), .max = UINT32_MAX,
     .help = "its share among the endpoints"},
    {"serviceAccount", FIELD_TEXT, 0, offsetof(struct workload_entry, service_account), .max = 253,
     .help = "the service account of its certificate"},
};
FIELD_TABLE(workload_entry, struct workload_entry);

void workload_entry_check_ports(const struct workload_entry *entry, struct report *report)
{
    const struct yaml_node *map = yaml_get(entry->group.node, "ports");
    for (size_t i = 0; i < entry->ports.count; i++) {
        struct bytes name = entry->ports.keys[i];
        check_port(report, yaml_item(map, i), entry->ports.at[i]);
        if (name.len > 62 || !host_is_label(name))
            report_error(report, yaml_item(map, i), "'%.*s' is no name of a port", BYTES_FMT(name));
    }
    if (bytes_starts(entry->address, BYTES("unix://")) && entry->ports.count > 0)
        report_error(report, map, "a unix socket has no ports");
}

void workload_entry_check_socket(const struct workload_entry *entry, struct report *report)
{
    if (bytes_starts(entry->address, BYTES("unix://")) && !address_is_unix(entry->address))
        report_error(report, group_node(&entry->group, "address"),
                     "'%.*s' is no unix socket such as unix:///run/app.sock or unix://@app",
                     BYTES_FMT(entry->address));
}

void workload_entry_check(const struct workload_entry *entry, bool names, struct report *report)
{
    const struct yaml_node *node = group_node(&entry->group, "address");
    bool is_unix = bytes_starts(entry->address, BYTES("unix://"));
    workload_entry_check_socket(entry, report);
    if (entry->address.len == 0) {
        if (entry->network.len == 0)
            report_error(report, entry->group.node, "address is missing");
    } else if (!is_unix && !address_is_ip(entry->address) && !names) {
        report_error(report, node, "'%.*s' is no IP address, as resolution STATIC needs",
                     BYTES_FMT(entry->address));
    } else if (!is_unix && !address_is_ip(entry->address) && !host_is_fqdn(entry->address)) {
        report_error(report, node, "'%.*s' is neither an IP address nor a host", BYTES_FMT(entry->address));
    }
    workload_entry_check_ports(entry, report);
    check_labels(report, &entry->group, "labels", &entry->labels);
}

static void check(struct resource *resource, struct report *report)
{
    workload_entry_check(resource->spec, true, report);
}

const struct kind workload_entry_kind = {
    .id = KIND_WORKLOAD_ENTRY,
    .name = "WorkloadEntry",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &workload_entry_table,
    .check = check,
    .help = "One workload that serves: its address, ports, labels and identity.",
};
