/*
 * last_good: the files of the rules that were last in force, so that a node
 * starts without its source.
 *
 * Kept whole and as they came, Secrets among them, hence sealed as a whole.
 */
#ifndef CONTROL_LAST_GOOD_H
#define CONTROL_LAST_GOOD_H

#include "control/settings.h"
#include "control/source_walk.h"

bool last_good_write(const struct settings *settings, const struct source_files *files, struct fail *why);
/* Files lie in the arena. */
bool last_good_read(const struct settings *settings, struct arena *arena, struct source_files *out,
                    struct fail *why);

#endif
