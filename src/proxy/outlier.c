#include "proxy/outlier.h"

#include "base/log.h"
#include "proxy/balance.h"
#include "proxy/generation.h"
#include "proxy/worker.h"
#include "wire/grpc.h"

static const struct rules_outlier *outlier_of(const struct exchange *x)
{
    if (!x->cluster || !x->cluster->outlier.count)
        return NULL;
    return image_row(&x->generation->rules, RULES_OUTLIER, x->cluster->outlier, 0);
}

bool outlier_is_ejected(const struct worker *worker, uint64_t id)
{
    const struct health_row *row = health_find(worker->health, id);
    return row && health_is_ejected(row, worker->loop.now_ms);
}

/* ---- what counts --------------------------------------------------------------------- */

/* A gRPC status in the head counts as what it is in HTTP. */
static unsigned status_of(const struct http_response *response)
{
    uint32_t grpc;
    return retry_grpc_status(response, &grpc) ? grpc_status_to_http(grpc) : response->status;
}

static bool is_error(const struct image *rules, const struct rules_outlier *outlier, unsigned status)
{
    IMAGE_FOR(rules, RULES_NUMBER, struct rules_number, number, outlier->statuses)
    {
        if (number->number == status)
            return true;
    }
    return !outlier->statuses.count && status >= 500 && status <= 599;
}

/* ---- ejecting -------------------------------------------------------------------------- */

/* One at least; beyond that as many as the rule allows. */
static bool may_eject(struct exchange *x, const struct rules_outlier *outlier)
{
    uint32_t all, ejected = balance_ejected(x, &all);
    return !ejected || (uint64_t)(ejected + 1) * 100 <= (uint64_t)all * outlier->max_ejection_percent;
}

static void eject(struct exchange *x, const struct rules_outlier *outlier, struct health_row *row,
                  uint32_t streak, const char *what)
{
    uint64_t now_ms = x->worker->loop.now_ms;
    if (health_is_ejected(row, now_ms) || !may_eject(x, outlier))
        return;
    uint64_t for_ms =
        health_eject(x->worker->health, row, now_ms, outlier->base_ejection_ms, outlier->interval_ms);
    x->record.ejected = 1;
    log_warning("%.*s of %.*s is left out for %llu ms: %u %s in a row",
                BYTES_FMT(image_text(&x->generation->endpoints, x->endpoint->text)),
                BYTES_FMT(image_text(&x->generation->rules, x->cluster->name)), (unsigned long long)for_ms,
                (unsigned)streak, what);
}

struct watched {
    struct exchange *x;
    const struct rules_outlier *outlier;
    struct health_row *row;
};

static void judge(const struct watched *v, enum health_streak streak, bool bad, uint32_t most,
                  const char *what)
{
    uint32_t length = bad ? health_bad(v->row, streak) : 0;
    if (!bad)
        health_good(v->row, streak);
    else if (most && length >= most)
        eject(v->x, v->outlier, v->row, length, what);
}

static void judge_status(const struct watched *v, unsigned status)
{
    const struct rules_outlier *outlier = v->outlier;
    judge(v, HEALTH_GATEWAY, status >= 502 && status <= 504, outlier->consecutive_gateway, "gateway errors");
    judge(v, HEALTH_ERRORS, is_error(&v->x->generation->rules, outlier, status), outlier->consecutive_5xx,
          "errors");
}

/* Without splitExternalLocalOriginErrors a failure of ours counts as the answer that it brings about. */
static unsigned status_for(enum try_end end)
{
    return end == TRY_LATE || end == TRY_CONNECT_LATE ? 504 : 503;
}

void outlier_tell(struct exchange *x, uint64_t id, const struct try_facts *facts)
{
    const struct rules_outlier *outlier = outlier_of(x);
    bool answered = facts->end == TRY_ANSWERED;
    struct watched v = {x, outlier, NULL};
    if (!outlier || !x->endpoint || facts->end == TRY_OVERFLOW)
        return;
    v.row = health_take(x->worker->health, id, x->worker->loop.now_ms);
    if (!v.row)
        return;
    if (outlier->split_local)
        judge(&v, HEALTH_LOCAL, !answered, outlier->consecutive_local, "failures to reach it");
    if (answered && x->http)
        judge_status(&v, status_of(facts->response));
    else if (!answered && !outlier->split_local)
        judge_status(&v, status_for(facts->end));
    else if (!x->http) /* a connection that stands */
        judge_status(&v, 200);
}
