#include "rules/kind/mesh_config.h"

static const char *const outbound_modes[] = {"REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS", NULL};
static const char *const inbound_modes[] = {"PASSTHROUGH", "LOCALHOST", NULL};
static const char *const ingress_modes[] = {"UNSPECIFIED", "OFF", "DEFAULT", "STRICT", NULL};
static const char *const log_encodings[] = {"TEXT", "JSON", NULL};
static const char *const upgrade_policies[] = {"DO_NOT_UPGRADE", "UPGRADE", NULL};
static const char *const path_levels[] = {
    "DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES", NULL};
static const char *const tls_versions[] = {"TLS_AUTO", "TLSV1_2", "TLSV1_3", NULL};

#define ENVOY .help = "Envoy's; there is none here"
#define ISTIOD .help = "istiod's; there is none here"

static const struct field outbound_fields[] = {
    {"mode", FIELD_CHOICE, 0, .choices = outbound_modes,
     .help = "whether other hosts than services are reached"},
    {"tls", FIELD_ANY, 0, .help = "how they are spoken to"},
};
static FIELD_TABLE(outbound, struct group);

static const struct field inbound_fields[] = {
    {"mode", FIELD_CHOICE, 0, .choices = inbound_modes, .help = "the address that a workload is reached at"},
};
static FIELD_TABLE(inbound, struct group);

static const struct field path_normalization_fields[] = {
    {"normalization", FIELD_CHOICE, 0, .choices = path_levels, .help = "what is made alike"},
};
static FIELD_TABLE(path_normalization, struct group);

static const struct field mesh_tls_fields[] = {
    {"minProtocolVersion", FIELD_CHOICE, 0, .choices = tls_versions, .help = "the oldest version"},
    {"ecdhCurves", FIELD_TEXT, FIELD_LIST, .help = "curves"},
    {"cipherSuites", FIELD_TEXT, FIELD_LIST, .help = "cipher suites of TLS 1.2"},
};
static FIELD_TABLE(mesh_tls, struct group);

static const struct field providers_fields[] = {
    {"tracing", FIELD_TEXT, FIELD_LIST, .help = "of traces"},
    {"metrics", FIELD_TEXT, FIELD_LIST, .help = "of metrics"},
    {"accessLogging", FIELD_TEXT, FIELD_LIST, .help = "of access logs"},
};
static FIELD_TABLE(providers, struct group);

static void check_mesh(const struct group *group, struct report *report)
{
    const struct mesh_config *mesh = (const struct mesh_config *)(const void *)group;
    const struct yaml_node *aliases = yaml_get(group->node, "trustDomainAliases");
    if (mesh->trust_domain.len && !host_is_plain(mesh->trust_domain))
        report_error(report, yaml_get(group->node, "trustDomain"), "'%.*s' is no name of a trust domain",
                     BYTES_FMT(mesh->trust_domain));
    for (size_t i = 0; i < mesh->trust_domain_aliases.count; i++)
        if (!host_is_plain(mesh->trust_domain_aliases.at[i]))
            report_error(report, yaml_item(aliases, i), "'%.*s' is no name of a trust domain",
                         BYTES_FMT(mesh->trust_domain_aliases.at[i]));
    if (mesh->root_namespace.len && !form_fits(&form_dns_label, mesh->root_namespace))
        report_error(report, yaml_get(group->node, "rootNamespace"), "'%.*s' is not %s",
                     BYTES_FMT(mesh->root_namespace), form_dns_label.article);
}

static const struct field mesh_config_fields[] = {
    {"trustDomain", FIELD_TEXT, 0, offsetof(struct mesh_config, trust_domain), .max = 255,
     .help =
         "the mesh's trust domain; a node has that of its own settings, and says so when this is another"},
    {"trustDomainAliases", FIELD_TEXT, FIELD_LIST, offsetof(struct mesh_config, trust_domain_aliases),
     .max = 255, .count_max = 64, .help = "further ones, which policies mean as well"},
    {"rootNamespace", FIELD_TEXT, 0, offsetof(struct mesh_config, root_namespace), .max = 63,
     .help = "the namespace whose policies hold everywhere"},
    {"outboundTrafficPolicy", FIELD_GROUP, FIELD_NOT_YET, 0, &outbound_table,
     .help = "what becomes of requests to no service; here they are refused"},
    {"inboundTrafficPolicy", FIELD_GROUP, FIELD_NOT_YET, 0, &inbound_table, .help = "where workloads listen"},
    {"pathNormalization", FIELD_GROUP, FIELD_NOT_YET, 0, &path_normalization_table,
     .help = "how paths are made alike; selvage.yaml says it"},
    {"meshMTLS", FIELD_GROUP, FIELD_NOT_YET, 0, &mesh_tls_table, .help = "TLS between nodes"},
    {"tlsDefaults", FIELD_GROUP, FIELD_NOT_YET, 0, &mesh_tls_table, .help = "TLS otherwise"},
    {"enableAutoMtls", FIELD_BOOL, FIELD_NOT_YET, .help = "mutual TLS wherever both sides can; here always"},
    {"caCertificates", FIELD_ANY, FIELD_NOT_YET, .help = "further roots of the mesh"},
    {"connectTimeout", FIELD_DURATION, FIELD_NOT_YET, .min = 1, .help = "for connections to upstreams"},
    {"tcpKeepalive", FIELD_ANY, FIELD_NOT_YET, .help = "probes on idle connections"},
    {"hboneIdleTimeout", FIELD_DURATION, FIELD_NOT_YET, .help = "when an idle HBONE tunnel ends"},
    {"protocolDetectionTimeout", FIELD_DURATION, FIELD_NOT_YET, .help = "how long a client may say nothing"},
    {"defaultHttpRetryPolicy", FIELD_ANY, FIELD_NOT_YET, .help = "what is tried again where no rule says it"},
    {"defaultTrafficPolicy", FIELD_ANY, FIELD_NOT_YET, .help = "what DestinationRules leave open"},
    {"localityLbSetting", FIELD_ANY, FIELD_NOT_YET, .help = "which places are preferred"},
    {"zoneAwareLbSetting", FIELD_ANY, FIELD_NOT_YET, .help = "which zones are preferred"},
    {"h2UpgradePolicy", FIELD_CHOICE, FIELD_NOT_YET, .choices = upgrade_policies,
     .help = "whether HTTP/1.1 becomes HTTP/2 on the way"},
    {"dnsRefreshRate", FIELD_DURATION, FIELD_NOT_YET, .help = "how often names are resolved anew"},
    {"defaultServiceExportTo", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET, .help = "who sees services"},
    {"defaultVirtualServiceExportTo", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET,
     .help = "who sees their routes"},
    {"defaultDestinationRuleExportTo", FIELD_TEXT, FIELD_LIST | FIELD_NOT_YET,
     .help = "who sees their rules"},
    {"extensionProviders", FIELD_ANY, FIELD_NOT_YET, .help = "services that are asked or told, by name"},
    {"defaultProviders", FIELD_GROUP, FIELD_NOT_YET, 0, &providers_table,
     .help = "which of them without a rule"},
    {"serviceSettings", FIELD_ANY, FIELD_NOT_YET, .help = "services of one cluster alone"},
    {"serviceScopeConfigs", FIELD_ANY, FIELD_NOT_YET, .help = "services of one cluster or of all"},
    {"serviceEntryVisibility", FIELD_ANY, FIELD_NOT_YET, .help = "who sees ServiceEntries"},
    {"discoverySelectors", FIELD_ANY, FIELD_NOT_YET, .help = "which namespaces are read"},
    {"enableTracing", FIELD_BOOL, FIELD_NOT_YET, .help = "whether there are traces"},
    {"accessLogFile", FIELD_TEXT, FIELD_NOT_YET, .help = "where access lines go; selvage.yaml says it"},
    {"accessLogFormat", FIELD_TEXT, FIELD_NOT_YET, .help = "their form"},
    {"accessLogEncoding", FIELD_CHOICE, FIELD_NOT_YET, .choices = log_encodings, .help = "their encoding"},
    {"enableEnvoyAccessLogService", FIELD_BOOL, FIELD_NOT_YET, ENVOY},
    {"disableEnvoyListenerLog", FIELD_BOOL, FIELD_NOT_YET, ENVOY},
    {"inboundClusterStatName", FIELD_TEXT, FIELD_NOT_YET, ENVOY},
    {"outboundClusterStatName", FIELD_TEXT, FIELD_NOT_YET, ENVOY},
    {"proxyListenPort", FIELD_INT, FIELD_NOT_YET, ENVOY},
    {"proxyInboundListenPort", FIELD_INT, FIELD_NOT_YET, ENVOY},
    {"proxyHttpPort", FIELD_INT, FIELD_NOT_YET, ENVOY},
    {"enablePrometheusMerge", FIELD_BOOL, FIELD_NOT_YET, ENVOY},
    {"defaultConfig", FIELD_ANY, FIELD_NOT_YET, ENVOY},
    {"ingressClass", FIELD_TEXT, FIELD_NOT_YET, .help = "of Ingress, which is not read"},
    {"ingressService", FIELD_TEXT, FIELD_NOT_YET, .help = "of Ingress, which is not read"},
    {"ingressControllerMode", FIELD_CHOICE, FIELD_NOT_YET, .choices = ingress_modes,
     .help = "of Ingress, which is not read"},
    {"ingressSelector", FIELD_TEXT, FIELD_NOT_YET, .help = "of Ingress, which is not read"},
    {"configSources", FIELD_ANY, FIELD_NOT_YET, ISTIOD},
    {"ca", FIELD_ANY, FIELD_NOT_YET, ISTIOD},
    {"certificates", FIELD_ANY, FIELD_NOT_YET | FIELD_DEPRECATED, ISTIOD},
    {"verifyCertificateAtClient", FIELD_BOOL, FIELD_NOT_YET | FIELD_DEPRECATED,
     .help = "upstreams' certificates are always verified"},
};
FIELD_TABLE_CHECKED(mesh_config, struct mesh_config, check_mesh);

/* ConfigMap */

static const struct field config_map_fields[] = {
    {"apiVersion", FIELD_TEXT, 0, .help = "v1"},
    {"kind", FIELD_TEXT, 0, .help = "ConfigMap"},
    {"metadata", FIELD_ANY, 0, .help = "name, namespace, labels"},
    {"data", FIELD_TEXT, FIELD_MAP, offsetof(struct config_map, data), .max = 1 << 20,
     .help = "values as text; `mesh` of the ConfigMap istio is the MeshConfig"},
    {"binaryData", FIELD_TEXT, FIELD_MAP, .max = 1 << 20, .help = "values in base64"},
    {"immutable", FIELD_BOOL, 0, .help = "Kubernetes' own"},
};
static FIELD_TABLE(config_map, struct config_map);

/* A block begins below its key, indented by two as kubectl does. */
static void place_within(struct yaml_node *node, const struct yaml_node *block)
{
    node->line += block->line;
    node->column += block->key_column + 1;
    if (node->key_line > 0) {
        node->key_line += block->line;
        node->key_column += block->key_column + 1;
    }
    for (struct yaml_node *n = node->first; n; n = n->next)
        place_within(n, block);
}

static struct mesh_config *mesh_read(const struct yaml_node *text, struct report *report)
{
    struct yaml_stream stream;
    struct fail why;
    if (!yaml_read("mesh", text->text, report->findings->arena, &stream, &why)) {
        report_error(report, text, "%s", why.text);
        return NULL;
    }
    struct yaml_node *root = stream.count > 0 ? stream.documents[0] : NULL;
    if (!root || root->kind != YAML_MAP) {
        if (root)
            report_error(report, text, "is %s where a map belongs", yaml_kind_name(root->kind));
        return NULL;
    }
    if (text->block)
        place_within(root, text);
    /* So that paths go on: data.mesh.trustDomain. */
    for (struct yaml_node *n = root->first; n; n = n->next)
        n->parent = text;
    return field_read(&mesh_config_table, root, report);
}

static void check_config_map(struct resource *resource, struct report *report)
{
    struct config_map *map = resource->spec;
    const struct yaml_node *text = yaml_get(yaml_get(resource->node, "data"), "mesh");
    bool meant = bytes_equal(resource->name, BYTES("istio")) || bytes_starts(resource->name, BYTES("istio-"));
    if (meant && text && text->kind == YAML_TEXT)
        map->mesh = mesh_read(text, report);
}

const struct kind config_map_kind = {
    .id = KIND_CONFIG_MAP,
    .name = "ConfigMap",
    .group = "",
    .versions = "v1",
    .plain = true,
    .at_top = true,
    .table = &config_map_table,
    .check = check_config_map,
    .help = "Values by name; the ConfigMap istio holds the MeshConfig.",
};

/* IstioOperator */

static const struct field istio_operator_fields[] = {
    {"meshConfig", FIELD_GROUP, 0, offsetof(struct istio_operator, mesh), &mesh_config_table,
     .help = "what holds for the whole mesh"},
    {"profile", FIELD_TEXT, 0, ISTIOD},
    {"installPackagePath", FIELD_TEXT, 0, ISTIOD},
    {"hub", FIELD_TEXT, 0, ISTIOD},
    {"tag", FIELD_ANY, 0, ISTIOD},
    {"resourceSuffix", FIELD_TEXT, 0, ISTIOD},
    {"namespace", FIELD_TEXT, 0, ISTIOD},
    {"revision", FIELD_TEXT, 0, ISTIOD},
    {"defaultRevision", FIELD_BOOL, 0, ISTIOD},
    {"compatibilityVersion", FIELD_ANY, 0, ISTIOD},
    {"components", FIELD_ANY, 0, ISTIOD},
    {"addonComponents", FIELD_ANY, 0, ISTIOD},
    {"values", FIELD_ANY, 0, ISTIOD},
    {"unvalidatedValues", FIELD_ANY, 0, ISTIOD},
};
static FIELD_TABLE(istio_operator, struct istio_operator);

const struct kind istio_operator_kind = {
    .id = KIND_ISTIO_OPERATOR,
    .name = "IstioOperator",
    .group = "install.istio.io",
    .versions = "v1alpha1",
    .unnamed = true,
    .table = &istio_operator_table,
    .help = "How Istio is installed; its meshConfig is read, nothing is installed.",
};
