#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum {
    CHUNK_SIZE = 8 * 1024, /* what most exchanges fit in */
    STOCK_MAX = 64,        /* chunks a thread keeps for later */
    ALIGN = 16,
};

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* of the whole chunk */
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "what follows a chunk's head must be aligned");

static _Thread_local struct arena_chunk *stock;
static _Thread_local size_t stock_count;

static struct arena_chunk *chunk_take(size_t size)
{
    struct arena_chunk *chunk;
    if (size <= CHUNK_SIZE && stock) {
        chunk = stock;
        stock = chunk->older;
        stock_count--;
        return chunk;
    }
    if (size < CHUNK_SIZE)
        size = CHUNK_SIZE;
    chunk = heap_grow(NULL, size, 1);
    chunk->size = size;
    heap_count(size);
    return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
    heap_uncount(chunk->size);
    free(chunk);
}

static void chunk_give(struct arena_chunk *chunk)
{
    if (chunk->size != CHUNK_SIZE || stock_count == STOCK_MAX) {
        chunk_free(chunk);
        return;
    }
    chunk->older = stock;
    stock = chunk;
    stock_count++;
}

void arena_stock_drop(void)
{
    while (stock) {
        struct arena_chunk *chunk = stock;
        stock = chunk->older;
        chunk_free(chunk);
    }
    stock_count = 0;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        chunk_give(chunk);
    }
    arena_init(arena);
}

void arena_done(struct arena *arena)
{
    arena_reset(arena);
}

void arena_grow(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = chunk_take(sizeof *chunk + size + ALIGN);
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    arena->next = (char *)(chunk + 1);
    arena->end = (char *)chunk + chunk->size;
}

void *arena_room(struct arena *arena, size_t size)
{
    size_t skip = -(uintptr_t)arena->next & (ALIGN - 1);
    size_t left = (size_t)(arena->end - arena->next);
    if (skip < left)
        arena->next += skip; /* a fresh chunk is aligned anyway */
    return arena_raw(arena, size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(arena_room(arena, size), 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_alloc(arena, total);
}

struct bytes arena_bytes(struct arena *arena, struct bytes b)
{
    char *copy = arena_raw(arena, b.len);
    if (b.len)
        memcpy(copy, b.at, b.len);
    return bytes_make(copy, b.len);
}

struct bytes arena_join(struct arena *arena, const struct bytes *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *joined = arena_raw(arena, len + 1), *at = joined;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].at, parts[i].len);
        at += parts[i].len;
    }
    *at = '\0';
    return bytes_make(joined, len);
}

const char *arena_text(struct arena *arena, struct bytes b)
{
    char *copy = arena_raw(arena, b.len + 1);
    if (b.len)
        memcpy(copy, b.at, b.len);
    copy[b.len] = '\0';
    return copy;
}

struct bytes arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = arena_raw(arena, (size_t)len + 1);
    vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return bytes_make(at, (size_t)len);
}
