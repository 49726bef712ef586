/*
 * upstream, the last filter: sends the request to whom route chose, if policy's
 * permit holds, and brings the answer.
 *
 * A connection that had rested in the pool and breaks before a byte came back was
 * dead already: then the request is sent once more over a fresh one, if it is
 * idempotent (RFC 9110 9.2.2) and all of its body is still kept.
 */
#include <string.h>

#include "base/clock.h"
#include "proxy/assertion.h"
#include "proxy/balance.h"
#include "proxy/front.h"
#include "proxy/generation.h"
#include "proxy/mirror.h"
#include "proxy/upstream.h"

enum {
    ATTEMPTS_MAX = 3,
    MIRROR_MS = 15 * 1000, /* nobody waits for a copy, so it must end by itself */
};

enum progress { PROGRESS_NONE, PROGRESS_READY, PROGRESS_HEAD, PROGRESS_FAILED };

struct upstream_work {
    enum progress progress;
    uint64_t load;     /* counted at this endpoint; 0: not */
    uint64_t until_ms; /* of the route */
    uint64_t sent_us;
    bool asserted; /* the request has an assertion of ours */
    struct http1_write how;
    struct call call;
    struct keep keep;
};

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
        *context = x->http && !x->upgrade.len ? generation->mesh_client : generation->mesh_client_http1;
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

static void upstream_let_go(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (work && work->load)
        balance_leave(x->worker, work->load);
    if (work)
        work->load = 0;
    if (x->call)
        call_release(x->call);
    x->call = NULL;
}

static enum turn wait_for(struct exchange *x, const char *what)
{
    x->wait = (struct wait){.what = what, .until_ms = x->upstream_work->until_ms};
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

static void body_link(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (!x->request_has_body)
        return;
    if (!work->keep.stage.before)
        stage_link(stage_last(x->from_client), &work->keep.stage);
    stage_link(&work->keep.stage, x->call->sink);
    if (x->attempts > 1)
        keep_replay(&work->keep);
    call_pull(x->call);
}

static enum turn send_request(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct http_request request = x->request;
    if (x->attempts > 1 && x->request_has_body && !keep_can_replay(&work->keep)) {
        upstream_let_go(x); /* more came meanwhile than is kept: its beginning is lost */
        return upstream_answer(x, 503, RECORD_UC,
                               "upstream_reset_before_response_started{connection_termination}");
    }
    request.path = x->forward_path.len ? x->forward_path : x->request.path;
    request.authority = x->forward_authority;
    work->sent_us = clock_us();
    call_send(x->call, &request, &work->how);
    body_link(x);
    return wait_for(x, "the upstream's answer");
}

static enum turn tunnel_begin(struct exchange *x)
{
    struct call *call = x->call;
    call_send(call, &x->request, &x->upstream_work->how);
    stage_link(x->from_client, call->sink);
    stage_link(call->source, x->to_client);
    x->response_tunnel = true;
    x->response_whole = false;
    call_pull(call);
    return REPLY;
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
    bool wanted = x->http && wants_assertion(x);
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
    if (!x->http)
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
        .fresh = x->attempts > 1,
    };
    x->call = &work->call;
    if (call_place(x->call, x, &target, &events))
        return send_request(x);
    return wait_for(x, "a connection to the upstream");
}

static enum turn upstream_start(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct tls_context *context;
    if (!balance_pick(x, &work->load)) {
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
    x->attempts++;
    x->record.upstream_mutual_tls = context && wants_mesh(x);
    return place(x, context);
}

static enum turn upstream_enter(struct exchange *x)
{
    struct upstream_work *work = arena_room(&x->arena, sizeof *work); /* the kept parts need no zeroing */
    memset(work, 0, offsetof(struct upstream_work, keep));
    keep_init(&work->keep);
    x->upstream_work = work;
    work->until_ms = TIMER_NEVER;
    if (!permit_holds(x))
        return upstream_answer(x, 500, RECORD_UAEX, "no_permit");
    if (x->choice.route && x->choice.route->timeout_ms)
        work->until_ms = x->worker->loop.now_ms + x->choice.route->timeout_ms;
    if (x->mirror)
        work->until_ms = x->worker->loop.now_ms + MIRROR_MS;
    if (x->http && !x->parent) {
        fields_prepare(x);
        mirror_start(x); /* copies what is there now: the assertion is each destination's own matter */
    }
    how_prepare(x, &work->how);
    return upstream_start(x);
}

/* ---- what came of it ----------------------------------------------------------------- */

enum turn upstream_answer(struct exchange *x, unsigned status, enum record_flag flag, const char *details)
{
    exchange_note(x, flag, details);
    if (x->http)
        return exchange_answer(x, status, (struct bytes){0});
    exchange_fail(x, 0, flag, bytes_of(details));
    return WAIT; /* it is over */
}

static bool idempotent(const struct exchange *x)
{
    static const struct bytes methods[] = {BYTES_INIT("GET"),    BYTES_INIT("HEAD"),    BYTES_INIT("PUT"),
                                           BYTES_INIT("DELETE"), BYTES_INIT("OPTIONS"), BYTES_INIT("TRACE")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (bytes_equal(x->request.method, methods[i]))
            return true;
    return false;
}

static bool may_try_again(const struct exchange *x)
{
    const struct call *call = x->call;
    bool unseen = !call->sent || call->refused || (call->reused && !call->heard && idempotent(x));
    return x->http && !x->frozen && unseen && x->attempts < ATTEMPTS_MAX && call->why.kind == FAIL_PEER &&
           (!x->request_has_body || keep_can_replay(&x->upstream_work->keep));
}

static enum turn upstream_failed(struct exchange *x)
{
    const struct call *call = x->call;
    bool placed = !call->again, sent = call->sent, bad = call->why.kind == FAIL_INPUT;
    bool again = !placed || (may_try_again(x) && sent);
    x->record.failure = placed ? arena_bytes(&x->arena, bytes_of(call->why.text)) : (struct bytes){0};
    upstream_let_go(x);
    x->attempts -= !placed;
    if (again)
        return upstream_start(x);
    if (bad)
        return upstream_answer(x, 502, RECORD_UPE, "upstream_reset_before_response_started{protocol_error}");
    if (sent)
        return upstream_answer(x, 503, RECORD_UC,
                               "upstream_reset_before_response_started{connection_termination}");
    return upstream_answer(x, 503, RECORD_UF, "upstream_reset_before_response_started{connection_failure}");
}

static enum turn head_came(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    struct call *call = x->call;
    const struct upstream *u = call->upstream;
    x->record.upstream_us = clock_us() - work->sent_us;
    x->record.upstream_local = bytes_of(u->local_text);
    if (u->connection.tls && tls_peer(u->connection.tls))
        x->record.upstream_principal = tls_peer(u->connection.tls)->uri;
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

static enum turn upstream_resume(struct exchange *x)
{
    struct upstream_work *work = x->upstream_work;
    if (x->wait.result == WAIT_LATE) {
        upstream_let_go(x);
        return upstream_answer(x, 504, RECORD_UT, "upstream_response_timeout");
    }
    switch (work->progress) {
    case PROGRESS_READY:
        return x->http ? send_request(x) : tunnel_begin(x);
    case PROGRESS_HEAD:
        return head_came(x);
    case PROGRESS_FAILED:
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
