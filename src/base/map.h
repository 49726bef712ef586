/*
 * map: keys of bytes to pointers, on the heap.
 *
 * Keys are borrowed: they must live as long as their entry (usually they lie in
 * what the value points at). Hashing is keyed per process, so keys may come from
 * an attacker.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t room;  /* a power of two, or 0 */
    size_t count; /* live entries */
    size_t used;  /* live entries and graves */
};

void map_init(struct map *map);
void map_done(struct map *map); /* the values are the caller's */

void *map_get(const struct map *map, struct bytes key);        /* NULL when absent */
void *map_put(struct map *map, struct bytes key, void *value); /* answers the value replaced, or NULL */
void *map_take(struct map *map, struct bytes key);             /* removes and answers it, or NULL */

/* Walks the entries in no order: start with *at = 0; false at the end. Do not change the map meanwhile. */
bool map_next(const struct map *map, size_t *at, struct bytes *key, void **value);

#endif
