/*
 * limits: what a node accepts of whoever calls it, as selvage.yaml writes it
 * under `limits`, and as one worker reads it.
 *
 * One table of fields a group; each field lies in a struct rules_limits, of which
 * a group fills in its own part.
 */
#ifndef RULES_LIMITS_H
#define RULES_LIMITS_H

#include "rules/field.h"
#include "rules/snapshot.h"

struct limits_group {
    struct group group;
    struct rules_limits is;
};

struct limits {
    struct group group;
    struct limits_group *request; /* none is NULL after limits_complete */
    struct limits_group *connection;
    struct limits_group *http2;
    struct limits_group *memory;
};

extern const struct field_table limits_table;

/* Groups that were not written get their defaults; what contradicts itself is an error. */
void limits_complete(struct limits *limits, struct report *report);
/* What one of `workers` workers holds to. `memory_bytes`: what the node may use when nothing was written. */
void limits_resolve(const struct limits *limits, enum rules_role role, int64_t workers, int64_t memory_bytes,
                    struct rules_limits *out);
/* The same when nothing at all was written, for one worker. */
void limits_preset(enum rules_role role, struct rules_limits *out);

#endif
