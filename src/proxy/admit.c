#include "proxy/admit.h"

#include "proxy/client.h"
#include "proxy/front.h"
#include "proxy/generation.h"
#include "proxy/limit_hits.h"
#include "proxy/pressure.h"
#include "proxy/record_write.h"
#include "rules/decide/condition.h"

static void turn_away(struct listen *listen, const char *from, enum limit limit)
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
    record_turned_away(listen, bytes_of(from), words[limit].flag, words[limit].details);
}

bool admit_brings_header(const struct generation *generation, const struct rules_listener *row,
                         const unsigned char address[16])
{
    return row->proxy_protocol &&
           networks_hold(&generation->rules, generation->node->protocol_networks, address);
}

/* Front proxies speak for many. */
bool admit_named(struct worker *worker, const unsigned char address[16], struct census_entry **entry)
{
    uint64_t max = (uint64_t)worker->generation->limits->address_connections;
    *entry = NULL;
    if (!max || front_has_address(worker->generation, address))
        return true;
    *entry = census_enter(&worker->census, address, max);
    return *entry != NULL;
}

/* Unix sockets are nobody's in particular; who brings headers is told from whom it speaks for by them. */
static bool is_counted(const struct listen *listen, const struct sockaddr_storage *peer,
                       const unsigned char address[16])
{
    return (peer->ss_family == AF_INET || peer->ss_family == AF_INET6) &&
           !(listen->row && admit_brings_header(listen->worker->generation, listen->row, address));
}

bool admit(struct listen *listen, const struct sockaddr_storage *peer, struct census_entry **entry)
{
    struct worker *worker = listen->worker;
    const struct rules_limits *limits = worker->generation->limits;
    unsigned char address[16];
    char text[64];
    enum limit limit = LIMIT_NONE;
    *entry = NULL;
    client_address(peer, text, address);
    if (pressure_now(worker) == PRESSURE_REFUSE)
        limit = LIMIT_MEMORY_REFUSED;
    else if (limits->listener_connections && listen->clients >= (uint64_t)limits->listener_connections)
        limit = LIMIT_LISTENER_CONNECTIONS;
    else if (is_counted(listen, peer, address) && !admit_named(worker, address, entry))
        limit = LIMIT_ADDRESS_CONNECTIONS;
    if (limit == LIMIT_NONE)
        return true;
    turn_away(listen, text, limit);
    return false;
}
