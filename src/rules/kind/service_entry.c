#include "rules/kind/service_entry.h"

static const char *const location_choices[] = {"MESH_EXTERNAL", "MESH_INTERNAL", NULL};
static const char *const resolution_choices[] = {"NONE",        "STATIC", "DNS", "DNS_ROUND_ROBIN",
                                                 "DYNAMIC_DNS", NULL};

static const struct field service_entry_fields[] = {
    {"hosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct service_entry, hosts),
     .count_max = 256, .help = "the service's names"},
    {"addresses", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .max = 64, .count_max = 256,
     .help = "virtual addresses or CIDR ranges"},
    {"ports", FIELD_GROUP, FIELD_LIST, offsetof(struct service_entry, ports), &port_table, .count_max = 256,
     .help = "the service's ports"},
    {"location", FIELD_CHOICE, 0, offsetof(struct service_entry, location), .choices = location_choices,
     .help = "whether it is part of the mesh, and so speaks mutual TLS"},
    {"resolution", FIELD_CHOICE, 0, offsetof(struct service_entry, resolution), .choices = resolution_choices,
     .choices_not_yet = 1u << RESOLUTION_NONE | 1u << RESOLUTION_DYNAMIC_DNS,
     .help = "how endpoints are found"},
    {"endpoints", FIELD_GROUP, FIELD_LIST, offsetof(struct service_entry, endpoints), &workload_entry_table,
     .count_max = 4096, .oneof = 1, .help = "where it runs"},
    {"workloadSelector", FIELD_GROUP, 0, offsetof(struct service_entry, workload_selector),
     &workload_selector_table, .oneof = 1, .help = "or: which WorkloadEntries are its endpoints"},
    {"exportTo", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .help = "namespaces that see it"},
    {"subjectAltNames", FIELD_TEXT, FIELD_LIST, offsetof(struct service_entry, subject_alt_names),
     .help = "names of which the server's certificate must carry one"},
};
static FIELD_TABLE(service_entry, struct service_entry);

static void check_ports(const struct service_entry *entry, struct report *report)
{
    for (size_t i = 0; i < entry->ports.count; i++) {
        const struct port *port = &entry->ports.at[i];
        check_port(report, group_node(&port->group, "number"), port->number);
        if (port->name.len == 0)
            report_error(report, port->group.node, "name is missing");
        if (group_has(&port->group, "targetPort"))
            check_port(report, group_node(&port->group, "targetPort"), port->target_port);
        for (size_t k = 0; k < i; k++) {
            const struct port *other = &entry->ports.at[k];
            if (other->number == port->number)
                report_error(report, group_node(&port->group, "number"), "%lld stands in the list twice",
                             (long long)port->number);
            if (port->name.len > 0 && bytes_equal(other->name, port->name))
                report_error(report, group_node(&port->group, "name"), "'%.*s' stands in the list twice",
                             BYTES_FMT(port->name));
        }
    }
}

static bool has_port(const struct service_entry *entry, struct bytes name)
{
    for (size_t i = 0; i < entry->ports.count; i++) {
        if (bytes_equal(entry->ports.at[i].name, name))
            return true;
    }
    return false;
}

static void check_endpoint(const struct service_entry *entry, const struct workload_entry *endpoint,
                           struct report *report)
{
    bool is_unix = bytes_starts(endpoint->address, BYTES("unix://"));
    const struct yaml_node *address = group_node(&endpoint->group, "address");
    workload_entry_check(endpoint, report);
    for (size_t i = 0; i < endpoint->ports.count; i++) {
        if (!has_port(entry, endpoint->ports.keys[i]))
            report_error(report, yaml_item(yaml_get(endpoint->group.node, "ports"), i),
                         "the service has no such port");
    }
    if (is_unix && entry->ports.count != 1)
        report_error(report, address, "a unix socket serves a service of exactly one port");
    if (is_unix && entry->resolution != RESOLUTION_STATIC)
        report_error(report, address, "a unix socket needs resolution STATIC");
    if (entry->resolution == RESOLUTION_STATIC && endpoint->address.len > 0 && !is_unix &&
        !address_is_ip(endpoint->address))
        report_error(report, address, "'%.*s' is no IP address, as resolution STATIC needs",
                     BYTES_FMT(endpoint->address));
}

static void check_hosts(const struct service_entry *entry, struct report *report)
{
    const struct yaml_node *list = yaml_get(entry->group.node, "hosts");
    bool dns = entry->resolution == RESOLUTION_DNS || entry->resolution == RESOLUTION_DNS_ROUND_ROBIN;
    for (size_t i = 0; i < entry->hosts.count; i++) {
        struct bytes host = entry->hosts.at[i];
        bool wild = host.len > 0 && host.at[0] == '*';
        if (bytes_equal(host, BYTES("*")))
            report_error(report, yaml_item(list, i), "'*' is no single service");
        else if (check_host(report, yaml_item(list, i), host) && dns && wild && entry->endpoints.count == 0)
            report_error(report, yaml_item(list, i), "a wildcard cannot be resolved; endpoints are needed");
        if (entry->resolution == RESOLUTION_DYNAMIC_DNS && !wild)
            report_error(report, yaml_item(list, i), "resolution DYNAMIC_DNS needs a wildcard");
    }
}

static void check_resolution(const struct service_entry *entry, struct report *report)
{
    bool none = entry->resolution == RESOLUTION_NONE || entry->resolution == RESOLUTION_DYNAMIC_DNS;
    if (none && entry->endpoints.count > 0)
        report_error(report, group_node(&entry->group, "endpoints"), "resolution %s takes no endpoints",
                     resolution_choices[entry->resolution]);
    if (entry->resolution == RESOLUTION_DNS_ROUND_ROBIN && entry->endpoints.count > 1)
        report_error(report, group_node(&entry->group, "endpoints"),
                     "resolution DNS_ROUND_ROBIN takes one endpoint at most");
    if (entry->resolution == RESOLUTION_DYNAMIC_DNS && entry->ports.count == 0)
        report_error(report, entry->group.node, "resolution DYNAMIC_DNS needs ports");
    if (!group_has(&entry->group, "resolution"))
        report_not_yet(report, entry->group.node, "resolution NONE, which holds when none is written,");
    if (entry->resolution == RESOLUTION_STATIC && entry->endpoints.count == 0 && !entry->workload_selector)
        report_warning(report, entry->group.node,
                       "resolution STATIC without endpoints or workloadSelector: "
                       "nothing will answer");
}

static void check_addresses(const struct service_entry *entry, struct report *report)
{
    const struct yaml_node *list = yaml_get(entry->group.node, "addresses");
    for (const struct yaml_node *n = list ? list->first : NULL; n; n = n->next) {
        bool range = bytes_find(n->text, '/') < n->text.len;
        if (!address_is_cidr(n->text))
            report_error(report, n, "'%.*s' is neither an address nor a range", BYTES_FMT(n->text));
        else if (range && entry->resolution > RESOLUTION_STATIC)
            report_error(report, n, "a range goes with resolution NONE or STATIC only");
    }
}

static void check(struct resource *resource, struct report *report)
{
    const struct service_entry *entry = resource->spec;
    check_hosts(entry, report);
    check_ports(entry, report);
    check_addresses(entry, report);
    check_resolution(entry, report);
    check_selector(report, entry->workload_selector);
    for (size_t i = 0; i < entry->endpoints.count; i++)
        check_endpoint(entry, &entry->endpoints.at[i], report);
}

const struct kind service_entry_kind = {
    .id = KIND_SERVICE_ENTRY,
    .name = "ServiceEntry",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &service_entry_table,
    .check = check,
    .help = "A service by its names, and the endpoints that serve it.",
};
