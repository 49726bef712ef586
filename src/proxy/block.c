#include "proxy/block.h"

#include <stdlib.h>

#include "base/heap.h"

enum { STOCK_MAX = 128 };

static _Thread_local struct block *stock;
static _Thread_local size_t stock_count;
static _Thread_local size_t live;
static _Thread_local size_t limit = 16384;
static _Thread_local struct link waiters; /* zeroed: not made yet */

struct block *block_new(void)
{
    return live < limit ? block_must() : NULL;
}

struct block *block_must(void)
{
    struct block *block = stock;
    if (block) {
        stock = block->next;
        stock_count--;
    } else {
        block = heap_grow(NULL, 1, sizeof *block); /* not zeroed: what is read was written before */
        heap_count(sizeof *block);
    }
    live++;
    block->next = NULL;
    block->refs = 1;
    block->used = 0;
    return block;
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
    heap_uncount(sizeof *block);
    free(block);
}

void block_unref(struct block *block)
{
    if (!block || --block->refs)
        return;
    live--;
    if (stock_count == STOCK_MAX) {
        block_free(block);
    } else {
        block->next = stock;
        stock = block;
        stock_count++;
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

void block_stock_drop(void)
{
    while (stock) {
        struct block *block = stock;
        stock = block->next;
        block_free(block);
    }
    stock_count = 0;
}
