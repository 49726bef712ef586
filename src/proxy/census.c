#include "proxy/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum { NETWORK_BYTES = 8 };

struct census_entry {
    unsigned char key[16];
    uint64_t count;
};

void census_init(struct census *census)
{
    map_init(&census->by_address);
}

void census_done(struct census *census)
{
    map_done(&census->by_address);
}

static bool is_ip4(const unsigned char address[16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

struct census_entry *census_enter(struct census *census, const unsigned char address[16], uint64_t max)
{
    unsigned char key[16] = {0};
    memcpy(key, address, is_ip4(address) ? sizeof key : NETWORK_BYTES);
    struct census_entry *entry = map_get(&census->by_address, bytes_make(key, sizeof key));
    if (entry && max && entry->count >= max)
        return NULL;
    if (!entry) {
        entry = heap_new(struct census_entry);
        memcpy(entry->key, key, sizeof key);
        map_put(&census->by_address, bytes_make(entry->key, sizeof entry->key), entry);
    }
    entry->count++;
    return entry;
}

void census_leave(struct census *census, struct census_entry *entry)
{
    if (!entry || --entry->count)
        return;
    map_take(&census->by_address, bytes_make(entry->key, sizeof entry->key));
    free(entry);
}
