#include "rules/kind/core_service.h"

static const char *const service_types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL};
static const char *const transports[] = {"TCP", "UDP", "SCTP", NULL};
static const char *const address_types[] = {"IPv4", "IPv6", "FQDN", NULL};
static const char *const affinities[] = {"None", "ClientIP", NULL};
static const char *const traffic_policies[] = {"Cluster", "Local", NULL};
static const char *const families[] = {"IPv4", "IPv6", NULL};
static const char *const family_policies[] = {"SingleStack", "PreferDualStack", "RequireDualStack", NULL};

#define PORT_NUMBER .min = 1, .max = 65535
#define KUBERNETES .help = "Kubernetes' own"

static const struct field service_port_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct service_port, name), .max = 63,
     .help = "its name, needed where there are several; http-web says that HTTP is spoken"},
    {"port", FIELD_INT, FIELD_REQUIRED, offsetof(struct service_port, port), PORT_NUMBER,
     .help = "the port that clients ask for"},
    {"protocol", FIELD_CHOICE, 0, offsetof(struct service_port, transport), .choices = transports,
     .preset = "TCP", .help = "the transport"},
    {"appProtocol", FIELD_TEXT, 0, offsetof(struct service_port, app_protocol), .max = 253,
     .help = "what is spoken: http, http2, grpc, https, tls, tcp, kubernetes.io/h2c ..."},
    {"targetPort", FIELD_ANY, 0, offsetof(struct service_port, target),
     .help = "the port of the endpoints, by number or name; none written: the same"},
    {"nodePort", FIELD_INT, 0, .max = 65535, KUBERNETES},
};
static FIELD_TABLE(service_port, struct service_port);

static const struct field core_service_fields[] = {
    {"ports", FIELD_GROUP, FIELD_LIST, offsetof(struct core_service, ports), &service_port_table,
     .count_max = 256, .help = "its ports"},
    {"selector", FIELD_TEXT, FIELD_MAP, offsetof(struct core_service, selector), .max = 63,
     .help = "labels that choose its endpoints: WorkloadEntries here, Pods in Kubernetes"},
    {"type", FIELD_CHOICE, 0, offsetof(struct core_service, type), .choices = service_types,
     .preset = "ClusterIP", .help = "ExternalName is another name for a host; the rest are one here"},
    {"externalName", FIELD_TEXT, 0, offsetof(struct core_service, external_name), .max = 253,
     .help = "of type ExternalName: the host"},
    {"clusterIP", FIELD_TEXT, 0, offsetof(struct core_service, cluster_ip), KUBERNETES},
    {"clusterIPs", FIELD_TEXT, FIELD_LIST, .count_max = 2, KUBERNETES},
    {"externalIPs", FIELD_TEXT, FIELD_LIST, KUBERNETES},
    {"sessionAffinity", FIELD_TEXT, 0, .choices = affinities, KUBERNETES},
    {"sessionAffinityConfig", FIELD_ANY, 0, KUBERNETES},
    {"loadBalancerIP", FIELD_TEXT, 0, KUBERNETES},
    {"loadBalancerClass", FIELD_TEXT, 0, KUBERNETES},
    {"loadBalancerSourceRanges", FIELD_TEXT, FIELD_LIST, KUBERNETES},
    {"allocateLoadBalancerNodePorts", FIELD_BOOL, 0, KUBERNETES},
    {"externalTrafficPolicy", FIELD_TEXT, 0, .choices = traffic_policies, KUBERNETES},
    {"internalTrafficPolicy", FIELD_TEXT, 0, .choices = traffic_policies, KUBERNETES},
    {"healthCheckNodePort", FIELD_INT, 0, .max = 65535, KUBERNETES},
    {"publishNotReadyAddresses", FIELD_BOOL, 0, KUBERNETES},
    {"ipFamilies", FIELD_TEXT, FIELD_LIST, .choices = families, .count_max = 2, KUBERNETES},
    {"ipFamilyPolicy", FIELD_TEXT, 0, .choices = family_policies, KUBERNETES},
    {"trafficDistribution", FIELD_TEXT, 0, KUBERNETES},
};
static FIELD_TABLE(core_service, struct core_service);

enum protocol service_port_protocol(const struct service_port *port)
{
    static const struct {
        const char *name;
        enum protocol protocol;
    } well_known[] = {{"kubernetes.io/h2c", PROTOCOL_HTTP2},
                      {"kubernetes.io/ws", PROTOCOL_HTTP},
                      {"kubernetes.io/wss", PROTOCOL_HTTPS}};
    struct port by_name = {.name = port->app_protocol.len ? port->app_protocol : port->name};
    for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++)
        if (bytes_equal_nocase(port->app_protocol, bytes_of(well_known[i].name)))
            return well_known[i].protocol;
    return port_protocol(&by_name);
}

static void check_target(const struct yaml_node *target, struct report *report)
{
    if (!target)
        return;
    if (target->kind == YAML_INT && (target->number < 1 || target->number > 65535))
        report_error(report, target, "%lld is not between 1 and 65535", (long long)target->number);
    else if (target->kind != YAML_INT && (target->kind != YAML_TEXT || target->text.len > 15 ||
                                          !form_fits(&form_port_name, target->text)))
        report_error(report, target, "is neither a port's number nor the name of a container's port");
}

static void check_port_name(const struct core_service *service, const struct service_port *port,
                            struct report *report)
{
    const struct yaml_node *node = group_node(&port->group, "name");
    if (port->name.len == 0 && service->ports.count > 1)
        report_error(report, port->group.node, "name is missing, which a port among several needs");
    if (port->name.len > 0 && !form_fits(&form_dns_label, port->name))
        report_error(report, node, "'%.*s' is not %s", BYTES_FMT(port->name), form_dns_label.article);
}

static void check_ports(const struct core_service *service, struct report *report)
{
    for (size_t i = 0; i < service->ports.count; i++) {
        const struct service_port *port = &service->ports.at[i];
        check_port_name(service, port, report);
        check_target(port->target, report);
        for (size_t k = 0; k < i; k++) {
            const struct service_port *other = &service->ports.at[k];
            if (port->name.len > 0 && bytes_equal(other->name, port->name))
                report_error(report, group_node(&port->group, "name"), "'%.*s' stands in the list twice",
                             BYTES_FMT(port->name));
            if (other->port == port->port && other->transport == port->transport)
                report_error(report, group_node(&port->group, "port"), "%lld stands in the list twice",
                             (long long)port->port);
        }
    }
}

static void check_service(struct resource *resource, struct report *report)
{
    const struct core_service *service = resource->spec;
    bool external = service->type == SERVICE_EXTERNAL_NAME;
    bool headless = bytes_equal(service->cluster_ip, BYTES("None"));
    check_ports(service, report);
    if (!external && !headless && service->ports.count == 0)
        report_error(report, service->group.node, "ports is missing");
    if (external && !host_is_plain(service->external_name))
        report_error(report, group_node(&service->group, "externalName"),
                     "type ExternalName needs a host such as shop.example.com in externalName");
}

const struct kind core_service_kind = {
    .id = KIND_SERVICE,
    .name = "Service",
    .group = "",
    .versions = "v1",
    .plain = true,
    .table = &core_service_table,
    .check = check_service,
    .help = "A name in the cluster, NAME.NAMESPACE.svc.DOMAIN, and its ports.",
};

/* EndpointSlice */

static const struct field slice_port_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct slice_port, name), .max = 63, .help = "the Service's port"},
    {"port", FIELD_INT, 0, offsetof(struct slice_port, port), PORT_NUMBER, .help = "its number there"},
    {"protocol", FIELD_CHOICE, 0, offsetof(struct slice_port, transport), .choices = transports,
     .preset = "TCP", .help = "the transport"},
    {"appProtocol", FIELD_TEXT, 0, .max = 253, .help = "what is spoken; the Service's holds"},
};
static FIELD_TABLE(slice_port, struct slice_port);

static const struct field slice_conditions_fields[] = {
    {"ready", FIELD_BOOL, 0, offsetof(struct slice_conditions, ready), .preset = "true",
     .help = "whether requests may go there"},
    {"serving", FIELD_BOOL, 0, .help = "whether it answers, though it may be ending"},
    {"terminating", FIELD_BOOL, 0, .help = "whether it is ending"},
};
static FIELD_TABLE(slice_conditions, struct slice_conditions);

static const struct field slice_endpoint_fields[] = {
    {"addresses", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED,
     offsetof(struct slice_endpoint, addresses), .count_max = 100, .help = "its address; the first counts"},
    {"conditions", FIELD_GROUP, 0, offsetof(struct slice_endpoint, conditions), &slice_conditions_table,
     .help = "what state it is in"},
    {"hostname", FIELD_TEXT, 0, KUBERNETES},
    {"nodeName", FIELD_TEXT, 0, KUBERNETES},
    {"zone", FIELD_TEXT, 0, KUBERNETES},
    {"hints", FIELD_ANY, 0, KUBERNETES},
    {"targetRef", FIELD_ANY, 0, KUBERNETES},
    {"deprecatedTopology", FIELD_ANY, 0, KUBERNETES},
};
static FIELD_TABLE(slice_endpoint, struct slice_endpoint);

static const struct field endpoint_slice_fields[] = {
    {"apiVersion", FIELD_TEXT, 0, .help = "discovery.k8s.io/v1"},
    {"kind", FIELD_TEXT, 0, .help = "EndpointSlice"},
    {"metadata", FIELD_ANY, 0, .help = "name, namespace, and the label " SERVICE_NAME_LABEL},
    {"addressType", FIELD_CHOICE, FIELD_REQUIRED, offsetof(struct endpoint_slice, address_type),
     .choices = address_types, .choices_not_yet = 1u << SLICE_FQDN, .help = "what the addresses are"},
    {"endpoints", FIELD_GROUP, FIELD_LIST, offsetof(struct endpoint_slice, endpoints), &slice_endpoint_table,
     .count_max = 1000, .help = "where the Service runs"},
    {"ports", FIELD_GROUP, FIELD_LIST, offsetof(struct endpoint_slice, ports), &slice_port_table,
     .count_max = 100, .help = "its ports there"},
};
static FIELD_TABLE(endpoint_slice, struct endpoint_slice);

static bool is_of(struct bytes address, int type)
{
    bool six = bytes_find(address, ':') < address.len;
    return address_is_ip(address) && six == (type == SLICE_IP6);
}

static void check_slice(struct resource *resource, struct report *report)
{
    const struct endpoint_slice *slice = resource->spec;
    struct bytes service;
    if (!text_map_get(&resource->labels, SERVICE_NAME_LABEL, &service))
        report_warning(report, resource->node, "has no label %s, so it belongs to no Service",
                       SERVICE_NAME_LABEL);
    for (size_t i = 0; i < slice->endpoints.count; i++) {
        const struct slice_endpoint *endpoint = &slice->endpoints.at[i];
        for (const struct yaml_node *n = yaml_get(endpoint->group.node, "addresses")->first; n; n = n->next)
            if (slice->address_type != SLICE_FQDN && !is_of(n->text, slice->address_type))
                report_error(report, n, "'%.*s' is no address of %s", BYTES_FMT(n->text),
                             address_types[slice->address_type]);
    }
}

const struct kind endpoint_slice_kind = {
    .id = KIND_ENDPOINT_SLICE,
    .name = "EndpointSlice",
    .group = "discovery.k8s.io",
    .versions = "v1",
    .plain = true,
    .at_top = true,
    .table = &endpoint_slice_table,
    .check = check_slice,
    .help = "Where a Service runs: addresses, ports, and which are ready.",
};
