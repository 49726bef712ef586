#include "rules/kind/gateway_api.h"
#include "rules/kind/gateway_api_kinds.h"

static const char *const route_scopes[] = {"All", "Selector", "Same", NULL};
static const char *const listener_scopes[] = {"All", "Selector", "Same", "None", NULL};
static const char *const tls_modes[] = {"Terminate", "Passthrough", NULL};
static const char *const client_modes[] = {"AllowValidOnly", "AllowInsecureFallback", NULL};

/* Listeners */

static const struct field route_namespaces_fields[] = {
    {"from", FIELD_TEXT, 0, .choices = route_scopes, .preset = "Same", .help = "which namespaces"},
    {"selector", FIELD_GROUP, 0, 0, &gateway_label_selector_table, .help = "of Selector: by their labels"},
};
static FIELD_TABLE(route_namespaces, struct group);

static const struct field route_kind_fields[] = {
    {"group", FIELD_TEXT, 0, .form = &form_group, .max = NAME_MAX_BYTES, .preset = GATEWAY_API,
     .help = "the API group"},
    {"kind", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES,
     .help = "the kind"},
};
static FIELD_TABLE(route_kind, struct group);

static const struct field allowed_routes_fields[] = {
    {"namespaces", FIELD_GROUP, 0, 0, &route_namespaces_table, .help = "where its routes may lie"},
    {"kinds", FIELD_GROUP, FIELD_LIST, 0, &route_kind_table, .count_max = 8,
     .help = "of which kinds they may be; none written: what fits the protocol"},
};
static FIELD_TABLE(allowed_routes, struct group);

static void check_listener_tls(const struct group *group, struct report *report)
{
    if (member_is(group->node, "mode", "Terminate", "Terminate") &&
        member_count(group->node, "certificateRefs") == 0 && member_count(group->node, "options") == 0)
        report_error(report, group->node, "certificateRefs is missing, which mode Terminate needs");
}

static const struct field listener_tls_fields[] = {
    {"mode", FIELD_TEXT, 0, .choices = tls_modes, .preset = "Terminate", .help = "whether TLS ends here"},
    {"certificateRefs", FIELD_GROUP, FIELD_LIST, 0, &gateway_secret_ref_table, .count_max = 64,
     .help = "what it is ended with"},
    {"options", FIELD_TEXT, FIELD_MAP, .max = 4096, .count_max = 16, .help = "of implementations' own"},
};
static FIELD_TABLE_CHECKED(listener_tls, struct group, check_listener_tls);

static bool one_of(struct bytes text, const char *const *names)
{
    for (; *names; names++)
        if (bytes_equal(text, bytes_of(*names)))
            return true;
    return false;
}

static void check_listener(const struct group *group, struct report *report)
{
    static const char *const without_tls[] = {"HTTP", "TCP", "UDP", NULL};
    static const char *const without_host[] = {"TCP", "UDP", NULL};
    struct bytes protocol = member_text(group->node, "protocol", "");
    const struct yaml_node *tls = member(group->node, "tls");
    if (tls && one_of(protocol, without_tls))
        report_error(report, tls, "protocol %.*s has no TLS", BYTES_FMT(protocol));
    if (!tls && bytes_equal(protocol, BYTES("TLS")))
        report_error(report, group->node, "tls is missing, which protocol TLS needs");
    if (bytes_equal(protocol, BYTES("HTTPS")) && member_is(tls, "mode", "Terminate", "Passthrough"))
        report_error(report, member(tls, "mode"), "protocol HTTPS needs mode Terminate");
    if (member(group->node, "hostname") && one_of(protocol, without_host))
        report_error(report, member(group->node, "hostname"), "protocol %.*s knows no hosts",
                     BYTES_FMT(protocol));
}

#define LISTENER                                                                                             \
    {"name",                                                                                                 \
     FIELD_TEXT,                                                                                             \
     FIELD_REQUIRED | FIELD_FILLED,                                                                          \
     .form = &form_dns_name,                                                                                 \
     .max = NAME_MAX_BYTES,                                                                                  \
     .help = "its name, which routes refer to"},                                                             \
        {"hostname",                                                                                         \
         FIELD_TEXT,                                                                                         \
         FIELD_FILLED,                                                                                       \
         .form = &form_host,                                                                                 \
         .max = NAME_MAX_BYTES,                                                                              \
         .help = "the hosts it is for; none written: all"},                                                  \
        {"protocol",                                                                                         \
         FIELD_TEXT,                                                                                         \
         FIELD_REQUIRED | FIELD_FILLED,                                                                      \
         .form = &form_protocol,                                                                             \
         .max = 255,                                                                                         \
         .help = "what is spoken there"},                                                                    \
        {"tls", FIELD_GROUP, 0, 0, &listener_tls_table, .help = "of HTTPS and TLS: how"},                    \
    {                                                                                                        \
        "allowedRoutes", FIELD_GROUP, 0, 0, &allowed_routes_table, .help = "which routes may belong to it"   \
    }

static const struct field listener_fields[] = {
    LISTENER,
    {"port", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = PORT_MAX, .help = "the port"},
};
static FIELD_TABLE_CHECKED(listener, struct group, check_listener);

/* XListenerSet could leave the port to whoever makes it. */
static const struct field x_listener_fields[] = {
    LISTENER,
    {"port", FIELD_INT, 0, .max = PORT_MAX, .help = "the port; 0 leaves it open"},
};
static FIELD_TABLE_CHECKED(x_listener, struct group, check_listener);

static void check_listeners(const struct group *group, struct report *report)
{
    static const char *const names[] = {"port", "protocol", "hostname"};
    const struct yaml_node *list = member(group->node, "listeners");
    for (const struct yaml_node *a = list ? list->first : NULL; a; a = a->next) {
        for (const struct yaml_node *b = list->first; b != a; b = b->next) {
            bool same = member(a, "port");
            for (size_t i = 0; same && i < 3; i++)
                same = bytes_equal(member_text(a, names[i], ""), member_text(b, names[i], ""));
            if (same)
                report_error(report, a,
                             "listens where listener %.*s does: port, protocol and hostname are one",
                             BYTES_FMT(member_text(b, "name", "")));
        }
    }
}

/* Gateway */

static void check_address(const struct group *group, struct report *report)
{
    const struct yaml_node *value = member(group->node, "value");
    struct bytes type = member_text(group->node, "type", "IPAddress");
    if (value && bytes_equal(type, BYTES("IPAddress")) && !address_is_ip(value->text))
        report_error(report, value, "'%.*s' is no IP address", BYTES_FMT(value->text));
    if (value && bytes_equal(type, BYTES("Hostname")) && !form_fits(&form_host, value->text))
        report_error(report, value, "'%.*s' is not %s", BYTES_FMT(value->text), form_host.article);
}

static const struct field address_fields[] = {
    {"type", FIELD_TEXT, FIELD_FILLED, .form = &form_address_type, .max = NAME_MAX_BYTES,
     .preset = "IPAddress", .help = "what the value is"},
    {"value", FIELD_TEXT, 0, .max = NAME_MAX_BYTES, .help = "the address; none written: any"},
};
static FIELD_TABLE_CHECKED(address, struct group, check_address);

static const struct field listener_namespaces_fields[] = {
    {"from", FIELD_TEXT, 0, .choices = listener_scopes, .preset = "None", .help = "which namespaces"},
    {"selector", FIELD_GROUP, 0, 0, &gateway_label_selector_table, .help = "of Selector: by their labels"},
};
static FIELD_TABLE(listener_namespaces, struct group);

static const struct field allowed_listeners_fields[] = {
    {"namespaces", FIELD_GROUP, 0, 0, &listener_namespaces_table, .help = "where its ListenerSets may lie"},
};
static FIELD_TABLE(allowed_listeners, struct group);

static void check_keys(const struct group *group, struct report *report)
{
    static const char *const maps[] = {"labels", "annotations"};
    for (size_t i = 0; i < 2; i++) {
        const struct yaml_node *map = member(group->node, maps[i]);
        for (const struct yaml_node *n = map ? map->first : NULL; n; n = n->next)
            if (!form_fits(&form_label_key, n->key) || bytes_find(n->key, '/') >= NAME_MAX_BYTES)
                report_error(report, n, "its key is not %s", form_label_key.article);
    }
}

static const struct field infrastructure_fields[] = {
    {"labels", FIELD_TEXT, FIELD_MAP, .form = &form_label_value, .max = LABEL_MAX_BYTES, .count_max = 8,
     .help = "labels of what is made for it"},
    {"annotations", FIELD_TEXT, FIELD_MAP, .max = 4096, .count_max = 16,
     .help = "annotations of what is made for it"},
    {"parametersRef", FIELD_GROUP, 0, 0, &gateway_object_ref_table, .help = "settings of its own"},
};
static FIELD_TABLE_CHECKED(infrastructure, struct group, check_keys);

static const struct field client_validation_fields[] = {
    {"caCertificateRefs", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &gateway_far_ref_table,
     .count_max = 16, .help = "the authorities that clients' certificates come from"},
    {"mode", FIELD_TEXT, 0, .choices = client_modes, .preset = "AllowValidOnly",
     .help = "whether a client without a good one may go on"},
};
static FIELD_TABLE(client_validation, struct group);

static const struct field client_tls_fields[] = {
    {"validation", FIELD_GROUP, 0, 0, &client_validation_table, .help = "what clients have to show"},
};
static FIELD_TABLE(client_tls, struct group);

static const struct field port_tls_fields[] = {
    {"port", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = PORT_MAX, .help = "the port"},
    {"tls", FIELD_GROUP, FIELD_REQUIRED, 0, &client_tls_table, .help = "what holds there"},
};
static FIELD_TABLE(port_tls, struct group);

static const struct field frontend_fields[] = {
    {"default", FIELD_GROUP, FIELD_REQUIRED, 0, &client_tls_table, .help = "what holds for all ports"},
    {"perPort", FIELD_GROUP, FIELD_LIST, 0, &port_tls_table, .count_max = 64, .unique = "port",
     .help = "what holds for one port instead"},
};
static FIELD_TABLE(frontend, struct group);

static const struct field backend_fields[] = {
    {"clientCertificateRef", FIELD_GROUP, 0, 0, &gateway_secret_ref_table,
     .help = "what the Gateway shows to upstreams"},
};
static FIELD_TABLE(backend, struct group);

static const struct field gateway_tls_fields[] = {
    {"frontend", FIELD_GROUP, 0, 0, &frontend_table, .help = "towards clients"},
    {"backend", FIELD_GROUP, 0, 0, &backend_table, .help = "towards upstreams"},
};
static FIELD_TABLE(gateway_tls, struct group);

static void check_addresses(const struct group *group, struct report *report)
{
    const struct yaml_node *list = member(group->node, "addresses");
    for (const struct yaml_node *a = list ? list->first : NULL; a; a = a->next) {
        for (const struct yaml_node *b = list->first; member(a, "value") && b != a; b = b->next) {
            struct bytes type = member_text(a, "type", "IPAddress");
            if (bytes_equal(type, member_text(b, "type", "IPAddress")) &&
                !bytes_equal(type, BYTES("NamedAddress")) &&
                bytes_equal(member_text(a, "value", ""), member_text(b, "value", "")) &&
                bytes_find(type, '/') == type.len)
                report_error(report, a, "'%.*s' stands in the list twice",
                             BYTES_FMT(member_text(a, "value", "")));
        }
    }
}

static void check_gateway(const struct group *group, struct report *report)
{
    check_addresses(group, report);
    check_listeners(group, report);
}

static const struct field gateway_fields[] = {
    {"gatewayClassName", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES,
     .help = "the GatewayClass, and so who serves it"},
    {"listeners", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &listener_table,
     .count_max = 64, .unique = "name", .help = "where it listens"},
    {"addresses", FIELD_GROUP, FIELD_LIST, 0, &address_table, .count_max = 16,
     .help = "the addresses it asks for"},
    {"infrastructure", FIELD_GROUP, 0, 0, &infrastructure_table, .help = "what is made for it, and how"},
    {"allowedListeners", FIELD_GROUP, 0, 0, &allowed_listeners_table,
     .help = "which ListenerSets may belong to it"},
    {"tls", FIELD_GROUP, 0, 0, &gateway_tls_table, .help = "TLS for all of its listeners"},
    {"defaultScope", FIELD_TEXT, 0, .choices = gateway_scopes,
     .help = "whether routes that name no parent belong to it"},
};
static FIELD_TABLE_CHECKED(gateway, struct group, check_gateway);

const struct kind k8s_gateway_kind = {
    .id = KIND_K8S_GATEWAY,
    .name = "Gateway",
    .group = GATEWAY_API,
    .versions = "v1 v1beta1",
    .plain = true,
    .not_yet = true,
    .table = &gateway_table,
    .help = "Where a class of gateways listens, and which routes may belong to it.",
};

/* ListenerSet */

static const struct field set_parent_fields[] = {
    {"group", FIELD_TEXT, 0, .form = &form_group, .max = NAME_MAX_BYTES, .preset = GATEWAY_API,
     .help = "the API group"},
    {"kind", FIELD_TEXT, FIELD_FILLED, .form = &form_kind, .max = LABEL_MAX_BYTES, .preset = "Gateway",
     .help = "the kind"},
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = NAME_MAX_BYTES, .help = "the name"},
    {"namespace", FIELD_TEXT, 0, .form = &form_dns_label, .max = LABEL_MAX_BYTES,
     .help = "the namespace, when it is another"},
};
static FIELD_TABLE(set_parent, struct group);

#define SET_PARENT                                                                                           \
    {                                                                                                        \
        "parentRef", FIELD_GROUP, FIELD_REQUIRED, 0, &set_parent_table, .help = "the Gateway it adds to"     \
    }

static const struct field listener_set_fields[] = {
    SET_PARENT,
    {"listeners", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &listener_table,
     .count_max = 64, .unique = "name", .help = "where that Gateway listens, too"},
};
static FIELD_TABLE_CHECKED(listener_set, struct group, check_listeners);

static const struct field x_listener_set_fields[] = {
    SET_PARENT,
    {"listeners", FIELD_GROUP, FIELD_LIST | FIELD_REQUIRED | FIELD_FILLED, 0, &x_listener_table,
     .count_max = 64, .unique = "name", .help = "where that Gateway listens, too"},
};
static FIELD_TABLE_CHECKED(x_listener_set, struct group, check_listeners);

const struct kind k8s_listener_set_kind = {
    .id = KIND_LISTENER_SET,
    .name = "ListenerSet",
    .group = GATEWAY_API,
    .versions = "v1",
    .plain = true,
    .not_yet = true,
    .table = &listener_set_table,
    .help = "Listeners that somebody else adds to a Gateway.",
};

const struct kind x_listener_set_kind = {
    .id = KIND_X_LISTENER_SET,
    .name = "XListenerSet",
    .group = GATEWAY_API_EXPERIMENTAL,
    .versions = "v1alpha1",
    .plain = true,
    .not_yet = true,
    .table = &x_listener_set_table,
    .help = "ListenerSet, as it was called while it was an experiment.",
};

/* GatewayClass and XMesh: who serves what names them. */

#define CLASS                                                                                                \
    {"controllerName",                                                                                       \
     FIELD_TEXT,                                                                                             \
     FIELD_REQUIRED | FIELD_FILLED,                                                                          \
     .form = &form_domain_path,                                                                              \
     .max = NAME_MAX_BYTES,                                                                                  \
     .help = "who serves it"},                                                                               \
        {"parametersRef", FIELD_GROUP, 0, 0, &gateway_far_ref_table, .help = "settings of its own"},         \
    {                                                                                                        \
        "description", FIELD_TEXT, 0, .max = 256, .help = "a word for people"                                \
    }

static void check_description(const struct group *group, struct report *report)
{
    const struct yaml_node *node = member(group->node, "description");
    size_t letters = 0;
    for (size_t i = 0; node && i < node->text.len; i++)
        letters += ((unsigned char)node->text.at[i] & 0xC0) != 0x80;
    if (letters > 64)
        report_error(report, node, "has %zu letters, more than 64", letters);
}

static const struct field class_fields[] = {CLASS};
static FIELD_TABLE_CHECKED(class, struct group, check_description);

const struct kind k8s_gateway_class_kind = {
    .id = KIND_GATEWAY_CLASS,
    .name = "GatewayClass",
    .group = GATEWAY_API,
    .versions = "v1 v1beta1",
    .plain = true,
    .not_yet = true,
    .table = &class_table,
    .help = "A class of Gateways, and who serves them.",
};

const struct kind x_mesh_kind = {
    .id = KIND_X_MESH,
    .name = "XMesh",
    .group = GATEWAY_API_EXPERIMENTAL,
    .versions = "v1alpha1",
    .plain = true,
    .not_yet = true,
    .table = &class_table,
    .help = "A mesh, and who serves it.",
};
