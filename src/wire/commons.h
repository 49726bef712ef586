/*
 * commons: the memory that all workers of a node share, read and write. The
 * supervisor makes it, and keeps it as long as it lives.
 */
#ifndef WIRE_COMMONS_H
#define WIRE_COMMONS_H

#include "wire/counts.h"
#include "wire/health.h"

struct commons {
    uint32_t workers; /* written once, by the supervisor */
    struct health_memory health;
    struct counts_memory counts;
};

#endif
