#include "rules/kind/sidecar.h"

#include "rules/kind/destination_rule.h"
#include "rules/kind/gateway.h"

static const char *const capture_choices[] = {"DEFAULT", "IPTABLES", "NONE", NULL};
static const char *const outbound_choices[] = {"REGISTRY_ONLY", "ALLOW_ANY", NULL};

static const struct field outbound_fields[] = {
    {"mode", FIELD_CHOICE, 0, .choices = outbound_choices, .help = "whether unknown services may be called"},
    {"egressProxy", FIELD_GROUP, 0, .group = &destination_table, .help = "where unknown traffic goes"},
};
static FIELD_TABLE(outbound, struct group);

static const struct field sidecar_ingress_fields[] = {
    {"port", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct sidecar_ingress, port), &port_table,
     .help = "where to listen"},
    {"bind", FIELD_TEXT, 0, offsetof(struct sidecar_ingress, bind), .help = "the address to listen at"},
    {"captureMode", FIELD_CHOICE, 0, offsetof(struct sidecar_ingress, capture_mode),
     .choices = capture_choices, .choices_not_yet = 1u << CAPTURE_IPTABLES,
     .help = "whether traffic is captured or sent here"},
    {"defaultEndpoint", FIELD_TEXT, 0, offsetof(struct sidecar_ingress, default_endpoint),
     .help = "the workload: 127.0.0.1:PORT, 0.0.0.0:PORT (the pod's address) or unix:///path"},
    {"tls", FIELD_GROUP, FIELD_NOT_YET, .group = &server_tls_table, .help = "TLS from outside the mesh"},
    {"connectionPool", FIELD_GROUP, 0, offsetof(struct sidecar_ingress, connection_pool),
     &connection_pool_table, .help = "limits towards the workload"},
};
static FIELD_TABLE(sidecar_ingress, struct sidecar_ingress);

static const struct field sidecar_egress_fields[] = {
    {"port", FIELD_GROUP, 0, offsetof(struct sidecar_egress, port), &port_table,
     .help = "one port; all when absent"},
    {"bind", FIELD_TEXT, 0, offsetof(struct sidecar_egress, bind), .help = "the address to listen at"},
    {"captureMode", FIELD_CHOICE, 0, offsetof(struct sidecar_egress, capture_mode),
     .choices = capture_choices, .choices_not_yet = 1u << CAPTURE_IPTABLES,
     .help = "whether traffic is captured or sent here"},
    {"hosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct sidecar_egress, hosts),
     .help = "services that may be called: NAMESPACE/HOST, ./HOST, */HOST or ~/*"},
};
static FIELD_TABLE(sidecar_egress, struct sidecar_egress);

static const struct field sidecar_fields[] = {
    {"workloadSelector", FIELD_GROUP, 0, offsetof(struct sidecar, workload_selector),
     &workload_selector_table, .help = "the workloads meant; all of the namespace when absent"},
    {"ingress", FIELD_GROUP, FIELD_LIST, offsetof(struct sidecar, ingress), &sidecar_ingress_table,
     .help = "what comes in"},
    {"egress", FIELD_GROUP, FIELD_LIST, offsetof(struct sidecar, egress), &sidecar_egress_table,
     .help = "what goes out"},
    {"inboundConnectionPool", FIELD_GROUP, 0, offsetof(struct sidecar, inbound_pool), &connection_pool_table,
     .help = "limits towards the workload, where an ingress has none of its own"},
    {"outboundTrafficPolicy", FIELD_GROUP, FIELD_NOT_YET, .group = &outbound_table,
     .help = "what happens with unknown destinations"},
};
static FIELD_TABLE(sidecar, struct sidecar);

static void check_listener(const struct group *group, const struct port *port, struct bytes bind, int capture,
                           struct report *report)
{
    bool is_unix = bytes_starts(bind, BYTES("unix://"));
    if (port && !is_unix)
        check_port(report, group_node(&port->group, "number"), port->number);
    if (bind.len > 0 && !(is_unix ? address_is_unix(bind) : address_is_ip(bind)))
        report_error(report, group_node(group, "bind"), "'%.*s' is no address", BYTES_FMT(bind));
    if (is_unix && capture == CAPTURE_IPTABLES)
        report_error(report, group_node(group, "captureMode"), "a unix socket cannot be captured");
}

static void check_ingress_tls(const struct sidecar_ingress *ingress, struct report *report)
{
    static const char *const refused[] = {"credentialName", "credentialNames", "tlsCertificates",
                                          "subjectAltNames"};
    const struct yaml_node *tls = yaml_get(ingress->group.node, "tls");
    const struct yaml_node *mode = yaml_get(tls, "mode");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct yaml_node *node = yaml_get(tls, refused[i]);
        if (node && node->kind != YAML_NULL)
            report_error(report, node, "%s has no place in a Sidecar", refused[i]);
    }
    if (mode && !bytes_equal(mode->text, BYTES("SIMPLE")) && !bytes_equal(mode->text, BYTES("MUTUAL")) &&
        !bytes_equal(mode->text, BYTES("OPTIONAL_MUTUAL")))
        report_error(report, mode,
                     "a Sidecar's ingress terminates TLS with SIMPLE, MUTUAL or OPTIONAL_MUTUAL");
}

static void check_ingress(const struct sidecar_ingress *ingress, struct report *report)
{
    struct bytes address;
    int64_t port;
    const struct yaml_node *node = group_node(&ingress->group, "defaultEndpoint");
    check_listener(&ingress->group, ingress->port, ingress->bind, ingress->capture_mode, report);
    if (bytes_starts(ingress->bind, BYTES("unix://")))
        report_error(report, group_node(&ingress->group, "bind"), "an ingress listens at an IP address");
    check_ingress_tls(ingress, report);
    if (ingress->default_endpoint.len == 0)
        return;
    if (!endpoint_read(ingress->default_endpoint, &address, &port)) {
        report_error(report, node,
                     "'%.*s' is none of 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT, unix:///path",
                     BYTES_FMT(ingress->default_endpoint));
        return;
    }
    if (port > 0 && !bytes_equal(address, BYTES("127.0.0.1")) && !bytes_equal(address, BYTES("0.0.0.0")) &&
        !bytes_equal(address, BYTES("::1")) && !bytes_equal(address, BYTES("::")))
        report_error(report, node, "'%.*s' is another machine; a sidecar serves its own workload",
                     BYTES_FMT(ingress->default_endpoint));
}

static void check_egress_host(const struct yaml_node *node, struct bytes host, struct report *report)
{
    struct bytes rest = host;
    struct bytes head = {0};
    if (!bytes_cut(&rest, '/', &head)) {
        report_error(report, node, "'%.*s' is not of the form NAMESPACE/HOST", BYTES_FMT(host));
        return;
    }
    if (head.len > 1 && head.at[0] == '~') {
        report_not_yet(report, node, "leaving one namespace out");
        head = bytes_part(head, 1, head.len);
    }
    bool word =
        bytes_equal(head, BYTES("*")) || bytes_equal(head, BYTES(".")) || bytes_equal(head, BYTES("~"));
    if (!word && (!host_is_plain(head) || bytes_find(head, '.') < head.len))
        report_error(report, node, "'%.*s' is no namespace; one, ., * or ~ stands before the /",
                     BYTES_FMT(head));
    check_host(report, node, rest);
}

static void check_egress(const struct sidecar *sidecar, size_t index, struct report *report)
{
    const struct sidecar_egress *egress = &sidecar->egress.at[index];
    check_listener(&egress->group, egress->port, egress->bind, egress->capture_mode, report);
    for (size_t i = 0; i < egress->hosts.count; i++)
        check_egress_host(yaml_item(yaml_get(egress->group.node, "hosts"), i), egress->hosts.at[i], report);
    if (!egress->port && egress->bind.len > 0 && !bytes_starts(egress->bind, BYTES("unix://")))
        report_error(report, group_node(&egress->group, "bind"), "an address needs a port beside it");
    if (!egress->port && index + 1 < sidecar->egress.count)
        report_error(report, egress->group.node, "an egress without port serves the rest and stands last");
}

/* Two listeners at one place. */
static bool same_place(const struct port *a, struct bytes bind_a, const struct port *b, struct bytes bind_b)
{
    bool is_unix = bytes_starts(bind_a, BYTES("unix://"));
    return bytes_equal(bind_a, bind_b) && (is_unix || (a && b && a->number == b->number));
}

static void check_places(const struct sidecar *sidecar, struct report *report)
{
    for (size_t i = 0; i < sidecar->ingress.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (sidecar->ingress.at[i].port->number == sidecar->ingress.at[k].port->number)
                report_error(report, sidecar->ingress.at[i].group.node, "another ingress has the same port");
        }
    }
    for (size_t i = 0; i < sidecar->egress.count; i++) {
        const struct sidecar_egress *a = &sidecar->egress.at[i];
        for (size_t k = 0; k < i; k++) {
            const struct sidecar_egress *b = &sidecar->egress.at[k];
            if (same_place(a->port, a->bind, b->port, b->bind))
                report_error(report, a->group.node, "another egress listens at the same place");
        }
    }
}

static void check_outbound(const struct sidecar *sidecar, struct report *report)
{
    const struct yaml_node *outbound = yaml_get(sidecar->group.node, "outboundTrafficPolicy");
    const struct yaml_node *proxy = yaml_get(outbound, "egressProxy");
    const struct yaml_node *mode = yaml_get(outbound, "mode");
    if (!proxy || proxy->kind == YAML_NULL)
        return;
    if (!mode || !bytes_equal(mode->text, BYTES("ALLOW_ANY")))
        report_error(report, proxy, "goes with mode ALLOW_ANY only");
    if (!yaml_get(proxy, "port"))
        report_error(report, proxy, "port is missing");
}

static void check(struct resource *resource, struct report *report)
{
    const struct sidecar *sidecar = resource->spec;
    check_selector(report, sidecar->workload_selector);
    for (size_t i = 0; i < sidecar->ingress.count; i++)
        check_ingress(&sidecar->ingress.at[i], report);
    for (size_t i = 0; i < sidecar->egress.count; i++)
        check_egress(sidecar, i, report);
    check_places(sidecar, report);
    check_outbound(sidecar, report);
}

const struct kind sidecar_kind = {
    .id = KIND_SIDECAR,
    .name = "Sidecar",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &sidecar_table,
    .check = check,
    .help = "What a node beside a workload listens for, and which services the workload may call.",
};
