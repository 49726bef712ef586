#include "rules/kind/istio_kinds.h"
#include "rules/kind/target_ref.h"

/* Code that Envoy would run: WasmPlugin, and TrafficExtension, which has the same with Lua beside it. */

static const char *const pull_choices[] = {"UNSPECIFIED_POLICY", "IfNotPresent", "Always", NULL};
static const char *const fail_choices[] = {"FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD", NULL};
static const char *const type_choices[] = {"UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK", NULL};
static const char *const plugin_phase_choices[] = {"UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS", NULL};
static const char *const phase_choices[] = {"UNSPECIFIED", "AUTHN", "AUTHZ", "STATS", NULL};
static const char *const mode_choices[] = {"UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER", NULL};
static const char *const source_choices[] = {"INLINE", "HOST", NULL};

enum { PHASE_AUTHN = 1, PHASE_AUTHZ = 2 };
enum { SOURCE_INLINE };

struct vm_variable {
    struct group group;
    int source;
    struct bytes value;
};

/* Where the code is: of a WasmPlugin beside its other fields, of a TrafficExtension in a group of its own. */
struct wasm {
    struct group group;
    struct bytes url;
    struct bytes sha256;
    const struct yaml_node *config;
};

struct extension {
    struct wasm wasm; /* its group is the resource's */
    struct selector *selector;
    struct target_ref *target_ref;
    struct target_ref_list target_refs;
    int phase;
    struct wasm *inner; /* TrafficExtension's */
    struct group *lua;
};

static void check_variable(const struct group *group, struct report *report)
{
    const struct vm_variable *variable = (const void *)group;
    if (variable->source != SOURCE_INLINE && variable->value.len > 0)
        report_error(report, group_node(group, "value"), "goes with valueFrom INLINE only");
}

static const struct field vm_variable_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = 256, .help = "its name"},
    {"valueFrom", FIELD_CHOICE, 0, offsetof(struct vm_variable, source), .choices = source_choices,
     .help = "whether value is it, or the proxy's variable of that name"},
    {"value", FIELD_TEXT, 0, offsetof(struct vm_variable, value), .max = 2048, .help = "its value"},
};
static FIELD_TABLE_CHECKED(vm_variable, struct vm_variable, check_variable);

static const struct field vm_config_fields[] = {
    {"env", FIELD_GROUP, FIELD_LIST, .group = &vm_variable_table, .count_max = 256, .unique = "name",
     .help = "variables that the code sees"},
};
static FIELD_TABLE(vm_config, struct group);

static const struct field match_port_fields[] = {
    {"number", FIELD_INT, FIELD_REQUIRED, .min = 1, .max = 65535, .help = "the port"},
};
static FIELD_TABLE(match_port, struct group);

static const struct field traffic_match_fields[] = {
    {"mode", FIELD_CHOICE, 0, .choices = mode_choices, .help = "for calls that go out, come in, or both"},
    {"ports", FIELD_GROUP, FIELD_LIST, .group = &match_port_table, .unique = "number",
     .help = "at which ports"},
};
static FIELD_TABLE(traffic_match, struct group);

#define WASM_FIELDS(type, member)                                                                            \
    {"url", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(type, member url),                           \
     .help = "where the code is: oci://, http://, https:// or file://"},                                     \
        {"sha256", FIELD_TEXT, 0, offsetof(type, member sha256),                                             \
         .help = "the code's SHA-256 in hexadecimal"},                                                       \
        {"imagePullPolicy", FIELD_CHOICE, 0, .choices = pull_choices, .help = "when it is fetched again"},   \
        {"imagePullSecret", FIELD_TEXT, FIELD_FILLED, .max = 253, .help = "the Secret for the registry"},    \
        {"verificationKey", FIELD_TEXT, 0, .help = "a key that signed the code"},                            \
        {"pluginConfig", FIELD_ANY, 0, offsetof(type, member config), .help = "what the code is told"},      \
        {"pluginName", FIELD_TEXT, FIELD_FILLED, .max = 256, .help = "the code's name in its module"},       \
        {"failStrategy", FIELD_CHOICE, 0, .choices = fail_choices, .help = "what happens when it fails"},    \
        {"vmConfig", FIELD_GROUP, 0, .group = &vm_config_table, .help = "how it runs"},                      \
    {                                                                                                        \
        "type", FIELD_CHOICE, 0, .choices = type_choices, .help = "whether it sees requests or bytes"        \
    }

static const struct field wasm_plugin_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct extension, selector), &selector_table, .oneof = 1,
     .help = "the workloads meant; all of the namespace when absent"},
    {"targetRef", FIELD_GROUP, 0, offsetof(struct extension, target_ref), &target_ref_table, .oneof = 1,
     .help = "a gateway meant"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct extension, target_refs), &target_ref_table,
     .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"phase", FIELD_CHOICE, 0, offsetof(struct extension, phase), .choices = plugin_phase_choices,
     .help = "where among the filters it runs"},
    {"priority", FIELD_INT, 0, .min = INT32_MIN, .max = INT32_MAX, .help = "the order within a phase"},
    {"match", FIELD_GROUP, FIELD_LIST, .group = &traffic_match_table, .help = "for which traffic"},
    WASM_FIELDS(struct extension, wasm.),
};
static FIELD_TABLE(wasm_plugin, struct extension);

static const struct field wasm_fields[] = {
    WASM_FIELDS(struct wasm, ),
};
static FIELD_TABLE(wasm, struct wasm);

static const struct field lua_fields[] = {
    {"inlineCode", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, .max = 65536, .help = "the code"},
};
static FIELD_TABLE(lua, struct group);

static const struct field traffic_extension_fields[] = {
    {"selector", FIELD_GROUP, 0, offsetof(struct extension, selector), &selector_table, .oneof = 1,
     .help = "the workloads meant; all of the namespace when absent"},
    {"targetRefs", FIELD_GROUP, FIELD_LIST, offsetof(struct extension, target_refs), &target_ref_table,
     .count_max = 16, .oneof = 1, .help = "gateways meant"},
    {"phase", FIELD_CHOICE, 0, offsetof(struct extension, phase), .choices = phase_choices,
     .help = "where among the filters it runs"},
    {"priority", FIELD_INT, 0, .min = INT32_MIN, .max = INT32_MAX, .help = "the order within a phase"},
    {"match", FIELD_GROUP, FIELD_LIST, .group = &traffic_match_table, .help = "for which traffic"},
    {"wasm", FIELD_GROUP, 0, offsetof(struct extension, inner), &wasm_table, .oneof = 2,
     .help = "a module of WebAssembly"},
    {"lua", FIELD_GROUP, 0, offsetof(struct extension, lua), &lua_table, .oneof = 2,
     .help = "a script of Lua"},
};
static FIELD_TABLE(traffic_extension, struct extension);

/* ---- checks ---- */

/* What stands in front of the first colon, as RFC 3986 3.1 has it; empty when there is no scheme. */
static struct bytes scheme_of(struct bytes url)
{
    for (size_t i = 0; i < url.len; i++) {
        char c = url.at[i];
        if (c == ':')
            return bytes_part(url, 0, i);
        if (!ascii_is_alpha(c) && (i == 0 || (!ascii_is_digit(c) && c != '+' && c != '-' && c != '.')))
            break;
    }
    return (struct bytes){0};
}

static bool is_code_url(struct bytes url)
{
    static const char *const schemes[] = {"file", "http", "https", "oci"};
    struct bytes scheme = scheme_of(url);
    bool known = scheme.len == 0 && (url.len == 0 || url.at[0] != ':');
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        known = known || bytes_equal_nocase(scheme, bytes_of(schemes[i]));
    for (size_t i = 0; known && i < url.len; i++) {
        if ((unsigned char)url.at[i] <= ' ' || url.at[i] == 0x7F)
            return false;
        if (url.at[i] == '%' &&
            (i + 2 >= url.len || ascii_hex(url.at[i + 1]) < 0 || ascii_hex(url.at[i + 2]) < 0))
            return false;
    }
    return known;
}

static bool is_digest(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    return text.len == 0 || text.len == 64;
}

static void check_wasm(const struct wasm *wasm, struct report *report)
{
    if (!is_code_url(wasm->url))
        report_error(report, group_node(&wasm->group, "url"), "'%.*s' is no URL of oci, http, https or file",
                     BYTES_FMT(wasm->url));
    if (!is_digest(wasm->sha256))
        report_error(report, group_node(&wasm->group, "sha256"), "is not of 64 hexadecimal digits, 0 to f");
    if (wasm->config && wasm->config->kind != YAML_MAP)
        report_error(report, wasm->config, "is %s where a map belongs", yaml_kind_name(wasm->config->kind));
}

/* What would ask who calls, or whether he may, cannot be left out. */
static void check_phase(const struct extension *extension, struct report *report)
{
    if (extension->phase != PHASE_AUTHN && extension->phase != PHASE_AUTHZ)
        return;
    report->strict = true;
    report_not_yet(report, group_node(&extension->wasm.group, "phase"), phase_choices[extension->phase]);
    report->strict = false;
}

static void check_wasm_plugin(struct resource *resource, struct report *report)
{
    const struct extension *plugin = resource->spec;
    check_attachment(report, plugin->selector, plugin->target_ref, &plugin->target_refs);
    check_phase(plugin, report);
    check_wasm(&plugin->wasm, report);
}

static void check_traffic_extension(struct resource *resource, struct report *report)
{
    const struct extension *extension = resource->spec;
    check_attachment(report, extension->selector, NULL, &extension->target_refs);
    check_phase(extension, report);
    if (extension->inner)
        check_wasm(extension->inner, report);
    if (!extension->inner && !extension->lua)
        report_error(report, extension->wasm.group.node ? extension->wasm.group.node : resource->node,
                     "names no code: wasm or lua belongs here");
}

const struct kind wasm_plugin_kind = {
    .id = KIND_WASM_PLUGIN,
    .name = "WasmPlugin",
    .group = "extensions.istio.io",
    .versions = "v1alpha1",
    .not_yet = true,
    .table = &wasm_plugin_table,
    .check = check_wasm_plugin,
    .help = "Code of WebAssembly that Envoy runs.",
};

const struct kind traffic_extension_kind = {
    .id = KIND_TRAFFIC_EXTENSION,
    .name = "TrafficExtension",
    .group = "extensions.istio.io",
    .versions = "v1alpha1",
    .not_yet = true,
    .table = &traffic_extension_table,
    .check = check_traffic_extension,
    .help = "Code of WebAssembly or Lua that Envoy runs.",
};
