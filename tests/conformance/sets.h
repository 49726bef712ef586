/*
 * sets: folders of sets, a folder each with cases.json, meta.json and resources.
 */
#ifndef CONFORMANCE_SETS_H
#define CONFORMANCE_SETS_H

#include "base/arena.h"
#include "rows.h"

struct set {
    const char *folder; /* of all sets */
    const char *name;
    const json_t *meta;
    struct bytes resources; /* the text of the file asked for; empty when it holds nothing */
};

/* Fills *why in unless it passed. */
typedef enum row_verdict set_judge(const struct set *set, const json_t *row, struct arena *arena,
                                   struct fail *why);

/* The exit status. `resources` is the file's name in each set. */
int sets_play(const char *group, const char *folder, const char *resources, set_judge *judge);

/* A file's content in the arena; false: there is none. */
bool set_file(const char *folder, const char *name, struct arena *arena, struct bytes *out);

#endif
