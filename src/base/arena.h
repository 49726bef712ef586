/*
 * arena: memory that goes all at once.
 *
 * Chunks come from malloc and, up to a small per-thread stock, are kept for the
 * next arena, so that the data path does not call malloc for each exchange.
 * There is no NULL to check: running out of memory ends the process (what comes
 * from outside is bounded where it enters). Not for sharing between threads.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next;
    char *end;
    size_t used; /* bytes handed out since the last reset */
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);
/* Lets go of everything but keeps the arena ready for use. */
void arena_reset(struct arena *arena);

/* Zeroed and aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
#define arena_new(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc_array(arena, count, sizeof(type)))
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
/* A fresh chunk for at least `size` bytes; arena_raw asks for it. */
void arena_grow(struct arena *arena, size_t size);

/* Not zeroed, not aligned: for text. */
static inline char *arena_raw(struct arena *arena, size_t size)
{
    if (!arena->next || size > (size_t)(arena->end - arena->next))
        arena_grow(arena, size);
    char *at = arena->next;
    arena->next += size;
    arena->used += size;
    return at;
}

/* Not zeroed: for large things that fill themselves in. */
void *arena_room(struct arena *arena, size_t size);

struct bytes arena_bytes(struct arena *arena, struct bytes b); /* a copy */
/* All parts, one behind the other: what formatting would do at ten times the price. NUL follows, not counted.
 */
struct bytes arena_join(struct arena *arena, const struct bytes *parts, size_t count);
const char *arena_text(struct arena *arena, struct bytes b);            /* a copy with NUL */
struct bytes arena_format(struct arena *arena, const char *format, ...) /* NUL follows, not counted */
    __attribute__((format(printf, 2, 3)));

/* Gives the thread's stock of chunks back to malloc (at the end of a thread). */
void arena_stock_drop(void);

#endif
