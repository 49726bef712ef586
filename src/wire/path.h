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

bool path_level_parse(struct bytes name, enum path_level *out); /* Istio's names */

/*
 * `in` is a path with its query and, wrongly, perhaps a fragment. *out is in the
 * arena, or `in` itself when nothing changes. Refused: what does not begin with
 * "/", %00, a percent sign without two hex digits where the level decodes.
 */
bool path_normalize(struct bytes in, enum path_level level, struct arena *arena, struct bytes *out,
                    struct fail *why);
/* Without query and fragment: what policies compare. */
struct bytes path_only(struct bytes path);

#endif
