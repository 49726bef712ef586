/*
 * paths: files named on the command line, read into a set of resources.
 */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include "rules/resource.h"

/* A file, a directory (its .yaml, .yml and .json in order of name), or - for standard input. */
bool paths_add(struct resource_set *set, const char *path, bool recursive, struct fail *why);

#endif
