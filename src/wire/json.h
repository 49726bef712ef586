/*
 * json: jansson, with our bounds. RFC 8259.
 *
 * Duplicate members, NUL in strings, what is not UTF-8, and trailing bytes are
 * refused; nesting is at most 64 deep.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 64

/* Any value, not only objects. A new reference, or NULL with *why. `max` bounds the input's length. */
json_t *json_read(struct bytes in, size_t max, struct fail *why);
/* The string's bytes, or empty with false when it is no string or absent. */
bool json_text(const json_t *value, struct bytes *out);
bool json_member_text(const json_t *object, const char *name, struct bytes *out);
/* Compact, members sorted: the canonical form that is hashed and compared. */
void json_write(struct text *out, const json_t *value);

#endif
