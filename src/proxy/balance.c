#include "proxy/balance.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/heap.h"
#include "proxy/generation.h"
#include "proxy/outlier.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

enum { PICKS_MAX = 5 }; /* for another endpoint than before: Istio's hostSelectionRetryMaxAttempts */

/* What one worker has under way at an endpoint, and whose turn it is in a cluster; kept while the endpoint or
 * cluster is known, or something is under way. */
struct load {
    uint64_t id;
    uint32_t active;
    uint64_t turn;    /* of a cluster: ROUND_ROBIN */
    uint64_t weighed; /* of a cluster: the generation that `weights` is of */
    uint64_t weights; /* their sum; 0: all weigh the same */
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

static uint64_t id_of(const struct generation *generation, uint64_t cluster,
                      const struct endpoints_endpoint *endpoint)
{
    return hash_stable(image_text(&generation->endpoints, endpoint->text)) ^ cluster;
}

static uint64_t endpoint_id(const struct exchange *x, const struct endpoints_endpoint *endpoint)
{
    return id_of(x->generation, x->cluster->id, endpoint);
}

static uint64_t draw(struct exchange *x)
{
    uint64_t number;
    x->worker->loop.io->random(x->worker->loop.io, &number, sizeof number);
    return number;
}

/* ---- who may be chosen ------------------------------------------------------------------- */

struct field_of {
    struct exchange *x;
    struct image_rows all;
    const uint32_t *rows; /* of those that may be chosen; NULL: all */
    uint32_t count;
    uint64_t weights; /* 0: all weigh the same */
    struct load *load;
};

static const struct endpoints_endpoint *row(const struct field_of *field, uint32_t number)
{
    uint32_t i = field->rows ? field->rows[number] : number;
    return image_row(&field->x->generation->endpoints, ENDPOINTS_ENDPOINT, field->all, i);
}

static uint64_t weights_sum(const struct field_of *field)
{
    uint64_t sum = 0;
    bool even = true;
    for (uint32_t i = 0; i < field->count; i++) {
        sum += row(field, i)->weight;
        even = even && row(field, i)->weight == row(field, 0)->weight;
    }
    return even ? 0 : sum;
}

/* All of them: added up once a generation. */
static void weigh(struct field_of *field)
{
    struct load *load = field->load;
    uint64_t sequence = field->x->generation->sequence + 1;
    if (load->weighed != sequence) {
        load->weights = weights_sum(field);
        load->weighed = sequence;
    }
    field->weights = load->weights;
}

/* DestinationRule minHealthPercent: when too few are left, it is not they who are ill. */
static bool too_few(const struct exchange *x, uint32_t well, uint32_t all)
{
    const struct rules_outlier *outlier = NULL;
    if (x->cluster->outlier.count)
        outlier = image_row(&x->generation->rules, RULES_OUTLIER, x->cluster->outlier, 0);
    return !outlier || (uint64_t)well * 100 < (uint64_t)all * outlier->min_health_percent;
}

static void well_only(struct field_of *field)
{
    struct exchange *x = field->x;
    uint32_t *rows = arena_array(&x->arena, uint32_t, field->all.count);
    uint32_t well = 0;
    for (uint32_t i = 0; i < field->all.count; i++)
        if (!outlier_is_ejected(x->worker, endpoint_id(x, row(field, i))))
            rows[well++] = i;
    if (well == field->all.count || too_few(x, well, field->all.count))
        return;
    field->rows = rows;
    field->count = well;
    field->weights = weights_sum(field);
}

static struct field_of field_make(struct exchange *x)
{
    const struct endpoints_cluster *cluster = generation_cluster(x->generation, x->cluster->id);
    struct field_of field = {.x = x};
    if (cluster)
        field.all = cluster->endpoints;
    field.count = field.all.count;
    if (field.count > 1) {
        field.load = load_of(x->worker, x->cluster->id);
        weigh(&field);
    }
    if (x->cluster->outlier.count && health_any_ejected(x->worker->health, x->worker->loop.now_ms))
        well_only(&field);
    return field;
}

uint32_t balance_ejected(struct exchange *x, uint32_t *all)
{
    const struct endpoints_cluster *cluster = generation_cluster(x->generation, x->cluster->id);
    struct field_of field = {.x = x};
    uint32_t ejected = 0;
    if (cluster)
        field.all = cluster->endpoints;
    *all = field.all.count;
    for (uint32_t i = 0; i < *all; i++)
        ejected += outlier_is_ejected(x->worker, endpoint_id(x, row(&field, i)));
    return ejected;
}

/* ---- choosing ------------------------------------------------------------------------------ */

/* A number becomes an endpoint, each by its weight. */
static const struct endpoints_endpoint *at(const struct field_of *field, uint64_t number)
{
    if (!field->weights)
        return row(field, (uint32_t)(number % field->count));
    number %= field->weights;
    uint32_t i = 0;
    while (number >= row(field, i)->weight)
        number -= row(field, i++)->weight;
    return row(field, i);
}

static bool coprime(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a == 1;
}

/* Each as often as it weighs in a round, and not all its turns at once: steps of about the golden section. */
static const struct endpoints_endpoint *next_in_turn(const struct field_of *field)
{
    uint64_t turn = field->load->turn++, step = field->weights * 618 / 1000;
    if (!field->weights)
        return at(field, turn);
    step = step ? step : 1;
    while (!coprime(step, field->weights))
        step++;
    return at(field, turn % field->weights * step);
}

/* The less busy of two drawn at random (power of two choices), as Envoy's LEAST_REQUEST. */
static const struct endpoints_endpoint *least_busy(const struct field_of *field)
{
    struct exchange *x = field->x;
    uint64_t number = draw(x);
    const struct endpoints_endpoint *a = at(field, number & UINT32_MAX), *b = at(field, number >> 32);
    if (a == b && !field->weights)
        b = at(field, (number & UINT32_MAX) % field->count + 1);
    uint64_t busy_a = load_of(x->worker, endpoint_id(x, a))->active;
    uint64_t busy_b = load_of(x->worker, endpoint_id(x, b))->active;
    return busy_b * a->weight < busy_a * b->weight ? b : a;
}

static const struct endpoints_endpoint *choose(const struct field_of *field)
{
    if (field->count == 1)
        return row(field, 0);
    if (field->x->cluster->balance == PICK_ROUND_ROBIN)
        return next_in_turn(field);
    if (field->x->cluster->balance == PICK_RANDOM)
        return at(field, draw(field->x));
    return least_busy(field);
}

static bool was_tried(const struct balance_tried *tried, uint64_t id)
{
    for (uint32_t i = 0; tried && i < tried->count; i++)
        if (tried->ids[i] == id)
            return true;
    return false;
}

bool balance_pick(struct exchange *x, const struct balance_tried *tried, uint64_t *id)
{
    struct field_of field = field_make(x);
    if (!field.count)
        return false;
    for (int picks = 0; picks < PICKS_MAX; picks++) {
        x->endpoint = choose(&field);
        *id = endpoint_id(x, x->endpoint);
        if (!was_tried(tried, *id))
            break;
    }
    return true;
}

/* ---- endpoints that are gone ----------------------------------------------------------- */

static void load_keep(struct map *known, struct map *loads, uint64_t id)
{
    if (map_get(known, bytes_make(&id, sizeof id)))
        return;
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
    {
        load_keep(known, loads, cluster->id);
        IMAGE_FOR(&generation->endpoints, ENDPOINTS_ENDPOINT, struct endpoints_endpoint, endpoint,
                  cluster->endpoints)
        {
            load_keep(known, loads, id_of(generation, cluster->id, endpoint));
        }
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
