#include "proxy/block.h"

#include <stdlib.h>

#include "base/heap.h"

enum {
    STOCK_MAX = 128,
    LARGE_STOCK_MAX = 16,
    LARGE_SHARE = 8, /* of what may live: beyond it there are no large ones */
};

/* Those that rest, of one size. */
struct stock {
    struct block *first;
    size_t count;
    size_t max;
};

static _Thread_local struct stock small = {.max = STOCK_MAX};
static _Thread_local struct stock large = {.max = LARGE_STOCK_MAX};
static _Thread_local size_t live;
static _Thread_local size_t limit = 16384;
static _Thread_local struct link waiters; /* zeroed: not made yet */

static size_t size_of(uint32_t room)
{
    return sizeof(struct block) + room;
}

/* How many of the limit it stands for. */
static size_t weight_of(uint32_t room)
{
    return room == BLOCK_LARGE ? BLOCK_LARGE / BLOCK_ROOM + 1 : 1;
}

static struct block *block_take(struct stock *stock, uint32_t room)
{
    struct block *block = stock->first;
    if (block) {
        stock->first = block->next;
        stock->count--;
    } else {
        block = heap_grow(NULL, 1, size_of(room)); /* not zeroed: what is read was written before */
        heap_count(size_of(room));
    }
    live += weight_of(room);
    block->next = NULL;
    block->refs = 1;
    block->used = 0;
    block->room = room;
    return block;
}

struct block *block_new(void)
{
    return live < limit ? block_must() : NULL;
}

struct block *block_must(void)
{
    return block_take(&small, BLOCK_ROOM);
}

struct block *block_new_large(void)
{
    return block_plenty() ? block_take(&large, BLOCK_LARGE) : NULL;
}

bool block_plenty(void)
{
    return live < limit / LARGE_SHARE;
}

struct block *block_ref(struct block *block)
{
    block->refs++;
    return block;
}

void block_wait(struct block_waiter *waiter)
{
    if (!waiters.next)
        list_init(&waiters);
    list_remove(&waiter->link);
    list_push_back(&waiters, &waiter->link);
}

static void waiters_call(void)
{
    while (waiters.next && !list_empty(&waiters)) {
        struct block_waiter *waiter = container_of(waiters.next, struct block_waiter, link);
        list_remove(&waiter->link);
        waiter->on_room(waiter);
    }
}

static void block_free(struct block *block)
{
    heap_uncount(size_of(block->room));
    free(block);
}

void block_unref(struct block *block)
{
    if (!block || --block->refs)
        return;
    struct stock *stock = block->room == BLOCK_LARGE ? &large : &small;
    live -= weight_of(block->room);
    if (stock->count == stock->max) {
        block_free(block);
    } else {
        block->next = stock->first;
        stock->first = block;
        stock->count++;
    }
    if (live < limit)
        waiters_call();
}

void block_limit_set(size_t blocks)
{
    limit = blocks;
}

size_t block_live(void)
{
    return live;
}

static void stock_drop(struct stock *stock)
{
    while (stock->first) {
        struct block *block = stock->first;
        stock->first = block->next;
        block_free(block);
    }
    stock->count = 0;
}

void block_stock_drop(void)
{
    stock_drop(&small);
    stock_drop(&large);
}
