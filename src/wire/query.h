/*
 * query: single parameters of a request target's query, whatever else stands in
 * it. For forms that decide by themselves see wire/form.h.
 */
#ifndef WIRE_QUERY_H
#define WIRE_QUERY_H

#include "base/arena.h"
#include "base/bytes.h"

/*
 * The first parameter of that name, percent escapes decoded in name and value (a broken
 * one stays as it is). `path` is a path with its query. False: there is none; one without
 * "=" has an empty value. The arena is only touched for what has escapes.
 */
bool query_value(struct bytes path, struct bytes name, struct arena *arena, struct bytes *value);
/* The path without any parameter of that name, the others as they came; without "?" when none is left. */
struct bytes query_without(struct bytes path, struct bytes name, struct arena *arena);

#endif
