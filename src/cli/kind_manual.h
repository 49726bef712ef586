/*
 * kind_manual: selvage-resources(5), every kind with every field, as man reads it.
 */
#ifndef CLI_KIND_MANUAL_H
#define CLI_KIND_MANUAL_H

#include "base/text.h"

void kind_manual_write(struct text *out);

#endif
