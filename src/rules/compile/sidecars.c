#include "rules/compile/sidecars.h"
#include "rules/compile/delegates.h"

#include "rules/compile/authn.h"
#include "rules/compile/peer.h"
#include "rules/compile/policy.h"
#include "rules/compile/tcp.h"
#include "rules/compile/vhost.h"
#include "rules/kind/sidecar.h"

/* ---- which one -------------------------------------------------------- */

/* 3: chosen by labels, 2: the namespace's, 1: the root namespace's, 0: not for this node. */
static int fit_of(const struct work *work, const struct resource *resource)
{
    const struct sidecar *sidecar = resource->spec;
    bool selects = sidecar->workload_selector && sidecar->workload_selector->match_labels.count;
    if (bytes_equal(resource->namespace, work->node->name_space)) {
        if (!selects)
            return 2;
        return node_chosen(work, &sidecar->workload_selector->match_labels) ? 3 : 0;
    }
    return !selects && bytes_equal(resource->namespace, work->node->root_namespace);
}

static const struct resource *sidecar_find(struct work *work)
{
    const struct resource *best = NULL;
    int best_fit = 0;
    size_t count;
    struct resource **all = work_kind(work, KIND_SIDECAR, &count);
    for (size_t i = 0; i < count; i++) {
        int fit = fit_of(work, all[i]);
        if (fit > best_fit) {
            best_fit = fit;
            best = all[i];
        }
    }
    return best;
}

static bool speaks_http(const struct port *port)
{
    return protocol_is_http((enum protocol)port->protocol);
}

/* ---- inbound ---------------------------------------------------------- */

/* The workload behind an ingress. */
static struct image_rows inbound_tcp(struct work *work, uint32_t cluster)
{
    struct rows routes = rows_of(sizeof(struct rules_tcp_route));
    tcp_routes_add_cluster(work, &routes, cluster, BYTES("default"), (struct image_rows){0, 0});
    return rows_put(work, RULES_TCP_ROUTE, &routes);
}

static bool ingress_compile(struct work *work, const struct resource *resource,
                            const struct sidecar_ingress *ingress)
{
    struct bytes address = ingress->bind.len ? ingress->bind : BYTES("0.0.0.0");
    int64_t port = ingress->port->number;
    bool http = speaks_http(ingress->port);
    const struct sidecar *sidecar = resource->spec;
    struct rules_listener *listener = work_listener(work, resource, ingress->group.node, address, port,
                                                    DIRECTION_INBOUND, http ? SPEAKS_HTTP : SPEAKS_TCP);
    if (!listener)
        return true;
    struct connection_pool *pool =
        ingress->connection_pool ? ingress->connection_pool : sidecar->inbound_pool;
    uint32_t cluster = cluster_inbound(work, ingress->port, ingress->default_endpoint, pool);
    listener->tls = peer_tls(work, port);
    if (http) {
        struct rows vhosts = rows_of(sizeof(struct rules_vhost));
        struct routes *routes = routes_new(work);
        routes_add_cluster(work, routes, cluster, BYTES("default"), DIRECTION_INBOUND);
        vhost_add(work, &vhosts, BYTES("*"), 0, routes_put(work, routes),
                  arena_format(work->arena, "inbound|http|%lld", (long long)port));
        listener->vhosts = vhosts_put(work, &vhosts);
        listener->authn = authn_rows(work);
    } else {
        listener->tcp = inbound_tcp(work, cluster);
    }
    if (!policies_attach(work, listener))
        return false;
    work_listener_add(work, listener);
    return true;
}

/* ---- outbound --------------------------------------------------------- */

static bool visible(const struct work *work, const struct sidecar_egress *egress, struct bytes host,
                    struct bytes name_space)
{
    for (size_t i = 0; i < egress->hosts.count; i++) {
        struct bytes scope;
        struct bytes pattern = host_scope(egress->hosts.at[i], work->node->name_space, &scope);
        bool here = bytes_equal(scope, BYTES("*")) || bytes_equal(scope, name_space);
        if (here && host_within(pattern, host))
            return true;
    }
    return false;
}

/* The oldest VirtualService of gateway `mesh` that names the host and may be seen, else the oldest of those
 * with the longest *.name around it. */
static const struct resource *virtual_service_for(struct work *work, const struct sidecar_egress *egress,
                                                  struct bytes host)
{
    size_t count;
    struct resource **all = virtual_services(work, &count);
    const struct resource *wild = NULL;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct virtual_service *service = all[i]->spec;
        if (!virtual_service_bound(work, all[i], BYTES("mesh")) ||
            !visible(work, egress, host, all[i]->namespace))
            continue;
        for (size_t j = 0; j < service->hosts.count; j++) {
            struct bytes named = host_full(work, service->hosts.at[j], all[i]->namespace);
            if (bytes_equal(named, host))
                return all[i];
            if (host_within(named, host) && (!wild || named.len > length)) {
                wild = all[i];
                length = named.len;
            }
        }
    }
    return wild;
}

struct names {
    struct bytes at[4];
    size_t count;
};

/* a.ns.svc.cluster.local is also a.ns.svc, a.ns and, to those of the namespace, a. */
static struct names names_of(const struct work *work, struct bytes host)
{
    struct names names = {.at = {host}, .count = 1};
    struct bytes domain = work->node->cluster_domain, rest = host, name, name_space;
    if (host.len <= domain.len + 5 || !bytes_ends(host, domain))
        return names;
    struct bytes service = bytes_part(host, 0, host.len - domain.len - 1);
    if (!bytes_ends(service, BYTES(".svc")))
        return names;
    bytes_cut(&rest, '.', &name);
    bytes_cut(&rest, '.', &name_space);
    if (name.len + name_space.len + 5 != service.len)
        return names;
    names.at[names.count++] = service;
    names.at[names.count++] = bytes_part(service, 0, service.len - 4);
    if (bytes_equal(name_space, work->node->name_space))
        names.at[names.count++] = name;
    return names;
}

static void host_add(struct work *work, struct rows *vhosts, struct map *taken, struct bytes host,
                     int64_t port, struct image_rows routes, struct bytes name)
{
    struct names names = names_of(work, host);
    for (size_t i = 0; i < names.count; i++)
        if (!map_put(taken, names.at[i], work))
            vhost_add(work, vhosts, names.at[i], (uint32_t)port, routes, name);
}

static void service_route(struct work *work, struct rows *vhosts, struct map *taken,
                          const struct resource *sidecar, const struct sidecar_egress *egress,
                          const struct service *service)
{
    int64_t port = egress->port->number;
    struct viewpoint from = {port, BYTES("mesh")};
    struct routes *routes = routes_new(work);
    const struct resource *rule = virtual_service_for(work, egress, service->host);
    const struct virtual_service *spec = rule ? rule->spec : NULL;
    if (spec && spec->http.count)
        routes_add(work, routes, rule, &from);
    else
        routes_add_cluster(
            work, routes,
            cluster_outbound(work, service->host, port, (struct bytes){0}, sidecar, egress->group.node),
            BYTES("default"), DIRECTION_OUTBOUND);
    host_add(work, vhosts, taken, service->host, port, routes_put(work, routes),
             rule ? rule->name : service->host);
}

/* Hosts that only a VirtualService knows. */
static void virtual_hosts(struct work *work, struct rows *vhosts, struct map *taken,
                          const struct sidecar_egress *egress)
{
    struct viewpoint from = {egress->port->number, BYTES("mesh")};
    size_t count;
    struct resource **all = virtual_services(work, &count);
    for (size_t i = 0; i < count; i++) {
        const struct virtual_service *service = all[i]->spec;
        if (!service->http.count || !virtual_service_bound(work, all[i], BYTES("mesh")))
            continue;
        for (size_t j = 0; j < service->hosts.count; j++) {
            struct bytes host = host_full(work, service->hosts.at[j], all[i]->namespace);
            if (service_find(work, host) || map_get(taken, host) ||
                !visible(work, egress, host, all[i]->namespace))
                continue;
            struct routes *routes = routes_new(work);
            routes_add(work, routes, all[i], &from);
            host_add(work, vhosts, taken, host, from.port, routes_put(work, routes), all[i]->name);
        }
    }
}

static struct image_rows outbound_vhosts(struct work *work, const struct resource *sidecar,
                                         const struct sidecar_egress *egress)
{
    struct rows vhosts = rows_of(sizeof(struct rules_vhost));
    struct map taken;
    size_t count;
    const struct service **services = services_all(work, &count);
    map_init(&taken);
    for (size_t i = 0; i < count; i++)
        if (service_port(services[i], egress->port->number) &&
            visible(work, egress, services[i]->host, services[i]->resource->namespace))
            service_route(work, &vhosts, &taken, sidecar, egress, services[i]);
    virtual_hosts(work, &vhosts, &taken, egress);
    map_done(&taken);
    return vhosts_put(work, &vhosts);
}

static bool speaks_tls(const struct port *port)
{
    return protocol_is_tls((enum protocol)port->protocol);
}

static struct image_rows names_put(struct work *work, struct bytes host)
{
    struct names names = names_of(work, host);
    return work_names(work, names.at, names.count);
}

/* To one service: its VirtualService's routes, and behind them the service itself. */
static void service_connections(struct work *work, struct rows *routes, const struct resource *sidecar,
                                const struct sidecar_egress *egress, const struct service *service)
{
    int64_t port = egress->port->number;
    struct viewpoint from = {port, BYTES("mesh")};
    struct image_rows hosts = {0, 0};
    const struct resource *rule = virtual_service_for(work, egress, service->host);
    if (speaks_tls(egress->port))
        hosts = names_put(work, service->host);
    if (rule && speaks_tls(egress->port))
        tls_routes_add(work, routes, rule, &from, &(struct text_list){0});
    if (rule)
        tcp_routes_add(work, routes, rule, &from, hosts);
    tcp_routes_add_cluster(
        work, routes,
        cluster_outbound(work, service->host, port, (struct bytes){0}, sidecar, egress->group.node),
        service->host, hosts);
}

/* By the name in the TLS hello. Without TLS nothing tells the services apart: the first that may be seen. */
static struct image_rows outbound_tcp(struct work *work, const struct resource *sidecar,
                                      const struct sidecar_egress *egress)
{
    struct rows routes = rows_of(sizeof(struct rules_tcp_route));
    size_t count;
    const struct service **services = services_all(work, &count);
    for (size_t i = 0; i < count; i++) {
        if (!service_port(services[i], egress->port->number) ||
            !visible(work, egress, services[i]->host, services[i]->resource->namespace))
            continue;
        service_connections(work, &routes, sidecar, egress, services[i]);
        if (!speaks_tls(egress->port))
            break;
    }
    if (!routes.count)
        work_warn(work, sidecar, egress->group.node, FINDING_REFERENCE,
                  "no host of this egress has port %lld", (long long)egress->port->number);
    return rows_put(work, RULES_TCP_ROUTE, &routes);
}

static void egress_compile(struct work *work, const struct resource *sidecar,
                           const struct sidecar_egress *egress)
{
    struct bytes address = egress->bind.len ? egress->bind : BYTES("127.0.0.1");
    if (!egress->port)
        return; /* what would be captured; nothing to listen at */
    if (!address_is_ip(address)) {
        work_warn(work, sidecar, egress->group.node, FINDING_NOT_YET,
                  "listening at '%.*s' is not acted on yet: the egress stays closed", BYTES_FMT(address));
        return;
    }
    bool http = speaks_http(egress->port);
    struct rules_listener *listener =
        work_listener(work, sidecar, egress->group.node, address, egress->port->number, DIRECTION_OUTBOUND,
                      http ? SPEAKS_HTTP : SPEAKS_TCP);
    if (!listener)
        return;
    if (speaks_tls(egress->port))
        listener->tls = LISTENER_PASSTHROUGH;
    if (http)
        listener->vhosts = outbound_vhosts(work, sidecar, egress);
    else
        listener->tcp = outbound_tcp(work, sidecar, egress);
    work_listener_add(work, listener);
}

bool sidecars_compile(struct work *work)
{
    const struct resource *resource = sidecar_find(work);
    if (!resource)
        return true;
    const struct sidecar *sidecar = resource->spec;
    for (size_t i = 0; i < sidecar->ingress.count; i++)
        if (!ingress_compile(work, resource, &sidecar->ingress.at[i]))
            return false;
    for (size_t i = 0; i < sidecar->egress.count; i++)
        egress_compile(work, resource, &sidecar->egress.at[i]);
    return true;
}
