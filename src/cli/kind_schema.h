/*
 * kind_schema: the tables of the resource kinds as a JSON Schema (draft 7), for editors.
 *
 * It holds what a table says of single fields: names, types, bounds, forms. What
 * must hold between fields only `selvage analyze` knows.
 */
#ifndef CLI_KIND_SCHEMA_H
#define CLI_KIND_SCHEMA_H

#include "base/text.h"

/* Of one kind, of `settings`, or (name "") of all; false when there is no such kind. */
bool kind_schema_write(struct bytes name, struct bytes api, struct text *out);

#endif
