/*
 * json_plain: the plain JSON that nearly every token is, read faster than
 * jansson reads it.
 *
 * Knows objects, arrays, literals, strings without escapes and whole numbers
 * from 0 of up to 18 digits. At anything else, right or wrong, it gives up, and
 * jansson reads the text from the start: so it decides nothing by itself, and
 * what it answers must be what jansson would have (json_fuzz compares them).
 */
#ifndef WIRE_JSON_PLAIN_H
#define WIRE_JSON_PLAIN_H

#include "wire/json.h"

/* A new reference, or NULL: ask jansson. */
json_t *json_plain_read(struct bytes in);

#endif
