#include "rules/kind/sidecar.h"

static const char *const capture_choices[] = {"DEFAULT", "IPTABLES", "NONE", NULL};
static const char *const outbound_choices[] = {"REGISTRY_ONLY", "ALLOW_ANY", NULL};

static const struct field outbound_fields[] = {
    {"mode", FIELD_CHOICE, 0, offsetof(struct outbound_policy, mode), .choices = outbound_choices,
     .help = "whether unknown services may be called"},
    {"egressProxy", FIELD_GROUP, 0, offsetof(struct outbound_policy, proxy), &destination_table,
     .help = "where unknown traffic goes"},
};
static FIELD_TABLE(outbound, struct outbound_policy);

static const struct field sidecar_ingress_fields[] = {
    {"port", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct sidecar_ingress, port), &port_table,
     .help = "where to listen"},
    {"bind", FIELD_TEXT, 0, offsetof(struct sidecar_ingress, bind), .help = "the address to listen at"},
    {"captureMode", FIELD_CHOICE, 0, offsetof(struct sidecar_ingress, capture_mode),
     .choices = capture_choices, .choices_not_yet = 1u << CAPTURE_IPTABLES,
     .help = "whether traffic is captured or sent here"},
    {"defaultEndpoint", FIELD_TEXT, 0, offsetof(struct sidecar_ingress, default_endpoint),
     .help = "the workload: 127.0.0.1:PORT, 0.0.0.0:PORT (the pod's address) or unix:///path"},
    {"tls", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct sidecar_ingress, tls), &server_tls_table,
     .help = "TLS from outside the mesh"},
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
    {"outboundTrafficPolicy", FIELD_GROUP, FIELD_NOT_YET, offsetof(struct sidecar, outbound), &outbound_table,
     .help = "what happens with unknown destinations"},
};
static FIELD_TABLE(sidecar, struct sidecar);

static void check_listener(const struct group *group, const struct port *port, struct bytes bind,
                           struct report *report)
{
    check_port(report, group_node(&port->group, "number"), port->number);
    if (bind.len > 0 && !address_is_ip(bind))
        report_error(report, group_node(group, "bind"), "'%.*s' is no address", BYTES_FMT(bind));
}

static void check_sidecar_port(const struct port *port, struct report *report)
{
    if (port->name.len > 0 && !host_is_label(port->name))
        report_error(report, group_node(&port->group, "name"), "'%.*s' is no name of a port",
                     BYTES_FMT(port->name));
    if (port->protocol == PROTOCOL_HBONE)
        report_error(report, group_node(&port->group, "protocol"), "HBONE is nothing a service speaks");
    if (port->target_port > 0)
        report_error(report, group_node(&port->group, "targetPort"), "has no place in a Sidecar");
}

/* ---- ingress ---- */

static void check_ingress_tls(const struct sidecar_ingress *ingress, struct report *report)
{
    const struct server_tls *tls = ingress->tls;
    if (tls->subject_alt_names.count > 0)
        report_error(report, group_node(&tls->group, "subjectAltNames"), "has no place in a Sidecar");
    if (tls->https_redirect)
        report_error(report, group_node(&tls->group, "httpsRedirect"), "has no place in a Sidecar");
    if (tls->credential_name.len > 0)
        report_error(report, group_node(&tls->group, "credentialName"), "has no place in a Sidecar");
    if (tls->credential_names.count > 0)
        report_error(report, group_node(&tls->group, "credentialNames"), "has no place in a Sidecar");
    if (tls->certificates.count > 0)
        report_error(report, group_node(&tls->group, "tlsCertificates"), "has no place in a Sidecar");
    if (tls->mode == SERVER_TLS_ISTIO_MUTUAL || tls->mode == SERVER_TLS_AUTO_PASSTHROUGH)
        report_error(report, group_node(&tls->group, "mode"),
                     "a Sidecar's ingress terminates TLS with SIMPLE, MUTUAL or OPTIONAL_MUTUAL");
    if (!protocol_is_tls((enum protocol)ingress->port->protocol))
        report_error(report, tls->group.node, "tls goes with the protocols HTTPS and TLS only");
    server_tls_check(tls, report);
}

/* Istio takes :PORT too, whose address is left to guess. */
static bool is_port_alone(struct bytes endpoint)
{
    uint64_t port;
    return bytes_starts(endpoint, BYTES(":")) &&
           bytes_to_u64(bytes_part(endpoint, 1, endpoint.len), 65535, &port) && port > 0;
}

static void check_endpoint(const struct sidecar_ingress *ingress, struct report *report)
{
    struct bytes address;
    int64_t port;
    const struct yaml_node *node = group_node(&ingress->group, "defaultEndpoint");
    if (is_port_alone(ingress->default_endpoint)) {
        report_own_rule(report, node, "'%.*s' has no address in front, such as 127.0.0.1",
                        BYTES_FMT(ingress->default_endpoint));
    } else if (!endpoint_read(ingress->default_endpoint, &address, &port)) {
        report_error(report, node,
                     "'%.*s' is none of 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT, unix:///path",
                     BYTES_FMT(ingress->default_endpoint));
    } else if (port > 0 && !bytes_equal(address, BYTES("127.0.0.1")) &&
               !bytes_equal(address, BYTES("0.0.0.0")) && !bytes_equal(address, BYTES("::1")) &&
               !bytes_equal(address, BYTES("::"))) {
        report_error(report, node, "'%.*s' is another machine; a sidecar serves its own workload",
                     BYTES_FMT(ingress->default_endpoint));
    }
}

static void check_ingress(const struct sidecar *sidecar, size_t index, struct report *report)
{
    const struct sidecar_ingress *ingress = &sidecar->ingress.at[index];
    check_sidecar_port(ingress->port, report);
    check_listener(&ingress->group, ingress->port, ingress->bind, report);
    for (size_t i = 0; i < index; i++)
        if (sidecar->ingress.at[i].port->number == ingress->port->number)
            report_error(report, ingress->group.node, "another ingress has the same port");
    if (ingress->tls)
        check_ingress_tls(ingress, report);
    if (ingress->default_endpoint.len > 0)
        check_endpoint(ingress, report);
    if (ingress->connection_pool)
        connection_pool_check(ingress->connection_pool, report);
}

/* ---- egress ---- */

/* A port, or a unix socket, whose port is 0. */
static void check_egress_port(const struct sidecar_egress *egress, struct report *report)
{
    bool is_unix = bytes_starts(egress->bind, BYTES("unix://"));
    check_sidecar_port(egress->port, report);
    if (egress->port->number != 0 || !is_unix) {
        check_listener(&egress->group, egress->port, egress->bind, report);
        return;
    }
    if (!address_is_unix(egress->bind))
        report_error(report, group_node(&egress->group, "bind"), "'%.*s' is no address",
                     BYTES_FMT(egress->bind));
    if (egress->capture_mode == CAPTURE_IPTABLES)
        report_error(report, group_node(&egress->group, "captureMode"), "a unix socket cannot be captured");
}

static void check_egress_again(const struct sidecar *sidecar, size_t index, struct report *report)
{
    const struct sidecar_egress *again = &sidecar->egress.at[index];
    for (size_t i = 0; i < index; i++) {
        const struct sidecar_egress *first = &sidecar->egress.at[i];
        if (first->port && first->port->number == again->port->number &&
            (again->port->number != 0 || bytes_equal(first->bind, again->bind)))
            report_error(report, again->group.node, "another egress listens at the same place");
    }
}

static void check_egress_host(const struct yaml_node *node, struct bytes host, struct report *report)
{
    struct bytes rest = host, head;
    bytes_cut(&rest, '/', &head);
    if (check_host_in(report, node, host, false) && head.len > 1 && head.at[0] == '~')
        report_not_yet(report, node, "leaving one namespace out");
}

static void check_egress(const struct sidecar *sidecar, size_t index, struct report *report)
{
    const struct sidecar_egress *egress = &sidecar->egress.at[index];
    for (size_t i = 0; i < egress->hosts.count; i++)
        check_egress_host(yaml_item(yaml_get(egress->group.node, "hosts"), i), egress->hosts.at[i], report);
    if (egress->port) {
        check_egress_port(egress, report);
        check_egress_again(sidecar, index, report);
        return;
    }
    if (egress->bind.len > 0 && !bytes_starts(egress->bind, BYTES("unix://")))
        report_own_rule(report, group_node(&egress->group, "bind"), "an address needs a port beside it");
    if (index + 1 < sidecar->egress.count)
        report_error(report, egress->group.node, "an egress without port serves the rest and stands last");
}

static void check_outbound(const struct outbound_policy *outbound, struct report *report)
{
    const struct destination *proxy = outbound->proxy;
    if (!proxy)
        return;
    if (outbound->mode != OUTBOUND_ALLOW_ANY)
        report_error(report, proxy->group.node, "goes with mode ALLOW_ANY only");
    if (!proxy->port)
        report_error(report, proxy->group.node, "port is missing");
    if (check_destination(report, proxy) && !host_is_fqdn(proxy->host))
        report_error(report, group_node(&proxy->group, "host"), "'%.*s' is no single host",
                     BYTES_FMT(proxy->host));
}

static void check(struct resource *resource, struct report *report)
{
    const struct sidecar *sidecar = resource->spec;
    check_selector(report, sidecar->workload_selector);
    if (sidecar->egress.count == 0 && sidecar->ingress.count == 0 && !sidecar->outbound &&
        !sidecar->inbound_pool)
        report_error(
            report, sidecar->group.node ? sidecar->group.node : resource->node,
            "says nothing: ingress, egress, outboundTrafficPolicy or inboundConnectionPool belongs here");
    for (size_t i = 0; i < sidecar->ingress.count; i++)
        check_ingress(sidecar, i, report);
    for (size_t i = 0; i < sidecar->egress.count; i++)
        check_egress(sidecar, i, report);
    if (sidecar->inbound_pool)
        connection_pool_check(sidecar->inbound_pool, report);
    if (sidecar->outbound)
        check_outbound(sidecar->outbound, report);
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
