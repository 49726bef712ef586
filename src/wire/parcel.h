/*
 * parcel: what is longer than one frame, in several of them (wire/frame.h).
 *
 * The parts of a parcel follow each other on a channel without another one
 * between; a frame's number says where its text belongs and how long the whole
 * is. Whoever receives keeps one parcel for each channel, and whatever does not
 * fit to what came before is dropped with it.
 */
#ifndef WIRE_PARCEL_H
#define WIRE_PARCEL_H

#include "wire/frame.h"

#define PARCEL_MAX (32 * 1024)

struct parcel {
    uint64_t id;
    size_t total;
    size_t len;
    char *at; /* heap, PARCEL_MAX; NULL before the first */
};

/* Zeroed is empty. */
void parcel_done(struct parcel *parcel);
/* True: it is whole now, and its bytes stay until the next call. */
bool parcel_take(struct parcel *parcel, const struct frame *frame, struct bytes *out);

/* The next frame for those bytes from *at on; false when all of them have gone. Not empty, at most
 * PARCEL_MAX. */
bool parcel_next(struct bytes all, size_t *at, struct frame *frame);

#endif
