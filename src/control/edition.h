/*
 * edition: one set of resources as it was read, judged and compiled for this node.
 */
#ifndef CONTROL_EDITION_H
#define CONTROL_EDITION_H

#include "control/parsed_files.h"
#include "control/settings.h"
#include "control/source_walk.h"
#include "rules/compile/compile.h"

struct edition {
    struct arena arena;
    struct parsed_file **parsed; /* what the set stands on */
    size_t parsed_count;
    struct resource_set set;
    struct compile_result result;
    bool compiled;        /* may be put in force */
    bool deny_all;        /* it only refuses */
    struct bytes problem; /* why it was not compiled, one sentence, or empty */
    struct digest source; /* of the files it came from */
    int64_t read_us;      /* wall time */
    uint64_t generation;
    bool analyzed;
    struct findings analysis; /* see edition_analysis */
};

/* What compile wants to know of the node; lies in the arena, borrows from the settings. */
struct compile_node edition_node(const struct settings *settings, struct arena *arena);

/* Never NULL: look at `compiled`. Nothing of `files` is kept; what was parsed before is not parsed again. */
struct edition *edition_make(const struct settings *settings, const struct source_files *files,
                             struct parsed_files *parsed, uint64_t generation);
/* The one that refuses everything. */
struct edition *edition_deny(const struct settings *settings, const struct source_files *files,
                             struct parsed_files *parsed, struct bytes reason,
                             uint64_t generation); /* files: may be NULL */
/* What analyzers say about it, worked out when first asked for: advice, which keeps nothing from being put in
 * force. */
const struct findings *edition_analysis(struct edition *edition);
void edition_free(struct edition *edition);

#endif
