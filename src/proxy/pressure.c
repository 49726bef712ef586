#include "proxy/pressure.h"

#include "base/arena.h"
#include "base/heap.h"
#include "proxy/client.h"

enum { SHRINK_MS = 100 };

/* A connection that rests has nothing to lose: its client can make another. */
static void idle_end(struct worker *worker)
{
    list_for_safe(link, after, &worker->clients)
    {
        struct client *client = container_of(link, struct client, link);
        if (client->phase == CLIENT_BEGUN && !client->connection.gone)
            client_drain(client);
    }
}

static void shrink(struct worker *worker)
{
    uint64_t now_ms = worker->loop.now_ms;
    if (worker->shrunk_ms && now_ms < worker->shrunk_ms + SHRINK_MS)
        return;
    worker->shrunk_ms = now_ms;
    block_stock_drop();
    arena_stock_drop();
    idle_end(worker);
}

enum pressure pressure_now(struct worker *worker)
{
    const struct rules_limits *limits = worker->generation->limits;
    uint64_t percent = (uint64_t)limits->memory_bytes / 100, counted = heap_counted();
    if (counted < percent * (uint64_t)limits->shed_percent)
        return PRESSURE_NONE;
    shrink(worker);
    return counted < percent * (uint64_t)limits->refuse_percent ? PRESSURE_SHED : PRESSURE_REFUSE;
}
