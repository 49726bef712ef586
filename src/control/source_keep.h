/*
 * source_keep: what was read from files before, so that a file that nobody touched
 * is not read again.
 *
 * Untouched means: what stat says of it is the same, and it had been left alone
 * for some time when it was read, since file systems count time in steps.
 */
#ifndef CONTROL_SOURCE_KEEP_H
#define CONTROL_SOURCE_KEEP_H

#include "control/source_walk.h"

struct source_keep;
struct source_keep *source_keep_new(void);
void source_keep_free(struct source_keep *keep);

/* Content and digest as they were read before, borrowed until source_keep_end; false: it has to be read. */
bool source_keep_get(struct source_keep *keep, struct source_file *file);
/* Notes what was read now. */
void source_keep_put(struct source_keep *keep, const struct source_file *file);
/* Forgets what was neither got nor put since the last time. */
void source_keep_end(struct source_keep *keep);

#endif
