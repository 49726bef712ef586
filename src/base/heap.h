/*
 * heap: malloc that does not fail.
 *
 * Running out of memory aborts: sizes that come from outside are bounded before
 * they reach these.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/bytes.h"

/* zeroed */
void *heap_alloc(size_t size) __attribute__((returns_nonnull));
void *heap_alloc_array(size_t count, size_t size) __attribute__((returns_nonnull));
/* realloc to count * size */
void *heap_grow(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* a copy with NUL; free() it */
char *heap_text(struct bytes b) __attribute__((returns_nonnull));
#define heap_new(type) ((type *)heap_alloc(sizeof(type)))
/*
 * What the calling thread holds that grows with its load: blocks, arenas,
 * connections, exchanges, TLS sessions. Each counts itself, whatever malloc makes
 * of it, so that memory can be refused before there is none.
 */
void heap_count(size_t bytes);
void heap_uncount(size_t bytes);
size_t heap_counted(void);
/* Overwrites a secret in a way the compiler keeps. */
void heap_wipe(void *at, size_t size);

#endif
