#include "base/map.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/heap.h"

struct map_slot {
    struct bytes key; /* key.at NULL: empty; GRAVE: removed */
    void *value;
    uint64_t hash;
};

static const char grave[1];

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_done(struct map *map)
{
    free(map->slots);
    map_init(map);
}

static bool slot_live(const struct map_slot *slot)
{
    return slot->key.at && slot->key.at != grave;
}

static struct map_slot *map_find(const struct map *map, struct bytes key, uint64_t hash)
{
    if (!map->room)
        return NULL;
    for (size_t i = hash & (map->room - 1);; i = (i + 1) & (map->room - 1)) {
        struct map_slot *slot = &map->slots[i];
        if (!slot->key.at)
            return NULL;
        if (slot->key.at != grave && slot->hash == hash && bytes_equal(slot->key, key))
            return slot;
    }
}

static void map_insert(struct map *map, struct map_slot entry)
{
    size_t i = entry.hash & (map->room - 1);
    while (map->slots[i].key.at)
        i = (i + 1) & (map->room - 1);
    map->slots[i] = entry;
    map->count++;
    map->used++;
}

static void map_grow(struct map *map)
{
    struct map old = *map;
    map->room = 16;
    while (map->room < old.count * 4)
        map->room *= 2;
    map->slots = heap_alloc_array(map->room, sizeof *map->slots);
    map->count = map->used = 0;
    for (size_t i = 0; i < old.room; i++)
        if (slot_live(&old.slots[i]))
            map_insert(map, old.slots[i]);
    free(old.slots);
}

void *map_get(const struct map *map, struct bytes key)
{
    struct map_slot *slot = map_find(map, key, hash_keyed(key));
    return slot ? slot->value : NULL;
}

void *map_put(struct map *map, struct bytes key, void *value)
{
    if (!key.at)
        key.at = "";
    uint64_t hash = hash_keyed(key);
    struct map_slot *slot = map_find(map, key, hash);
    if (slot) {
        void *old = slot->value;
        slot->key = key;
        slot->value = value;
        return old;
    }
    if ((map->used + 1) * 2 > map->room)
        map_grow(map);
    map_insert(map, (struct map_slot){key, value, hash});
    return NULL;
}

void *map_take(struct map *map, struct bytes key)
{
    struct map_slot *slot = map_find(map, key, hash_keyed(key));
    if (!slot)
        return NULL;
    slot->key = bytes_make(grave, 0);
    map->count--;
    return slot->value;
}

bool map_next(const struct map *map, size_t *at, struct bytes *key, void **value)
{
    while (*at < map->room) {
        struct map_slot *slot = &map->slots[(*at)++];
        if (slot_live(slot)) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}
