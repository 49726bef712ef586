#include "proxy/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/limit_hits.h"
#include "proxy/record_write.h"

/* ---- facts --------------------------------------------------------------------- */

void client_address(const struct sockaddr_storage *from, char text[64], unsigned char bytes[16])
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
    char address[64], here[64];
    struct io *io = client->worker->loop.io;
    client_address(peer, address, facts->address_bytes);
    io->local_name(io, client->connection.fd, &local);
    client_address(&local, here, facts->local_bytes);
    facts->address_text = bytes_of(heap_text(bytes_of(address)));
    facts->local_text = bytes_of(heap_text(bytes_of(here)));
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

/* ---- ends ---------------------------------------------------------------------------- */

void client_close(struct client *client)
{
    timer_remove(&client->worker->loop, &client->timer);
    connection_close(&client->connection);
}

static void client_refuse(struct client *client, const struct fail *why)
{
    record_refused(client, why);
    client_close(client);
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

/* ---- from the first byte to its kind --------------------------------------------------- */

/* Where it is decided what a client speaks: all that can be known of it is known. */
static const struct client_kind *kind_of(const struct client *client)
{
    return client->row->protocol == SPEAKS_TCP ? &client_tcp_kind : &client_http1_kind;
}

static void client_begin(struct client *client)
{
    client->phase = CLIENT_BEGUN;
    client->kind = kind_of(client);
    timer_rest(&client->timer);
    /* It is what it will be: what it was judged by is let go of. */
    generation_unref(client->generation);
    client->generation = NULL;
    client->row = NULL;
    client->server = NULL;
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

static void handshake_begin(struct client *client)
{
    struct loop *loop = &client->worker->loop;
    struct tls_context *context = first_context(client);
    if (!context) {
        struct fail why;
        fail(&why, FAIL_SELF, "there is no certificate for this listener");
        client_refuse(client, &why);
        return;
    }
    client->phase = CLIENT_HANDSHAKING;
    client->timer.on_due = on_handshake_due;
    timer_set(loop, &client->timer, loop->now_ms + (uint64_t)limits_of(client)->handshake_ms);
    connection_start_tls(&client->connection, context);
}

static void sniff_over(struct client *client)
{
    if (client->sniff.tls)
        handshake_begin(client);
    else
        client_begin(client);
}

/* Nothing came: where servers may speak first that is an answer too. */
static void on_sniff_due(struct timer *timer)
{
    struct client *client = container_of(timer, struct client, timer);
    if (client->row->protocol != SPEAKS_TCP) {
        limit_hit(client->worker, LIMIT_IDLE_TIME);
        client_close(client);
        return;
    }
    sniff_end(&client->sniff);
    sniff_over(client);
}

static void sniff_readable(struct client *client)
{
    switch (sniff_step(&client->sniff)) {
    case SNIFF_MORE:
        return;
    case SNIFF_DONE:
        sniff_end(&client->sniff);
        sniff_over(client);
        return;
    case SNIFF_GONE:
        client_close(client);
        return;
    }
}

/* What has to be seen before it is known how to go on. */
static unsigned questions_of(const struct client *client)
{
    return client->row->tls == LISTENER_PERMISSIVE ? SNIFF_TLS : 0;
}

static void sniff_start(struct client *client)
{
    struct loop *loop = &client->worker->loop;
    enum rules_listener_tls tls = (enum rules_listener_tls)client->row->tls;
    sniff_begin(&client->sniff, &client->connection, questions_of(client));
    client->sniff.tls = tls == LISTENER_TLS || tls == LISTENER_STRICT;
    if (!client->sniff.wants) {
        sniff_over(client);
        return;
    }
    client->timer.on_due = on_sniff_due;
    /* A client that may speak HTTP does so when it likes. */
    int64_t ms =
        client->row->protocol == SPEAKS_TCP ? limits_of(client)->handshake_ms : limits_of(client)->idle_ms;
    timer_set(loop, &client->timer, loop->now_ms + (uint64_t)ms);
}

/* ---- the connection's events -------------------------------------------------------- */

static void on_open(struct connection *connection)
{
    struct client *client = connection->owner;
    struct fail why;
    if (connection->tls && !peer_check(client, &why))
        client_refuse(client, &why);
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
        record_refused(client, connection_why(connection));
    client_close(client);
}

static const struct connection_ops client_connection_ops = {on_open, on_readable, on_written, on_broken,
                                                            on_choose};

static void on_buried(struct connection *connection)
{
    struct client *client = connection->owner;
    list_remove(&client->link);
    timer_remove(&client->worker->loop, &client->timer);
    generation_unref(client->generation);
    sniff_done(&client->sniff);
    if (client->kind)
        client->kind->free(client);
    client->listen->clients--;
    census_leave(&client->worker->census, client->census);
    free((char *)(uintptr_t)client->facts.address_text.at);
    free((char *)(uintptr_t)client->facts.local_text.at);
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
