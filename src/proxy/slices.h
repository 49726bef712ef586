/*
 * slices: bytes on their way out, in order: what a connection or a stream still
 * has to send.
 *
 * Large pieces are kept by a reference to the block they lie in; small ones are
 * copied behind each other, so that they leave together and a few bytes never
 * hold a whole block.
 */
#ifndef PROXY_SLICES_H
#define PROXY_SLICES_H

#include "proxy/block.h"

struct slice {
    struct block *block; /* a reference */
    const char *at;
    size_t len;
};

/* Zeroed is empty. */
struct slices {
    struct slice *ring;
    uint32_t first;
    uint32_t count;
    uint32_t room;
    size_t bytes;
};

/* Copies. */
void slices_put(struct slices *slices, struct bytes bytes);
/* By reference, unless it is small. */
void slices_put_block(struct slices *slices, struct block *block, struct bytes bytes);
/* The n-th from the front, n below count. */
const struct slice *slices_at(const struct slices *slices, uint32_t n);
/* The first `len` bytes are done with. */
void slices_used(struct slices *slices, size_t len);
void slices_drop(struct slices *slices);

#endif
