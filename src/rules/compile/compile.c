#include "rules/compile/compile.h"

#include <stdlib.h>
#include <string.h>

#include "rules/compile/authn.h"
#include "rules/compile/cluster.h"
#include "rules/compile/delegates.h"
#include "rules/compile/gateways.h"
#include "rules/compile/logins.h"
#include "rules/compile/merged_rule.h"
#include "rules/compile/mesh.h"
#include "rules/compile/sidecars.h"
#include "rules/compile/trust.h"
#include "rules/compile/value.h"
#include "rules/limits.h"

/* ---- the node --------------------------------------------------------- */

static struct image_rows networks_of(struct work *work, const struct bytes *texts, size_t count)
{
    struct rows rows = rows_of(sizeof(struct rules_network));
    struct rules_network network;
    for (size_t i = 0; i < count; i++)
        if (network_read(texts[i], &network))
            rows_add(work, &rows, &network);
    return rows_put(work, RULES_NETWORK, &rows);
}

static struct bytes principal_of(struct work *work)
{
    const struct compile_node *node = work->node;
    struct bytes domain = node->trust_domain_count ? node->trust_domains[0] : BYTES("cluster.local");
    return arena_format(work->arena, "%.*s/ns/%.*s/sa/%.*s", BYTES_FMT(domain), BYTES_FMT(node->name_space),
                        BYTES_FMT(node->account));
}

static struct rules_node node_row(struct work *work)
{
    const struct compile_node *node = work->node;
    struct bytes app = node_label(work, "app");
    return (struct rules_node){
        .name = work_text(work, node->name),
        .name_space = work_text(work, node->name_space),
        .account = work_text(work, node->account),
        .workload = work_text(work, app.len ? app : node->name),
        .app = work_text(work, app),
        .version = work_text(work, node_label(work, "version")),
        .principal = work_text(work, principal_of(work)),
        .trust_domains = work_names(work, node->trust_domains, node->trust_domain_count),
        .role = node->role,
        .path_level = node->path_level,
        .proxy_names = work_names(work, node->proxy_names, node->proxy_name_count),
        .proxy_networks = networks_of(work, node->proxy_networks, node->proxy_network_count),
        .protocol_networks = networks_of(work, node->protocol_networks, node->protocol_network_count),
        .proxy_token_field = work_text(work, lower(work, node->proxy_token_field)),
        .mapping_claim = work_text(work, BYTES("groups")),
    };
}

static void limits_put(struct work *work)
{
    struct rules_limits row;
    if (work->node->limits)
        row = *work->node->limits;
    else
        limits_preset(work->node->role, &row);
    image_build_rows(&work->rules, RULES_LIMITS, &row, 1);
}

/* ---- begin and end ---------------------------------------------------- */

static void work_init(struct work *work, struct resource_set *set, const struct compile_node *node,
                      struct arena *arena, struct fail *why)
{
    *work = (struct work){.set = set, .node = node, .arena = arena, .why = why};
    image_build_init(&work->rules, &rules_schema);
    image_build_init(&work->endpoints, &endpoints_schema);
    work->listeners = rows_of(sizeof(struct rules_listener));
    work->clusters = rows_of(sizeof(struct rules_cluster));
    work->endpoints_clusters = rows_of(sizeof(struct endpoints_cluster));
    work->key_sets = rows_of(sizeof(struct compile_key_set));
    work->credentials = rows_of(sizeof(struct compile_credential));
    work->logins = rows_of(sizeof(struct compile_login));
    work->bundles = rows_of(sizeof(struct compile_bundle));
    work->revoked = rows_of(sizeof(struct compile_revoked));
    work->binds = rows_of(sizeof(struct compile_bind));
    work->unix_paths = rows_of(sizeof(struct bytes));
    limits_put(work);
    struct map *maps[] = {&work->cluster_index,  &work->listener_names, &work->services, &work->rules_by_host,
                          &work->credential_ids, &work->key_set_ids,    &work->said};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        map_init(maps[i]);
}

static void work_done(struct work *work)
{
    struct map *maps[] = {&work->cluster_index,  &work->listener_names, &work->services, &work->rules_by_host,
                          &work->credential_ids, &work->key_set_ids,    &work->said};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        map_done(maps[i]);
    image_build_done(&work->rules);
    image_build_done(&work->endpoints);
}

static struct image_head *image_finish(struct image_build *build, uint64_t generation,
                                       const struct digest *revision, size_t *size)
{
    struct image_head *head = image_build_finish(build, generation, revision->bytes, size);
    struct digest digest = digest_of(bytes_make(head + 1, *size - sizeof *head));
    memcpy(head->hash, digest.bytes, sizeof head->hash);
    return head;
}

static void result_fill(struct work *work, uint64_t generation, const struct digest *revision,
                        struct compile_result *out)
{
    *out = (struct compile_result){
        .key_sets = ROWS_AT(work->key_sets, struct compile_key_set),
        .key_set_count = work->key_sets.count,
        .credentials = ROWS_AT(work->credentials, struct compile_credential),
        .credential_count = work->credentials.count,
        .logins = ROWS_AT(work->logins, struct compile_login),
        .login_count = work->logins.count,
        .bundles = ROWS_AT(work->bundles, struct compile_bundle),
        .bundle_count = work->bundles.count,
        .revoked = ROWS_AT(work->revoked, struct compile_revoked),
        .revoked_count = work->revoked.count,
        .binds = ROWS_AT(work->binds, struct compile_bind),
        .bind_count = work->binds.count,
        .unix_paths = ROWS_AT(work->unix_paths, struct bytes),
        .unix_path_count = work->unix_paths.count,
        .assertion = work->assertion_resource,
    };
    out->rules = image_finish(&work->rules, generation, revision, &out->rules_size);
    out->endpoints = image_finish(&work->endpoints, generation, revision, &out->endpoints_size);
}

/* ---- compile ---------------------------------------------------------- */

static bool rows_write(struct work *work, struct rules_node *node)
{
    services_read(work);
    virtual_services_read(work);
    merged_rules_read(work);
    if (!trust_collect(work) || !assertion_choose(work) || !identity_fill(work, node))
        return false;
    node->logins = logins_compile(work);
    bool sidecar = work->node->role == ROLE_SIDECAR;
    if (!(sidecar ? sidecars_compile(work) : gateways_compile(work)))
        return false;
    clusters_put(work);
    rows_put(work, RULES_LISTENER, &work->listeners);
    image_build_rows(&work->rules, RULES_NODE, node, 1);
    return true;
}

bool compile(struct resource_set *set, const struct compile_node *node, uint64_t generation,
             struct arena *arena, struct compile_result *out, struct fail *why)
{
    struct work work;
    if (set->findings.errors)
        return fail(why, FAIL_INPUT, "%zu errors stand in the resources", set->findings.errors);
    work_init(&work, set, node, arena, why);
    mesh_apply(&work);
    struct rules_node row = node_row(&work);
    bool done = rows_write(&work, &row);
    if (done)
        result_fill(&work, generation, &set->revision, out);
    work_done(&work);
    return done;
}

static bool deny_compile(struct resource_set *set, const struct compile_node *node, struct bytes reason,
                         uint64_t generation, struct arena *arena, struct compile_result *out)
{
    static const struct digest none;
    struct fail why;
    struct work work;
    work_init(&work, set, node, arena, &why);
    if (set)
        mesh_apply(&work);
    struct rules_node row = node_row(&work);
    row.deny_all = 1;
    row.deny_reason = work_text(&work, reason);
    bool done = !set || rows_write(&work, &row);
    if (!set)
        image_build_rows(&work.rules, RULES_NODE, &row, 1);
    if (done)
        result_fill(&work, generation, &none, out);
    work_done(&work);
    return done;
}

void compile_deny_all(struct resource_set *set, const struct compile_node *node, struct bytes reason,
                      uint64_t generation, struct arena *arena, struct compile_result *out)
{
    if (!set || !deny_compile(set, node, reason, generation, arena, out))
        deny_compile(NULL, node, reason, generation, arena, out);
}

void compile_result_done(struct compile_result *result)
{
    free(result->rules);
    free(result->endpoints);
    *result = (struct compile_result){0};
}
