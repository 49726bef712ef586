/*
 * list: doubly linked, inside its members.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *next;
    struct link *prev;
};

/* The struct around a member. */
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define list_for(item, list) for (struct link *item = (list)->next; item != (list); item = item->next)
/* Safe when the body removes the item itself. */
#define list_for_safe(item, after, list)                                                                     \
    for (struct link *item = (list)->next, *after = item->next; item != (list);                              \
         item = after, after = item->next)

static inline void list_init(struct link *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool list_empty(const struct link *list)
{
    return list->next == list;
}

static inline void list_insert_after(struct link *place, struct link *item)
{
    item->prev = place;
    item->next = place->next;
    place->next->prev = item;
    place->next = item;
}

static inline void list_push_front(struct link *list, struct link *item)
{
    list_insert_after(list, item);
}

static inline void list_push_back(struct link *list, struct link *item)
{
    list_insert_after(list->prev, item);
}

/* Leaves the item linked to itself, so that removing twice is harmless. */
static inline void list_remove(struct link *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#endif
