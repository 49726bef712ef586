/*
 * source_directory: the thread that watches the directory of the resources, and
 * those who know secrets.
 *
 * It posts what lies there whenever that is something new: told by inotify, once
 * things have been quiet for a moment, and by a slow look around in any case.
 */
#ifndef CONTROL_SOURCE_DIRECTORY_H
#define CONTROL_SOURCE_DIRECTORY_H

#include "control/mailbox.h"
#include "control/settings.h"
#include "control/source_walk.h"

/* LETTER_SOURCE */
struct source_letter {
    struct letter letter;
    struct source_files files;
    struct bytes gone; /* not empty: why the directory itself could not be read */
};

struct source_times {
    int64_t settle_ms;     /* quiet for so long means somebody has finished writing */
    int64_t settle_max_ms; /* but no longer than this after the first change */
    int64_t rescan_ms;
};
extern const struct source_times source_times_default; /* 20 ms, 200 ms, 10 s */

struct source_directory;
/* `settings` are borrowed; they say which directory, and who knows secrets. */
struct source_directory *source_directory_start(const struct settings *settings,
                                                const struct source_times *times, struct mailbox *out);
/* Takes a new look now, whatever inotify says. */
void source_directory_nudge(struct source_directory *source);
void source_directory_stop(struct source_directory *source);

#endif
