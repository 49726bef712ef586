/*
 * memory_available: how much memory this node may use: the least of what its
 * control groups (version 2), its resource limits and the machine allow.
 */
#ifndef CONTROL_MEMORY_AVAILABLE_H
#define CONTROL_MEMORY_AVAILABLE_H

#include "base/bytes.h"

int64_t memory_available(void);

/* The least memory.max of the group `path` (as /proc/self/cgroup names it) and those above it, below `root`;
 * INT64_MAX: none is set. */
int64_t memory_of_group(const char *root, const char *path);

#endif
