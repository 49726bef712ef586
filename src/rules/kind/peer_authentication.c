#include "rules/kind/peer_authentication.h"

static const char *const mode_choices[] = {"UNSET", "DISABLE", "PERMISSIVE", "STRICT", NULL};

static const struct field mutual_tls_fields[] = {
    {"mode", FIELD_CHOICE, 0, offsetof(struct mutual_tls, mode), .choices = mode_choices,
     .help = "UNSET inherits, PERMISSIVE takes both, STRICT takes mutual TLS only"},
};
static FIELD_TABLE(mutual_tls, struct mutual_tls);

static const struct field peer_authentication_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct peer_authentication, selector), &selector_table,
     .help = "the workloads meant; all of the namespace when absent"},
    {"mtls", FIELD_GROUP, 0, offsetof(struct peer_authentication, mtls), &mutual_tls_table,
     .help = "what holds for all ports"},
    {"portLevelMtls", FIELD_GROUP, FIELD_MAP | FIELD_FILLED,
     offsetof(struct peer_authentication, port_level_mtls), &mutual_tls_table,
     .help = "what holds for single ports of the workload"},
};
static FIELD_TABLE(peer_authentication, struct peer_authentication);

static void check(struct resource *resource, struct report *report)
{
    const struct peer_authentication *peer = resource->spec;
    const struct yaml_node *ports = yaml_get(peer->group.node, "portLevelMtls");
    check_selector(report, peer->selector);
    if (peer->port_level_mtls.count > 0 && (!peer->selector || peer->selector->match_labels.count == 0))
        report_error(report, ports, "needs a selector: ports belong to workloads");
    for (size_t i = 0; i < peer->port_level_mtls.count; i++) {
        uint64_t port;
        struct bytes key = peer->port_level_mtls.keys[i];
        if (!bytes_to_u64(key, 65535, &port) || port == 0)
            report_error(report, yaml_item(ports, i), "'%.*s' is no port; one is between 1 and 65535",
                         BYTES_FMT(key));
    }
}

const struct kind peer_authentication_kind = {
    .id = KIND_PEER_AUTHENTICATION,
    .name = "PeerAuthentication",
    .group = "security.istio.io",
    .versions = "v1 v1beta1",
    .security = true,
    .table = &peer_authentication_table,
    .check = check,
    .help = "Whether workloads take mutual TLS, plain text, or both.",
};
