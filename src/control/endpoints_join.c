#include "control/endpoints_join.h"

#include <assert.h>
#include <string.h>

#include "control/image_memory.h"
#include "wire/image_build.h"

static struct image_rows names_copy(struct image_build *build, const struct image *from,
                                    struct image_rows rows)
{
    struct rules_name *names = arena_array(&build->arena, struct rules_name, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) {
        const struct rules_name *name = image_row(from, ENDPOINTS_NAME, rows, i);
        names[i].text = image_build_text(build, image_text(from, name->text));
    }
    return image_build_rows(build, ENDPOINTS_NAME, names, rows.count);
}

static struct endpoints_endpoint endpoint_copy(struct image_build *build, const struct image *from,
                                               const struct endpoints_endpoint *endpoint)
{
    struct endpoints_endpoint copy = *endpoint;
    copy.text = image_build_text(build, image_text(from, endpoint->text));
    copy.path = image_build_text(build, image_text(from, endpoint->path));
    copy.workload = image_build_text(build, image_text(from, endpoint->workload));
    copy.names = names_copy(build, from, endpoint->names);
    return copy;
}

static void address_set(struct image_build *build, struct endpoints_endpoint *endpoint,
                        const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    bool six = address->family == ADDRESS_V6;
    memcpy(endpoint->address, address->at, sizeof endpoint->address);
    endpoint->family = six ? ENDPOINT_IP6 : ENDPOINT_IP4;
    endpoint->text =
        image_build_text(build, arena_format(&build->arena, six ? "[%.*s]:%u" : "%.*s:%u",
                                             BYTES_FMT(address_text(address, text)), endpoint->port));
}

/* Answers how many addresses count for that row; 0 for a name that is not known (yet). */
static size_t host_count(const struct image *from, const struct endpoints_host *host,
                         const struct name_table *names, const struct name_entry **entry)
{
    *entry = name_table_find(names, image_text(from, host->name));
    size_t count = *entry ? (*entry)->count : 0;
    return host->first_only && count ? 1 : count;
}

static uint32_t host_copy(struct image_build *build, const struct image *from,
                          const struct endpoints_host *host, const struct name_table *names,
                          struct endpoints_endpoint *to)
{
    const struct name_entry *entry;
    size_t count = host_count(from, host, names, &entry);
    for (size_t i = 0; i < count; i++) {
        to[i] = endpoint_copy(build, from, &host->like);
        address_set(build, &to[i], host->first_only ? &entry->first : &entry->at[i]);
    }
    return (uint32_t)count;
}

static struct endpoints_cluster cluster_copy(struct image_build *build, const struct image *from,
                                             const struct endpoints_cluster *cluster,
                                             const struct name_table *names)
{
    struct image_rows rows = cluster->endpoints;
    const struct name_entry *entry;
    size_t room = rows.count;
    uint32_t count = 0;
    IMAGE_FOR(from, ENDPOINTS_HOST, struct endpoints_host, host, cluster->hosts)
    {
        room += host_count(from, host, names, &entry);
    }
    struct endpoints_endpoint *copies = arena_array(&build->arena, struct endpoints_endpoint, room);
    while (count < rows.count) {
        copies[count] = endpoint_copy(build, from, image_row(from, ENDPOINTS_ENDPOINT, rows, count));
        count++;
    }
    IMAGE_FOR(from, ENDPOINTS_HOST, struct endpoints_host, host, cluster->hosts)
    {
        count += host_copy(build, from, host, names, copies + count);
    }
    return (struct endpoints_cluster){
        .id = cluster->id, .endpoints = image_build_rows(build, ENDPOINTS_ENDPOINT, copies, count)};
}

/* Both are sorted by id: one walk through the two. */
static void clusters_merge(struct image_build *build, const struct image *before, const struct image *after,
                           const struct name_table *names)
{
    struct image_rows old = {0, 0}, new = image_all(after, ENDPOINTS_CLUSTER);
    if (before)
        old = image_all(before, ENDPOINTS_CLUSTER);
    struct endpoints_cluster *rows =
        arena_array(&build->arena, struct endpoints_cluster, (size_t)old.count + new.count);
    uint32_t count = 0, i = 0, j = 0;
    while (i < old.count || j < new.count) {
        const struct endpoints_cluster *a =
            i < old.count ? image_row(before, ENDPOINTS_CLUSTER, old, i) : NULL;
        const struct endpoints_cluster *b =
            j < new.count ? image_row(after, ENDPOINTS_CLUSTER, new, j) : NULL;
        assert(a || b);
        bool take_new = b && (!a || b->id <= a->id);
        i += a && (!take_new || a->id == b->id);
        j += take_new;
        rows[count++] =
            take_new ? cluster_copy(build, after, b, names) : cluster_copy(build, before, a, names);
    }
    image_build_rows(build, ENDPOINTS_CLUSTER, rows, count);
}

struct image_head *endpoints_join(const struct image_head *before, const struct image_head *after,
                                  const struct name_table *names, uint64_t generation, size_t *size,
                                  struct fail *why)
{
    struct image old, new;
    struct image_build build;
    if ((before && !image_open(before, before->size, &endpoints_schema, &old, why)) ||
        !image_open(after, after->size, &endpoints_schema, &new, why))
        return NULL;
    image_build_init(&build, &endpoints_schema);
    clusters_merge(&build, before ? &old : NULL, &new, names);
    struct image_head *head = image_build_finish(&build, generation, after->revision, size);
    image_hash(head, *size);
    image_build_done(&build);
    return head;
}
