/*
 * secrets: everybody who knows secrets, asked in turn.
 *
 * What they know becomes Secret resources beside those of the rules: whoever refers to a Secret does not see
 * where it comes from, and what cannot be read keeps the last good rules in force. A provider more is a row
 * of the table in secrets.c.
 */
#ifndef CONTROL_SECRETS_H
#define CONTROL_SECRETS_H

#include "control/secret_values.h"
#include "control/settings.h"
#include "control/source_walk.h"

/* One who knows secrets. */
struct secret_provider {
    const char *name;
    /* What it is called in messages: a path, or what people know it by. In the arena. */
    struct bytes (*place)(const struct settings *settings, struct arena *arena);
    /*
     * All it knows, none when it is not in use; directories get a watch in `inotify` unless it is -1.
     * `touched` gets what changes whenever the values may have changed. Without `read` values stay empty:
     * that is asked every few seconds and must be cheap. Values lie in the arena.
     */
    bool (*read)(const struct settings *settings, int inotify, bool read, struct arena *arena,
                 struct secret_values *out, struct digest_work *touched, struct fail *why);
};

/* The Secrets of all providers behind `files`, each as a document; a provider that fails is a file with an
 * error. */
void secrets_add(const struct settings *settings, int inotify, struct arena *arena,
                 struct source_files *files, struct digest *touched);
/* What `touched` would be now. */
struct digest secrets_touched(const struct settings *settings);

#endif
