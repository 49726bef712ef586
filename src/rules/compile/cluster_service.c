#include "rules/compile/cluster_service.h"

#include <string.h>

#include "rules/kind/core_service.h"

struct slice_link {
    const struct resource *slice;
    struct slice_link *next;
};

struct slices {
    struct map by_service; /* namespace/name -> struct slice_link, in the arena */
};

static struct bytes name_of(struct work *work, struct bytes name_space, struct bytes name)
{
    return arena_format(work->arena, "%.*s/%.*s", BYTES_FMT(name_space), BYTES_FMT(name));
}

struct slices *slices_read(struct work *work)
{
    struct slices *slices = arena_new(work->arena, struct slices);
    size_t count;
    struct resource **all = work_kind(work, KIND_ENDPOINT_SLICE, &count);
    map_init(&slices->by_service);
    for (size_t i = 0; i < count; i++) {
        struct slice_link *link = arena_new(work->arena, struct slice_link);
        struct bytes service;
        if (!text_map_get(&all[i]->labels, SERVICE_NAME_LABEL, &service))
            continue;
        link->slice = all[i];
        link->next = map_put(&slices->by_service, name_of(work, all[i]->namespace, service), link);
    }
    return slices;
}

void slices_done(struct slices *slices)
{
    map_done(&slices->by_service);
}

static void ports_set(struct work *work, struct service_entry *entry, const struct core_service *service)
{
    entry->ports.at = arena_alloc_array(work->arena, service->ports.count, sizeof(struct port));
    for (size_t i = 0; i < service->ports.count; i++) {
        const struct service_port *from = &service->ports.at[i];
        if (from->transport != TRANSPORT_TCP)
            continue;
        struct port *port = &entry->ports.at[entry->ports.count++];
        *port = (struct port){.group = from->group, .number = from->port, .name = from->name};
        port->protocol = (int)service_port_protocol(from);
        if (from->target && from->target->kind == YAML_INT)
            port->target_port = from->target->number;
    }
}

static size_t ready_count(const struct slice_link *links)
{
    size_t count = 0;
    for (; links; links = links->next)
        count += ((const struct endpoint_slice *)links->slice->spec)->endpoints.count;
    return count;
}

static void slice_add(struct work *work, struct service_entry *entry, const struct endpoint_slice *slice)
{
    size_t ports = slice->ports.count;
    int64_t *numbers = arena_array(work->arena, int64_t, ports);
    struct bytes *names = arena_array(work->arena, struct bytes, ports);
    for (size_t i = 0; i < ports; i++) {
        numbers[i] = slice->ports.at[i].port;
        names[i] = slice->ports.at[i].name;
    }
    for (size_t i = 0; i < slice->endpoints.count; i++) {
        const struct slice_endpoint *from = &slice->endpoints.at[i];
        if (from->conditions && !from->conditions->ready)
            continue;
        struct workload_entry *endpoint = &entry->endpoints.at[entry->endpoints.count++];
        *endpoint = (struct workload_entry){.group = from->group, .address = from->addresses.at[0]};
        endpoint->ports.at = numbers;
        endpoint->ports.keys = names;
        endpoint->ports.count = ports;
    }
}

static void endpoints_set(struct work *work, struct service_entry *entry, const struct slice_link *links)
{
    entry->resolution = RESOLUTION_STATIC;
    entry->endpoints.at = arena_alloc_array(work->arena, ready_count(links), sizeof(struct workload_entry));
    for (; links; links = links->next) {
        const struct endpoint_slice *slice = links->slice->spec;
        if (slice->address_type != SLICE_FQDN)
            slice_add(work, entry, slice);
    }
}

static void external_set(struct work *work, struct service_entry *entry, struct bytes host)
{
    entry->resolution = RESOLUTION_DNS;
    entry->location = SERVICE_EXTERNAL;
    entry->endpoints.at = arena_alloc_array(work->arena, 1, sizeof(struct workload_entry));
    entry->endpoints.at[0] = (struct workload_entry){.group = entry->group, .address = host};
    entry->endpoints.count = 1;
}

struct service_entry *cluster_service_entry(struct work *work, const struct slices *slices,
                                            const struct resource *resource)
{
    const struct core_service *service = resource->spec;
    struct service_entry *entry = arena_new(work->arena, struct service_entry);
    *entry = (struct service_entry){.group = service->group, .location = SERVICE_INTERNAL};
    ports_set(work, entry, service);
    if (service->type == SERVICE_EXTERNAL_NAME) {
        external_set(work, entry, service->external_name);
        return entry;
    }
    endpoints_set(work, entry,
                  map_get(&slices->by_service, name_of(work, resource->namespace, resource->name)));
    if (service->selector.count > 0) {
        entry->workload_selector = arena_new(work->arena, struct selector);
        entry->workload_selector->match_labels = service->selector;
    }
    return entry;
}
