#include "proxy/breaker.h"

enum { MILLION = 1000 * 1000 };

static bool enter(struct worker *worker, const struct rules_cluster *cluster, enum counts_what what,
                  uint32_t max, bool counted, struct counts_place *place)
{
    *place = (struct counts_place){0};
    if (max == RULES_UNLIMITED && !counted)
        return true;
    return counts_enter(&worker->counts, counts_key(what, cluster->id), max, place);
}

bool breaker_connection(struct worker *worker, const struct rules_cluster *cluster, bool needed,
                        struct counts_place *place)
{
    if (enter(worker, cluster, COUNTS_CONNECTIONS, cluster->max_connections, false, place))
        return true;
    return needed && enter(worker, cluster, COUNTS_CONNECTIONS, RULES_UNLIMITED, true, place);
}

/* A budget is a share of what is under way, so that has to be known. */
bool breaker_pending(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place)
{
    return enter(worker, cluster, COUNTS_PENDING, cluster->max_pending, cluster->has_retry_budget, place);
}

bool breaker_request(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place)
{
    return enter(worker, cluster, COUNTS_REQUESTS, cluster->max_requests, cluster->has_retry_budget, place);
}

static uint64_t budget(struct worker *worker, const struct rules_cluster *cluster)
{
    uint64_t at_once = counts_sum(&worker->counts, counts_key(COUNTS_REQUESTS, cluster->id)) +
                       counts_sum(&worker->counts, counts_key(COUNTS_PENDING, cluster->id));
    uint64_t share = at_once * cluster->retry_budget_parts / MILLION;
    return share > cluster->retry_budget_min ? share : cluster->retry_budget_min;
}

bool breaker_retry(struct worker *worker, const struct rules_cluster *cluster, struct counts_place *place)
{
    if (!cluster->has_retry_budget)
        return enter(worker, cluster, COUNTS_RETRIES, cluster->max_retries, false, place);
    uint64_t most = budget(worker, cluster);
    return enter(worker, cluster, COUNTS_RETRIES, most < RULES_UNLIMITED ? (uint32_t)most : RULES_UNLIMITED,
                 true, place);
}

void breaker_leave(struct worker *worker, struct counts_place *place)
{
    counts_leave(&worker->counts, place);
}
