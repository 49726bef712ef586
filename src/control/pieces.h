/*
 * pieces: bytes behind their lengths, for what is sealed and read back by ourselves.
 */
#ifndef CONTROL_PIECES_H
#define CONTROL_PIECES_H

#include "base/text.h"

/* A length of four bytes in the machine's order, then the bytes. */
void piece_write(struct text *out, struct bytes piece);
/* Takes the first of `in`; false when it ends too soon. */
bool piece_read(struct bytes *in, struct bytes *out);

#endif
