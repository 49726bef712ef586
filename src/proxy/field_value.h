/*
 * field_value: a header's value that rules compose of what the exchange knows
 * (rules/kind/header_value.h has the words for it).
 */
#ifndef PROXY_FIELD_VALUE_H
#define PROXY_FIELD_VALUE_H

#include "proxy/exchange.h"

struct value_part {
    enum rules_operator is;
    struct bytes text;
    struct bytes other;
    uint32_t max;
};

/* A copy in the exchange's own memory, for when the rules may be gone by then. */
struct value_part *value_parts_keep(struct exchange *x, struct image_rows rows);
/* Empty where nothing of it is known, or where it would be too long. */
struct bytes field_value_make(struct exchange *x, const struct value_part *parts, uint32_t count);

#endif
