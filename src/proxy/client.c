#include "proxy/client.h"

#include <stdlib.h>

#include "base/heap.h"
#include "proxy/admit.h"
#include "proxy/limit_hits.h"
#include "proxy/pressure.h"
#include "proxy/record_write.h"
#include "rules/decide/condition.h"
#include "rules/decide/tcp_route.h"
#include "wire/path.h"

enum { RETRY_AFTER_S = 1 };

/* ---- TLS ------------------------------------------------------------------------- */

static struct tls_context *server_context(const struct client *client, const struct rules_server *server)
{
    const struct rules_server *first =
        image_row(&client->generation->rules, RULES_SERVER, (struct image_rows){0, 0}, 0);
    return client->generation->server_contexts[server - first];
}

static struct tls_context *on_choose(void *owner, struct bytes sni)
{
    struct connection *connection = owner;
    struct client *client = connection->owner;
    if (client->row->tls != LISTENER_TLS)
        return client->generation->mesh_server;
    client->server = route_server(&client->generation->rules, client->row, sni);
    return client->server ? server_context(client, client->server) : NULL;
}

static struct tls_context *first_context(const struct client *client)
{
    const struct generation *generation = client->generation;
    if (client->row->tls != LISTENER_TLS)
        return generation->mesh_server;
    IMAGE_FOR(&generation->rules, RULES_SERVER, struct rules_server, server, client->row->servers)
    {
        struct tls_context *context = server_context(client, server);
        if (context)
            return context;
    }
    return NULL;
}

static bool is_mesh(const struct client *client)
{
    return client->row->tls != LISTENER_TLS || (client->server && client->server->tls == SERVER_MESH);
}

/* Who is it? False: nobody we talk to. */
static bool peer_check(struct client *client, struct fail *why)
{
    const struct generation *generation = client->generation;
    struct client_facts *facts = &client->facts;
    facts->tls = true;
    facts->sni = tls_sni(client->connection.tls);
    facts->tls_version = tls_version(client->connection.tls);
    facts->peer = tls_peer(client->connection.tls);
    facts->mesh = is_mesh(client);
    if (!generation_peer_check(client->worker->generation, facts->peer, why))
        return false;
    if (!facts->mesh)
        return true;
    if (!facts->peer)
        return fail(why, FAIL_DENIED, "the client showed no certificate");
    struct bytes names[64];
    size_t count = 0;
    struct image_rows wanted = client->server ? client->server->peer_names : (struct image_rows){0, 0};
    IMAGE_FOR(&generation->rules, RULES_NAME, struct rules_name, name, wanted)
    {
        if (count < 64)
            names[count++] = image_text(&generation->rules, name->text);
    }
    return peer_judge(facts->peer, generation->trust_domains, generation->trust_domain_count, names, count,
                      why);
}

/* ---- limits -------------------------------------------------------------------------- */

static const struct rules_limits *limits_of(const struct client *client)
{
    return client->worker->generation->limits;
}

uint64_t client_old_ms(const struct client *client)
{
    struct loop *loop = &client->worker->loop;
    uint64_t age_ms = (uint64_t)limits_of(client)->age_ms;
    uint32_t chance;
    if (!age_ms)
        return TIMER_NEVER;
    loop->io->random(loop->io, &chance, sizeof chance);
    return loop->now_ms + age_ms - age_ms / 10 * chance / UINT32_MAX;
}

bool client_worn_out(const struct client *client, uint32_t requests, uint64_t old_ms)
{
    const struct rules_limits *limits = limits_of(client);
    enum limit limit = LIMIT_NONE;
    if (limits->requests && requests >= limits->requests)
        limit = LIMIT_REQUESTS;
    else if (client->worker->loop.now_ms >= old_ms)
        limit = LIMIT_AGE;
    limit_hit(client->worker, limit);
    return limit != LIMIT_NONE;
}

/* ---- ends ---------------------------------------------------------------------------- */

void client_close(struct client *client)
{
    timer_remove(&client->worker->loop, &client->timer);
    connection_close(&client->connection);
}

static void client_refuse(struct client *client, enum record_flag flag, const char *details,
                          const struct fail *why)
{
    record_refused(client, flag, details, why);
    client_close(client);
}

static void tls_refuse(struct client *client, const struct fail *why)
{
    client_refuse(client, RECORD_DPE, "tls_refused", why);
}

bool client_peer_stands(const struct client *client, struct fail *why)
{
    const struct generation *now = client->worker->generation;
    const struct client_facts *facts = &client->facts;
    if (!facts->peer || client->phase != CLIENT_BEGUN)
        return true;
    return generation_peer_check(now, facts->peer, why) &&
           (!facts->mesh ||
            peer_judge(facts->peer, now->trust_domains, now->trust_domain_count, NULL, 0, why));
}

void client_drain(struct client *client)
{
    if (client->phase == CLIENT_BEGUN)
        client->kind->drain(client);
    else if (client->phase == CLIENT_SNIFFING)
        client_close(client);
    /* a handshake under way still gets its one answer */
}

void client_cut(struct client *client)
{
    if (client->phase == CLIENT_BEGUN)
        client->kind->cut(client);
    else
        client_close(client);
}

/* ---- requests ------------------------------------------------------------------------- */

static bool server_fits(const struct client_facts *facts, const struct rules_server *server)
{
    if (!facts->tls || !server)
        return false;
    return server->tls == SERVER_MESH ? facts->mesh : server->tls != SERVER_MUTUAL || facts->peer;
}

/* Rules may have become stricter since the connection was made. */
static bool still_fits(const struct client *client, const struct rules_listener *row)
{
    const struct client_facts *facts = &client->facts;
    switch ((enum rules_listener_tls)row->tls) {
    case LISTENER_TLS:
        return server_fits(facts, route_server(&client->worker->generation->rules, row, facts->sni));
    case LISTENER_STRICT:
        return facts->mesh;
    case LISTENER_PASSTHROUGH:
        return false;
    case LISTENER_PLAIN:
    case LISTENER_PERMISSIVE:
    case LISTENER_TLS_COUNT:
        break;
    }
    return true;
}

struct exchange *client_exchange(struct client *client, const struct client_ops *ops, void *codec)
{
    struct worker *worker = client->worker;
    const struct rules_listener *row = client->listen->row;
    if (!row || row->protocol != SPEAKS_HTTP || !still_fits(client, row))
        return NULL;
    struct exchange *x = exchange_new(worker, http_chain, row, worker->generation);
    x->client = codec;
    x->client_ops = ops;
    x->facts = &client->facts;
    return x;
}

/* Not because of what it says, but of how much it, or everybody, wants. True: it was refused. */
static bool refused_for_size(struct exchange *x)
{
    uint64_t max = (uint64_t)x->worker->generation->limits->body_bytes;
    if (pressure_now(x->worker) != PRESSURE_NONE) {
        limit_hit(x->worker, LIMIT_MEMORY_SHED);
        x->retry_after_s = RETRY_AFTER_S;
        exchange_refuse(x, 503, RECORD_OM, "overload");
        return true;
    }
    if (max && x->request_sized && x->request_length > max) {
        limit_hit(x->worker, LIMIT_BODY_BYTES);
        exchange_refuse(x, 413, RECORD_DPE, "request_payload_too_large");
        return true;
    }
    return false;
}

void client_exchange_start(struct exchange *x)
{
    struct fail why;
    x->request.scheme = x->facts->tls ? BYTES("https") : BYTES("http");
    x->original_path = x->request.path;
    if (refused_for_size(x))
        return;
    if (!bytes_equal(x->request.path, BYTES("*")) && !http_connects(&x->request) && /* which has none */
        !path_normalize(x->request.path, (enum path_level)x->generation->node->path_level, &x->arena,
                        &x->request.path, &why))
        exchange_refuse(x, 400, RECORD_DPE, "path_normalization_failed");
    else
        exchange_start(x);
}

void client_late(struct exchange *x, enum limit limit)
{
    static const struct {
        unsigned status;
        struct bytes details;
    } words[LIMIT_COUNT] = {
        [LIMIT_BODY_IDLE] = {408, BYTES_INIT("request_body_timeout")},
        [LIMIT_BODY_RATE] = {408, BYTES_INIT("request_body_too_slow")},
        [LIMIT_ANSWER_IDLE] = {0, BYTES_INIT("stream_idle_timeout")},
        [LIMIT_ANSWER_RATE] = {0, BYTES_INIT("response_read_too_slowly")},
        [LIMIT_TUNNEL_IDLE] = {0, BYTES_INIT("stream_idle_timeout")},
        [LIMIT_UPSTREAM_IDLE] = {504, BYTES_INIT("stream_idle_timeout")},
    };
    limit_hit(x->worker, limit);
    exchange_fail(x, words[limit].status, RECORD_SI, words[limit].details);
}

/* ---- from the first byte to its kind --------------------------------------------------- */

/* Where it is decided what a client speaks: all that can be known of it is known. */
static const struct client_kind *kind_of(const struct client *client)
{
    struct bytes alpn = client->connection.tls ? tls_alpn(client->connection.tls) : (struct bytes){0};
    if (client->row->protocol == SPEAKS_TCP)
        return &client_tcp_kind;
    if (bytes_equal(alpn, BYTES("h2")) || bytes_equal(alpn, BYTES("istio-h2")))
        return &client_http2_kind;
    return &client_http1_kind;
}

static void sniff_drop(struct client *client)
{
    sniff_free(client->sniff);
    client->sniff = NULL;
}

static void client_begin(struct client *client)
{
    if (client->row->tls != LISTENER_PASSTHROUGH) /* there the SNI lies in it */
        sniff_drop(client);
    client->phase = CLIENT_BEGUN;
    client->kind = kind_of(client);
    client->row_id = client->row->id;
    timer_rest(&client->timer);
    /* It is what it will be: what it was judged by is let go of. */
    generation_unref(client->generation);
    client->generation = NULL;
    client->row = NULL;
    client->server = NULL;
    client->kind->begin(client);
}

void client_become(struct client *client, const struct client_kind *kind)
{
    client->kind->free(client);
    client->kind = kind;
    timer_rest(&client->timer);
    kind->begin(client);
    connection_wake(&client->connection);
}

static void on_handshake_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    struct fail why;
    fail(&why, FAIL_LATE, "the TLS handshake took too long");
    limit_hit(client->worker, LIMIT_HANDSHAKE_TIME);
    tls_refuse(client, &why);
}

static void handshake_begin(struct client *client)
{
    struct loop *loop = &client->worker->loop;
    struct tls_context *context = first_context(client);
    if (!context) {
        struct fail why;
        fail(&why, FAIL_SELF, "there is no certificate for this listener");
        tls_refuse(client, &why);
        return;
    }
    client->phase = CLIENT_HANDSHAKING;
    client->timer.on_due = on_handshake_due;
    timer_set(loop, &client->timer, loop->now_ms + (uint64_t)limits_of(client)->handshake_ms);
    connection_start_tls(&client->connection, context);
}

static bool may_pass_through(const struct client *client)
{
    return client->row->tls == LISTENER_PASSTHROUGH || client->row->passthrough.count;
}

/* Its TLS is ended elsewhere, here, or nowhere: by the server it asks for. */
static void hello_over(struct client *client)
{
    const struct image *rules = &client->generation->rules;
    struct fail why;
    client->facts.sni = bytes_of(client->sniff->hello.sni);
    client->row = route_tls(rules, client->row, client->facts.sni);
    if (client->row->tls == LISTENER_PASSTHROUGH) {
        client_begin(client);
    } else if (route_server(rules, client->row, client->facts.sni)) {
        handshake_begin(client);
    } else {
        fail(&why, FAIL_INPUT, "no server of this listener has the name '%s'", client->sniff->hello.sni);
        client_refuse(client, RECORD_NR, "filter_chain_not_found", &why);
    }
}

/* False: it was refused. */
static bool header_take(struct client *client)
{
    struct fail why;
    client_facts_proxied(client, &client->sniff->proxy);
    if (client->facts.ends.family != PROXY_PROTOCOL_IP ||
        admit_named(client->worker, client->facts.address_bytes, &client->census))
        return true;
    limit_hit(client->worker, LIMIT_ADDRESS_CONNECTIONS);
    fail(&why, FAIL_LIMIT, "its address has as many connections as it may");
    client_refuse(client, RECORD_LR, "downstream_address_connection_limit", &why);
    return false;
}

static void sniff_over(struct client *client)
{
    bool named = client->sniff->proxy.family != PROXY_PROTOCOL_NONE;
    if (named && !header_take(client))
        return;
    if (may_pass_through(client))
        hello_over(client);
    else if (client->sniff->tls)
        handshake_begin(client);
    else
        client_begin(client);
}

/* What is still wanted of it is not to be had. */
static void sniff_refuse(struct client *client, const struct fail *why)
{
    if (client->sniff->wants & SNIFF_PROXY)
        client_refuse(client, RECORD_DPE, "proxy_protocol_refused", why);
    else
        tls_refuse(client, why);
}

static void on_sniff_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    struct fail why;
    if (client->sniff->wants != SNIFF_TLS) {
        fail(&why, FAIL_LATE, "the %s did not come in time",
             client->sniff->wants & SNIFF_PROXY ? "PROXY header" : "TLS hello");
        sniff_refuse(client, &why);
    } else if (client->row->protocol == SPEAKS_TCP) { /* a server that speaks first, so no TLS */
        sniff_end(client->sniff);
        sniff_over(client);
    } else {
        limit_hit(client->worker, LIMIT_IDLE_TIME);
        client_close(client);
    }
}

/* Each thing that is to be said has its own time; only an HTTP client may speak when it likes. */
static void sniff_wait(struct client *client)
{
    struct loop *loop = &client->worker->loop;
    bool idle = client->sniff->wants == SNIFF_TLS && client->row->protocol == SPEAKS_HTTP;
    int64_t ms = idle ? limits_of(client)->idle_ms : limits_of(client)->handshake_ms;
    timer_set(loop, &client->timer, loop->now_ms + (uint64_t)ms);
}

/* Who looks whether there is a listener, and says nothing, leaves no record. */
static void sniff_gone(struct client *client)
{
    struct fail why;
    if (!sniff_begun(client->sniff)) {
        client_close(client);
        return;
    }
    fail(&why, FAIL_PEER, "the client left inside its %s",
         client->sniff->wants & SNIFF_PROXY ? "PROXY header" : "TLS hello");
    sniff_refuse(client, &why);
}

static void sniff_readable(struct client *client)
{
    struct fail why;
    unsigned wanted = client->sniff->wants;
    switch (sniff_step(client->sniff, &why)) {
    case SNIFF_MORE:
        if (client->sniff->wants != wanted)
            sniff_wait(client);
        return;
    case SNIFF_DONE:
        sniff_end(client->sniff);
        sniff_over(client);
        return;
    case SNIFF_GONE:
        sniff_gone(client);
        return;
    case SNIFF_BAD:
        sniff_refuse(client, &why);
        return;
    }
}

/* What has to be seen before it is known how to go on. */
static unsigned questions_of(const struct client *client)
{
    unsigned questions = 0;
    if (admit_brings_header(client->generation, client->row, client->facts.direct_bytes))
        questions |= SNIFF_PROXY;
    if (client->row->tls == LISTENER_PERMISSIVE)
        questions |= SNIFF_TLS;
    if (may_pass_through(client))
        questions |= SNIFF_HELLO;
    return questions;
}

static void sniff_start(struct client *client)
{
    enum rules_listener_tls tls = (enum rules_listener_tls)client->row->tls;
    unsigned questions = questions_of(client);
    bool ended_here = tls == LISTENER_TLS || tls == LISTENER_STRICT;
    if (questions) {
        client->sniff = sniff_new(&client->connection, questions);
        client->sniff->tls = ended_here || tls == LISTENER_PASSTHROUGH;
        client->timer.on_due = on_sniff_due;
        sniff_wait(client);
    } else if (ended_here) {
        handshake_begin(client);
    } else {
        client_begin(client);
    }
}

/* ---- the connection's events -------------------------------------------------------- */

static void on_open(struct connection *connection)
{
    struct client *client = connection->owner;
    struct fail why;
    if (connection->tls && !peer_check(client, &why))
        tls_refuse(client, &why);
    else
        client_begin(client);
}

static void on_readable(struct connection *connection)
{
    struct client *client = connection->owner;
    if (client->phase == CLIENT_BEGUN)
        client->kind->readable(client);
    else if (client->phase == CLIENT_SNIFFING)
        sniff_readable(client);
}

static void on_fill(struct connection *connection)
{
    struct client *client = connection->owner;
    if (client->phase == CLIENT_BEGUN && client->kind->fill)
        client->kind->fill(client);
}

static void on_written(struct connection *connection, size_t wrote)
{
    struct client *client = connection->owner;
    if (client->phase == CLIENT_BEGUN)
        client->kind->written(client, wrote);
}

static void on_broken(struct connection *connection)
{
    struct client *client = connection->owner;
    if (client->phase == CLIENT_BEGUN) {
        client->kind->broken(client);
        return;
    }
    if (connection->tls && connection->bytes_in)
        record_refused(client, RECORD_DPE, "tls_refused", connection_why(connection));
    client_close(client);
}

static const struct connection_ops client_connection_ops = {
    .on_open = on_open,
    .on_readable = on_readable,
    .fill = on_fill,
    .on_written = on_written,
    .on_broken = on_broken,
    .choose = on_choose,
};

static void on_buried(struct connection *connection)
{
    struct client *client = connection->owner;
    list_remove(&client->link);
    timer_remove(&client->worker->loop, &client->timer);
    generation_unref(client->generation);
    sniff_drop(client);
    if (client->kind)
        client->kind->free(client);
    client->listen->clients--;
    census_leave(&client->worker->census, client->census);
    client_facts_drop(&client->facts);
    heap_uncount(sizeof *client);
    free(client);
}

void client_open(struct listen *listen, int fd, const struct sockaddr_storage *peer,
                 struct census_entry *entry)
{
    struct worker *worker = listen->worker;
    struct client *client = heap_new(struct client);
    heap_count(sizeof *client);
    listen->clients++;
    client->census = entry;
    client->worker = worker;
    client->listen = listen;
    client->generation = generation_ref(worker->generation);
    client->row = listen->row;
    list_push_back(&worker->clients, &client->link);
    connection_open_server(&client->connection, &worker->loop, fd, &client_connection_ops, client);
    client->connection.on_buried = on_buried;
    client_facts_fill(client, peer);
    sniff_start(client);
}
