#include "proxy/key_wait.h"

#include <stdlib.h>

#include "base/heap.h"

enum { ASK_EVERY_MS = 60 * 1000, WAIT_MS = 5 * 1000, SETS_MAX = 1024 };

struct key_wait {
    uint64_t key_set;
    uint64_t asked_ms;
    bool asked;
    bool pending;
};

struct key_waits {
    struct map sets; /* key set id -> struct key_wait */
};

struct key_waits *key_waits_new(void)
{
    struct key_waits *waits = heap_new(struct key_waits);
    map_init(&waits->sets);
    return waits;
}

void key_waits_free(struct key_waits *waits)
{
    size_t at = 0;
    struct bytes key;
    void *value;
    while (map_next(&waits->sets, &at, &key, &value))
        free(value);
    map_done(&waits->sets);
    free(waits);
}

static struct key_wait *wait_of(struct key_waits *waits, uint64_t key_set, bool make)
{
    struct key_wait *wait = map_get(&waits->sets, bytes_make(&key_set, sizeof key_set));
    if (wait || !make || waits->sets.count >= SETS_MAX)
        return wait;
    wait = heap_new(struct key_wait);
    wait->key_set = key_set;
    map_put(&waits->sets, bytes_make(&wait->key_set, sizeof wait->key_set), wait);
    return wait;
}

static void wait_cancel(struct exchange *x)
{
    x->waits_for_keys = 0; /* the answer, when it comes, concerns others */
}

bool key_wait_start(struct exchange *x, uint64_t key_set)
{
    struct worker *worker = x->worker;
    struct key_wait *wait = wait_of(worker->key_waits, key_set, true);
    uint64_t now_ms = worker->loop.now_ms;
    bool lately = wait && wait->asked && now_ms - wait->asked_ms < ASK_EVERY_MS;
    if (!wait || (!wait->pending && lately))
        return false;
    if (!lately) { /* also when the answer to the last question was lost */
        wait->pending = wait->asked = true;
        wait->asked_ms = now_ms;
        worker->ops->need_keys(worker, key_set);
    }
    x->waits_for_keys = key_set;
    x->wait =
        (struct wait){.what = "the provider's keys", .until_ms = now_ms + WAIT_MS, .cancel = wait_cancel};
    return true;
}

void key_wait_answer(struct worker *worker, uint64_t key_set, bool fetched)
{
    struct key_wait *wait = wait_of(worker->key_waits, key_set, false);
    if (wait)
        wait->pending = false;
    list_for_safe(link, after, &worker->exchanges)
    {
        struct exchange *x = container_of(link, struct exchange, link);
        if (x->waits_for_keys != key_set)
            continue;
        x->waits_for_keys = 0;
        exchange_resume(x, fetched ? WAIT_CAME : WAIT_FAILED);
    }
}
