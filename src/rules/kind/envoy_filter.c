#include "rules/kind/istio_kinds.h"
#include "rules/kind/target_ref.h"

/* Patches of Envoy's configuration. There is no Envoy here: they are checked and not acted on. */

static const char *const apply_choices[] = {"INVALID",
                                            "LISTENER",
                                            "FILTER_CHAIN",
                                            "NETWORK_FILTER",
                                            "HTTP_FILTER",
                                            "ROUTE_CONFIGURATION",
                                            "VIRTUAL_HOST",
                                            "HTTP_ROUTE",
                                            "CLUSTER",
                                            "EXTENSION_CONFIG",
                                            "BOOTSTRAP",
                                            "LISTENER_FILTER",
                                            NULL};
enum apply {
    APPLY_INVALID,
    APPLY_LISTENER,
    APPLY_FILTER_CHAIN,
    APPLY_NETWORK_FILTER,
    APPLY_HTTP_FILTER,
    APPLY_ROUTE_CONFIGURATION,
    APPLY_VIRTUAL_HOST,
    APPLY_HTTP_ROUTE,
    APPLY_CLUSTER,
    APPLY_EXTENSION_CONFIG,
    APPLY_BOOTSTRAP,
};

static const char *const context_choices[] = {"ANY",     "SIDECAR_INBOUND", "SIDECAR_OUTBOUND",
                                              "GATEWAY", "WAYPOINT",        NULL};
enum { CONTEXT_WAYPOINT = 4 };
static const char *const operation_choices[] = {"INVALID",
                                                "MERGE",
                                                "ADD",
                                                "REMOVE",
                                                "INSERT_BEFORE",
                                                "INSERT_AFTER",
                                                "INSERT_FIRST",
                                                "REPLACE",
                                                "MERGE_AND_REPLACE_LIST",
                                                NULL};
enum { OPERATION_INVALID, OPERATION_REMOVE = 3 };
static const char *const class_choices[] = {"UNSPECIFIED", "AUTHN", "AUTHZ", "STATS", NULL};
enum { CLASS_AUTHN = 1, CLASS_AUTHZ };
static const char *const action_choices[] = {"ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE", NULL};

struct sub_filter {
    struct group group;
    struct bytes name;
};

struct filter_match {
    struct group group;
    struct bytes name;
    struct sub_filter *sub;
};

struct chain_match {
    struct group group;
    struct filter_match *filter;
};

struct listener_match {
    struct group group;
    struct chain_match *chain;
};

struct proxy_match {
    struct group group;
    struct bytes version;
};

struct object_match {
    struct group group;
    int context;
    struct proxy_match *proxy;
    struct listener_match *listener;
    struct group *route;
    struct group *cluster;
    struct group *waypoint;
};

struct patch {
    struct group group;
    int operation;
    const struct yaml_node *value;
    int filter_class;
};

struct config_patch {
    struct group group;
    int apply;
    struct object_match *match;
    struct patch *patch;
};

struct envoy_filter {
    struct group group;
    struct selector *selector;
    struct target_ref_list target_refs;
    FIELD_LIST_OF(struct config_patch) patches;
};

static const struct field sub_filter_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct sub_filter, name), .help = "its name"},
};
static FIELD_TABLE(sub_filter, struct sub_filter);

static const struct field filter_match_fields[] = {
    {"name", FIELD_TEXT, 0, offsetof(struct filter_match, name), .help = "its name"},
    {"subFilter", FIELD_GROUP, 0, offsetof(struct filter_match, sub), &sub_filter_table,
     .help = "one within it"},
};
static FIELD_TABLE(filter_match, struct filter_match);

static const struct field chain_match_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
    {"sni", FIELD_TEXT, 0, .help = "the name asked for in TLS"},
    {"transportProtocol", FIELD_TEXT, 0, .help = "tls or raw_buffer"},
    {"transportSocket", FIELD_TEXT, 0, .help = "its transport socket"},
    {"applicationProtocols", FIELD_TEXT, 0, .help = "ALPN, with commas between"},
    {"filter", FIELD_GROUP, 0, offsetof(struct chain_match, filter), &filter_match_table,
     .help = "a network filter of it"},
    {"destinationPort", FIELD_INT, 0, .max = UINT32_MAX, .help = "the port connected to"},
};
static FIELD_TABLE(chain_match, struct chain_match);

static const struct field listener_match_fields[] = {
    {"portNumber", FIELD_INT, 0, .max = UINT32_MAX, .help = "its port"},
    {"portName", FIELD_TEXT, 0, .help = "the name of its port"},
    {"filterChain", FIELD_GROUP, 0, offsetof(struct listener_match, chain), &chain_match_table,
     .help = "a chain of it"},
    {"listenerFilter", FIELD_TEXT, 0, .help = "a listener filter of it"},
    {"name", FIELD_TEXT, 0, .help = "its name"},
};
static FIELD_TABLE(listener_match, struct listener_match);

static const struct field route_name_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
    {"action", FIELD_CHOICE, 0, .choices = action_choices, .help = "what it does"},
};
static FIELD_TABLE(route_name, struct group);

static const struct field vhost_match_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
    {"domainName", FIELD_TEXT, 0, .help = "a domain of it"},
    {"route", FIELD_GROUP, 0, .group = &route_name_table, .help = "a route of it"},
};
static FIELD_TABLE(vhost_match, struct group);

static const struct field route_match_fields[] = {
    {"portNumber", FIELD_INT, 0, .max = UINT32_MAX, .help = "the port"},
    {"portName", FIELD_TEXT, 0, .help = "the name of the port"},
    {"gateway", FIELD_TEXT, 0, .help = "of which gateway: NAMESPACE/NAME"},
    {"vhost", FIELD_GROUP, 0, .group = &vhost_match_table, .help = "a virtual host of it"},
    {"name", FIELD_TEXT, 0, .help = "its name"},
};
static FIELD_TABLE(route_match, struct group);

static const struct field cluster_match_fields[] = {
    {"portNumber", FIELD_INT, 0, .max = UINT32_MAX, .help = "the service's port"},
    {"service", FIELD_TEXT, 0, .help = "the service"},
    {"subset", FIELD_TEXT, 0, .help = "the subset"},
    {"name", FIELD_TEXT, 0, .help = "its name"},
};
static FIELD_TABLE(cluster_match, struct group);

static const struct field waypoint_route_fields[] = {
    {"name", FIELD_TEXT, 0, .help = "its name"},
};
static FIELD_TABLE(waypoint_route, struct group);

static const struct field waypoint_match_fields[] = {
    {"portNumber", FIELD_INT, 0, .min = 1, .max = 65535, .help = "the service's port"},
    {"filter", FIELD_GROUP, 0, .group = &filter_match_table, .help = "a filter"},
    {"route", FIELD_GROUP, 0, .group = &waypoint_route_table, .help = "a route"},
};
static FIELD_TABLE(waypoint_match, struct group);

static const struct field proxy_match_fields[] = {
    {"proxyVersion", FIELD_TEXT, 0, offsetof(struct proxy_match, version), .help = "an expression"},
    {"metadata", FIELD_TEXT, FIELD_MAP, .help = "what the proxy said of itself"},
};
static FIELD_TABLE(proxy_match, struct proxy_match);

static const struct field object_match_fields[] = {
    {"context", FIELD_CHOICE, 0, offsetof(struct object_match, context), .choices = context_choices,
     .help = "which proxies, and which way"},
    {"proxy", FIELD_GROUP, 0, offsetof(struct object_match, proxy), &proxy_match_table,
     .help = "which proxies"},
    {"listener", FIELD_GROUP, 0, offsetof(struct object_match, listener), &listener_match_table, .oneof = 1,
     .help = "which listener"},
    {"routeConfiguration", FIELD_GROUP, 0, offsetof(struct object_match, route), &route_match_table,
     .oneof = 1, .help = "which routes"},
    {"cluster", FIELD_GROUP, 0, offsetof(struct object_match, cluster), &cluster_match_table, .oneof = 1,
     .help = "which cluster"},
    {"waypoint", FIELD_GROUP, 0, offsetof(struct object_match, waypoint), &waypoint_match_table, .oneof = 1,
     .help = "what of a waypoint"},
};
static FIELD_TABLE(object_match, struct object_match);

static const struct field patch_fields[] = {
    {"operation", FIELD_CHOICE, 0, offsetof(struct patch, operation), .choices = operation_choices,
     .help = "what becomes of it"},
    {"value", FIELD_ANY, 0, offsetof(struct patch, value), .help = "Envoy's configuration"},
    {"filterClass", FIELD_CHOICE, 0, offsetof(struct patch, filter_class), .choices = class_choices,
     .help = "where among the filters it goes"},
};
static FIELD_TABLE(patch, struct patch);

static const struct field config_patch_fields[] = {
    {"applyTo", FIELD_CHOICE, 0, offsetof(struct config_patch, apply), .choices = apply_choices,
     .help = "what is patched"},
    {"match", FIELD_GROUP, 0, offsetof(struct config_patch, match), &object_match_table, .help = "which"},
    {"patch", FIELD_GROUP, 0, offsetof(struct config_patch, patch), &patch_table, .help = "how"},
};
static FIELD_TABLE(config_patch, struct config_patch);

static const struct field envoy_filter_fields[] = {
    {"workloadSelector", FIELD_GROUP, 0, offsetof(struct envoy_filter, selector), &workload_selector_table,
     .oneof = 1, .help = "the workloads meant; all of the namespace when absent"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct envoy_filter, target_refs), &target_ref_table,
     .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"configPatches", FIELD_GROUP, FIELD_LIST, offsetof(struct envoy_filter, patches), &config_patch_table,
     .help = "the patches"},
    {"priority", FIELD_INT, 0, .min = INT32_MIN, .max = INT32_MAX, .help = "the order among EnvoyFilters"},
};
static FIELD_TABLE(envoy_filter, struct envoy_filter);

/* ---- checks ---- */

static void check_version(const struct proxy_match *proxy, struct report *report)
{
    if (proxy->version.len > 1024)
        report_warning(report, group_node(&proxy->group, "proxyVersion"), "is too long to be minded");
    else if (proxy->version.len > 0)
        check_regex(report, group_node(&proxy->group, "proxyVersion"), proxy->version);
}

static bool is_http_manager(struct bytes name)
{
    return bytes_equal(name, BYTES("envoy.filters.network.http_connection_manager")) ||
           bytes_equal(name, BYTES("envoy.http_connection_manager"));
}

static void check_filter(const struct filter_match *filter, enum apply apply, struct report *report)
{
    if (filter->name.len == 0)
        report_error(report, filter->group.node, "name is missing");
    else if (filter->sub && apply != APPLY_HTTP_FILTER)
        report_error(report, filter->sub->group.node, "goes with applyTo HTTP_FILTER only");
    else if (filter->sub && !is_http_manager(filter->name))
        report_error(report, filter->sub->group.node,
                     "stands within envoy.filters.network.http_connection_manager only");
    else if (filter->sub && filter->sub->name.len == 0)
        report_error(report, filter->sub->group.node, "name is missing");
}

/* What is matched must be what is patched. */
static void check_object(const struct config_patch *patch, struct report *report)
{
    const struct object_match *match = patch->match;
    enum apply apply = (enum apply)patch->apply;
    bool any = match->listener || match->route || match->cluster || match->waypoint;
    const char *right = NULL;
    if (apply <= APPLY_HTTP_FILTER && !match->listener)
        right = "listener";
    else if (apply >= APPLY_ROUTE_CONFIGURATION && apply <= APPLY_HTTP_ROUTE && !match->route)
        right = "routeConfiguration";
    else if (apply == APPLY_CLUSTER && !match->cluster)
        right = "cluster";
    if (any && right)
        report_error(report, match->group.node, "with applyTo %s a %s is matched", apply_choices[apply],
                     right);
    else if (apply <= APPLY_HTTP_FILTER && match->listener && match->listener->chain &&
             match->listener->chain->filter)
        check_filter(match->listener->chain->filter, apply, report);
}

/* Types of Envoy's second API, which it no longer has. */
static void check_types(const struct yaml_node *node, struct report *report)
{
    for (const struct yaml_node *n = node->first; n; n = n->next) {
        if (bytes_equal(n->key, BYTES("@type")) && bytes_find_text(n->text, BYTES(".v2.")) < n->text.len)
            report_error(report, n, "'%.*s' is of Envoy's API v2, which is gone; a type of v3 belongs here",
                         BYTES_FMT(n->text));
        check_types(n, report);
    }
}

static void check_value(const struct config_patch *patch, struct report *report)
{
    const struct yaml_node *value = patch->patch->value;
    const struct yaml_node *name = yaml_get(value, "name");
    if (!value)
        return;
    if (value->kind != YAML_MAP)
        report_error(report, value, "is %s where a map belongs", yaml_kind_name(value->kind));
    else if (name && name->kind != YAML_TEXT && name->kind != YAML_NULL && patch->apply != APPLY_BOOTSTRAP)
        report_error(report, name, "is %s where text belongs", yaml_kind_name(name->kind));
    check_types(value, report);
}

/* What would ask who calls, or whether he may, cannot be left out. */
static void check_class(const struct patch *patch, struct report *report)
{
    if (patch->filter_class != CLASS_AUTHN && patch->filter_class != CLASS_AUTHZ)
        return;
    report->strict = true;
    report_not_yet(report, group_node(&patch->group, "filterClass"), class_choices[patch->filter_class]);
    report->strict = false;
}

static void check_patch(const struct config_patch *patch, struct report *report)
{
    const struct object_match *match = patch->match;
    bool waypoint = match && match->context == CONTEXT_WAYPOINT;
    if (match && waypoint != (match->waypoint != NULL))
        report_error(report, match->group.node, "waypoint goes with context WAYPOINT, and with no other");
    if (patch->patch)
        check_class(patch->patch, report);
    if (waypoint)
        return;
    if (patch->apply == APPLY_INVALID)
        report_error(report, group_node(&patch->group, "applyTo"), "applyTo is missing");
    else if (!patch->patch)
        report_error(report, patch->group.node, "patch is missing");
    else if (patch->patch->operation == OPERATION_INVALID)
        report_error(report, patch->patch->group.node, "operation is missing");
    else if (patch->patch->operation != OPERATION_REMOVE && !patch->patch->value)
        report_error(report, patch->patch->group.node, "value is missing");
    else
        check_value(patch, report);
    if (match && match->proxy)
        check_version(match->proxy, report);
    if (match && patch->apply != APPLY_INVALID)
        check_object(patch, report);
}

static void check(struct resource *resource, struct report *report)
{
    const struct envoy_filter *filter = resource->spec;
    check_attachment(report, filter->selector, NULL, &filter->target_refs);
    for (size_t i = 0; i < filter->patches.count; i++)
        check_patch(&filter->patches.at[i], report);
}

const struct kind envoy_filter_kind = {
    .id = KIND_ENVOY_FILTER,
    .name = "EnvoyFilter",
    .group = "networking.istio.io",
    .versions = "v1alpha3",
    .not_yet = true,
    .table = &envoy_filter_table,
    .check = check,
    .help = "Patches of Envoy's configuration.",
};
