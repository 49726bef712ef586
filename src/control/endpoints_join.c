#include "control/endpoints_join.h"

#include <assert.h>

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

static struct endpoints_cluster cluster_copy(struct image_build *build, const struct image *from,
                                             const struct endpoints_cluster *cluster)
{
    struct image_rows rows = cluster->endpoints;
    struct endpoints_endpoint *copies = arena_array(&build->arena, struct endpoints_endpoint, rows.count);
    for (uint32_t i = 0; i < rows.count; i++) {
        const struct endpoints_endpoint *endpoint = image_row(from, ENDPOINTS_ENDPOINT, rows, i);
        copies[i] = *endpoint;
        copies[i].text = image_build_text(build, image_text(from, endpoint->text));
        copies[i].path = image_build_text(build, image_text(from, endpoint->path));
        copies[i].workload = image_build_text(build, image_text(from, endpoint->workload));
        copies[i].names = names_copy(build, from, endpoint->names);
    }
    return (struct endpoints_cluster){cluster->id,
                                      image_build_rows(build, ENDPOINTS_ENDPOINT, copies, rows.count)};
}

/* Both are sorted by id: one walk through the two. */
static void clusters_merge(struct image_build *build, const struct image *before, const struct image *after)
{
    struct image_rows old = image_all(before, ENDPOINTS_CLUSTER), new = image_all(after, ENDPOINTS_CLUSTER);
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
        rows[count++] = take_new ? cluster_copy(build, after, b) : cluster_copy(build, before, a);
    }
    image_build_rows(build, ENDPOINTS_CLUSTER, rows, count);
}

struct image_head *endpoints_join(const struct image_head *before, const struct image_head *after,
                                  uint64_t generation, size_t *size, struct fail *why)
{
    struct image old, new;
    struct image_build build;
    if (!image_open(before, before->size, &endpoints_schema, &old, why) ||
        !image_open(after, after->size, &endpoints_schema, &new, why))
        return NULL;
    image_build_init(&build, &endpoints_schema);
    clusters_merge(&build, &old, &new);
    struct image_head *head = image_build_finish(&build, generation, after->revision, size);
    image_hash(head, *size);
    image_build_done(&build);
    return head;
}
