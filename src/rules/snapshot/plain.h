/*
 * plain: rows that say nothing by themselves: texts, address ranges, numbers, for
 * whatever row refers to them.
 */
#ifndef RULES_SNAPSHOT_PLAIN_H
#define RULES_SNAPSHOT_PLAIN_H

#include "wire/image.h"

struct rules_name {
    struct image_text text;
};

struct rules_network {
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint32_t bits;             /* of 128 */
    uint32_t spare;
};

struct rules_number {
    uint64_t number;
};

#endif
