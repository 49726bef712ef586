/*
 * canonical: a resource as the one JSON text that every node agrees on.
 *
 * Members sorted, scalars typed, fields that mean nothing (null) left out; of
 * the metadata only name, namespace, labels and annotations; no places in
 * files. A Secret is represented by its type and the names of its values.
 * The revision is SHA-256 over the lines `kind namespace name digest`, sorted.
 */
#ifndef RULES_CANONICAL_H
#define RULES_CANONICAL_H

#include "rules/resource.h"

void canonical_write(const struct resource *resource, struct text *out);
struct digest canonical_digest(const struct resource *resource, struct arena *scratch);
/* Of resources already sorted, with their digests set. */
struct digest canonical_revision(struct resource *const *resources, size_t count, struct arena *scratch);

#endif
