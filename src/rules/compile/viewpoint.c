#include "rules/compile/viewpoint.h"

static struct bytes gateway_full(struct work *work, struct bytes name, struct bytes own)
{
    if (bytes_starts(name, BYTES("./")))
        name = bytes_part(name, 2, name.len);
    else if (bytes_equal(name, BYTES("mesh")) || bytes_find(name, '/') < name.len)
        return name;
    return arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(own), BYTES_FMT(name));
}

bool gateways_hold(struct work *work, const struct text_list *gateways, struct bytes own,
                   struct bytes gateway)
{
    for (size_t i = 0; i < gateways->count; i++)
        if (bytes_equal(gateway_full(work, gateways->at[i], own), gateway))
            return true;
    return false;
}

bool virtual_service_bound(struct work *work, const struct resource *resource, struct bytes gateway)
{
    const struct virtual_service *service = resource->spec;
    if (!node_sees(work, resource->namespace, &service->export_to))
        return false;
    if (!service->gateways.count)
        return bytes_equal(gateway, BYTES("mesh"));
    return gateways_hold(work, &service->gateways, resource->namespace, gateway);
}

bool viewpoint_is_selected(const struct work *work, const struct text_map *labels, struct bytes name_space)
{
    return node_chosen(work, labels) && (!name_space.len || bytes_equal(name_space, work->node->name_space));
}

/* The port written, else the service's only one, else the one we came by if it has that. */
static int64_t destination_port(struct work *work, const struct destination *destination, struct bytes host,
                                const struct viewpoint *from)
{
    const struct service *service = service_find(work, host);
    if (destination->port && destination->port->number)
        return destination->port->number;
    if (!service || !service->entry->ports.count)
        return from->port;
    if (service->entry->ports.count == 1 || !service_port(service, from->port))
        return service->entry->ports.at[0].number;
    return from->port;
}

uint32_t destination_cluster(struct work *work, const struct destination *destination,
                             const struct resource *resource, const struct viewpoint *from)
{
    struct bytes host = host_full(work, destination->host, resource->namespace);
    int64_t port = destination_port(work, destination, host, from);
    return cluster_outbound(work, host, port, destination->subset, resource, destination->group.node);
}

struct image_rows destination_one(struct work *work, uint32_t cluster)
{
    struct rules_destination row = {cluster, 1, {0, 0}};
    return image_build_rows(&work->rules, RULES_DESTINATION, &row, 1);
}
