#include "base/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local size_t counted;

static void *must(void *at)
{
    if (!at) {
        fputs("selvage: out of memory\n", stderr);
        abort();
    }
    return at;
}

void *heap_alloc(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *heap_alloc_array(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *heap_grow(void *old, size_t count, size_t size)
{
    return must(reallocarray(old, count ? count : 1, size));
}

char *heap_text(struct bytes b)
{
    char *copy = must(malloc(b.len + 1));
    if (b.len)
        memcpy(copy, b.at, b.len);
    copy[b.len] = '\0';
    return copy;
}

void heap_count(size_t bytes)
{
    counted += bytes;
}

void heap_uncount(size_t bytes)
{
    counted -= bytes;
}

size_t heap_counted(void)
{
    return counted;
}

void heap_wipe(void *at, size_t size)
{
    if (size)
        explicit_bzero(at, size);
}
