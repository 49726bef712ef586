/*
 * packed: numbers and texts one behind the other, for what we write and read
 * again ourselves: what is sealed into cookies, what the processes of a node tell
 * each other. A number is 8 bytes, a text 4 bytes of length and its bytes, both
 * with the lowest byte first.
 *
 * Reading never fails in between: what is missing is 0 or empty, and the reader
 * asks once, at the end, whether all was there and nothing was left.
 */
#ifndef WIRE_PACKED_H
#define WIRE_PACKED_H

#include "base/text.h"

void packed_u64(struct text *out, uint64_t number);
void packed_text(struct text *out, struct bytes text);

struct unpack {
    struct bytes rest;
    bool bad;
};

uint64_t unpack_u64(struct unpack *from);
struct bytes unpack_text(struct unpack *from); /* a part of what is read */
/* Everything asked for was there, and that was all. */
bool unpack_end(const struct unpack *from);

#endif
