/* Connections to upstreams: opening, one HTTP/1.1 exchange at a time, resting in the pool. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/limit_hits.h"
#include "proxy/upstream.h"

enum {
    CONNECT_MS = 10 * 1000, /* Istio's default connectTimeout */
    IDLE_MS = 30 * 1000,    /* below what most servers wait: a race lost is a retry */
    LEAVING_MS = 10 * 1000, /* for a tunnel's last bytes to get away */
};

struct pool {
    struct worker *worker;
    struct map idle; /* key -> struct pool_list */
    struct link all;
};

struct pool_list {
    struct pool_key key;
    struct link idle; /* most recently used first */
};

static const struct connection_ops upstream_connection_ops;

/* ---- the pool --------------------------------------------------------------------- */

struct pool *pool_new(struct worker *worker)
{
    struct pool *pool = heap_new(struct pool);
    pool->worker = worker;
    map_init(&pool->idle);
    list_init(&pool->all);
    return pool;
}

static void upstream_close(struct upstream *u);

void pool_drain(struct pool *pool)
{
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        if (u->state == UPSTREAM_IDLE)
            upstream_close(u);
    }
}

void pool_cut(struct pool *pool)
{
    pool_drain(pool);
    list_for_safe(link, after, &pool->all)
    {
        struct upstream *u = container_of(link, struct upstream, all);
        if (u->state == UPSTREAM_LEAVING)
            upstream_close(u);
    }
}

void pool_free(struct pool *pool)
{
    size_t at = 0;
    struct bytes key;
    void *list;
    while (map_next(&pool->idle, &at, &key, &list))
        free(list);
    map_done(&pool->idle);
    free(pool);
}

static struct pool_list *pool_list(struct pool *pool, const struct pool_key *key, bool make)
{
    struct bytes name = bytes_make(key, sizeof *key);
    struct pool_list *list = map_get(&pool->idle, name);
    if (list || !make)
        return list;
    list = heap_new(struct pool_list);
    list->key = *key;
    list_init(&list->idle);
    map_put(&pool->idle, bytes_make(&list->key, sizeof list->key), list);
    return list;
}

/* Keys come and go with certificates: an empty list is not kept. */
static void pool_list_trim(struct pool *pool, const struct pool_key *key)
{
    struct pool_list *list = pool_list(pool, key, false);
    if (list && list_empty(&list->idle))
        free(map_take(&pool->idle, bytes_make(key, sizeof *key)));
}

static void pool_leave(struct upstream *u)
{
    list_remove(&u->link);
    pool_list_trim(u->worker->pool, &u->key);
}

/* ---- ends -------------------------------------------------------------------------- */

static void on_buried(struct connection *connection)
{
    struct upstream *u = connection->owner;
    inlet_done(&u->inlet);
    block_unref(u->head);
    heap_uncount(sizeof *u);
    free(u);
}

static void upstream_close(struct upstream *u)
{
    if (u->state == UPSTREAM_CLOSED)
        return;
    if (u->state == UPSTREAM_IDLE)
        pool_leave(u);
    u->state = UPSTREAM_CLOSED;
    u->x = NULL;
    timer_remove(&u->worker->loop, &u->timer);
    list_remove(&u->all);
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

/* Something went wrong: tell the exchange, in the way that fits what it has seen. */
static void upstream_fall(struct upstream *u)
{
    struct exchange *x = u->x;
    bool begun = u->state == UPSTREAM_BUSY && x && x->replied;
    if (!x) {
        upstream_close(u);
        return;
    }
    if (u->fallen)
        return;
    u->fallen = true;
    u->reusable = false;
    if (!begun) {
        u->events->failed(x);
        return;
    }
    bool ended = u->inlet.told;
    enum pump_reason reason = u->why.kind == FAIL_LATE ? PUMP_LATE : PUMP_UPSTREAM_GONE;
    u->inlet.done = true;
    if (ended) /* a tunnel's way back is over already; now the way there is lost */
        exchange_fail(x, 0, reason == PUMP_LATE ? RECORD_UT : RECORD_UC, BYTES("upstream_reset"));
    else
        stage_give_abort(&u->inlet.source, reason);
}

static void on_broken(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->state == UPSTREAM_CLOSED)
        return;
    u->why = connection->why;
    upstream_fall(u);
}

static void on_due(struct timer *timer)
{
    struct upstream *u = container_of(timer, struct upstream, timer);
    if (u->state == UPSTREAM_IDLE || u->state == UPSTREAM_LEAVING) {
        upstream_close(u);
        return;
    }
    fail(&u->why, FAIL_LATE,
         u->state == UPSTREAM_CONNECTING ? "connecting took too long" : "the answer took too long");
    upstream_fall(u);
}

/* ---- opening ------------------------------------------------------------------------ */

/* Endpoints of the exchange's own generation are at hand: it holds it while we connect. */
static bool peer_check(struct upstream *u, struct fail *why)
{
    const struct exchange *x = u->x;
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
    return peer_judge(peer, generation->trust_domains, generation->trust_domain_count, names, count, why);
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

static void on_open(struct connection *connection)
{
    struct upstream *u = connection->owner;
    if (u->mesh && !peer_check(u, &u->why)) {
        upstream_fall(u);
        return;
    }
    local_text_fill(u);
    u->state = UPSTREAM_BUSY;
    timer_rest(&u->timer);
    u->events->ready(u->x);
}

static void socket_ready(struct upstream *u, int fd, bool connecting)
{
    connection_open_client(&u->connection, &u->worker->loop, fd, connecting, u->context, u->sni,
                           &upstream_connection_ops, u);
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

struct upstream *upstream_open(struct worker *worker, const struct pool_key *key,
                               const struct endpoints_endpoint *endpoint, struct tls_context *context,
                               bool mesh, struct bytes sni, struct exchange *x,
                               const struct upstream_events *events)
{
    struct upstream *u = heap_new(struct upstream);
    heap_count(sizeof *u);
    u->worker = worker;
    u->key = *key;
    u->state = UPSTREAM_CONNECTING;
    u->x = x;
    u->events = events;
    u->mesh = mesh;
    u->sni = sni;
    u->context = context ? tls_context_ref(context) : NULL;
    u->timer.on_due = on_due;
    u->connection.grave.run = grave_run;
    u->connection.owner = u;
    inlet_init(&u->inlet, &u->connection);
    outlet_init(&u->outlet, &u->connection);
    list_init(&u->link);
    list_push_back(&worker->pool->all, &u->all);
    struct bytes text = image_text(&x->generation->endpoints, endpoint->text);
    snprintf(u->host_text, sizeof u->host_text, "%.*s", BYTES_FMT(text));
    timer_set(&worker->loop, &u->timer, worker->loop.now_ms + CONNECT_MS);
    if (endpoint->family == ENDPOINT_UNIX) {
        path_start(u, image_text(&x->generation->endpoints, endpoint->path));
        return u;
    }
    int fd = socket_start(u, endpoint);
    if (fd < 0) {
        u->connect_id = UINT64_MAX;
        socket_failed(u, -fd);
    } else {
        socket_ready(u, fd, true);
    }
    return u;
}

/* ---- one exchange ---------------------------------------------------------------------- */

struct upstream *upstream_take(struct worker *worker, const struct pool_key *key, struct exchange *x,
                               const struct upstream_events *events)
{
    struct upstream *u = NULL;
    struct pool_list *list;
    while (!u && (list = pool_list(worker->pool, key, false))) {
        u = container_of(list->idle.next, struct upstream, link);
        if (u->connection.broken || u->connection.ended) {
            upstream_close(u); /* it has died in this very turn */
            u = NULL;
        }
    }
    if (!u)
        return NULL;
    pool_leave(u);
    list_init(&u->link);
    u->state = UPSTREAM_BUSY;
    u->x = x;
    u->events = events;
    u->reused = true;
    timer_rest(&u->timer);
    return u;
}

static void on_outlet_end(struct outlet *outlet, enum pump_reason reason)
{
    struct upstream *u = outlet->owner;
    if (reason != PUMP_FINE) {
        u->reusable = false;
        connection_end_write(&u->connection); /* the upstream must not take it for complete */
    } else if (outlet->raw) {
        connection_end_write(&u->connection);
    }
}

static void upstream_begin(struct upstream *u)
{
    u->outlet.on_end = on_outlet_end;
    u->outlet.owner = u;
    u->why = (struct fail){0};
    u->sent = true;
    u->heard = u->raw = u->fallen = false;
    u->reusable = true;
    u->infos = 0;
    u->inlet.seen = 0;
    u->inlet.discard = false;
    u->inlet.credit = 0;
    u->requests++;
    if (u->connection.readable || u->connection.ended) /* it spoke before it was asked: nothing tells again */
        connection_wake(&u->connection);
}

void upstream_send(struct upstream *u, const struct http_request *request, const struct http1_write *how)
{
    struct text head;
    upstream_begin(u);
    u->x->response_seen = false;
    text_init_arena(&head, &u->x->arena);
    http1_write_request(&head, request, how);
    connection_put(&u->connection, text_bytes(&head));
    outlet_begin(&u->outlet, how->body, false, &u->x->arena);
    if (!u->x->request_has_body)
        u->outlet.done = true;
    else
        outlet_pull(&u->outlet);
}

void upstream_begin_raw(struct upstream *u)
{
    upstream_begin(u);
    u->raw = true;
    u->reusable = false;
    u->x->response_seen = true;
    outlet_begin(&u->outlet, HTTP1_BODY_NONE, true, &u->x->arena);
    inlet_begin_raw(&u->inlet);
}

void upstream_release(struct upstream *u)
{
    struct connection *connection = &u->connection;
    bool complete = u->state == UPSTREAM_BUSY && u->reusable && u->inlet.done && u->outlet.done && !u->raw &&
                    u->framing.keep_alive && !connection->ended && !connection->broken &&
                    !inlet_buffered(&u->inlet).len && !u->worker->draining;
    stage_unlink(&u->inlet.source);
    stage_unlink(&u->outlet.sink);
    block_unref(u->head);
    u->head = NULL;
    u->x = NULL;
    if (u->raw && u->outlet.done && connection->out_bytes && !connection->broken && !connection->gone) {
        u->state = UPSTREAM_LEAVING;
        timer_set(&u->worker->loop, &u->timer, u->worker->loop.now_ms + LEAVING_MS);
        return;
    }
    if (!complete) {
        upstream_close(u);
        return;
    }
    u->state = UPSTREAM_IDLE;
    timer_set(&u->worker->loop, &u->timer, u->worker->loop.now_ms + IDLE_MS);
    list_push_front(&pool_list(u->worker->pool, &u->key, true)->idle, &u->link);
}

/* ---- the response ------------------------------------------------------------------------ */

static bool upstream_bad(struct upstream *u, const char *sentence)
{
    fail(&u->why, FAIL_INPUT, "%s", sentence);
    upstream_fall(u);
    return false;
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

/* 1xx, or the head proper. */
static void head_complete(struct upstream *u)
{
    struct exchange *x = u->x;
    unsigned status = x->response.status;
    if (status >= 100 && status < 200 && status != 101) {
        if (++u->infos > (uint64_t)x->generation->limits->interim_answers) {
            limit_hit(u->worker, LIMIT_INTERIM_ANSWERS);
            upstream_bad(u, "too many interim answers came");
        } else if (status != 100) { /* we answer Expect ourselves */
            exchange_info(x, &x->response);
        }
        u->inlet.seen = 0;
        return;
    }
    if (status == 101 && !upgrade_asked(x, u->framing.upgrade)) {
        upstream_bad(u, "an upgrade came that nobody had asked for");
        return;
    }
    if (status == 101)
        x->upgrade = u->framing.upgrade; /* what the upstream chose */
    x->response_tunnel = status == 101;
    if (x->response_tunnel) {
        u->raw = true;
        u->reusable = false;
        inlet_begin_raw(&u->inlet);
        outlet_begin(&u->outlet, HTTP1_BODY_NONE, true, &x->arena);
    } else {
        inlet_begin(&u->inlet, &u->framing, &x->arena);
    }
    x->response_sized = u->framing.body == HTTP1_BODY_LENGTH;
    x->response_length = u->framing.length;
    x->response_seen = true;
    block_unref(u->head);
    u->head = block_ref(u->inlet.in);
    u->events->head(x);
}

/* False: nothing more can be done now. */
static bool head_step(struct upstream *u)
{
    struct http1_error error;
    size_t used = 0;
    struct bytes have = inlet_buffered(&u->inlet);
    enum http1_turn turn = HTTP1_MORE;
    if (have.len)
        turn = http1_read_response(u->inlet.in->data + u->inlet.at, have.len, &u->inlet.seen,
                                   &http1_limits_default, u->x->request.method, &u->x->arena, &u->x->response,
                                   &u->framing, &used, &error);
    if (turn == HTTP1_BAD)
        return upstream_bad(u, error.sentence);
    if (turn == HTTP1_DONE) {
        u->inlet.at += used;
        head_complete(u);
        return true;
    }
    long n = inlet_fill(&u->inlet);
    if (n > 0)
        u->heard = true;
    if (n == CONNECTION_END) {
        fail(&u->why, FAIL_PEER, "the upstream closed the connection before it answered");
        upstream_fall(u);
    }
    return n > 0;
}

static bool body_step(struct upstream *u)
{
    bool was_done = u->inlet.done;
    switch (inlet_step(&u->inlet)) {
    case INLET_MORE:
        return true;
    case INLET_OVER: /* an answer may be as long as it likes */
    case INLET_WAIT:
        return false;
    case INLET_END:
        return !was_done && u->x;
    case INLET_BAD:
        fail(&u->why, FAIL_INPUT, "%s", u->inlet.error.sentence);
        break;
    case INLET_GONE:
        fail(&u->why, FAIL_PEER, "the upstream closed the connection inside a body");
        break;
    }
    upstream_fall(u);
    return false;
}

/* Bytes or an end while it rests: either way it is of no more use. */
static void on_readable(struct connection *connection)
{
    struct upstream *u = connection->owner;
    bool more = true;
    if (u->state == UPSTREAM_IDLE) {
        char waste[64];
        if (connection_read(connection, waste, sizeof waste) != CONNECTION_LATER)
            upstream_close(u);
        return;
    }
    while (more && u->state == UPSTREAM_BUSY && u->x && u->sent && !u->fallen && !connection->broken)
        more = u->x->response_seen ? body_step(u) : head_step(u);
}

static void on_written(struct connection *connection, size_t wrote)
{
    (void)wrote;
    struct upstream *u = connection->owner;
    if (u->state == UPSTREAM_BUSY && u->x)
        outlet_pull(&u->outlet);
    else if (u->state == UPSTREAM_LEAVING && !connection->out_bytes)
        upstream_close(u);
}

static const struct connection_ops upstream_connection_ops = {on_open, on_readable, on_written, on_broken,
                                                              NULL};
