/*
 * examples: the files of examples/, as they were when this was built.
 */
#ifndef CLI_EXAMPLES_H
#define CLI_EXAMPLES_H

#include "base/bytes.h"

struct example {
    const char *path; /* below examples/: demo/edge.yaml */
    struct bytes text;
};

extern const struct example examples[];
extern const size_t example_count;

#endif
