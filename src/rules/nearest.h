/*
 * nearest: of several names the one that somebody who mistyped most likely meant.
 */
#ifndef RULES_NEAREST_H
#define RULES_NEAREST_H

#include "base/bytes.h"

struct nearest {
    struct bytes wrong;
    const char *name; /* NULL: none is near enough */
    size_t distance;
};

void nearest_init(struct nearest *nearest, struct bytes wrong);
void nearest_try(struct nearest *nearest, const char *name);

#endif
