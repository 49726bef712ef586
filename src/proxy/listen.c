/* Accepting: sockets to clients, TLS by the listener's rules, the peer judged. */
#include "proxy/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/log.h"
#include "proxy/front.h"
#include "proxy/limit_hits.h"
#include "proxy/pressure.h"
#include "proxy/record_write.h"

enum { ACCEPT_AT_ONCE = 64, AGAIN_MS = 100 };

static void client_admit(struct listen *listen, int fd, const struct sockaddr_storage *peer);

/* ---- sockets ---------------------------------------------------------------- */

const struct rules_listener *listen_row(const struct generation *generation, uint64_t id)
{
    struct image_rows all = image_all(&generation->rules, RULES_LISTENER);
    IMAGE_FOR(&generation->rules, RULES_LISTENER, struct rules_listener, row, all)
    {
        if (row->id == id)
            return row;
    }
    return NULL;
}

static void accept_some(struct listen *listen)
{
    struct io *io = listen->worker->loop.io;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer;
        if (!listen->row || listen->worker->draining)
            return;
        int fd = io->accept(io, listen->fd, &peer);
        if (fd == -EAGAIN)
            return;
        if (fd == -ECONNABORTED || fd == -EINTR)
            continue;
        if (fd < 0) {
            errno = -fd;
            log_warning("accepting on a listener failed: %s", strerror(errno));
            timer_set(&listen->worker->loop, &listen->again, listen->worker->loop.now_ms + AGAIN_MS);
            return;
        }
        listen->worker->accepted++;
        client_admit(listen, fd, &peer);
    }
    loop_soon(&listen->worker->loop, &listen->resume);
}

static void on_connection(struct watch *watch, unsigned ready)
{
    (void)ready;
    accept_some(container_of(watch, struct listen, watch));
}

static void resume_run(struct task *task)
{
    accept_some(container_of(task, struct listen, resume));
}

void listen_last(struct listen *listen)
{
    if (listen->fd >= 0)
        accept_some(listen);
}

static void on_again(struct timer *timer)
{
    accept_some(container_of(timer, struct listen, again));
}

void listen_start(struct listen *listen)
{
    listen->again.on_due = on_again;
    listen->watch.on_ready = on_connection;
    listen->resume.run = resume_run;
    if (loop_watch(&listen->worker->loop, listen->fd, &listen->watch) < 0)
        log_error("a listener could not be watched");
    listen_refresh(listen);
}

void listen_refresh(struct listen *listen)
{
    const struct generation *generation = listen->worker->generation;
    listen->row = generation && listen->fd >= 0 ? listen_row(generation, listen->id) : NULL;
    if (listen->row)
        loop_soon(&listen->worker->loop, &listen->resume);
}

/* ---- facts --------------------------------------------------------------------- */

static void address_facts(const struct sockaddr_storage *from, char text[64], unsigned char bytes[16])
{
    char ip[INET6_ADDRSTRLEN] = "";
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + 12, &in->sin_addr, 4);
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(text, 64, "%s:%u", ip, ntohs(in->sin_port));
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)from;
        memcpy(bytes, &in->sin6_addr, 16);
        inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof ip);
        snprintf(text, 64, "[%s]:%u", ip, ntohs(in->sin6_port));
    } else {
        memset(bytes, 0, 16);
        snprintf(text, 64, "unix");
    }
}

static void client_facts_fill(struct client *client, const struct sockaddr_storage *peer)
{
    struct client_facts *facts = &client->facts;
    struct sockaddr_storage local;
    struct io *io = client->worker->loop.io;
    facts->address = *peer;
    address_facts(peer, client->address_text, facts->address_bytes);
    io->local_name(io, client->connection.fd, &local);
    address_facts(&local, client->local_text, facts->local_bytes);
    facts->address_text = bytes_of(client->address_text);
    facts->local_text = bytes_of(client->local_text);
}

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

/* ---- the connection's events -------------------------------------------------------- */

static void client_refuse(struct client *client, const struct fail *why)
{
    record_refused(client, why);
    client->kind->cut(client);
}

void client_settled(struct client *client)
{
    generation_unref(client->generation);
    client->generation = NULL;
    client->row = NULL;
    client->server = NULL;
}

static void client_begin(struct client *client)
{
    client->opened = true;
    timer_rest(&client->timer);
    client->kind->begin(client);
}

static void on_handshake_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    struct fail why;
    fail(&why, FAIL_LATE, "the TLS handshake took too long");
    limit_hit(client->worker, LIMIT_HANDSHAKE_TIME);
    client_refuse(client, &why);
}

void client_handshake(struct client *client)
{
    struct loop *loop = &client->worker->loop;
    client->opened = false;
    client->timer.on_due = on_handshake_due;
    timer_set(loop, &client->timer,
              loop->now_ms + (uint64_t)client->worker->generation->limits->handshake_ms);
}

uint64_t client_old_ms(const struct client *client)
{
    struct loop *loop = &client->worker->loop;
    uint64_t age_ms = (uint64_t)client->worker->generation->limits->age_ms;
    uint32_t chance;
    if (!age_ms)
        return TIMER_NEVER;
    loop->io->random(loop->io, &chance, sizeof chance);
    return loop->now_ms + age_ms - age_ms / 10 * chance / UINT32_MAX;
}

static void on_open(struct connection *connection)
{
    struct client *client = connection->owner;
    struct fail why;
    if (connection->tls && !peer_check(client, &why)) {
        client_refuse(client, &why);
        return;
    }
    client_begin(client);
}

static void on_readable(struct connection *connection)
{
    struct client *client = connection->owner;
    client->kind->readable(client);
}

static void on_written(struct connection *connection, size_t wrote)
{
    struct client *client = connection->owner;
    client->kind->written(client, wrote);
}

static void on_broken(struct connection *connection)
{
    struct client *client = connection->owner;
    if (!client->opened && connection->tls && connection->bytes_in)
        record_refused(client, &connection->why);
    client->kind->broken(client);
}

static const struct connection_ops client_connection_ops = {on_open, on_readable, on_written, on_broken,
                                                            on_choose};

static void on_buried(struct connection *connection)
{
    struct client *client = connection->owner;
    list_remove(&client->link);
    client->listen->clients--;
    census_leave(&client->worker->census, client->census);
    timer_remove(&client->worker->loop, &client->timer);
    generation_unref(client->generation);
    client->kind->free(client);
}

static void client_open(struct listen *listen, int fd, const struct sockaddr_storage *peer,
                        struct census_entry *census)
{
    struct worker *worker = listen->worker;
    const struct client_kind *kind =
        listen->row->protocol == SPEAKS_TCP ? &client_tcp_kind : &client_http1_kind;
    struct client *client = kind->open();
    client->worker = worker;
    client->listen = listen;
    client->kind = kind;
    client->generation = generation_ref(worker->generation);
    client->row = listen->row;
    client->census = census;
    listen->clients++;
    list_push_back(&worker->clients, &client->link);
    bool tls = listen->row->tls == LISTENER_TLS || listen->row->tls == LISTENER_STRICT;
    struct tls_context *context = tls ? first_context(client) : NULL;
    connection_open_server(&client->connection, &worker->loop, fd, context, &client_connection_ops, client);
    client->connection.on_buried = on_buried;
    client_facts_fill(client, peer);
    if (tls && !context) {
        struct fail why;
        fail(&why, FAIL_SELF, "there is no certificate for this listener");
        client_refuse(client, &why);
    } else if (!tls) {
        client_begin(client);
    } else {
        client_handshake(client);
    }
}

/* ---- how many ---------------------------------------------------------------------------- */

/* No client is made of it: a flood must not cost more than the accepting. */
static void turn_away(struct listen *listen, int fd, struct bytes from, enum limit limit)
{
    static const struct {
        enum record_flag flag;
        struct bytes details;
    } words[LIMIT_COUNT] = {
        [LIMIT_LISTENER_CONNECTIONS] = {RECORD_LR, BYTES_INIT("downstream_connection_limit")},
        [LIMIT_ADDRESS_CONNECTIONS] = {RECORD_LR, BYTES_INIT("downstream_address_connection_limit")},
        [LIMIT_MEMORY_REFUSED] = {RECORD_OM, BYTES_INIT("overload")},
    };
    limit_hit(listen->worker, limit);
    record_turned_away(listen, from, words[limit].flag, words[limit].details);
    listen->worker->loop.io->close(listen->worker->loop.io, fd);
}

/* Front proxies speak for many, unix sockets for nobody in particular. */
static bool is_counted(const struct worker *worker, const struct sockaddr_storage *peer,
                       const unsigned char address[16])
{
    return (peer->ss_family == AF_INET || peer->ss_family == AF_INET6) &&
           worker->generation->limits->address_connections && !front_has_address(worker->generation, address);
}

static void client_admit(struct listen *listen, int fd, const struct sockaddr_storage *peer)
{
    struct worker *worker = listen->worker;
    const struct rules_limits *limits = worker->generation->limits;
    struct census_entry *entry = NULL;
    unsigned char address[16];
    char text[64];
    enum limit limit = LIMIT_NONE;
    address_facts(peer, text, address);
    if (pressure_now(worker) == PRESSURE_REFUSE)
        limit = LIMIT_MEMORY_REFUSED;
    else if (limits->listener_connections && listen->clients >= (uint64_t)limits->listener_connections)
        limit = LIMIT_LISTENER_CONNECTIONS;
    else if (is_counted(worker, peer, address) &&
             !(entry = census_enter(&worker->census, address, (uint64_t)limits->address_connections)))
        limit = LIMIT_ADDRESS_CONNECTIONS;
    if (limit == LIMIT_NONE)
        client_open(listen, fd, peer, entry);
    else
        turn_away(listen, fd, bytes_of(text), limit);
}
