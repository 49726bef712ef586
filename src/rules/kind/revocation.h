/*
 * revocation: selvage.dev Revocation, certificates that are refused from now on,
 * by their serials.
 */
#ifndef RULES_KIND_REVOCATION_H
#define RULES_KIND_REVOCATION_H

#include "rules/kind/common.h"

struct revocation {
    struct group group;
    struct text_list serials; /* as written */
    struct bytes reason;
};

/* Lower-case hex without colons and leading zeros, in the arena, as certificates have it. False: it is no
 * serial (RFC 5280 4.1.2.2: at most 20 bytes, above 0). */
bool revocation_serial(struct bytes text, struct arena *arena, struct bytes *out);

extern const struct kind revocation_kind;

#endif
