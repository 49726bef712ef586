/* A chunked body in one piece and byte by byte: the same data, the same verdict, the same trailers. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

struct outcome {
    enum http1_piece piece;
    struct text body;
    struct http1_chunks chunks;
    size_t used;
};

static void play(struct outcome *o, const uint8_t *data, size_t size, size_t step, struct arena *arena)
{
    struct bytes piece;
    struct http1_error error;
    o->piece = HTTP1_PIECE_MORE;
    o->used = 0;
    text_init_arena(&o->body, arena);
    http1_chunks_init(&o->chunks, arena);
    while (o->used < size && (o->piece == HTTP1_PIECE_MORE || o->piece == HTTP1_PIECE_DATA)) {
        size_t used = 0, len = size - o->used < step ? size - o->used : step;
        char *copy = malloc(len);
        memcpy(copy, data + o->used, len);
        o->piece = http1_chunks_read(&o->chunks, bytes_make(copy, len), &used, &piece, &error);
        if (o->piece == HTTP1_PIECE_DATA)
            text_add(&o->body, piece);
        assert(used <= len && (used || o->piece == HTTP1_PIECE_BAD));
        free(copy);
        o->used += used;
    }
    assert(o->used <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct outcome whole, slow;
    arena_init(&arena);
    play(&whole, data, size, size, &arena);
    play(&slow, data, size, 1, &arena);
    bool whole_open = whole.piece == HTTP1_PIECE_MORE || whole.piece == HTTP1_PIECE_DATA;
    bool slow_open = slow.piece == HTTP1_PIECE_MORE || slow.piece == HTTP1_PIECE_DATA;
    assert(whole_open == slow_open && (whole_open || whole.piece == slow.piece));
    assert(bytes_equal(text_bytes(&whole.body), text_bytes(&slow.body)));
    assert(whole.piece == HTTP1_PIECE_BAD || whole.used == slow.used);
    assert(whole.chunks.trailers.count == slow.chunks.trailers.count);
    arena_done(&arena);
    return 0;
}
