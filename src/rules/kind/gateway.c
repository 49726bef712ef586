#include "rules/kind/gateway.h"

static const struct field server_fields[] = {
    {"port", FIELD_GROUP, FIELD_REQUIRED, offsetof(struct server, port), &port_table,
     .help = "where to listen"},
    {"bind", FIELD_TEXT, 0, offsetof(struct server, bind),
     .help = "the address to listen at; all when absent"},
    {"hosts", FIELD_TEXT, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct server, hosts),
     .help = "hosts served: NAMESPACE/HOST, ./HOST or HOST"},
    {"tls", FIELD_GROUP, 0, offsetof(struct server, tls), &server_tls_table, .help = "TLS of this server"},
    {"defaultEndpoint", FIELD_TEXT, FIELD_NOT_YET, .help = "where traffic goes by default"},
    {"name", FIELD_TEXT, 0, offsetof(struct server, name), .help = "a name for the server"},
};
static FIELD_TABLE(server, struct server);

static const struct field gateway_fields[] = {
    {"selector", FIELD_TEXT, FIELD_MAP, offsetof(struct gateway, selector), .max = 63,
     .help = "labels of the nodes that open these servers"},
    {"servers", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, offsetof(struct gateway, servers),
     &server_table, .help = "what is listened for"},
};
static FIELD_TABLE(gateway, struct gateway);

static void check_server_tls(const struct server *server, struct report *report)
{
    const struct server_tls *tls = server->tls;
    enum protocol protocol = (enum protocol)server->port->protocol;
    const char *name = protocol_choices[protocol];
    bool passed = tls && (tls->mode == SERVER_TLS_PASSTHROUGH || tls->mode == SERVER_TLS_AUTO_PASSTHROUGH);
    if (protocol_is_tls(protocol)) {
        if (!tls)
            report_error(report, server->group.node, "a server of protocol %s needs tls", name);
        else if (tls->https_redirect)
            report_own_rule(report, group_node(&tls->group, "httpsRedirect"),
                            "belongs to a server of protocol HTTP; this one speaks TLS already");
        else if (!group_has(&tls->group, "mode"))
            /* Istio's default; without a warning it would seem that TLS is terminated. */
            report_warning(report, tls->group.node,
                           "no mode is written, so PASSTHROUGH holds: TLS is not ended here");
    } else if (tls && !(passed && (protocol_is_http(protocol) || protocol == PROTOCOL_HTTP_PROXY))) {
        report_error(report, tls->group.node, "a server of protocol %s has no tls", name);
    } else if (tls && (tls->server_certificate.len || tls->private_key.len || tls->ca_certificates.len)) {
        report_error(report, tls->group.node, "a server of protocol %s has no certificates", name);
    } else if (tls && !tls->https_redirect) {
        report_warning(report, tls->group.node, "tls has no effect on a server of protocol %s", name);
    }
    if (tls)
        server_tls_check(tls, report);
}

static void check_bind(const struct server *server, struct report *report)
{
    bool is_unix = bytes_starts(server->bind, BYTES("unix://"));
    if (server->bind.len > 0 && !address_is_ip(server->bind) && !address_is_unix(server->bind))
        report_error(report, group_node(&server->group, "bind"), "'%.*s' is no address",
                     BYTES_FMT(server->bind));
    if (is_unix && server->port->number != 0)
        report_error(report, group_node(&server->port->group, "number"), "a unix socket has port 0");
    if (!is_unix)
        check_port(report, group_node(&server->port->group, "number"), server->port->number);
}

static void check_server(const struct server *server, struct report *report)
{
    if (server->port->protocol == PROTOCOL_NONE)
        report_error(report, server->port->group.node, "protocol is missing");
    else if (server->port->protocol == PROTOCOL_HBONE)
        report_error(report, group_node(&server->port->group, "protocol"),
                     "HBONE is nothing a Gateway speaks");
    if (server->port->name.len == 0)
        report_error(report, server->port->group.node, "name is missing");
    if (server->port->target_port > 0)
        report_error(report, group_node(&server->port->group, "targetPort"), "has no place in a Gateway");
    check_bind(server, report);
    for (size_t i = 0; i < server->hosts.count; i++)
        check_host_in(report, yaml_item(yaml_get(server->group.node, "hosts"), i), server->hosts.at[i], true);
    check_server_tls(server, report);
}

static void check_port_names(const struct gateway *gateway, struct report *report)
{
    for (size_t i = 0; i < gateway->servers.count; i++) {
        for (size_t k = 0; k < i && i < 256; k++) {
            const struct port *one = gateway->servers.at[k].port;
            const struct port *two = gateway->servers.at[i].port;
            if (bytes_equal(one->name, two->name))
                report_error(report, group_node(&two->group, "name"),
                             "'%.*s' is the name of another server's port", BYTES_FMT(two->name));
        }
    }
}

static void check(struct resource *resource, struct report *report)
{
    const struct gateway *gateway = resource->spec;
    if (!host_is_label(resource->name))
        report_error(report, yaml_get(yaml_get(resource->node, "metadata"), "name"),
                     "'%.*s' is no name of a Gateway: lower-case letters, digits and -",
                     BYTES_FMT(resource->name));
    for (size_t i = 0; i < gateway->servers.count; i++)
        check_server(&gateway->servers.at[i], report);
    check_port_names(gateway, report);
}

const struct kind gateway_kind = {
    .id = KIND_GATEWAY,
    .name = "Gateway",
    .group = "networking.istio.io",
    .versions = "v1 v1beta1 v1alpha3",
    .table = &gateway_table,
    .check = check,
    .help = "Servers at the edge of the mesh: ports, hosts and TLS.",
};
