#include "proxy/balance.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/heap.h"
#include "proxy/generation.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

/* What one worker has under way at an endpoint; kept while the endpoint is known or something is under way.
 */
struct load {
    uint64_t id;
    uint32_t active;
};

static struct load *load_of(struct worker *worker, uint64_t id)
{
    struct load *load = map_get(&worker->loads, bytes_make(&id, sizeof id));
    if (load)
        return load;
    load = heap_new(struct load);
    load->id = id;
    map_put(&worker->loads, bytes_make(&load->id, sizeof load->id), load);
    return load;
}

void balance_enter(struct worker *worker, uint64_t id)
{
    load_of(worker, id)->active++;
}

void balance_leave(struct worker *worker, uint64_t id)
{
    struct load *load = load_of(worker, id);
    if (load->active)
        load->active--;
}

static uint64_t endpoint_id(const struct generation *generation, uint64_t cluster,
                            const struct endpoints_endpoint *endpoint)
{
    return hash_stable(image_text(&generation->endpoints, endpoint->text)) ^ cluster;
}

static const struct endpoints_endpoint *row(const struct exchange *x, struct image_rows all, uint64_t number)
{
    return image_row(&x->generation->endpoints, ENDPOINTS_ENDPOINT, all, (uint32_t)(number % all.count));
}

static uint64_t draw(struct exchange *x)
{
    uint64_t number;
    x->worker->loop.io->random(x->worker->loop.io, &number, sizeof number);
    return number;
}

/* The less busy of two drawn at random (power of two choices), as Envoy's LEAST_REQUEST. */
static const struct endpoints_endpoint *least_busy(struct exchange *x, struct image_rows all)
{
    uint64_t number = draw(x);
    const struct endpoints_endpoint *a = row(x, all, number), *b = row(x, all, number >> 32);
    if (a == b)
        b = row(x, all, (number >> 32) + 1);
    uint32_t busy_a = load_of(x->worker, endpoint_id(x->generation, x->cluster->id, a))->active;
    uint32_t busy_b = load_of(x->worker, endpoint_id(x->generation, x->cluster->id, b))->active;
    return busy_b < busy_a ? b : a;
}

bool balance_pick(struct exchange *x, uint64_t *id)
{
    const struct endpoints_cluster *cluster = generation_cluster(x->generation, x->cluster->id);
    if (!cluster || !cluster->endpoints.count)
        return false;
    struct image_rows all = cluster->endpoints;
    if (all.count == 1)
        x->endpoint = row(x, all, 0);
    else if (x->cluster->balance == PICK_ROUND_ROBIN)
        x->endpoint = row(x, all, x->worker->turn_of_robin++);
    else if (x->cluster->balance == PICK_RANDOM)
        x->endpoint = row(x, all, draw(x));
    else
        x->endpoint = least_busy(x, all);
    *id = endpoint_id(x->generation, x->cluster->id, x->endpoint);
    return true;
}

/* ---- endpoints that are gone ----------------------------------------------------------- */

static void load_keep(struct map *known, struct map *loads, uint64_t id)
{
    struct load *load = map_take(loads, bytes_make(&id, sizeof id));
    if (!load) {
        load = heap_new(struct load);
        load->id = id;
    }
    map_put(known, bytes_make(&load->id, sizeof load->id), load);
}

static void known_keep(const struct generation *generation, struct map *known, struct map *loads)
{
    IMAGE_FOR(&generation->endpoints, ENDPOINTS_CLUSTER, struct endpoints_cluster, cluster,
              image_all(&generation->endpoints, ENDPOINTS_CLUSTER))
    IMAGE_FOR(&generation->endpoints, ENDPOINTS_ENDPOINT, struct endpoints_endpoint, endpoint,
              cluster->endpoints)
    {
        uint64_t id = endpoint_id(generation, cluster->id, endpoint);
        if (!map_get(known, bytes_make(&id, sizeof id)))
            load_keep(known, loads, id);
    }
}

void balance_review(struct worker *worker)
{
    struct map known;
    struct bytes key;
    void *value;
    size_t at = 0;
    map_init(&known);
    known_keep(worker->generation, &known, &worker->loads);
    pool_review(worker->pool, &known);
    while (map_next(&worker->loads, &at, &key, &value)) {
        struct load *load = value;
        if (load->active)
            map_put(&known, bytes_make(&load->id, sizeof load->id), load);
        else
            free(load);
    }
    map_done(&worker->loads);
    worker->loads = known;
}
