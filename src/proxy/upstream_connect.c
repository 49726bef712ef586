/* A connection to an upstream until it is open, its end, and what all calls over it have in common. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/breaker.h"
#include "proxy/limit_hits.h"
#include "proxy/upstream.h"

enum {
    PATIENCE_S = 30,        /* with an upstream that acknowledges nothing */
    REQUESTS_MAX = 1 << 29, /* HTTP/2 has numbers for twice as many (RFC 9113 5.1.1) */
};

static const struct connection_ops upstream_connection_ops;

/* ---- ends -------------------------------------------------------------------------- */

static void on_buried(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->speaker)
        u->speaker->free(u);
    inlet_done(&u->inlet);
    block_unref(u->head);
    heap_uncount(sizeof *u);
    free(u);
}

void upstream_close(struct upstream *u)
{
    if (u->state == UPSTREAM_CLOSED)
        return;
    pool_forget(u);
    u->state = UPSTREAM_CLOSED;
    timer_remove(&u->worker->loop, &u->timer);
    tls_context_unref(u->context);
    u->context = NULL;
    stage_unlink(&u->inlet.source);
    stage_unlink(&u->outlet.sink);
    if (u->connect_id) { /* no socket yet, or none at all */
        map_take(&u->worker->connects, bytes_make(&u->connect_id, sizeof u->connect_id));
        task_cancel(&u->connection.fall);
        loop_bury(&u->worker->loop, &u->connection.grave);
        return;
    }
    connection_close(&u->connection);
}

void upstream_fall(struct upstream *u)
{
    if (u->speaker) {
        u->speaker->broken(u);
        return;
    }
    pool_leave(u); /* nobody else shall wait for it */
    list_for_safe(link, after, &u->calls)
    {
        struct call *call = container_of(link, struct call, link);
        call->why = u->why;
        call_fall(call, false);
    }
    if (list_empty(&u->calls))
        upstream_close(u);
}

static void on_broken(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->state == UPSTREAM_CLOSED)
        return;
    u->why = *connection_why(connection);
    upstream_fall(u);
}

static void on_due(struct timer *timer)
{
    struct upstream *u = container_of(timer, struct upstream, timer);
    if (u->state != UPSTREAM_CONNECTING) { /* it rested long enough, or what it should send does not leave */
        upstream_close(u);
        return;
    }
    fail(&u->why, FAIL_LATE, "connecting took too long");
    upstream_fall(u);
}

/* ---- opening ------------------------------------------------------------------------ */

/* Who waits for it: all of one cluster and endpoint. */
static struct exchange *first_waiting(const struct upstream *u)
{
    return list_empty(&u->calls) ? NULL : container_of(u->calls.next, struct call, link)->x;
}

/* Endpoints of the exchange's own generation are at hand: it holds it while we connect. */
static bool peer_check(const struct upstream *u, const struct exchange *x, struct fail *why)
{
    const struct generation *generation = x->generation;
    struct bytes names[64];
    size_t count = 0;
    IMAGE_FOR(&generation->rules, RULES_NAME, struct rules_name, name, x->cluster->peer_names)
    {
        if (count < 64)
            names[count++] = image_text(&generation->rules, name->text);
    }
    if (!count && x->endpoint) {
        IMAGE_FOR(&generation->endpoints, ENDPOINTS_NAME, struct rules_name, name, x->endpoint->names)
        {
            if (count < 64)
                names[count++] = image_text(&generation->endpoints, name->text);
        }
    }
    const struct peer *peer = tls_peer(u->connection.tls);
    if (!peer)
        return fail(why, FAIL_PEER, "the upstream showed no certificate");
    /* Who is not named has to be of our own mesh: a partner's workload stands in for nobody. */
    size_t domains = count ? generation->trust_domain_count : generation->own_domain_count;
    return generation_peer_check(u->worker->generation, peer, why) &&
           peer_judge(peer, generation->trust_domains, domains, names, count, why);
}

static void local_text_fill(struct upstream *u)
{
    struct sockaddr_storage local;
    char ip[INET6_ADDRSTRLEN] = "";
    u->worker->loop.io->local_name(u->worker->loop.io, u->connection.fd, &local);
    if (local.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&local;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(u->local_text, sizeof u->local_text, "%s:%u", ip, ntohs(in->sin_port));
    } else if (local.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)&local;
        inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof ip);
        snprintf(u->local_text, sizeof u->local_text, "[%s]:%u", ip, ntohs(in->sin6_port));
    }
}

static const struct upstream_speaker *speaker_of(const struct upstream *u)
{
    if (u->speech == CALL_RAW)
        return &upstream_raw;
    if (u->speech == CALL_HTTP2)
        return &upstream_http2;
    struct bytes alpn = u->connection.tls ? tls_alpn(u->connection.tls) : (struct bytes){0};
    bool http2 =
        u->speech == CALL_EITHER && (bytes_equal(alpn, BYTES("h2")) || bytes_equal(alpn, BYTES("istio-h2")));
    return http2 ? &upstream_http2 : &upstream_http1;
}

/* Whoever waited beyond what it can take looks for another. */
static void waiting_tell(struct upstream *u)
{
    uint32_t room = u->call_max;
    list_for_safe(link, after, &u->calls)
    {
        struct call *call = container_of(link, struct call, link);
        call->again = !room;
        room -= room > 0;
        if (call->again)
            call->events->failed(call->x);
        else
            call_ready(call);
    }
}

static void on_open(struct connection *connection)
{
    struct upstream *u = connection->owner;
    struct exchange *x = first_waiting(u);
    if (u->mesh && x && !peer_check(u, x, &u->why)) {
        upstream_fall(u);
        return;
    }
    local_text_fill(u);
    timer_rest(&u->timer);
    u->speaker = speaker_of(u);
    pool_learn(u);
    u->state = UPSTREAM_BUSY;
    u->speaker->begin(u);
    waiting_tell(u);
}

static void socket_ready(struct upstream *u, int fd, bool connecting)
{
    connection_open_client(&u->connection, &u->worker->loop, fd, connecting, u->context, u->sni,
                           bytes_make(&u->key, sizeof u->key), &upstream_connection_ops, u);
    connection_first(&u->connection, bytes_make(u->header, u->header_len));
    u->connection.on_buried = on_buried;
    tls_context_unref(u->context);
    u->context = NULL;
}

static void grave_run(struct task *task)
{
    on_buried(container_of(task, struct connection, grave));
}

static void fall_run(struct task *task)
{
    struct upstream *u = container_of(task, struct connection, fall)->owner;
    if (u->state != UPSTREAM_CLOSED)
        upstream_fall(u);
}

/* No socket at all: told from a clean stack, and buried like the others. */
static void socket_failed(struct upstream *u, int error)
{
    errno = error;
    fail_errno(&u->why, FAIL_PEER, "connecting failed");
    u->connection.fall.run = fall_run;
    loop_soon(&u->worker->loop, &u->connection.fall);
}

static int socket_start(struct upstream *u, const struct endpoints_endpoint *endpoint)
{
    struct io *io = u->worker->loop.io;
    if (endpoint->family == ENDPOINT_IP4) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)endpoint->port)};
        memcpy(&to.sin_addr, endpoint->address, 4);
        return io->connect(io, (struct sockaddr *)&to, sizeof to);
    }
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)endpoint->port)};
    memcpy(&to.sin6_addr, endpoint->address, 16);
    return io->connect(io, (struct sockaddr *)&to, sizeof to);
}

/* Fails on unix sockets, and where the system knows none. */
static void keepalive_set(const struct upstream *u, const struct rules_cluster *cluster, int fd)
{
    struct io *io = u->worker->loop.io;
    const struct io_keepalive how = {cluster->keepalive_time_s, cluster->keepalive_interval_s,
                                     cluster->keepalive_probes};
    uint64_t asked_s = how.time_s + (uint64_t)how.interval_s * how.probes;
    if (how.time_s || how.interval_s || how.probes)
        io->keepalive(io, fd, &how);
    if (u->speech == CALL_RAW)
        return; /* a peer that takes nothing for long is none that is gone */
    if (asked_s < PATIENCE_S || asked_s > INT32_MAX / 1000)
        asked_s = PATIENCE_S; /* patience counts for questions too */
    io->patience(io, fd, (unsigned)asked_s * 1000);
}

/* Workers cannot make unix sockets: the supervisor connects to the paths that the rules name. */
static void path_start(struct upstream *u, struct bytes path)
{
    struct worker *worker = u->worker;
    u->connect_id = ++worker->connect_id;
    map_put(&worker->connects, bytes_make(&u->connect_id, sizeof u->connect_id), u);
    worker->ops->connect_path(worker, u->connect_id, path);
}

void upstream_connected(struct worker *worker, uint64_t connect_id, int fd)
{
    struct upstream *u = map_take(&worker->connects, bytes_make(&connect_id, sizeof connect_id));
    if (!u || u->state == UPSTREAM_CLOSED) {
        if (fd >= 0)
            worker->loop.io->close(worker->loop.io, fd);
        return;
    }
    if (fd < 0) {
        socket_failed(u, -fd);
    } else {
        u->connect_id = 0;
        socket_ready(u, fd, false);
    }
}

/* DestinationRule's proxyProtocol: who the client is, and what it connected to. */
static void header_prepare(struct upstream *u, const struct exchange *x)
{
    struct text text;
    text_init_fixed(&text, u->header, sizeof u->header);
    if (x->cluster->proxy_protocol)
        proxy_protocol_write(&text, (int)x->cluster->proxy_protocol, &x->facts->ends);
    u->header_len = text.len;
}

static struct upstream *upstream_new(struct worker *worker, const struct call_target *target)
{
    struct upstream *u = heap_new(struct upstream);
    heap_count(sizeof *u);
    u->worker = worker;
    u->key = target->key;
    u->state = UPSTREAM_CONNECTING;
    u->speech = target->speech;
    u->mesh = target->mesh;
    u->sni = target->sni;
    u->context = target->context ? tls_context_ref(target->context) : NULL;
    u->timer.on_due = on_due;
    u->connection.grave.run = grave_run;
    u->connection.owner = u;
    list_init(&u->calls);
    list_init(&u->link);
    inlet_init(&u->inlet, &u->connection);
    outlet_init(&u->outlet, &u->connection);
    u->outlet.window = (size_t)worker->generation->limits->buffer_bytes;
    return u;
}

static void limits_take(struct upstream *u, const struct rules_cluster *cluster)
{
    u->limits = (struct upstream_limits){
        .idle_ms = cluster->idle_timeout_ms ? cluster->idle_timeout_ms : UINT32_MAX,
        .until_ms = TIMER_NEVER,
        .request_max = cluster->max_requests_per_connection,
        .streams_max = cluster->max_streams,
    };
    if (cluster->max_connection_ms)
        u->limits.until_ms = u->worker->loop.now_ms + cluster->max_connection_ms;
}

bool upstream_worn(const struct upstream *u)
{
    return u->requests >= REQUESTS_MAX || (u->limits.request_max && u->requests >= u->limits.request_max) ||
           u->worker->loop.now_ms >= u->limits.until_ms;
}

void upstream_rest(struct upstream *u)
{
    uint64_t until_ms = u->worker->loop.now_ms + u->limits.idle_ms;
    timer_set(&u->worker->loop, &u->timer, until_ms < u->limits.until_ms ? until_ms : u->limits.until_ms);
}

struct upstream *upstream_open(struct worker *worker, const struct call_target *target, struct exchange *x)
{
    const struct endpoints_endpoint *endpoint = target->endpoint;
    struct upstream *u = upstream_new(worker, target);
    header_prepare(u, x);
    limits_take(u, x->cluster);
    timer_set(&worker->loop, &u->timer, worker->loop.now_ms + x->cluster->connect_timeout_ms);
    if (endpoint->family == ENDPOINT_UNIX) {
        path_start(u, image_text(&x->generation->endpoints, endpoint->path));
        return u;
    }
    int fd = socket_start(u, endpoint);
    if (fd < 0) {
        u->connect_id = UINT64_MAX;
        socket_failed(u, -fd);
    } else {
        keepalive_set(u, x->cluster, fd);
        socket_ready(u, fd, true);
    }
    return u;
}

/* ---- events of the connection ---------------------------------------------------------- */

/* Bytes or an end while it rests: either way it is of no more use. */
static bool rest_disturbed(struct upstream *u)
{
    char waste[64];
    if (u->state != UPSTREAM_IDLE)
        return false;
    if (connection_read(&u->connection, waste, sizeof waste) != CONNECTION_LATER)
        upstream_close(u);
    return true;
}

static void on_readable(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->speaker && u->state != UPSTREAM_CLOSED && !rest_disturbed(u))
        u->speaker->readable(u);
}

static void on_written(struct connection *connection, size_t wrote)
{
    (void)wrote;
    struct upstream *u = connection->owner;
    if (u->state == UPSTREAM_LEAVING && !connection->out.bytes && list_empty(&u->calls))
        upstream_close(u);
    else if (u->speaker && u->state != UPSTREAM_CLOSED)
        u->speaker->written(u);
}

static void on_fill(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->speaker && u->speaker->fill && u->state != UPSTREAM_CLOSED)
        u->speaker->fill(u);
}

static const struct connection_ops upstream_connection_ops = {
    .on_open = on_open,
    .on_readable = on_readable,
    .fill = on_fill,
    .on_written = on_written,
    .on_broken = on_broken,
};

/* ---- calls ------------------------------------------------------------------------------ */

void call_send(struct call *call, const struct http_request *request, const struct http1_write *how)
{
    call->sent = true;
    call->x->response_seen = false;
    call->upstream->requests++;
    call->upstream->speaker->send(call, request, how);
}

void call_pull(struct call *call)
{
    call->upstream->speaker->pull(call);
}

static void on_call_due(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, timer);
    fail(&call->why, FAIL_LATE, "the answer took too long");
    call_fall(call, false);
}

void call_until(struct call *call, uint64_t due_ms)
{
    call->timer.on_due = on_call_due;
    timer_set(&call->x->worker->loop, &call->timer, due_ms);
}

void call_ready(struct call *call)
{
    breaker_leave(call->x->worker, &call->pending);
    call->events->ready(call->x);
}

void call_release(struct call *call)
{
    struct upstream *u = call->upstream;
    breaker_leave(call->x->worker, &call->pending);
    if (call->queued)
        list_remove(&call->link);
    call->queued = false;
    if (!u)
        return;
    timer_remove(&u->worker->loop, &call->timer);
    if (u->speaker)
        u->speaker->release(call);
    list_remove(&call->link);
    u->call_count--;
    call->upstream = NULL;
    if (!u->speaker && list_empty(&u->calls))
        upstream_close(u);
    else if (u->state != UPSTREAM_CLOSED)
        pool_yield(u);
}

void call_fall(struct call *call, bool ended)
{
    struct exchange *x = call->x;
    bool late = call->why.kind == FAIL_LATE;
    if (call->fallen)
        return;
    call->fallen = true;
    if (!x->replied)
        call->events->failed(x);
    else if (ended) /* a tunnel's way back is over already; now the way there is lost */
        exchange_fail(x, 0, late ? RECORD_UT : RECORD_UC, BYTES("upstream_reset"));
    else
        stage_give_abort(call->source, late ? PUMP_LATE : PUMP_UPSTREAM_GONE);
}

/* RFC 9110 7.8: the protocols named by a 101 are among those that were offered. */
static bool upgrade_asked(const struct exchange *x, struct bytes chosen)
{
    struct bytes one;
    bool more = chosen.len > 0;
    if (!more || !x->upgrade.len)
        return false;
    while (more) {
        more = bytes_cut(&chosen, ',', &one);
        if (!http_list_has(x->upgrade, bytes_trim(one)))
            return false;
    }
    return true;
}

static bool call_bad(struct call *call, const char *sentence)
{
    fail(&call->why, FAIL_INPUT, "%s", sentence);
    call_fall(call, false);
    return false;
}

bool call_head(struct call *call, struct bytes upgrade)
{
    struct exchange *x = call->x;
    unsigned status = x->response.status;
    if (status == 101 && !upgrade_asked(x, upgrade))
        return call_bad(call, "an upgrade came that nobody had asked for");
    if (status == 101)
        x->upgrade = upgrade; /* what the upstream chose */
    x->response_tunnel = status == 101;
    if (x->upgrade.len && x->request.minor == 2 && status / 100 == 2) /* to the client a 2xx is a tunnel */
        return call_bad(call, "what should have become a tunnel did not");
    if (status >= 200 || status == 101)
        return true;
    if (++call->infos > (uint64_t)x->worker->generation->limits->interim_answers) {
        limit_hit(x->worker, LIMIT_INTERIM_ANSWERS);
        return call_bad(call, "too many interim answers came");
    }
    if (status != 100) /* we answer Expect ourselves */
        exchange_info(x, &x->response);
    return false;
}
