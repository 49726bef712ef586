/* One try of a request: where it goes, and what is sent. */
#include <string.h>

#include "base/clock.h"
#include "proxy/assertion.h"
#include "proxy/breaker.h"
#include "proxy/front.h"
#include "proxy/generation.h"
#include "proxy/limit_hits.h"
#include "proxy/mirror.h"
#include "proxy/outlier.h"
#include "proxy/upstream_work.h"

/* The upstream is sent a head; else nothing but the bytes of TCP, or of what CONNECT asked for. */
static bool takes_head(const struct exchange *x)
{
    return x->http && !http_connects(&x->request);
}

/* ---- where and how -------------------------------------------------------------- */

static bool wants_mesh(const struct exchange *x)
{
    return x->cluster->tls == CLUSTER_MESH || (x->cluster->tls == CLUSTER_AUTO && x->endpoint->mesh);
}

/* False: it needs TLS that we cannot speak (no certificate yet). *context NULL: plain text. */
static bool context_of(const struct exchange *x, struct tls_context **context)
{
    const struct generation *generation = x->generation;
    const struct rules_cluster *first =
        image_row(&generation->rules, RULES_CLUSTER, (struct image_rows){0, 0}, 0);
    *context = NULL;
    if (wants_mesh(x))
        *context = takes_head(x) && !x->upgrade.len ? generation->mesh_client : generation->mesh_client_http1;
    else if (x->cluster->tls == CLUSTER_PLAIN || x->cluster->tls == CLUSTER_AUTO)
        return true;
    else
        *context = generation->cluster_contexts[x->cluster - first];
    return *context != NULL;
}

static struct pool_key key_of(const struct exchange *x, uint64_t endpoint)
{
    const struct generation *generation = x->generation;
    struct pool_key key;
    memset(&key, 0, sizeof key);
    key.cluster = x->cluster->id;
    key.endpoint = endpoint;
    key.settings = x->cluster->settings;
    if (wants_mesh(x)) {
        key.identity = generation->self_version;
    } else if (x->cluster->credential) {
        const struct keys_certificate *own =
            generation_certificate(&generation->keys, x->cluster->credential);
        key.identity = own ? own->version : 1;
    }
    if (x->cluster->proxy_protocol) /* 1 or 2 */
        key.client = x->facts->id * 4 + x->cluster->proxy_protocol;
    return key;
}

static struct bytes sni_of(const struct exchange *x)
{
    return image_text(&x->generation->rules, x->cluster->sni);
}

/* ---- events of the upstream -------------------------------------------------------- */

static void progress(struct exchange *x, enum progress what)
{
    x->upstream_work->progress = what;
    exchange_resume(x, WAIT_CAME);
}

static void on_ready(struct exchange *x)
{
    progress(x, PROGRESS_READY);
}

static void on_head(struct exchange *x)
{
    progress(x, PROGRESS_HEAD);
}

static void on_failed(struct exchange *x)
{
    progress(x, PROGRESS_FAILED);
}

static const struct call_events events = {on_ready, on_head, on_failed};

const struct rules_retry *upstream_retry_rule(const struct exchange *x)
{
    const struct rules_route *route = x->choice.route;
    if (!x->http || x->frozen || !route || !route->retry.count)
        return NULL;
    return image_row(&x->generation->rules, RULES_RETRY, route->retry, 0);
}

void upstream_let_go(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (work && work->load)
        balance_leave(x->worker, work->load);
    if (work) {
        work->load = 0;
        breaker_leave(x->worker, &work->request);
        breaker_leave(x->worker, &work->retry);
    }
    if (x->call)
        call_release(x->call);
    x->call = NULL;
}

enum turn upstream_wait(struct exchange *x, const char *what)
{
    const struct upstream_work *work = x->upstream_work;
    uint64_t until_ms = work->try_until_ms < work->until_ms ? work->try_until_ms : work->until_ms;
    x->wait = (struct wait){.what = what, .until_ms = until_ms};
    return WAIT;
}

/* ---- sending ------------------------------------------------------------------------ */

static void fields_prepare(struct exchange *x)
{
    struct http_fields *fields = &x->request.fields;
    http_fields_remove(fields, HTTP_EXPECT); /* answered here */
    http_fields_set(fields, BYTES("x-request-id"), x->request_id);
    http_fields_set(fields, BYTES("traceparent"), x->trace_parent);
    if (x->trace_state.len)
        http_fields_set(fields, BYTES("tracestate"), x->trace_state);
    front_set(x, fields);
}

static void how_prepare(const struct exchange *x, struct http1_write *how)
{
    *how = (struct http1_write){.body = HTTP1_BODY_NONE, .upgrade = x->upgrade};
    if (x->request_has_body) {
        how->body = x->request_sized ? HTTP1_BODY_LENGTH : HTTP1_BODY_CHUNKED;
        how->length = x->request_length;
    } else if (x->request_sized) {
        how->body = HTTP1_BODY_LENGTH; /* Content-Length: 0, as it came */
    }
}

void upstream_prepare(struct exchange *x)
{
    if (takes_head(x) && !x->parent) {
        fields_prepare(x);
        mirror_start(x); /* copies what is there now: the assertion is each destination's own matter */
    }
    how_prepare(x, &x->upstream_work->how);
}

static void body_link(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (!x->request_has_body)
        return;
    if (!work->keep.stage.before)
        stage_link(stage_last(x->from_client), &work->keep.stage);
    stage_link(&work->keep.stage, x->call->sink);
    keep_replay(&work->keep); /* what another connection was given before, if any */
    call_pull(x->call);
}

static enum turn send_request(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct http_request request = x->request;
    if (x->attempts > 1 && x->request_has_body && !keep_can_replay(&work->keep)) {
        upstream_let_go(x); /* more came meanwhile than is kept: its beginning is lost */
        limit_hit(x->worker, LIMIT_RETAINED_BYTES);
        x->record.retry_end = RECORD_RETRY_BODY;
        return upstream_answer(x, 503, RECORD_UC,
                               "upstream_reset_before_response_started{connection_termination}");
    }
    if (!breaker_request(x->worker, x->cluster, &work->request))
        return upstream_ended(x, TRY_OVERFLOW);
    request.path = x->forward_path.len ? x->forward_path : x->request.path;
    request.authority = x->forward_authority;
    work->sent_us = clock_us();
    call_send(x->call, &request, &work->how);
    body_link(x);
    return upstream_wait(x, "the upstream's answer");
}

/* The upstream says nothing by which it accepts: that it is connected is the answer (RFC 9110 9.3.6). */
static enum turn tunnel_begin(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct call *call = x->call;
    const struct try_facts fine = {.end = TRY_ANSWERED};
    outlier_tell(x, work->load, &fine);
    breaker_leave(x->worker, &work->retry);
    call_send(call, &x->request, &work->how);
    stage_link(x->from_client, call->sink);
    stage_link(call->source, x->to_client);
    if (x->http)
        exchange_answer_exactly(x, 200, (struct bytes){0}, (struct bytes){0});
    x->response_tunnel = true;
    x->response_whole = false;
    x->record.upstream_local = bytes_of(call->upstream->local_text);
    if (work->until_ms != TIMER_NEVER)
        call_until(call, work->until_ms);
    call_pull(call);
    return REPLY;
}

enum turn upstream_send(struct exchange *x)
{
    return takes_head(x) ? send_request(x) : tunnel_begin(x);
}

/* What the mesh is told about the client is nobody else's business. */
static bool wants_assertion(const struct exchange *x)
{
    return wants_mesh(x) || (x->cluster->tls == CLUSTER_AUTO && x->cluster->inside);
}

static bool assertion_prepare(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    const struct generation *generation = x->generation;
    struct fail why;
    bool wanted = takes_head(x) && wants_assertion(x);
    if (!wanted && !work->asserted)
        return true;
    if (!wanted) { /* an attempt before this one went to an endpoint in the mesh */
        http_fields_remove_name(&x->request.fields,
                                image_text(&generation->rules, generation->assertion->field));
        work->asserted = false;
        return true;
    }
    work->asserted = generation->assertion != NULL;
    if (assertion_add(x, &x->request.fields, &why))
        return true;
    x->record.failure = arena_bytes(&x->arena, bytes_of(why.text));
    return false;
}

/* A switch to another protocol has a connection of its own, over HTTP/1.1; the mesh's nodes share theirs. */
static enum call_speech speech_of(const struct exchange *x, const struct tls_context *context)
{
    bool http2 = x->cluster->speaks == CLUSTER_HTTP2 ||
                 (x->cluster->speaks == CLUSTER_AS_CLIENT && x->request.minor == 2);
    if (!takes_head(x))
        return CALL_RAW;
    if (x->upgrade.len)
        return CALL_HTTP1;
    if (context)
        return http2 || wants_mesh(x) ? CALL_EITHER : CALL_HTTP1;
    return http2 ? CALL_HTTP2 : CALL_HTTP1;
}

static enum turn place(struct exchange *x, struct tls_context *context)
{
    struct upstream_work *work = x->upstream_work;
    const struct call_target target = {
        .key = key_of(x, work->load),
        .endpoint = x->endpoint,
        .context = context,
        .mesh = wants_mesh(x),
        .sni = sni_of(x),
        .speech = speech_of(x, context),
        .fresh = work->stale,
    };
    x->call = &work->call;
    switch (call_place(x->call, x, &target, &events)) {
    case CALL_READY:
        return upstream_send(x);
    case CALL_WAITS:
        return upstream_wait(x, "a connection to the upstream");
    case CALL_EXCESS:
        break;
    }
    return upstream_ended(x, TRY_OVERFLOW);
}

/* How often it was tried is for the upstream to know; a sidecar hands on what its client's said. */
static void attempt_begin(struct exchange *x, const struct rules_retry *rule)
{
    struct upstream_work *work = x->upstream_work;
    uint64_t now_ms = x->worker->loop.now_ms;
    x->record.attempts = ++x->attempts;
    x->response_seen = false;
    work->try_until_ms = TIMER_NEVER;
    if (rule && rule->per_try_timeout_ms)
        work->try_until_ms = now_ms + rule->per_try_timeout_ms;
    if (work->tried.count < BALANCE_TRIED_MAX)
        work->tried.ids[work->tried.count++] = work->load;
    if (x->http && !x->parent && x->listener->direction != DIRECTION_INBOUND)
        http_fields_set(&x->request.fields, BYTES("x-envoy-attempt-count"),
                        x->attempts == 1 ? BYTES("1") : arena_format(&x->arena, "%u", x->attempts));
}

enum turn upstream_try(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    const struct rules_retry *rule = upstream_retry_rule(x);
    struct tls_context *context;
    if (!balance_pick(x, rule && rule->other_hosts ? &work->tried : NULL, &work->load)) {
        work->load = 0;
        return upstream_answer(x, 503, RECORD_UH, "no_healthy_upstream");
    }
    if (!context_of(x, &context)) {
        work->load = 0;
        x->record.failure = BYTES("TLS error: there is no certificate for this yet");
        return upstream_answer(x, 503, RECORD_UF,
                               "upstream_reset_before_response_started{connection_failure}");
    }
    if (!assertion_prepare(x)) {
        work->load = 0;
        return upstream_answer(x, 503, RECORD_UF, "assertion_not_signed");
    }
    balance_enter(x->worker, work->load);
    attempt_begin(x, rule);
    x->record.upstream_mutual_tls = context && wants_mesh(x);
    return place(x, context);
}
