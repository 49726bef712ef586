/*
 * source_walk: which resource files lie below a directory, and what is in them.
 *
 * Hidden names are passed over and links followed, as Kubernetes' mounts need
 * it: there the files are links through ..data, which is swapped as a whole.
 * What cannot be read is kept with the reason: it must never look as if it had
 * been taken away.
 */
#ifndef CONTROL_SOURCE_WALK_H
#define CONTROL_SOURCE_WALK_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/fail.h"
#include "crypt/digest.h"

#define SOURCE_FILE_MAX ((size_t)4 << 20)
#define SOURCE_FILES_MAX 20000
#define SOURCE_BYTES_MAX ((size_t)256 << 20)
#define SOURCE_DEPTH_MAX 16

/* What tells that a file was touched. */
struct source_stamp {
    int64_t device, inode, size;
    int64_t modified_s, modified_ns;
    int64_t changed_s, changed_ns;
};

struct source_file {
    struct bytes name; /* path as a person would open it; NUL follows */
    struct bytes content;
    struct digest digest; /* of the content */
    struct bytes error;   /* not empty: why there is no content */
    struct source_stamp stamp;
};

struct source_keep;

struct source_files {
    struct source_file *at; /* sorted by name */
    size_t count;
};

/* Names and what fstat says of them: equal digests mean that nothing was touched. Directories get a watch in
 * `inotify` unless it is -1. Fails when the directory itself cannot be opened. */
bool source_walk(struct bytes directory, int inotify, struct arena *arena, struct source_files *out,
                 struct digest *touched, struct fail *why);
/* Fills in content and digest, or error; from `keep` what was not touched since. False: some of it was
 * touched while it was read. */
bool source_read(struct source_files *files, struct source_keep *keep, struct arena *arena);
/* What a watch told so far is forgotten. */
void source_events_drop(int inotify);
/* Both, again until nothing was touched meanwhile (five times at most). */
bool source_take(struct bytes directory, int inotify, struct source_keep *keep, struct arena *arena,
                 struct source_files *out, struct digest *touched, struct fail *why);
/* Of names and contents. */
struct digest source_digest(const struct source_files *files);

#endif
