/*
 * block: the fixed-size pieces of memory that bodies lie in.
 *
 * Shared by reference so that a body is not copied on its way; each worker (one
 * thread) has a stock of its own. None free means that reading stops until some
 * come back: back-pressure, not growth.
 */
#ifndef PROXY_BLOCK_H
#define PROXY_BLOCK_H

#include "base/bytes.h"
#include "base/list.h"

/* Room for the largest head that is accepted (32 KiB) and a little more. */
#define BLOCK_ROOM (33 * 1024)
/* A large one: what is read at once for a peer that takes it at once. */
#define BLOCK_LARGE (256 * 1024)

struct block {
    struct block *next; /* in the stock */
    uint32_t refs;
    uint32_t used; /* bytes written so far, by whoever fills it */
    uint32_t room; /* BLOCK_ROOM, or BLOCK_LARGE */
    char data[];
};

struct block *block_new(void); /* with one reference; NULL when the stock's limit is reached */
/* Of BLOCK_LARGE; NULL when there is no plenty. */
struct block *block_new_large(void);
/* Few are in use: one may take more than he must. */
bool block_plenty(void);
struct block *block_must(void); /* beyond the limit if need be: for heads, which are small */
struct block *block_ref(struct block *block);
void block_unref(struct block *block); /* NULL is fine */
void block_limit_set(size_t blocks);   /* how many may live at once; default 16384 */
size_t block_live(void);               /* large ones count as what they would be in others */
/* Somebody who was refused one: on_room is called, once, when there may be some again. Embedded; list_init
 * its link first, list_remove it when it is no longer needed. */
struct block_waiter {
    struct link link;
    void (*on_room)(struct block_waiter *waiter);
};
void block_wait(struct block_waiter *waiter);
void block_stock_drop(void);

#endif
