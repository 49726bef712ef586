/*
 * The way of a request: the filters in order, and the one runner that walks them.
 *
 * A change behind policy to what policy judged sends the walk back to policy,
 * once. Every exchange that was started ends in exchange_end_all, which lets
 * every filter that was entered leave, last first, so that trace, the first, is
 * the last and writes the record.
 */
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/listen.h"
#include "proxy/upstream.h"

const struct filter *const http_chain[] = {
    /* the first thing a newcomer opens */
    &filter_trace,    /* correlation id, span, and the access record at the very end */
    &filter_known,    /* what the node itself serves: the assertion's key set      200 */
    &filter_login,    /* a browser's session; its own paths        302, 400, 401, 403, 503 */
    &filter_identity, /* token -> claims -> groups                            401, 403 */
    &filter_demand,   /* where a login is wanted: is it known who asks?  302, 401 */
    &filter_policy,   /* may it? -> a permit                                       403 */
    &filter_route,    /* which service, which subset                               404 */
    &filter_upstream, /* assertion, mutual TLS, pumps                    502, 503, 504 */
    NULL,
};

const struct filter *const tcp_chain[] = {
    &filter_trace, &filter_policy, &filter_route, &filter_upstream, NULL,
};

/* A copy of a request on its way to a mirror: judged with its parent, routed by it. */
const struct filter *const mirror_chain[] = {&filter_upstream, NULL};

enum { STOCK_MAX = 64 };

struct stock {
    struct exchange *free;
    size_t count;
};

struct stock *exchange_stock_new(void)
{
    return heap_new(struct stock);
}

static void exchange_free(struct exchange *x)
{
    heap_uncount(sizeof *x);
    free(x);
}

void exchange_stock_free(struct stock *stock, struct loop *loop)
{
    while (stock->free) {
        struct exchange *x = stock->free;
        stock->free = x->client;
        timer_remove(loop, &x->timer);
        exchange_free(x);
    }
    free(stock);
}

static void timer_due(struct timer *timer);
static void resume_run(struct task *task);
static void grave_run(struct task *task);

/* ---- making and ending --------------------------------------------------- */

static struct exchange *exchange_take(struct worker *worker)
{
    struct stock *stock = worker->stock;
    struct exchange *x = stock->free;
    if (!x) {
        heap_count(sizeof *x);
        return heap_new(struct exchange);
    }
    stock->free = x->client;
    stock->count--;
    struct timer timer = x->timer; /* may still lie in the heap, at rest */
    memset(x, 0, sizeof *x);
    x->timer = timer;
    return x;
}

struct exchange *exchange_new(struct worker *worker, const struct filter *const *chain,
                              const struct rules_listener *listener, struct generation *generation)
{
    struct exchange *x = exchange_take(worker);
    x->worker = worker;
    x->generation = generation_ref(generation);
    x->listener = listener;
    x->chain = chain;
    x->at = -1;
    x->http = chain != tcp_chain;
    x->wait.until_ms = TIMER_NEVER;
    x->timer.on_due = timer_due;
    x->resume_task.run = resume_run;
    x->grave.run = grave_run;
    arena_init(&x->arena);
    list_init(&x->children);
    list_init(&x->sibling);
    list_push_back(&worker->exchanges, &x->link);
    x->began_ms = worker->loop.now_ms;
    return x;
}

struct exchange *exchange_new_child(struct exchange *parent, const struct filter *const *chain)
{
    struct exchange *x = exchange_new(parent->worker, chain, parent->listener, parent->generation);
    /* Before its parent, whose end may be its own: a walk over all exchanges is at the next one by then. */
    list_remove(&x->link);
    list_push_back(&parent->link, &x->link);
    x->parent = parent;
    x->facts = parent->facts;
    list_push_back(&parent->children, &x->sibling);
    return x;
}

static void grave_run(struct task *task)
{
    struct exchange *x = container_of(task, struct exchange, grave);
    struct stock *stock = x->worker->stock;
    arena_done(&x->arena);
    if (stock->count == STOCK_MAX) {
        timer_remove(&x->worker->loop, &x->timer);
        exchange_free(x);
        return;
    }
    x->client = stock->free; /* the stock is linked through a member that a resting exchange does not use */
    stock->free = x;
    stock->count++;
}

static void children_end(struct exchange *x)
{
    list_for_safe(link, after, &x->children)
    {
        struct exchange *child = container_of(link, struct exchange, sibling);
        list_remove(&child->sibling);
        child->parent = NULL;
        if (!child->detached || x->end != END_FINE)
            exchange_fail(child, 0, RECORD_LR, BYTES("parent_ended"));
    }
}

static void exchange_end_all(struct exchange *x, enum exchange_end end)
{
    if (x->end != END_OPEN)
        return;
    x->end = end;
    if (x->wait.what && x->wait.cancel)
        x->wait.cancel(x);
    x->wait.what = NULL;
    task_cancel(&x->resume_task);
    timer_rest(&x->timer);
    for (int i = x->entered - 1; i >= 0; i--)
        if (x->chain[i]->leave)
            x->chain[i]->leave(x);
    children_end(x);
    if (x->client_ops)
        x->client_ops->done(x);
    list_remove(&x->sibling);
    list_remove(&x->link);
    generation_unref(x->generation);
    loop_bury(&x->worker->loop, &x->grave);
}

/* ---- walking ---------------------------------------------------------------- */

/* An answer made here is no tunnel, and must not say to its client that there is one. */
static void refuse_tunnel(struct exchange *x)
{
    if (!x->response_whole || x->response.status / 100 != 2 || !exchange_wants_tunnel(x))
        return;
    x->record.details = BYTES("upgrade_failed"); /* Envoy's word, and its status */
    exchange_answer(x, 403, (struct bytes){0});
}

static void reply_walk(struct exchange *x)
{
    refuse_tunnel(x);
    for (int i = x->entered - 1; i >= 0; i--)
        if (x->chain[i]->reply)
            x->chain[i]->reply(x);
    x->replied = true;
    if (x->end == END_OPEN)
        x->client_ops->head(x, x->response_whole, x->response_body);
}

static void wait_begin(struct exchange *x)
{
    if (x->wait.until_ms != TIMER_NEVER)
        timer_set(&x->worker->loop, &x->timer, x->wait.until_ms);
}

/* Back to policy when a filter behind it changed what it had judged: once, then it is a mistake of ours. */
static bool go_back(struct exchange *x)
{
    x->rewritten = false;
    if (x->judged_again)
        return false;
    x->judged_again = true;
    for (int i = 0; i < x->at; i++)
        if (x->chain[i] == &filter_policy) {
            x->at = i - 1;
            return true;
        }
    return true; /* the change came before policy */
}

static enum turn filter_step(struct exchange *x, bool resumed)
{
    const struct filter *filter = x->chain[x->at];
    if (resumed)
        return filter->resume(x);
    if (x->entered <= x->at)
        x->entered = x->at + 1;
    return filter->enter ? filter->enter(x) : NEXT;
}

static void walk(struct exchange *x, bool resumed)
{
    if (!resumed)
        x->at++;
    while (x->end == END_OPEN) {
        if (!x->chain[x->at]) {
            exchange_fail(x, 500, RECORD_NR, BYTES("no_answer"));
            return;
        }
        switch (filter_step(x, resumed)) {
        case NEXT:
            if (x->refusal) {
                exchange_answer(x, x->refusal, (struct bytes){0});
                reply_walk(x);
                return;
            }
            if (x->rewritten && !go_back(x)) {
                exchange_fail(x, 500, RECORD_NR, BYTES("changed_twice"));
                return;
            }
            x->at++;
            resumed = false;
            break;
        case WAIT:
            wait_begin(x);
            return;
        case REPLY:
            x->wait.what = NULL;
            reply_walk(x);
            return;
        }
    }
}

void exchange_start(struct exchange *x)
{
    walk(x, false);
}

void exchange_refuse(struct exchange *x, unsigned status, enum record_flag flag, const char *details)
{
    x->refusal = status;
    exchange_note(x, flag, details);
    walk(x, false);
}

void exchange_rebind(struct exchange *x)
{
    struct generation *now = x->worker->generation;
    const struct rules_listener *row = listen_row(now, x->listener->id);
    if (now == x->generation || !row)
        return;
    generation_ref(now);
    generation_unref(x->generation);
    x->generation = now;
    x->listener = row;
}

/* Routes and claims may have set fields whose texts lie in the old rules. */
static void request_freeze(struct exchange *x)
{
    for (uint32_t i = 0; i < x->request.fields.count; i++) {
        struct http_field *field = &x->request.fields.at[i];
        field->name = arena_bytes(&x->arena, field->name);
        field->value = arena_bytes(&x->arena, field->value);
    }
}

bool exchange_is_revoked(struct exchange *x)
{
    const struct generation *now = x->worker->generation;
    const struct rules_listener *row = listen_row(now, x->listener->id);
    bool tunnel = !x->http || x->response_tunnel;
    return tunnel && !x->mirror && row && !policy_allows(x, now, row);
}

/* Policy once more, under the rules of now; the request goes on where it is. */
bool exchange_judge_again(struct exchange *x)
{
    struct generation *then = x->generation, *now = x->worker->generation;
    const struct rules_listener *row = listen_row(now, x->listener->id);
    bool sent = x->response_seen || (x->call && x->call->sent);
    if (!sent)
        return true; /* connecting, or waiting for keys: that has an end of its own */
    if (!row)
        return false;
    if (x->mirror) {
        x->cluster = NULL; /* nobody decides about a copy, and nobody reads its record */
        x->endpoint = NULL;
        x->destination = NULL;
    } else if (!x->frozen) { /* else nothing of it lies in a generation any more */
        trace_freeze(x);
        x->login = NULL; /* its row goes with the old rules; the cookie waits for the next request */
        route_freeze(x);
        request_freeze(x);
    }
    x->frozen = true;
    x->generation = generation_ref(now);
    x->listener = row;
    generation_unref(then);
    return x->mirror || policy_judge(x);
}

static void resume_run(struct task *task)
{
    struct exchange *x = container_of(task, struct exchange, resume_task);
    if (x->end == END_OPEN)
        walk(x, true);
}

void exchange_resume(struct exchange *x, enum wait_result result)
{
    if (!x->wait.what || x->end != END_OPEN)
        return;
    x->wait.what = NULL;
    x->wait.until_ms = TIMER_NEVER;
    x->wait.result = result;
    timer_rest(&x->timer);
    loop_soon(&x->worker->loop, &x->resume_task);
}

static void timer_due(struct timer *timer)
{
    struct exchange *x = container_of(timer, struct exchange, timer);
    if (!x->wait.what)
        return;
    if (x->wait.cancel)
        x->wait.cancel(x);
    exchange_resume(x, WAIT_LATE);
}

void exchange_info(struct exchange *x, const struct http_response *info)
{
    if (x->client_ops && !x->replied)
        x->client_ops->info(x, info);
}

void exchange_finish(struct exchange *x)
{
    exchange_end_all(x, END_FINE);
}

void exchange_fail(struct exchange *x, unsigned status, enum record_flag flag, struct bytes details)
{
    if (x->end != END_OPEN)
        return;
    x->record.flags |= (uint32_t)flag;
    if (!x->record.details.len)
        x->record.details = details;
    if (!status || x->replied || !x->http) {
        exchange_end_all(x, END_CUT);
        return;
    }
    if (x->wait.what && x->wait.cancel)
        x->wait.cancel(x);
    x->wait.what = NULL;
    task_cancel(&x->resume_task);
    exchange_answer(x, status, (struct bytes){0});
    reply_walk(x);
}

void exchange_client_gone(struct exchange *x)
{
    exchange_fail(x, 0, RECORD_DC, BYTES("downstream_remote_disconnect"));
}
