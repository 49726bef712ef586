/* Who a client is, and what it connected to: by its socket, or by what a PROXY header says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "proxy/client.h"

/* An address that is none belongs to a unix socket. */
static void end_fill(const struct address *address, uint16_t port, char text[64], unsigned char bytes[16])
{
    char ip[ADDRESS_TEXT_SIZE];
    address_to_v6(address, bytes);
    address_text(address, ip);
    if (address->family == ADDRESS_NONE)
        snprintf(text, 64, "unix");
    else
        snprintf(text, 64, address->family == ADDRESS_V6 ? "[%s]:%u" : "%s:%u", ip, port);
}

/* On the heap, as short as they are: there may be very many connections. */
static void text_set(struct bytes *text, struct bytes to)
{
    free((char *)(uintptr_t)text->at);
    *text = to.len ? bytes_of(heap_text(to)) : (struct bytes){0};
}

void client_facts_drop(struct client_facts *facts)
{
    text_set(&facts->address_text, (struct bytes){0});
    text_set(&facts->local_text, (struct bytes){0});
    text_set(&facts->direct_text, (struct bytes){0});
}

static void ends_fill(struct client *client)
{
    struct client_facts *facts = &client->facts;
    const struct proxy_protocol *ends = &facts->ends;
    char address[64], local[64];
    end_fill(&ends->source, ends->source_port, address, facts->address_bytes);
    end_fill(&ends->target, ends->target_port, local, facts->local_bytes);
    text_set(&facts->address_text, bytes_of(address));
    text_set(&facts->local_text, bytes_of(local));
}

void client_address(const struct sockaddr_storage *from, char text[64], unsigned char bytes[16])
{
    struct address address;
    uint16_t port;
    address_of_socket((const struct sockaddr *)from, &address, &port);
    end_fill(&address, port, text, bytes);
}

void client_facts_fill(struct client *client, const struct sockaddr_storage *peer)
{
    struct client_facts *facts = &client->facts;
    struct proxy_protocol *ends = &facts->ends;
    facts->id = client->worker->accepted;
    struct sockaddr_storage local;
    struct io *io = client->worker->loop.io;
    io->local_name(io, client->connection.fd, &local);
    address_of_socket((const struct sockaddr *)peer, &ends->source, &ends->source_port);
    address_of_socket((const struct sockaddr *)&local, &ends->target, &ends->target_port);
    ends->family = ends->source.family == ADDRESS_NONE ? PROXY_PROTOCOL_UNIX : PROXY_PROTOCOL_IP;
    ends_fill(client);
    memcpy(facts->direct_bytes, facts->address_bytes, sizeof facts->direct_bytes);
}

void client_facts_proxied(struct client *client, const struct proxy_protocol *said)
{
    text_set(&client->facts.direct_text, client->facts.address_text);
    client->facts.ends = *said;
    ends_fill(client);
}
