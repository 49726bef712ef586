#include "rules/kind/gateway.h"

static const char *const mode_choices[] = {"PASSTHROUGH",  "SIMPLE",          "MUTUAL", "AUTO_PASSTHROUGH",
                                           "ISTIO_MUTUAL", "OPTIONAL_MUTUAL", NULL};
static const char *const version_choices[] = {"TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3", NULL};

static const struct field certificate_fields[] = {
    {"serverCertificate", FIELD_TEXT, 0, .help = "a file"},
    {"privateKey", FIELD_TEXT, 0, .help = "a file"},
    {"caCertificates", FIELD_TEXT, 0, .help = "a file"},
};
static FIELD_TABLE(certificate, struct group);

static const struct field server_tls_fields[] = {
    {"httpsRedirect", FIELD_BOOL, 0, offsetof(struct server_tls, https_redirect),
     .help = "answer every request with a redirect to https"},
    {"mode", FIELD_CHOICE, 0, offsetof(struct server_tls, mode), .choices = mode_choices,
     .choices_not_yet = 1u << SERVER_TLS_AUTO_PASSTHROUGH | 1u << SERVER_TLS_OPTIONAL_MUTUAL,
     .help = "how TLS is terminated and whether clients need a certificate"},
    {"credentialName", FIELD_TEXT, 0, offsetof(struct server_tls, credential_name),
     .help = "the Secret with the server's certificate and key, for MUTUAL also the clients' CA"},
    {"credentialNames", FIELD_TEXT, FIELD_LIST | FIELD_FILLED | FIELD_NOT_YET, .count_max = 2, .oneof = 1,
     .help = "several Secrets, for RSA and ECDSA"},
    {"tlsCertificates", FIELD_GROUP, FIELD_LIST | FIELD_FILLED | FIELD_NOT_YET, .group = &certificate_table,
     .count_max = 2, .oneof = 1, .help = "several certificates in files"},
    {"serverCertificate", FIELD_TEXT, FIELD_NOT_YET, .help = "a file with the server's certificate"},
    {"privateKey", FIELD_TEXT, FIELD_NOT_YET, .help = "a file with the server's key"},
    {"caCertificates", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, .help = "a file with the clients' CA"},
    {"caCertCredentialName", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD,
     .help = "a Secret with the clients' CA"},
    {"caCrl", FIELD_TEXT, FIELD_NOT_YET | FIELD_GUARD, .help = "a file with certificates revoked"},
    {"subjectAltNames", FIELD_TEXT, FIELD_LIST, offsetof(struct server_tls, subject_alt_names),
     .help = "names of which a client's certificate must carry one"},
    {"verifyCertificateSpki", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET | FIELD_GUARD,
     .help = "hashes of clients' public keys"},
    {"verifyCertificateHash", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET | FIELD_GUARD,
     .help = "hashes of clients' certificates"},
    {"minProtocolVersion", FIELD_CHOICE, 0, offsetof(struct server_tls, min_version),
     .choices = version_choices, .choices_not_yet = 1u << TLS_VERSION_1_0 | 1u << TLS_VERSION_1_1,
     .help = "the oldest TLS accepted"},
    {"maxProtocolVersion", FIELD_CHOICE, 0, offsetof(struct server_tls, max_version),
     .choices = version_choices, .choices_not_yet = 1u << TLS_VERSION_1_0 | 1u << TLS_VERSION_1_1,
     .help = "the newest TLS accepted"},
    {"cipherSuites", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .help = "ciphers of TLS 1.2"},
    {"ecdhCurves", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .help = "groups of the key exchange"},
    {"insecureSkipVerify", FIELD_BOOL, FIELD_NOT_YET, .help = "not verifying clients"},
};
FIELD_TABLE(server_tls, struct server_tls);

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

static void check_server_host(const struct yaml_node *node, struct bytes host, struct report *report)
{
    struct bytes rest = host;
    struct bytes head = {0};
    if (!bytes_cut(&rest, '/', &head)) {
        check_host(report, node, host);
        return;
    }
    if (!bytes_equal(head, BYTES("*")) && !bytes_equal(head, BYTES(".")) &&
        (!host_is_plain(head) || bytes_find(head, '.') < head.len))
        report_error(report, node, "'%.*s' is no namespace; one, . or * stands before the /",
                     BYTES_FMT(head));
    check_host(report, node, rest);
}

static bool wants_certificate(int mode)
{
    return mode == SERVER_TLS_SIMPLE || mode == SERVER_TLS_MUTUAL || mode == SERVER_TLS_OPTIONAL_MUTUAL;
}

static void check_credential(const struct server_tls *tls, struct report *report)
{
    bool other = group_has(&tls->group, "serverCertificate") || group_has(&tls->group, "credentialNames") ||
                 group_has(&tls->group, "tlsCertificates");
    if (wants_certificate(tls->mode) && tls->credential_name.len == 0 && !other)
        report_error(report, tls->group.node, "mode %s needs a credentialName", mode_choices[tls->mode]);
    if (tls->mode == SERVER_TLS_ISTIO_MUTUAL && tls->credential_name.len > 0)
        report_error(report, group_node(&tls->group, "credentialName"),
                     "mode ISTIO_MUTUAL uses the node's own certificate; a credentialName has no place");
    if (tls->credential_name.len > 0 && group_has(&tls->group, "credentialNames"))
        report_error(report, group_node(&tls->group, "credentialNames"),
                     "credentialName and credentialNames exclude each other");
}

static void check_tls(const struct server *server, struct report *report)
{
    const struct server_tls *tls = server->tls;
    bool secure = server->port && protocol_is_tls((enum protocol)server->port->protocol);
    if (!tls) {
        if (secure)
            report_error(report, server->group.node, "a server of protocol %s needs tls",
                         protocol_choices[server->port->protocol]);
        return;
    }
    if (!secure && !tls->https_redirect && server->port->protocol != PROTOCOL_TCP)
        report_warning(report, tls->group.node, "tls has no effect on a server of protocol %s",
                       protocol_choices[server->port->protocol]);
    if (secure && tls->https_redirect)
        report_error(report, group_node(&tls->group, "httpsRedirect"),
                     "belongs to a server of protocol HTTP; this one speaks TLS already");
    if (tls->min_version > 0 && tls->max_version > 0 && tls->min_version > tls->max_version)
        report_error(report, group_node(&tls->group, "minProtocolVersion"), "is above maxProtocolVersion");
    check_credential(tls, report);
    /* Istio's default; without a warning it would seem that TLS is terminated. */
    if (secure && !group_has(&tls->group, "mode"))
        report_warning(report, tls->group.node,
                       "no mode is written, so PASSTHROUGH holds: TLS is not ended here");
}

static void check_server(const struct server *server, struct report *report)
{
    check_port(report, group_node(&server->port->group, "number"), server->port->number);
    if (server->port->protocol == PROTOCOL_NONE)
        report_error(report, server->port->group.node, "protocol is missing");
    if (server->port->name.len == 0)
        report_error(report, server->port->group.node, "name is missing");
    if (server->port->target_port > 0)
        report_warning(report, group_node(&server->port->group, "targetPort"), "has no effect in a Gateway");
    if (server->bind.len > 0 && !address_is_ip(server->bind) && !address_is_unix(server->bind))
        report_error(report, group_node(&server->group, "bind"), "'%.*s' is no address",
                     BYTES_FMT(server->bind));
    for (size_t i = 0; i < server->hosts.count; i++)
        check_server_host(yaml_item(yaml_get(server->group.node, "hosts"), i), server->hosts.at[i], report);
    check_tls(server, report);
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
