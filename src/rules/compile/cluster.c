#include "rules/compile/cluster.h"

#include <stdlib.h>

#include "base/hash.h"
#include "rules/compile/endpoint.h"
#include "rules/compile/merged_rule.h"
#include "rules/compile/pool.h"

/* What a DestinationRule says about one port and subset; NULL: the default. */
struct settings {
    const struct resource *rule;
    const struct subset *subset;
    struct traffic_blocks blocks;
};

static const enum rules_balance balances[] = {
    [BALANCE_DEFAULT] = PICK_LEAST_REQUEST,   [BALANCE_LEAST_CONN] = PICK_LEAST_REQUEST,
    [BALANCE_RANDOM] = PICK_RANDOM,           [BALANCE_PASSTHROUGH] = PICK_LEAST_REQUEST,
    [BALANCE_ROUND_ROBIN] = PICK_ROUND_ROBIN, [BALANCE_LEAST_REQUEST] = PICK_LEAST_REQUEST,
};

static const enum rules_cluster_tls tls_modes[] = {
    [CLIENT_TLS_DISABLE] = CLUSTER_PLAIN,
    [CLIENT_TLS_SIMPLE] = CLUSTER_TLS,
    [CLIENT_TLS_MUTUAL] = CLUSTER_MUTUAL,
    [CLIENT_TLS_ISTIO_MUTUAL] = CLUSTER_MESH,
};

/* ---- what DestinationRules say ------------------------------------------ */

/* A matching port's blocks stand for all of the policy's: what they leave out is the default. */
static const struct traffic_blocks *blocks_at(const struct traffic_policy *policy, int64_t port)
{
    for (size_t i = 0; i < policy->port_level_settings.count; i++) {
        const struct port_policy *at = &policy->port_level_settings.at[i];
        if (at->port && at->port->number == port)
            return &at->blocks;
    }
    return &policy->blocks;
}

/* Of the destination's policy a subset's replaces what it writes, block by block. */
static void policy_apply(struct traffic_blocks *blocks, const struct traffic_policy *policy, int64_t port)
{
    if (!policy)
        return;
    const struct traffic_blocks *with = blocks_at(policy, port);
    blocks->load_balancer = with->load_balancer ? with->load_balancer : blocks->load_balancer;
    blocks->connection_pool = with->connection_pool ? with->connection_pool : blocks->connection_pool;
    blocks->outlier = with->outlier ? with->outlier : blocks->outlier;
    blocks->tls = with->tls ? with->tls : blocks->tls;
    blocks->proxy_protocol = with->proxy_protocol ? with->proxy_protocol : blocks->proxy_protocol;
    blocks->retry_budget = with->retry_budget ? with->retry_budget : blocks->retry_budget;
}

static struct settings settings_find(struct work *work, const struct service *service, struct bytes host,
                                     int64_t port, struct bytes subset)
{
    struct settings settings = {0};
    const struct merged_rule *rule = merged_rule_find(work, service, host);
    if (!rule)
        return settings;
    settings.rule = rule->rule;
    policy_apply(&settings.blocks, rule->policy, port);
    if (subset.len)
        settings.subset = merged_rule_subset(rule, subset);
    if (settings.subset)
        policy_apply(&settings.blocks, settings.subset->traffic_policy, port);
    return settings;
}

/* ---- rows ------------------------------------------------------------- */

static void own_name_set(struct work *work, struct rules_cluster *cluster, struct bytes host,
                         const struct service *service)
{
    struct bytes rest = host, first;
    bool in_cluster =
        bytes_ends(host, arena_format(work->arena, ".svc.%.*s", BYTES_FMT(work->node->cluster_domain)));
    bytes_cut(&rest, '.', &first);
    cluster->host = work_text(work, host);
    cluster->service_name = work_text(work, in_cluster ? first : host);
    if (service)
        cluster->service_namespace = work_text(work, service->resource->namespace);
}

static bool is_mesh(uint32_t tls)
{
    return tls == CLUSTER_AUTO || tls == CLUSTER_MESH;
}

static struct text_list peer_names(const struct settings *settings, const struct service *service,
                                   struct bytes *host, uint32_t tls)
{
    if (settings->blocks.tls && settings->blocks.tls->subject_alt_names.count)
        return settings->blocks.tls->subject_alt_names;
    if (service && service->entry->subject_alt_names.count)
        return service->entry->subject_alt_names;
    if (is_mesh(tls) || tls == CLUSTER_PLAIN)
        return (struct text_list){0};
    return (struct text_list){host, 1}; /* a public name: the certificate must bear it */
}

static struct bytes sni_of(struct work *work, const struct settings *settings, struct bytes host,
                           int64_t port, struct bytes subset, uint32_t tls)
{
    if (settings->blocks.tls && settings->blocks.tls->sni.len)
        return settings->blocks.tls->sni;
    if (!is_mesh(tls))
        return host;
    return arena_format(work->arena, "outbound_.%lld_.%.*s_.%.*s", (long long)port, BYTES_FMT(subset),
                        BYTES_FMT(host));
}

static uint64_t settings_hash(struct work *work, const struct rules_cluster *cluster, struct bytes sni,
                              const struct text_list *names)
{
    struct text text;
    text_init_arena(&text, work->arena);
    text_format(&text, "%u %u %llx %.*s", cluster->tls, cluster->skip_verify,
                (unsigned long long)cluster->credential, BYTES_FMT(sni));
    for (size_t i = 0; i < names->count; i++)
        text_format(&text, " %.*s", BYTES_FMT(names->at[i]));
    return hash_stable(text_bytes(&text));
}

/*
 * Of SIMPLE the authorities alone count, as in a Secret without a certificate. Authors
 * of other namespaces may not have this node use its files for them: an id that
 * nobody provides keeps the cluster closed.
 */
static uint64_t files_of(struct work *work, const struct resource *rule, const struct client_tls *tls)
{
    struct bytes none = {0};
    bool mutual = tls->mode == CLIENT_TLS_MUTUAL;
    if (!bytes_equal(rule->namespace, work->node->name_space) &&
        !bytes_equal(rule->namespace, work->node->root_namespace)) {
        work_warn(work, rule, tls->group.node, FINDING_INVALID,
                  "only rules of the caller's namespace or the root's may name its files; handshakes that "
                  "need them are refused");
        return hash_stable(BYTES("files of nobody"));
    }
    return work_credential_files(work, mutual ? tls->certificate_file : none, mutual ? tls->key_file : none,
                                 tls->ca_file);
}

static uint64_t credential_of(struct work *work, const struct resource *rule, const struct client_tls *tls)
{
    if (tls->credential_name.len)
        return work_credential(work, work->node->name_space, tls->credential_name, rule,
                               group_node(&tls->group, "credentialName"), true);
    bool files = tls->ca_file.len || tls->mode == CLIENT_TLS_MUTUAL;
    return files ? files_of(work, rule, tls) : 0;
}

static void tls_set(struct work *work, struct rules_cluster *cluster, const struct settings *settings,
                    const struct service *service, struct bytes host, int64_t port, struct bytes subset)
{
    const struct client_tls *tls = settings->blocks.tls;
    cluster->tls = tls ? tls_modes[tls->mode] : CLUSTER_AUTO;
    cluster->skip_verify = tls && tls->insecure_skip_verify && cluster->tls == CLUSTER_TLS;
    if (cluster->tls == CLUSTER_MUTUAL || cluster->tls == CLUSTER_TLS)
        cluster->credential = credential_of(work, settings->rule, tls);
    struct bytes sni = sni_of(work, settings, host, port, subset, cluster->tls);
    struct bytes checked = tls && tls->sni.len ? tls->sni : host;
    struct text_list names = peer_names(settings, service, &checked, cluster->tls);
    cluster->sni = work_text(work, sni);
    cluster->peer_names = work_list(work, &names);
    cluster->settings = settings_hash(work, cluster, sni, &names);
}

static uint32_t cluster_add(struct work *work, struct rules_cluster *cluster, struct bytes name,
                            struct endpoints_cluster endpoints)
{
    cluster->name = work_text(work, name);
    cluster->id = hash_stable(name);
    rows_add(work, &work->clusters, cluster);
    endpoints.id = cluster->id;
    rows_add(work, &work->endpoints_clusters, &endpoints);
    map_put(&work->cluster_index, name, (void *)(uintptr_t)work->clusters.count);
    return work->clusters.count - 1;
}

static void missing_say(struct work *work, const struct service *service, const struct port *port,
                        const struct settings *settings, struct bytes host, int64_t number,
                        struct bytes subset, const struct resource *asks, const struct yaml_node *node)
{
    if (!service)
        work_warn(work, asks, node, FINDING_REFERENCE, "Referenced host not found: \"%.*s\"",
                  BYTES_FMT(host));
    else if (!port)
        work_warn(work, asks, node, FINDING_REFERENCE, "Referenced host:port not found: \"%.*s:%lld\"",
                  BYTES_FMT(host), (long long)number);
    if (subset.len && !settings->subset)
        work_warn(work, asks, node, FINDING_REFERENCE,
                  "Referenced host+subset in destinationrule not found: \"%.*s+%.*s\"", BYTES_FMT(host),
                  BYTES_FMT(subset));
}

uint32_t cluster_outbound(struct work *work, struct bytes host, int64_t port, struct bytes subset,
                          const struct resource *asks, const struct yaml_node *node)
{
    struct bytes name = arena_format(work->arena, "outbound|%lld|%.*s|%.*s", (long long)port,
                                     BYTES_FMT(subset), BYTES_FMT(host));
    const struct service *service = service_find(work, host);
    const struct port *at = service ? service_port(service, port) : NULL;
    struct settings settings = settings_find(work, service, host, port, subset);
    missing_say(work, service, at, &settings, host, port, subset, asks, node);
    uintptr_t known = (uintptr_t)map_get(&work->cluster_index, name);
    if (known)
        return (uint32_t)(known - 1);
    struct rules_cluster cluster = {.port = (uint32_t)port, .subset = work_text(work, subset)};
    const struct load_balancer *balancer = settings.blocks.load_balancer;
    if (settings.rule)
        cluster.rule = work_text(work, arena_format(work->arena, "%.*s.%.*s", BYTES_FMT(settings.rule->name),
                                                    BYTES_FMT(settings.rule->namespace)));
    cluster.balance = balancer ? balances[balancer->simple] : PICK_LEAST_REQUEST;
    pool_set(work, &cluster, &settings.blocks, at);
    cluster.inside = service && service->entry->location == SERVICE_INTERNAL;
    own_name_set(work, &cluster, host, service);
    tls_set(work, &cluster, &settings, service, host, port, subset);
    struct endpoints_cluster endpoints = {0};
    if (at && (!subset.len || settings.subset))
        endpoints = endpoints_of(work, service, at, subset.len ? &settings.subset->labels : NULL);
    return cluster_add(work, &cluster, name, endpoints);
}

uint32_t cluster_inbound(struct work *work, const struct port *from, struct bytes endpoint,
                         struct connection_pool *pool)
{
    int64_t port = from->number;
    struct bytes name = arena_format(work->arena, "inbound|%lld||", (long long)port);
    uintptr_t known = (uintptr_t)map_get(&work->cluster_index, name);
    struct bytes address = BYTES("127.0.0.1");
    int64_t number = port;
    if (known)
        return (uint32_t)(known - 1);
    if (endpoint.len)
        endpoint_read(endpoint, &address, &number);
    if (bytes_equal(address, BYTES("0.0.0.0")))
        address = BYTES("127.0.0.1");
    if (bytes_equal(address, BYTES("::")))
        address = BYTES("::1");
    struct rules_cluster cluster = {.port = (uint32_t)port,
                                    .tls = CLUSTER_PLAIN,
                                    .service_name = work_text(work, node_label(work, "app")),
                                    .service_namespace = work_text(work, work->node->name_space)};
    pool_set(work, &cluster, &(struct traffic_blocks){.connection_pool = pool}, from);
    cluster.settings = hash_stable(BYTES("inbound"));
    return cluster_add(work, &cluster, name, endpoint_at(work, address, number));
}

static int id_compare(const void *a, const void *b)
{
    const struct endpoints_cluster *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

void clusters_put(struct work *work)
{
    struct rows *of = &work->endpoints_clusters;
    rows_put(work, RULES_CLUSTER, &work->clusters);
    if (of->count)
        qsort(of->at, of->count, of->size, id_compare);
    image_build_rows(&work->endpoints, ENDPOINTS_CLUSTER, of->at, of->count);
}
