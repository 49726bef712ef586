/*
 * upstream, the last filter: sends the request to whom route chose, if policy's
 * permit holds, and brings the answer: that of the first try, or of another when the
 * route says that its end is worth one.
 *
 * A connection that had rested in the pool and breaks before a byte came back was
 * dead already: then the request is sent once more over a fresh one at once, if it is
 * idempotent (RFC 9110 9.2.2). In any case all of its body has to be kept still.
 */
#include <string.h>

#include "base/clock.h"
#include "proxy/breaker.h"
#include "proxy/generation.h"
#include "proxy/limit_hits.h"
#include "proxy/mirror.h"
#include "proxy/outlier.h"
#include "proxy/upstream_work.h"

enum {
    MIRROR_MS = 15 * 1000, /* nobody waits for a copy, so it must end by itself */
    IN_VAIN_MAX = 8,
};

static enum turn upstream_enter(struct exchange *x)
{
    struct upstream_work *work = arena_room(&x->arena, sizeof *work); /* the kept parts need no zeroing */
    memset(work, 0, offsetof(struct upstream_work, keep));
    keep_init(&work->keep, (size_t)x->worker->generation->limits->retained_bytes);
    x->upstream_work = work;
    work->until_ms = work->try_until_ms = TIMER_NEVER;
    if (!permit_holds(x))
        return upstream_answer(x, 500, RECORD_UAEX, "no_permit");
    if (x->choice.route && x->choice.route->timeout_ms)
        work->until_ms = x->worker->loop.now_ms + x->choice.route->timeout_ms;
    if (x->mirror)
        work->until_ms = x->worker->loop.now_ms + MIRROR_MS;
    upstream_prepare(x);
    return upstream_try(x);
}

/* ---- once more? ------------------------------------------------------------------------ */

/* In the order in which Envoy asks; the first that says no is noted. */
static bool retry_allowed(struct exchange *x, const struct rules_retry *rule)
{
    struct upstream_work *work = x->upstream_work;
    if (x->request_has_body && !keep_can_replay(&work->keep)) {
        limit_hit(x->worker, LIMIT_RETAINED_BYTES);
        x->record.retry_end = RECORD_RETRY_BODY;
        return false;
    }
    if (work->retries >= rule->attempts) {
        x->record.retry_end = RECORD_RETRY_LIMIT;
        exchange_note(x, RECORD_URX, NULL);
        return false;
    }
    breaker_leave(x->worker, &work->retry); /* what the try before was counted as */
    if (!breaker_retry(x->worker, x->cluster, &work->retry)) {
        x->record.retry_end = RECORD_RETRY_OVERFLOW;
        exchange_note(x, RECORD_UO, NULL);
        return false;
    }
    return true;
}

static uint64_t pause_ms(struct exchange *x, const struct rules_retry *rule)
{
    uint64_t number;
    x->worker->loop.io->random(x->worker->loop.io, &number, sizeof number);
    return retry_pause_ms(rule, x->upstream_work->retries, number);
}

/* The try is over. Its connection goes, its place among the retries stays until the next one's end. */
static enum turn retry_begin(struct exchange *x, const struct rules_retry *rule)
{
    struct upstream_work *work = x->upstream_work;
    struct counts_place retry = work->retry;
    work->retry = (struct counts_place){0};
    upstream_let_go(x);
    work->retry = retry;
    work->retries++;
    if (work->stale)
        return upstream_try(x);
    work->progress = PROGRESS_PAUSED;
    work->try_until_ms = x->worker->loop.now_ms + pause_ms(x, rule);
    return upstream_wait(x, "the pause before the next try");
}

static bool again(struct exchange *x, const struct try_facts *facts)
{
    const struct rules_retry *rule = upstream_retry_rule(x);
    return rule && rule->attempts && retry_fits(&x->generation->rules, rule, facts) && retry_allowed(x, rule);
}

/* ---- what came of a try ----------------------------------------------------------------- */

enum turn upstream_answer(struct exchange *x, unsigned status, enum record_flag flag, const char *details)
{
    exchange_note(x, flag, details);
    if (x->http)
        return exchange_answer(x, status, (struct bytes){0});
    exchange_fail(x, 0, flag, bytes_of(details));
    return WAIT; /* it is over */
}

#define RESET(reason) "upstream_reset_before_response_started{" reason "}"

/* What the client is told when nothing else follows. */
static const struct {
    unsigned status;
    enum record_flag flag;
    const char *details;
} answers[TRY_ENDS] = {
    [TRY_UNCONNECTED] = {503, RECORD_UF, RESET("connection_failure")},
    [TRY_CONNECT_LATE] = {503, RECORD_UF, RESET("connection_timeout")},
    [TRY_BROKEN] = {503, RECORD_UC, RESET("connection_termination")},
    [TRY_RESET] = {503, RECORD_UR, RESET("remote_reset")},
    [TRY_REFUSED] = {503, RECORD_UR, RESET("remote_refused_stream_reset")},
    [TRY_BAD] = {502, RECORD_UPE, RESET("protocol_error")},
    [TRY_LATE] = {504, RECORD_UT, "upstream_per_try_timeout"},
    [TRY_OVERFLOW] = {503, RECORD_UO, RESET("overflow")},
};

static struct try_facts facts_of(const struct exchange *x, enum try_end end)
{
    const struct call *call = x->call;
    bool dead = call->reused && !call->heard && (end == TRY_BROKEN || end == TRY_UNCONNECTED);
    return (struct try_facts){
        .end = end,
        .sent = call->sent,
        .stale = dead && (!call->sent || retry_idempotent(x->request.method)),
        .response = &x->response,
    };
}

enum turn upstream_ended(struct exchange *x, enum try_end end)
{
    struct upstream_work *work = x->upstream_work;
    const struct try_facts facts = facts_of(x, end);
    enum turn turn;
    x->record.failure = arena_bytes(&x->arena, bytes_of(x->call->why.text));
    work->stale = facts.stale;
    if (!facts.stale)
        outlier_tell(x, work->load, &facts);
    if (again(x, &facts))
        return retry_begin(x, upstream_retry_rule(x));
    upstream_let_go(x);
    if (!x->http && (end == TRY_UNCONNECTED || end == TRY_CONNECT_LATE))
        exchange_note(x, RECORD_URX, NULL); /* Envoy's word for: as often as a connection is tried, once */
    turn = upstream_answer(x, answers[end].status, answers[end].flag, answers[end].details);
    if (end == TRY_OVERFLOW && x->http)
        http_fields_add(&x->response.fields, BYTES("x-envoy-overloaded"), BYTES("true"));
    return turn;
}

static enum try_end end_of(const struct call *call)
{
    if (call->refused)
        return TRY_REFUSED;
    if (call->reset)
        return TRY_RESET;
    if (call->sent)
        return call->why.kind == FAIL_INPUT ? TRY_BAD : TRY_BROKEN;
    return call->why.kind == FAIL_LATE ? TRY_CONNECT_LATE : TRY_UNCONNECTED;
}

static enum turn upstream_failed(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    bool whole = !x->call->sent || !x->request_has_body || keep_can_replay(&work->keep);
    if (!x->call->again || !whole || ++work->in_vain > IN_VAIN_MAX)
        return upstream_ended(x, end_of(x->call));
    upstream_let_go(x); /* that was no try */
    x->attempts--;
    return upstream_try(x);
}

static enum turn head_pass(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct call *call = x->call;
    breaker_leave(x->worker, &work->retry);
    keep_drop(&work->keep);
    x->response_whole = false;
    stage_link(call->source, x->to_client);
    if (x->response_tunnel) {
        if (!work->keep.stage.before)
            stage_link(stage_last(x->from_client), call->sink);
        call_pull(call);
    }
    if (work->until_ms != TIMER_NEVER)
        call_until(call, work->until_ms);
    return REPLY;
}

static enum turn head_came(struct exchange *x)
{
    const struct upstream_work *work = x->upstream_work;
    const struct upstream *u = x->call->upstream;
    const struct try_facts facts = facts_of(x, TRY_ANSWERED);
    outlier_tell(x, work->load, &facts);
    if (again(x, &facts))
        return retry_begin(x, upstream_retry_rule(x));
    x->record.upstream_us = clock_us() - work->sent_us;
    x->record.upstream_local = bytes_of(u->local_text);
    if (u->connection.tls && tls_peer(u->connection.tls))
        x->record.upstream_principal = tls_peer(u->connection.tls)->uri;
    return head_pass(x);
}

/* Of the route's time, or of the try's. */
static enum turn late(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    bool over = x->worker->loop.now_ms >= work->until_ms;
    if (!over && work->progress == PROGRESS_PAUSED)
        return upstream_try(x);
    if (!over)
        return upstream_ended(x, TRY_LATE);
    if (x->call) {
        const struct try_facts facts = facts_of(x, TRY_LATE);
        outlier_tell(x, work->load, &facts);
    }
    upstream_let_go(x);
    return upstream_answer(x, 504, RECORD_UT, "response_timeout");
}

static enum turn upstream_resume(struct exchange *x)
{
    if (x->wait.result == WAIT_LATE)
        return late(x);
    switch (x->upstream_work->progress) {
    case PROGRESS_READY:
        return upstream_send(x);
    case PROGRESS_HEAD:
        return head_came(x);
    case PROGRESS_FAILED:
    case PROGRESS_PAUSED:
    case PROGRESS_NONE:
        break;
    }
    return upstream_failed(x);
}

static void upstream_leave(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (!work)
        return;
    /* Texts of the record that lie in the upstream must outlive it. */
    x->record.upstream_local = arena_bytes(&x->arena, x->record.upstream_local);
    x->record.upstream_principal = arena_bytes(&x->arena, x->record.upstream_principal);
    mirror_end(x);
    upstream_let_go(x);
    keep_drop(&work->keep);
    stage_unlink(&work->keep.stage);
}

const struct filter filter_upstream = {
    .name = "upstream", .enter = upstream_enter, .resume = upstream_resume, .leave = upstream_leave};
