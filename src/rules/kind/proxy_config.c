#include "rules/kind/common.h"
#include "rules/kind/istio_kinds.h"

struct proxy_config {
    struct group group;
    struct selector *selector;
};

static const struct field image_fields[] = {
    {"imageType", FIELD_TEXT, 0, .help = "which build of the proxy: default, debug, distroless"},
};
static FIELD_TABLE(image, struct group);

static const struct field proxy_config_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct proxy_config, selector), &selector_table,
     .help = "the workloads meant; all of the namespace when absent"},
    {"concurrency", FIELD_INT, 0, .max = INT32_MAX, .help = "how many threads a proxy has; 0: one a core"},
    {"environmentVariables", FIELD_TEXT, FIELD_MAP, .max = 2048,
     .help = "variables of the proxy's environment"},
    {"image", FIELD_GROUP, 0, .group = &image_table, .help = "the proxy's image"},
};
static FIELD_TABLE(proxy_config, struct proxy_config);

static void check(struct resource *resource, struct report *report)
{
    const struct proxy_config *config = resource->spec;
    check_selector(report, config->selector);
}

const struct kind proxy_config_kind = {
    .id = KIND_PROXY_CONFIG,
    .name = "ProxyConfig",
    .group = "networking.istio.io",
    .versions = "v1beta1",
    .not_yet = true,
    .table = &proxy_config_table,
    .check = check,
    .help = "How Istio's proxies are started.",
};
