/*
 * parsed_files: files of resources as they were parsed, kept for as long as some
 * edition stands on them: what has not changed is not parsed again.
 *
 * For control's main thread only.
 */
#ifndef CONTROL_PARSED_FILES_H
#define CONTROL_PARSED_FILES_H

#include "base/map.h"
#include "control/source_walk.h"
#include "rules/resource.h"

struct parsed_file {
    uint32_t refs;
    char *name;
    struct digest digest; /* of the content */
    uint64_t used;        /* by which edition it was asked for last */
    struct resource_set set;
};

struct parsed_files {
    struct map by_name; /* the newest content of each */
    uint64_t round;
};

void parsed_files_init(struct parsed_files *files);
void parsed_files_done(struct parsed_files *files);

/* What an edition asks for from here on is of one round. */
void parsed_files_begin(struct parsed_files *files);
/* A reference; `file` has content and digest. */
struct parsed_file *parsed_files_get(struct parsed_files *files, const struct source_file *file);
/* Forgets what was not asked for in this round. */
void parsed_files_end(struct parsed_files *files);

void parsed_file_unref(struct parsed_file *file);

#endif
