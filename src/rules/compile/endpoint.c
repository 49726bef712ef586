#include "rules/compile/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

static struct image_text endpoint_text(struct work *work, struct bytes text)
{
    return image_build_text(&work->endpoints, text);
}

static void unix_path_add(struct work *work, struct bytes path)
{
    for (uint32_t i = 0; i < work->unix_paths.count; i++)
        if (bytes_equal(ROWS_AT(work->unix_paths, struct bytes)[i], path))
            return;
    rows_add(work, &work->unix_paths, &path);
}

/* False: it is no address that can be connected to. */
static bool address_set(struct work *work, struct endpoints_endpoint *out, struct bytes address, int64_t port)
{
    const char *text = arena_text(work->arena, address);
    out->port = (uint32_t)port;
    if (bytes_starts(address, BYTES("unix://"))) {
        struct bytes path = bytes_part(address, 7, address.len);
        out->family = ENDPOINT_UNIX;
        out->path = endpoint_text(work, path);
        out->text = endpoint_text(work, address);
        out->port = 0;
        unix_path_add(work, path);
        return path.len > 0;
    }
    bool six = inet_pton(AF_INET6, text, out->address) == 1;
    if (!six && inet_pton(AF_INET, text, out->address) != 1)
        return false;
    out->family = six ? ENDPOINT_IP6 : ENDPOINT_IP4;
    out->text =
        endpoint_text(work, arena_format(work->arena, six ? "[%s]:%lld" : "%s:%lld", text, (long long)port));
    return port > 0;
}

static struct image_rows account_names(struct work *work, struct bytes name_space, struct bytes account)
{
    struct rows rows = rows_of(sizeof(struct rules_name));
    const struct compile_node *node = work->node;
    for (size_t i = 0; account.len && i < node->trust_domain_count; i++) {
        struct bytes id =
            arena_format(work->arena, "spiffe://%.*s/ns/%.*s/sa/%.*s", BYTES_FMT(node->trust_domains[i]),
                         BYTES_FMT(name_space), BYTES_FMT(account));
        rows_add(work, &rows, &(struct rules_name){endpoint_text(work, id)});
    }
    return image_build_rows(&work->endpoints, ENDPOINTS_NAME, rows.at, rows.count);
}

static int64_t entry_port(const struct workload_entry *entry, const struct port *port)
{
    for (size_t i = 0; i < entry->ports.count; i++)
        if (bytes_equal(entry->ports.keys[i], port->name))
            return entry->ports.at[i];
    return port->target_port ? port->target_port : port->number;
}

struct place {
    const struct resource *resource; /* ServiceEntry or WorkloadEntry */
    struct bytes workload;
};

struct found { /* of one cluster, so far */
    struct rows addresses;
    struct rows hosts;
};

static bool is_resolved(const struct service_entry *entry)
{
    return entry->resolution == RESOLUTION_DNS || entry->resolution == RESOLUTION_DNS_ROUND_ROBIN;
}

static struct endpoints_endpoint entry_row(struct work *work, const struct workload_entry *entry,
                                           struct place place)
{
    struct endpoints_endpoint row = {.weight = entry->weight > 0 ? (uint32_t)entry->weight : 1};
    struct bytes label;
    row.mesh = text_map_get(&entry->labels, "security.istio.io/tlsMode", &label) &&
               bytes_equal(label, BYTES("istio"));
    row.names = account_names(work, place.resource->namespace, entry->service_account);
    if (text_map_get(&entry->labels, "app", &label))
        place.workload = label;
    row.workload = endpoint_text(work, place.workload);
    return row;
}

static void entry_add(struct work *work, struct found *found, const struct service *service,
                      const struct workload_entry *entry, const struct port *port, struct place place)
{
    struct endpoints_endpoint row = entry_row(work, entry, place);
    bool resolved = is_resolved(service->entry);
    if (address_set(work, &row, entry->address, entry_port(entry, port))) {
        rows_add(work, &found->addresses, &row);
    } else if (resolved && host_is_plain(entry->address)) {
        struct endpoints_host host = {.name = endpoint_text(work, lower(work, entry->address)), .like = row};
        host.first_only = service->entry->resolution == RESOLUTION_DNS_ROUND_ROBIN;
        rows_add(work, &found->hosts, &host);
    } else {
        work_warn(work, place.resource, entry->group.node, FINDING_NOT_YET,
                  resolved ? "address '%.*s' is no IP address, name or unix path: the endpoint is left out"
                           : "address '%.*s' is no IP address or unix path, and the resolution of the "
                             "service is not DNS: the endpoint is left out",
                  BYTES_FMT(entry->address));
    }
}

/* A WorkloadEntry's labels are its spec's, and its metadata's where the spec has none. */
static bool entry_chosen(const struct text_map *want, const struct workload_entry *entry,
                         const struct resource *resource)
{
    if (entry->labels.count || !resource)
        return labels_choose(want, &entry->labels);
    return labels_choose(want, &resource->labels);
}

static void selected_add(struct work *work, struct found *found, const struct service *service,
                         const struct port *port, const struct text_map *subset)
{
    for (size_t i = work->set->first[KIND_WORKLOAD_ENTRY]; i < work->set->first[KIND_WORKLOAD_ENTRY + 1];
         i++) {
        const struct resource *resource = work->set->at[i];
        const struct workload_entry *entry = resource->spec;
        if (bytes_equal(resource->namespace, service->resource->namespace) &&
            entry_chosen(&service->entry->workload_selector->match_labels, entry, resource) &&
            (!subset || entry_chosen(subset, entry, resource)))
            entry_add(work, found, service, entry, port, (struct place){resource, resource->name});
    }
}

/* Without endpoints the name of the service is where it runs. */
static void itself_add(struct work *work, struct found *found, const struct service *service,
                       const struct port *port, const struct text_map *subset)
{
    const struct workload_entry itself = {.address = service->host};
    if (!subset || labels_choose(subset, &itself.labels))
        entry_add(work, found, service, &itself, port,
                  (struct place){service->resource, service->resource->name});
}

struct endpoints_cluster endpoints_of(struct work *work, const struct service *service,
                                      const struct port *port, const struct text_map *subset)
{
    struct found found = {rows_of(sizeof(struct endpoints_endpoint)), rows_of(sizeof(struct endpoints_host))};
    const struct service_entry *entry = service->entry;
    for (size_t i = 0; i < entry->endpoints.count; i++)
        if (!subset || labels_choose(subset, &entry->endpoints.at[i].labels))
            entry_add(work, &found, service, &entry->endpoints.at[i], port,
                      (struct place){service->resource, service->resource->name});
    if (entry->workload_selector && entry->workload_selector->match_labels.count)
        selected_add(work, &found, service, port, subset);
    if (is_resolved(entry) && !entry->endpoints.count && !entry->workload_selector)
        itself_add(work, &found, service, port, subset);
    return (struct endpoints_cluster){
        .endpoints =
            image_build_rows(&work->endpoints, ENDPOINTS_ENDPOINT, found.addresses.at, found.addresses.count),
        .hosts = image_build_rows(&work->endpoints, ENDPOINTS_HOST, found.hosts.at, found.hosts.count),
    };
}

struct endpoints_cluster endpoint_at(struct work *work, struct bytes address, int64_t port)
{
    struct endpoints_endpoint row = {.weight = 1};
    if (!address_set(work, &row, address, port))
        return (struct endpoints_cluster){0};
    row.workload = endpoint_text(work, node_label(work, "app"));
    return (struct endpoints_cluster){.endpoints =
                                          image_build_rows(&work->endpoints, ENDPOINTS_ENDPOINT, &row, 1)};
}
