#include "rules/compile/gateways.h"

#include "base/hash.h"

#include "rules/compile/authn.h"
#include "rules/compile/delegates.h"
#include "rules/compile/policy.h"
#include "rules/compile/tcp.h"
#include "rules/compile/vhost.h"
#include "rules/kind/gateway.h"

/* One server of one Gateway. */
struct opened {
    const struct resource *gateway;
    const struct server *server;
};

/* A listener being put together from servers of one address. */
struct draft {
    struct rules_listener *listener;
    const struct server *first;
    struct rows opened;  /* struct opened: where TLS is ended, or not spoken */
    struct rows through; /* struct opened: where TLS stays encrypted */
    struct rows servers; /* struct rules_server */
    struct map tls_hosts;
};

/* ---- servers ---------------------------------------------------------- */

static bool is_https(const struct server *server)
{
    return protocol_is_tls((enum protocol)server->port->protocol);
}

static bool is_http(const struct server *server)
{
    return protocol_is_http((enum protocol)server->port->protocol) ||
           server->port->protocol == PROTOCOL_HTTPS;
}

static bool terminates_tls(const struct server *server)
{
    return server->tls && !server->tls->https_redirect && (is_https(server) || !is_http(server)) &&
           (server->tls->mode == SERVER_TLS_SIMPLE || server->tls->mode == SERVER_TLS_MUTUAL ||
            server->tls->mode == SERVER_TLS_ISTIO_MUTUAL);
}

static bool passes_through(const struct server *server)
{
    return is_https(server) && server->tls && server->tls->mode == SERVER_TLS_PASSTHROUGH;
}

static bool can_open(struct work *work, const struct resource *gateway, const struct server *server)
{
    bool encrypted = is_https(server);
    if (server->bind.len && !address_is_ip(server->bind)) {
        work_warn(work, gateway, group_node(&server->group, "bind"), FINDING_NOT_YET,
                  "listening at '%.*s' is not acted on yet: the server stays closed",
                  BYTES_FMT(server->bind));
        return false;
    }
    if (server->port->protocol == PROTOCOL_UDP || server->port->protocol == PROTOCOL_HBONE ||
        server->port->protocol == PROTOCOL_HTTP_PROXY ||
        (encrypted && !terminates_tls(server) && !passes_through(server))) {
        work_warn(work, gateway, server->group.node, FINDING_NOT_YET,
                  "this protocol and TLS mode are not acted on yet: the server stays closed");
        return false;
    }
    return true;
}

static struct image_rows server_hosts(struct work *work, struct draft *draft, const struct opened *opened)
{
    struct rows names = rows_of(sizeof(struct rules_name));
    for (size_t i = 0; i < opened->server->hosts.count; i++) {
        struct bytes scope;
        struct bytes host =
            lower(work, host_scope(opened->server->hosts.at[i], opened->gateway->namespace, &scope));
        if (map_get(&draft->tls_hosts, host)) {
            work_warn(work, opened->gateway, opened->server->group.node, FINDING_INVALID,
                      "another server at this port has host '%.*s' already; the first stands",
                      BYTES_FMT(host));
            continue;
        }
        map_put(&draft->tls_hosts, host, draft);
        rows_add(work, &names, &(struct rules_name){work_text(work, host)});
    }
    return rows_put(work, RULES_NAME, &names);
}

/* False: all its hosts are taken. */
static bool server_add(struct work *work, struct draft *draft, const struct opened *opened)
{
    static const enum rules_server_tls modes[] = {
        [SERVER_TLS_SIMPLE] = SERVER_SIMPLE,
        [SERVER_TLS_MUTUAL] = SERVER_MUTUAL,
        [SERVER_TLS_ISTIO_MUTUAL] = SERVER_MESH,
    };
    const struct server_tls *tls = opened->server->tls;
    struct rules_server row = {.hosts = server_hosts(work, draft, opened),
                               .peer_names = work_list(work, &tls->subject_alt_names),
                               .tls = modes[tls->mode],
                               .min_version = tls->min_version == TLS_VERSION_1_3 ? 13 : 12,
                               .credential_name = work_text(work, tls->credential_name)};
    if (!row.hosts.count)
        return false;
    if (row.tls != SERVER_MESH)
        row.credential =
            work_credential(work, opened->gateway->namespace, tls->credential_name, opened->gateway,
                            group_node(&tls->group, "credentialName"), row.tls == SERVER_MUTUAL);
    rows_add(work, &draft->servers, &row);
    return true;
}

/* ---- virtual hosts ---------------------------------------------------- */

struct named_host {
    struct bytes host;
    struct routes *routes;
    struct bytes name;
};

static struct bytes gateway_name(struct work *work, const struct resource *gateway)
{
    return arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(gateway->namespace), BYTES_FMT(gateway->name));
}

/* Hosts in the order in which they were first met, so that the image does not depend on a hash. */
struct host_set {
    struct map by_host;
    struct map seen;  /* (host, VirtualService): several hosts of a server may name the same */
    struct rows list; /* struct named_host * */
};

static void host_routes_add(struct work *work, struct host_set *hosts, struct bytes host,
                            const struct resource *service, const struct viewpoint *from)
{
    struct named_host *named = map_get(&hosts->by_host, host);
    struct bytes once = arena_format(work->arena, "%.*s %p", BYTES_FMT(host), (const void *)service);
    if (map_put(&hosts->seen, once, work))
        return;
    if (!named) {
        named = arena_new(work->arena, struct named_host);
        *named = (struct named_host){host, routes_new(work), service->name};
        map_put(&hosts->by_host, host, named);
        rows_add(work, &hosts->list, &named);
    }
    routes_add(work, named->routes, service, from);
}

/*
 * A short name means the service of that name, as inside the mesh; but clients of a
 * gateway may also really call it so ("localhost"), which Istio leaves out.
 */
static void host_of_service(struct work *work, struct host_set *hosts, struct bytes wanted, struct bytes name,
                            const struct resource *resource, const struct viewpoint *from)
{
    struct bytes full = host_full(work, name, resource->namespace);
    struct bytes host = host_common(wanted, full);
    if (host.len)
        host_routes_add(work, hosts, host, resource, from);
    name = lower(work, name);
    if (bytes_equal(name, full))
        return;
    host = host_common(wanted, name);
    if (host.len)
        host_routes_add(work, hosts, host, resource, from);
}

static void hosts_of_service(struct work *work, struct host_set *hosts, const struct opened *opened,
                             const struct resource *resource, const struct viewpoint *from)
{
    const struct virtual_service *service = resource->spec;
    for (size_t i = 0; i < opened->server->hosts.count; i++) {
        struct bytes scope;
        struct bytes wanted =
            lower(work, host_scope(opened->server->hosts.at[i], opened->gateway->namespace, &scope));
        if (!bytes_equal(scope, BYTES("*")) && !bytes_equal(scope, resource->namespace))
            continue;
        for (size_t j = 0; j < service->hosts.count; j++)
            host_of_service(work, hosts, wanted, service->hosts.at[j], resource, from);
    }
}

static void hosts_of_server(struct work *work, struct host_set *hosts, const struct opened *opened)
{
    struct viewpoint from = {opened->server->port->number, gateway_name(work, opened->gateway)};
    size_t count;
    struct resource **services = virtual_services(work, &count);
    for (size_t i = 0; i < count; i++)
        if (virtual_service_bound(work, services[i], from.gateway))
            hosts_of_service(work, hosts, opened, services[i], &from);
}

static struct image_rows vhosts_of(struct work *work, struct draft *draft)
{
    struct rows vhosts = rows_of(sizeof(struct rules_vhost));
    struct host_set hosts = {.list = rows_of(sizeof(struct named_host *))};
    map_init(&hosts.by_host);
    map_init(&hosts.seen);
    for (uint32_t i = 0; i < draft->opened.count; i++)
        hosts_of_server(work, &hosts, &ROWS_AT(draft->opened, struct opened)[i]);
    map_done(&hosts.by_host);
    map_done(&hosts.seen);
    for (uint32_t i = 0; i < hosts.list.count; i++) {
        const struct named_host *named = ROWS_AT(hosts.list, struct named_host *)[i];
        vhost_add(work, &vhosts, named->host, 0, routes_put(work, named->routes), named->name);
    }
    return vhosts_put(work, &vhosts);
}

/* ---- connections ------------------------------------------------------ */

static void host_add(struct work *work, struct rows *hosts, struct bytes host)
{
    if (host.len)
        rows_add(work, hosts, &host);
}

/* The hosts of a VirtualService that the server serves. */
static struct text_list hosts_shared(struct work *work, const struct opened *opened,
                                     const struct resource *resource)
{
    const struct virtual_service *service = resource->spec;
    struct rows hosts = rows_of(sizeof(struct bytes));
    for (size_t i = 0; i < opened->server->hosts.count; i++) {
        struct bytes scope;
        struct bytes wanted =
            lower(work, host_scope(opened->server->hosts.at[i], opened->gateway->namespace, &scope));
        if (!bytes_equal(scope, BYTES("*")) && !bytes_equal(scope, resource->namespace))
            continue;
        for (size_t j = 0; j < service->hosts.count; j++)
            host_add(work, &hosts,
                     host_common(wanted, host_full(work, service->hosts.at[j], resource->namespace)));
    }
    return (struct text_list){ROWS_AT(hosts, struct bytes), hosts.count};
}

static void connections_of_server(struct work *work, struct rows *routes, const struct opened *opened)
{
    struct viewpoint from = {opened->server->port->number, gateway_name(work, opened->gateway)};
    size_t count;
    struct resource **services = virtual_services(work, &count);
    for (size_t i = 0; i < count; i++) {
        if (!virtual_service_bound(work, services[i], from.gateway))
            continue;
        struct text_list hosts = hosts_shared(work, opened, services[i]);
        if (hosts.count && passes_through(opened->server))
            tls_routes_add(work, routes, services[i], &from, &hosts);
        else if (hosts.count)
            tcp_routes_add(work, routes, services[i], &from,
                           terminates_tls(opened->server) ? work_list(work, &hosts)
                                                          : (struct image_rows){0, 0});
    }
}

static struct image_rows connections_of(struct work *work, const struct rows *opened)
{
    struct rows routes = rows_of(sizeof(struct rules_tcp_route));
    for (uint32_t i = 0; i < opened->count; i++)
        connections_of_server(work, &routes, &ROWS_AT(*opened, struct opened)[i]);
    return rows_put(work, RULES_TCP_ROUTE, &routes);
}

/* ---- listeners -------------------------------------------------------- */

static struct draft *draft_new(struct work *work, const struct opened *opened)
{
    const struct server *server = opened->server;
    struct bytes address = server->bind.len ? server->bind : BYTES("0.0.0.0");
    struct rules_listener *listener = work_listener(
        work, opened->gateway, server->group.node, address, server->port->number, DIRECTION_GATEWAY,
        is_http(server) && !passes_through(server) ? SPEAKS_HTTP : SPEAKS_TCP);
    struct draft *draft = arena_new(work->arena, struct draft);
    if (!listener)
        return NULL;
    listener->tls = terminates_tls(server)   ? LISTENER_TLS
                    : passes_through(server) ? LISTENER_PASSTHROUGH
                                             : LISTENER_PLAIN;
    draft->listener = listener;
    draft->first = server;
    draft->opened = draft->through = rows_of(sizeof(struct opened));
    draft->servers = rows_of(sizeof(struct rules_server));
    map_init(&draft->tls_hosts);
    return draft;
}

static struct draft *draft_find(struct rows *drafts, const struct server *server)
{
    struct bytes bind = server->bind.len ? server->bind : BYTES("0.0.0.0");
    for (uint32_t i = 0; i < drafts->count; i++) {
        struct draft *draft = ROWS_AT(*drafts, struct draft *)[i];
        struct bytes other = draft->first->bind.len ? draft->first->bind : BYTES("0.0.0.0");
        if (draft->first->port->number == server->port->number && bytes_equal(bind, other))
            return draft;
    }
    return NULL;
}

/* Can one port serve both? Of TLS the name that is asked for tells what is ended here. */
static bool fits(const struct server *first, const struct server *server)
{
    if (passes_through(server))
        return is_https(first) && !(first->tls && first->tls->https_redirect);
    return is_http(first) == is_http(server) && terminates_tls(first) == terminates_tls(server);
}

static void server_open(struct work *work, struct rows *drafts, const struct opened *opened)
{
    const struct server *server = opened->server;
    struct draft *draft = draft_find(drafts, server);
    if (draft && !fits(draft->first, server)) {
        work_warn(work, opened->gateway, server->group.node, FINDING_INVALID,
                  "another server has port %lld with a different protocol already; the first stands",
                  (long long)server->port->number);
        return;
    }
    if (!draft) {
        draft = draft_new(work, opened);
        if (!draft)
            return;
        rows_add(work, drafts, &draft);
    }
    if (terminates_tls(server) && !server_add(work, draft, opened))
        return;
    if (server->tls && server->tls->https_redirect)
        draft->listener->redirect_https = 1;
    rows_add(work, passes_through(server) ? &draft->through : &draft->opened, opened);
}

/* The same port as it is for connections that stay encrypted: policies of TCP, routes by SNI. */
static bool through_add(struct work *work, const struct draft *draft)
{
    struct rules_listener row = *draft->listener;
    row.id = hash_stable(arena_format(work->arena, "%llx passthrough", (unsigned long long)row.id));
    row.protocol = SPEAKS_TCP;
    row.tls = LISTENER_PASSTHROUGH;
    row.servers = row.vhosts = row.authn = row.passthrough = (struct image_rows){0, 0};
    row.publishes_keys = 0;
    row.tcp = connections_of(work, &draft->through);
    if (!policies_attach(work, &row))
        return false;
    work_listener_add(work, &row);
    return true;
}

static bool draft_finish(struct work *work, struct draft *draft)
{
    struct rules_listener *listener = draft->listener;
    bool both = draft->opened.count && draft->through.count;
    map_done(&draft->tls_hosts);
    listener->servers = rows_put(work, RULES_SERVER, &draft->servers);
    if (listener->protocol == SPEAKS_HTTP) {
        listener->vhosts = vhosts_of(work, draft);
        listener->authn = authn_rows(work);
        listener->publishes_keys = work->assertion_resource != NULL;
    } else {
        listener->tcp = connections_of(work, draft->opened.count ? &draft->opened : &draft->through);
    }
    if (both)
        listener->passthrough = (struct image_rows){work->listeners.count + 1, 1};
    if (!policies_attach(work, listener))
        return false;
    work_listener_add(work, listener);
    return !both || through_add(work, draft);
}

static void servers_open(struct work *work, struct rows *drafts, bool through)
{
    size_t count;
    struct resource **gateways = work_kind(work, KIND_GATEWAY, &count);
    for (size_t i = 0; i < count; i++) {
        const struct gateway *gateway = gateways[i]->spec;
        if (!node_chosen(work, &gateway->selector))
            continue;
        for (size_t j = 0; j < gateway->servers.count; j++)
            if (passes_through(&gateway->servers.at[j]) == through &&
                can_open(work, gateways[i], &gateway->servers.at[j]))
                server_open(work, drafts, &(struct opened){gateways[i], &gateway->servers.at[j]});
    }
}

bool gateways_compile(struct work *work)
{
    struct rows drafts = rows_of(sizeof(struct draft *));
    bool done = true;
    servers_open(work, &drafts, false); /* first, since they make more of a listener */
    servers_open(work, &drafts, true);
    for (uint32_t i = 0; i < drafts.count; i++)
        done = draft_finish(work, ROWS_AT(drafts, struct draft *)[i]) && done;
    return done;
}
