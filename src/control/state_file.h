/*
 * state_file: whole files, read within a bound and replaced all at once.
 */
#ifndef CONTROL_STATE_FILE_H
#define CONTROL_STATE_FILE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/fail.h"

/* A regular file of at most `max` bytes. Never waits on a pipe or a device. */
bool file_read(const char *path, size_t max, struct arena *arena, struct bytes *out, struct fail *why);
/* New content under the old name, or the old file untouched: written beside it, synced, renamed. */
bool file_replace(const char *path, struct bytes content, mode_t mode, struct fail *why);
/* The directory and those above it that are missing. */
bool directory_make(const char *path, mode_t mode, struct fail *why);
/* directory/name with NUL, in the arena. */
const char *path_join(struct arena *arena, struct bytes directory, const char *name);

#endif
