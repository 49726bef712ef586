#include "rules/document.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rules/kind/common.h"
#include "rules/nearest.h"

struct metadata {
    struct group group;
    struct bytes name;
    struct bytes namespace;
    struct text_map labels;
    struct text_map annotations;
    struct bytes created;
};

/* What the API server adds is known, so that the output of kubectl can be read. */
static const struct field metadata_fields[] = {
    {"name", FIELD_TEXT, FIELD_REQUIRED | FIELD_FILLED, offsetof(struct metadata, name), .max = 253},
    {"namespace", FIELD_TEXT, 0, offsetof(struct metadata, namespace), .max = 63},
    {"labels", FIELD_TEXT, FIELD_MAP, offsetof(struct metadata, labels), .max = 63, .count_max = 256},
    {"annotations", FIELD_TEXT, FIELD_MAP, offsetof(struct metadata, annotations), .max = 262144,
     .count_max = 256},
    {"creationTimestamp", FIELD_TEXT, 0, offsetof(struct metadata, created), .help = "when it was made"},
    {"generateName", FIELD_ANY, 0, .help = "the API server's"},
    {"uid", FIELD_ANY, 0, .help = "the API server's"},
    {"resourceVersion", FIELD_ANY, 0, .help = "the API server's"},
    {"generation", FIELD_ANY, 0, .help = "the API server's"},
    {"deletionTimestamp", FIELD_ANY, 0, .help = "the API server's"},
    {"deletionGracePeriodSeconds", FIELD_ANY, 0, .help = "the API server's"},
    {"ownerReferences", FIELD_ANY, 0, .help = "the API server's"},
    {"finalizers", FIELD_ANY, 0, .help = "the API server's"},
    {"managedFields", FIELD_ANY, 0, .help = "the API server's"},
    {"selfLink", FIELD_ANY, 0, .help = "the API server's"},
};
FIELD_TABLE(metadata, struct metadata);

static const char *const common_kinds[] = {
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Pod",
    "Job",
    "CronJob",
    "ServiceAccount",
    "Namespace",
    "Endpoints",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "Node",
    "CustomResourceDefinition",
};

static struct bytes text_of(const struct yaml_node *node)
{
    return node && yaml_is_scalar(node) ? node->text : (struct bytes){0};
}

static bool is_common(struct bytes kind)
{
    for (size_t i = 0; i < sizeof(common_kinds) / sizeof(common_kinds[0]); i++) {
        if (bytes_equal(kind, bytes_of(common_kinds[i])))
            return true;
    }
    return false;
}

/* A typo in the name of a policy must not pass as somebody else's resource. */
static bool is_policy_group(struct bytes group)
{
    return bytes_equal(group, BYTES("security.istio.io")) || bytes_equal(group, BYTES("selvage.dev"));
}

static void say_unknown(const struct yaml_node *node, struct bytes group, struct bytes kind,
                        struct report *report)
{
    struct nearest nearest;
    char shown[100];
    struct text text;
    if (is_common(kind)) {
        report_add(report, FINDING_INFO, FINDING_UNKNOWN_KIND, node, "%.*s is left to Kubernetes",
                   BYTES_FMT(kind));
        return;
    }
    nearest_init(&nearest, kind);
    for (size_t i = 0; i < KIND_COUNT; i++)
        nearest_try(&nearest, kinds[i]->name);
    text_init_fixed(&text, shown, sizeof(shown));
    text_add_shown(&text, kind, 60);
    bool near = nearest.name && nearest.distance > 0;
    report_add(report, is_policy_group(group) ? FINDING_ERROR : FINDING_WARNING, FINDING_UNKNOWN_KIND,
               yaml_get(node, "kind"), "%s of %.*s is no kind this version acts on%s%s%s", shown,
               BYTES_FMT(group.len > 0 ? group : BYTES("the core group")), near ? "; did you mean " : "",
               near ? nearest.name : "", near ? "?" : "");
}

static bool has_version(const char *versions, struct bytes version)
{
    struct bytes rest = bytes_of(versions);
    struct bytes one = {0};
    for (bool more = true; more;) {
        more = bytes_cut(&rest, ' ', &one);
        if (version.len > 0 && bytes_equal(one, version))
            return true;
    }
    return false;
}

/* "networking.istio.io/v1" in two; the core group has no name. */
static void api_cut(struct bytes api, struct bytes *group, struct bytes *version)
{
    struct bytes rest = api;
    if (bytes_cut(&rest, '/', group)) {
        *version = rest;
    } else {
        *version = api;
        *group = (struct bytes){0};
    }
}

static const struct kind *kind_of(const struct yaml_node *node, struct report *report, struct bytes *version)
{
    struct bytes group = {0};
    struct bytes api = text_of(yaml_get(node, "apiVersion"));
    struct bytes name = text_of(yaml_get(node, "kind"));
    /* Other people's files lie in directories too; what looks like a resource must be one. */
    if (api.len == 0 && name.len == 0 && !yaml_get(node, "metadata") && !yaml_get(node, "spec")) {
        report_add(report, FINDING_WARNING, FINDING_UNREADABLE, node, "is no resource and is left out");
        return NULL;
    }
    if (api.len == 0 || name.len == 0) {
        report_add(report, FINDING_ERROR, FINDING_UNREADABLE, node, "is no resource: %s is missing",
                   api.len == 0 ? "apiVersion" : "kind");
        return NULL;
    }
    api_cut(api, &group, version);
    report->kind = name;
    const struct kind *kind = kind_find(group, name);
    if (!kind) {
        say_unknown(node, group, name, report);
    } else if (!has_version(kind->versions, *version)) {
        report_error(report, yaml_get(node, "apiVersion"),
                     "%s is read in the versions %s of %s, not in this one", kind->name, kind->versions,
                     kind->group[0] ? kind->group : "the core group");
        return NULL;
    }
    return kind;
}

static int64_t time_of(struct bytes text, const struct yaml_node *node, struct report *report)
{
    struct tm tm = {0};
    char copy[40];
    if (!text.at)
        return 0;
    snprintf(copy, sizeof(copy), "%.*s", text.len < 39 ? (int)text.len : 39, text.at);
    const char *rest = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || (*rest != 'Z' && *rest != '.')) {
        report_warning(report, node, "is no time such as 2026-11-21T09:08:07Z");
        return 0;
    }
    return (int64_t)timegm(&tm);
}

static bool is_lower(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] >= 'A' && name.at[i] <= 'Z')
            return false;
    }
    return true;
}

static void check_name(struct report *report, const struct group *group, const char *field, struct bytes name,
                       bool dots)
{
    bool good = name.len == 0 || (host_is_plain(name) && is_lower(name) && name.at[name.len - 1] != '.');
    if (good && (dots || bytes_find(name, '.') == name.len))
        return;
    char shown[100];
    struct text text;
    text_init_fixed(&text, shown, sizeof(shown));
    text_add_shown(&text, name, 80);
    report_error(report, group_node(group, field), "'%s' is no name: lower-case letters, digits, -%s", shown,
                 dots ? " and ." : "");
}

static void read_metadata(struct resource *resource, struct report *report)
{
    const struct yaml_node *node = yaml_get(resource->node, "metadata");
    if (!node) {
        report_error(report, resource->node, "metadata is missing");
        return;
    }
    bool strict = report->strict;
    report->strict = false;
    struct metadata *metadata = field_read(&metadata_table, node, report);
    report->strict = strict;
    check_name(report, &metadata->group, "name", metadata->name, true);
    check_name(report, &metadata->group, "namespace", metadata->namespace, false);
    resource->name = metadata->name;
    if (metadata->namespace.len > 0)
        resource->namespace = metadata->namespace;
    resource->labels = metadata->labels;
    resource->annotations = metadata->annotations;
    resource->created_s = time_of(metadata->created, yaml_get(node, "creationTimestamp"), report);
}

/* Names of the report first, so that also what is wrong with the metadata says whose it is. */
static void name_report(const struct yaml_node *node, struct report *report)
{
    const struct yaml_node *metadata = yaml_get(node, "metadata");
    report->name = text_of(yaml_get(metadata, "name"));
    report->namespace = text_of(yaml_get(metadata, "namespace"));
    if (report->namespace.len == 0)
        report->namespace = BYTES("default");
}

/* Annotations that Istio keeps for itself; a dry run is an AuthorizationPolicy's, which checks it. */
static void check_annotations(const struct resource *resource, struct report *report)
{
    static const char *const internal[] = {"internal.istio.io/webhook-always-reject",
                                           "internal.istio.io/parent-namespace", "internal.istio.io/parents"};
    const struct yaml_node *map = yaml_get(yaml_get(resource->node, "metadata"), "annotations");
    struct bytes value;
    if (!bytes_ends(bytes_of(resource->kind->group), BYTES(".istio.io")))
        return;
    for (size_t i = 0; i < sizeof(internal) / sizeof(internal[0]); i++)
        if (text_map_get(&resource->annotations, internal[i], &value))
            report_error(report, yaml_get(map, internal[i]), "belongs to Istio alone");
    if (resource->kind->id != KIND_AUTHORIZATION_POLICY &&
        text_map_get(&resource->annotations, "istio.io/dry-run", &value))
        report_error(report, yaml_get(map, "istio.io/dry-run"), "belongs to an AuthorizationPolicy");
}

static void check_members(const struct resource *resource, struct report *report)
{
    static const char *const known[] = {"apiVersion", "kind", "metadata", "spec", "status"};
    for (const struct yaml_node *n = resource->node->first; n; n = n->next) {
        bool found = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            found = found || bytes_equal(n->key, bytes_of(known[i]));
        if (!found)
            report_add(report, report->strict ? FINDING_ERROR : FINDING_WARNING, FINDING_UNKNOWN_FIELD, n,
                       "no field has this name beside metadata and spec");
    }
}

struct resource *document_read(const struct yaml_node *node, struct report *report)
{
    struct bytes version = {0};
    if (node->kind != YAML_MAP) {
        report_add(report, FINDING_WARNING, FINDING_UNREADABLE, node,
                   "is %s where a resource belongs, and left out", yaml_kind_name(node->kind));
        return NULL;
    }
    name_report(node, report);
    const struct kind *kind = kind_of(node, report, &version);
    if (!kind)
        return NULL;
    struct resource *resource = arena_new(report->findings->arena, struct resource);
    size_t errors = report->findings->errors;
    size_t ours = report->findings->ours;
    *resource = (struct resource){.kind = kind,
                                  .version = version,
                                  .namespace = BYTES("default"),
                                  .node = node,
                                  .file = report->file,
                                  .line = node->line};
    report->strict = kind->security;
    report->plain = kind->plain;
    if (kind->not_yet)
        report_not_yet(report, yaml_get(node, "kind"), kind->name);
    if (!kind->unnamed || yaml_get(yaml_get(node, "metadata"), "name"))
        read_metadata(resource, report);
    check_annotations(resource, report);
    if (!kind->at_top)
        check_members(resource, report);
    if (kind->plain && !kind->at_top && !yaml_get(node, "spec")) {
        report_error(report, node, "spec is missing");
        return NULL;
    }
    resource->spec = field_read(kind->table, kind->at_top ? node : yaml_get(node, "spec"), report);
    /* The checks between fields may rely on each field being well-formed, also those not acted on. */
    if (kind->check && report->findings->errors - report->findings->ours == errors - ours)
        kind->check(resource, report);
    resource->faulty = report->findings->errors != errors;
    return resource;
}

void document_unreadable(struct report *report, const char *file, const char *sentence)
{
    struct yaml_node place = {0};
    struct bytes rest = bytes_of(sentence);
    struct bytes line = {0};
    struct bytes column = {0};
    uint64_t number;
    report->file = file;
    if (bytes_starts(rest, bytes_of(file)))
        rest = bytes_part(rest, strlen(file) + 1, rest.len);
    struct bytes after = rest;
    bytes_cut(&after, ':', &line);
    if (bytes_to_u64(line, UINT32_MAX, &number)) {
        place.line = (unsigned)number;
        bytes_cut(&after, ':', &column);
        if (bytes_to_u64(column, UINT32_MAX, &number))
            place.column = (unsigned)number;
        rest = after;
    }
    rest = bytes_trim(rest);
    report_add(report, FINDING_ERROR, FINDING_UNREADABLE, place.line > 0 ? &place : NULL, "%.*s",
               BYTES_FMT(rest));
}
