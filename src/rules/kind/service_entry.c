#include "rules/kind/service_entry.h"

#include "rules/kind/export_to.h"

static const char *const location_choices[] = {"MESH_EXTERNAL", "MESH_INTERNAL", NULL};
static const char *const resolution_choices[] = {"NONE",        "STATIC", "DNS", "DNS_ROUND_ROBIN",
                                                 "DYNAMIC_DNS", NULL};

static const struct field service_entry_fields[] = {
    {"hosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct service_entry, hosts),
     .count_max = 256, .help = "the service's names"},
    {"addresses", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, offsetof(struct service_entry, addresses),
     .max = 64, .count_max = 256, .help = "virtual addresses or CIDR ranges"},
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
    {"exportTo", FIELD_TEXT, FIELD_LIST, offsetof(struct service_entry, export_to),
     .help = "namespaces that see it"},
    {"subjectAltNames", FIELD_TEXT, FIELD_LIST, offsetof(struct service_entry, subject_alt_names),
     .help = "names of which the server's certificate must carry one"},
};
static FIELD_TABLE(service_entry, struct service_entry);

static bool by_dns(const struct service_entry *entry)
{
    return entry->resolution == RESOLUTION_DNS || entry->resolution == RESOLUTION_DNS_ROUND_ROBIN;
}

static void check_port_again(const struct service_entry *entry, size_t index, struct report *report)
{
    const struct port *port = &entry->ports.at[index];
    for (size_t i = 0; i < index; i++) {
        const struct port *other = &entry->ports.at[i];
        if (other->number == port->number)
            report_error(report, group_node(&port->group, "number"), "%lld stands in the list twice",
                         (long long)port->number);
        if (port->name.len > 0 && bytes_equal(other->name, port->name))
            report_error(report, group_node(&port->group, "name"), "'%.*s' stands in the list twice",
                         BYTES_FMT(port->name));
    }
}

/* What is known of the host only from what is spoken: its name in a request, or in the TLS hello. */
static void check_protocol(const struct service_entry *entry, const struct port *port, struct report *report)
{
    enum protocol protocol = (enum protocol)port->protocol;
    const struct yaml_node *node = group_node(&port->group, "protocol");
    bool named = protocol_is_http(protocol) || protocol_is_tls(protocol) || protocol == PROTOCOL_HTTP_PROXY;
    if (protocol == PROTOCOL_HBONE)
        report_error(report, node, "HBONE is nothing a service speaks");
    if (entry->resolution != RESOLUTION_NONE && entry->hosts.count > 1 && !named)
        report_error(report, node, "several hosts can be told apart with HTTP and TLS only");
    if (entry->resolution == RESOLUTION_DYNAMIC_DNS && protocol != PROTOCOL_HTTP &&
        protocol != PROTOCOL_HTTP2 && protocol != PROTOCOL_GRPC && protocol != PROTOCOL_TLS)
        report_error(report, node, "resolution DYNAMIC_DNS goes with HTTP, HTTP2, GRPC and TLS only");
}

static void check_ports(const struct service_entry *entry, struct report *report)
{
    for (size_t i = 0; i < entry->ports.count; i++) {
        const struct port *port = &entry->ports.at[i];
        check_port(report, group_node(&port->group, "number"), port->number);
        if (port->name.len == 0)
            report_error(report, port->group.node, "name is missing");
        else if (!host_is_label(port->name))
            report_error(report, group_node(&port->group, "name"), "'%.*s' is no name of a port",
                         BYTES_FMT(port->name));
        if (port->target_port != 0)
            check_port(report, group_node(&port->group, "targetPort"), port->target_port);
        check_port_again(entry, i, report);
        check_protocol(entry, port, report);
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

static void check_named_endpoint(const struct workload_entry *endpoint, struct report *report)
{
    if (!address_is_ip(endpoint->address) && !host_is_fqdn(endpoint->address))
        report_error(report, group_node(&endpoint->group, "address"),
                     "'%.*s' is neither an IP address nor a host", BYTES_FMT(endpoint->address));
    workload_entry_check_ports(endpoint, report);
    check_labels(report, &endpoint->group, "labels", &endpoint->labels);
}

static void check_endpoint(const struct service_entry *entry, const struct workload_entry *endpoint,
                           struct report *report)
{
    bool is_unix = bytes_starts(endpoint->address, BYTES("unix://"));
    if (by_dns(entry))
        check_named_endpoint(endpoint, report);
    else
        workload_entry_check(endpoint, false, report);
    for (size_t i = 0; i < endpoint->ports.count; i++) {
        if (!has_port(entry, endpoint->ports.keys[i]))
            report_error(report, yaml_item(yaml_get(endpoint->group.node, "ports"), i),
                         "the service has no such port");
    }
    if (is_unix && entry->ports.count != 1)
        report_error(report, group_node(&endpoint->group, "address"),
                     "a unix socket serves a service of exactly one port");
}

static void check_host_of(const struct service_entry *entry, const struct yaml_node *node, struct bytes host,
                          struct report *report)
{
    bool wild = host.len > 0 && host.at[0] == '*';
    if (bytes_equal(host, BYTES("*")))
        report_error(report, node, "'*' is no single service");
    else if (!check_host_name(report, node, host))
        return;
    else if (by_dns(entry) && wild && entry->endpoints.count == 0)
        report_error(report, node, "a wildcard cannot be resolved; endpoints are needed");
    else if (by_dns(entry) && !host_is_fqdn(host) && entry->endpoints.count == 0)
        report_error(report, node, "'%.*s' cannot be resolved; endpoints are needed", BYTES_FMT(host));
    if (entry->resolution == RESOLUTION_DYNAMIC_DNS && !wild)
        report_error(report, node, "resolution DYNAMIC_DNS needs a wildcard");
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
    if (entry->resolution == RESOLUTION_DYNAMIC_DNS && entry->addresses.count > 0)
        report_error(report, group_node(&entry->group, "addresses"),
                     "resolution DYNAMIC_DNS takes no addresses");
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
    for (size_t i = 0; i < entry->addresses.count; i++) {
        struct bytes address = entry->addresses.at[i];
        if (!address_is_cidr(address))
            report_error(report, yaml_item(list, i), "'%.*s' is neither an address nor a range",
                         BYTES_FMT(address));
        else if (bytes_find(address, '/') < address.len && entry->resolution > RESOLUTION_STATIC)
            report_error(report, yaml_item(list, i), "a range goes with resolution NONE or STATIC only");
    }
}

/* Waypoints resolve only what is outside. */
static void check_waypoint(const struct resource *resource, struct report *report)
{
    const struct service_entry *entry = resource->spec;
    struct bytes waypoint;
    if (entry->resolution == RESOLUTION_DYNAMIC_DNS && entry->location == SERVICE_INTERNAL &&
        text_map_get(&resource->labels, "istio.io/use-waypoint", &waypoint) && waypoint.len > 0 &&
        !bytes_equal_nocase(waypoint, BYTES("none")))
        report_error(
            report, group_node(&entry->group, "location"),
            "MESH_INTERNAL with resolution DYNAMIC_DNS does not go with the label istio.io/use-waypoint");
}

static void check(struct resource *resource, struct report *report)
{
    const struct service_entry *entry = resource->spec;
    const struct yaml_node *hosts = yaml_get(entry->group.node, "hosts");
    for (size_t i = 0; i < entry->hosts.count; i++)
        check_host_of(entry, yaml_item(hosts, i), entry->hosts.at[i], report);
    check_ports(entry, report);
    check_addresses(entry, report);
    check_resolution(entry, report);
    check_waypoint(resource, report);
    check_selector(report, entry->workload_selector);
    for (size_t i = 0; i < entry->endpoints.count; i++)
        check_endpoint(entry, &entry->endpoints.at[i], report);
    check_export_to(report, &entry->group, &entry->export_to, resource->namespace, EXPORT_SERVICE);
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
