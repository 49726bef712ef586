#include "proxy/slices.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

enum { COPY_MAX = 4096 };

static void slices_grow(struct slices *s)
{
    uint32_t room = s->room ? s->room * 2 : 4;
    struct slice *ring = heap_alloc_array(room, sizeof *ring);
    for (uint32_t i = 0; i < s->count; i++)
        ring[i] = *slices_at(s, i);
    free(s->ring);
    s->ring = ring;
    s->first = 0;
    s->room = room;
}

/* Takes the block's reference. */
static void slices_add(struct slices *s, struct block *block, const char *at, size_t len)
{
    if (s->count == s->room)
        slices_grow(s);
    assert(s->ring); /* a full ring grows, an empty one without room is full */
    s->ring[(s->first + s->count) % s->room] = (struct slice){block, at, len};
    s->count++;
    s->bytes += len;
}

/* Whether more can be written right behind the last slice: it is ours alone. */
static bool extends(const struct slice *last)
{
    return last && last->block->refs == 1 && last->at + last->len == last->block->data + last->block->used &&
           last->block->used < BLOCK_ROOM;
}

static size_t piece_put(struct slices *s, struct bytes bytes)
{
    struct slice *last = s->count ? &s->ring[(s->first + s->count - 1) % s->room] : NULL;
    bool own = extends(last);
    struct block *block = own ? last->block : block_must();
    size_t len = BLOCK_ROOM - block->used;
    len = bytes.len < len ? bytes.len : len;
    char *to = block->data + block->used;
    memcpy(to, bytes.at, len);
    block->used += (uint32_t)len;
    if (own) {
        last->len += len;
        s->bytes += len;
    } else {
        slices_add(s, block, to, len);
    }
    return len;
}

void slices_put(struct slices *slices, struct bytes bytes)
{
    while (bytes.len)
        bytes = bytes_part(bytes, piece_put(slices, bytes), bytes.len);
}

void slices_put_block(struct slices *slices, struct block *block, struct bytes bytes)
{
    if (bytes.len <= COPY_MAX)
        slices_put(slices, bytes);
    else
        slices_add(slices, block_ref(block), bytes.at, bytes.len);
}

const struct slice *slices_at(const struct slices *slices, uint32_t n)
{
    return &slices->ring[(slices->first + n) % slices->room];
}

void slices_used(struct slices *slices, size_t len)
{
    slices->bytes -= len;
    while (len) {
        struct slice *first = &slices->ring[slices->first];
        size_t used = len < first->len ? len : first->len;
        first->at += used;
        first->len -= used;
        len -= used;
        if (first->len)
            break;
        block_unref(first->block);
        slices->first = (slices->first + 1) % slices->room;
        slices->count--;
    }
}

void slices_drop(struct slices *slices)
{
    for (uint32_t i = 0; i < slices->count; i++)
        block_unref(slices_at(slices, i)->block);
    free(slices->ring);
    *slices = (struct slices){0};
}
