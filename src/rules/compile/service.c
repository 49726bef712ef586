#include "rules/compile/service.h"

#include <stdlib.h>

#include "rules/compile/cluster_service.h"

static void service_put(struct work *work, const struct resource *resource, struct bytes host,
                        const struct service_entry *entry)
{
    struct service *service = arena_new(work->arena, struct service);
    *service = (struct service){host, resource, entry};
    map_take(&work->services, host);
    map_put(&work->services, service->host, service);
}

static void service_add(struct work *work, const struct resource *resource, struct bytes host)
{
    host = lower(work, host);
    const struct service *known = map_get(&work->services, host);
    bool own = bytes_equal(resource->namespace, work->node->name_space);
    if (known && (!own || bytes_equal(known->resource->namespace, work->node->name_space)))
        return;
    service_put(work, resource, host, resource->spec);
}

/* A Service of Kubernetes has an annotation instead of the field: namespaces with commas between. */
static bool cluster_service_seen(struct work *work, const struct resource *service)
{
    struct bytes rest, one;
    struct rows names = rows_of(sizeof(struct bytes));
    text_map_get(&service->annotations, "networking.istio.io/exportTo", &rest);
    for (bool more = rest.len > 0; more;) {
        more = bytes_cut(&rest, ',', &one);
        one = bytes_trim(one);
        rows_add(work, &names, &one);
    }
    return node_sees(work, service->namespace,
                     &(struct text_list){ROWS_AT(names, struct bytes), names.count});
}

static void cluster_services_read(struct work *work)
{
    size_t count;
    struct resource **all = work_kind(work, KIND_SERVICE, &count);
    struct slices *slices = slices_read(work);
    for (size_t i = 0; i < count; i++) {
        struct bytes host = lower(work, host_full(work, all[i]->name, all[i]->namespace));
        if (!service_find(work, host) && cluster_service_seen(work, all[i]))
            service_put(work, all[i], host, cluster_service_entry(work, slices, all[i]));
    }
    slices_done(slices);
}

void services_read(struct work *work)
{
    size_t count;
    struct resource **entries = work_kind(work, KIND_SERVICE_ENTRY, &count);
    for (size_t i = 0; i < count; i++) {
        const struct service_entry *entry = entries[i]->spec;
        if (!node_sees(work, entries[i]->namespace, &entry->export_to))
            continue;
        for (size_t j = 0; j < entry->hosts.count; j++)
            service_add(work, entries[i], entry->hosts.at[j]);
    }
    cluster_services_read(work);
}

const struct service *service_find(const struct work *work, struct bytes host)
{
    return map_get(&work->services, host);
}

const struct port *service_port(const struct service *service, int64_t number)
{
    for (size_t i = 0; i < service->entry->ports.count; i++)
        if (service->entry->ports.at[i].number == number)
            return &service->entry->ports.at[i];
    return NULL;
}

static int service_compare(const void *a, const void *b)
{
    const struct service *x = *(const struct service *const *)a, *y = *(const struct service *const *)b;
    return bytes_compare(x->host, y->host);
}

const struct service **services_all(struct work *work, size_t *count)
{
    const struct service **all = arena_alloc_array(work->arena, work->services.count + 1, sizeof *all);
    struct bytes key;
    void *value;
    size_t at = 0;
    *count = 0;
    while (map_next(&work->services, &at, &key, &value))
        all[(*count)++] = value;
    qsort(all, *count, sizeof *all, service_compare);
    return all;
}

struct bytes host_full(struct work *work, struct bytes host, struct bytes name_space)
{
    host = lower(work, host);
    if (bytes_find(host, '.') < host.len || bytes_find(host, '*') < host.len)
        return host;
    return arena_format(work->arena, "%.*s.%.*s.svc.%.*s", BYTES_FMT(host), BYTES_FMT(name_space),
                        BYTES_FMT(work->node->cluster_domain));
}

bool host_within(struct bytes pattern, struct bytes host)
{
    if (bytes_equal(pattern, BYTES("*")))
        return true;
    if (!bytes_starts(pattern, BYTES("*")))
        return bytes_equal_nocase(pattern, host);
    struct bytes tail = bytes_part(pattern, 1, pattern.len);
    if (bytes_starts(host, BYTES("*")))
        return bytes_ends_nocase(bytes_part(host, 1, host.len), tail);
    return host.len > tail.len && bytes_ends_nocase(host, tail);
}

struct bytes host_common(struct bytes a, struct bytes b)
{
    if (host_within(a, b))
        return b;
    return host_within(b, a) ? a : (struct bytes){0};
}

struct bytes host_scope(struct bytes text, struct bytes own, struct bytes *name_space)
{
    struct bytes host = text;
    if (!bytes_cut(&host, '/', name_space)) {
        *name_space = BYTES("*");
        return text;
    }
    if (bytes_equal(*name_space, BYTES(".")))
        *name_space = own;
    return host;
}
