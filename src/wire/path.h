/*
 * path: a request target's path, normalised once, before any decision.
 *
 * Istio's four levels (meshConfig.pathNormalization). The path decided on is the
 * path sent on: there is no second form.
 */
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include "base/arena.h"
#include "base/fail.h"

enum path_level {
    PATH_NONE,
    PATH_BASE, /* Istio's default: RFC 3986 6.2.2.3 dot segments, "\" to "/", unreserved decoded */
    PATH_MERGE_SLASHES,
    PATH_DECODE_AND_MERGE_SLASHES, /* %2F and %5C too */
};

bool path_level_parse(struct bytes name, enum path_level *out); /* Istio's names; DEFAULT is BASE */

/*
 * `in` is a path with its query and, wrongly, perhaps a fragment, which is cut
 * at every level. The query is left alone. *out is in the arena, or a part of
 * `in` itself when nothing else changes. Refused: what does not begin with "/",
 * raw controls and spaces, %00 in the path, and a percent sign without two hex
 * digits where the level decodes. Normalising the result again changes nothing.
 */
bool path_normalize(struct bytes in, enum path_level level, struct arena *arena, struct bytes *out,
                    struct fail *why);
/* Without query and fragment: what policies compare. */
struct bytes path_only(struct bytes path);

/* The levels' single steps, in place, on a path without query; the new length answers. */
size_t path_unescape_slashes(char *at, size_t len); /* %2F and %5C */
size_t path_merge_slashes(char *at, size_t len);
/* "/a;x=1/b" becomes "/a/b" (RFC 3986 3.3), as servlet containers read it. None of Istio's levels does it. */
size_t path_remove_parameters(char *at, size_t len);

#endif
